"""A finished run and the data set it was trained on, opened together and split as in training."""

from __future__ import annotations

from pathlib import Path

from export.trained import Trained
from inspector import __version__
from inspector.dataset import open_dataset, split_good
from inspector.errors import RunError
from search.run_folder import RunResult, load_network, load_result


def load_trained(run: Path, *, data: Path | None = None) -> Trained:
    """Open the run folder `run` and its data set, which is at `data` if it was moved.

    Raises:
        RunError: the run is not finished or damaged, or the data set is not the one it was trained on.
        DatasetError: the data set cannot be opened.
    """
    result = load_result(run)
    if result.state != "finished":
        raise RunError(
            f"the run {run} is {result.state}, not finished; continue it with the same search command"
        )
    dataset = open_dataset(_root(result, data=data, run=run), layout=result.data["layout"])
    fingerprint = dataset.fingerprint()
    if fingerprint != result.data["fingerprint"]:
        raise RunError(
            f"the data set at {dataset.root} is not the one that {run} was trained on (fingerprint "
            f"{fingerprint[:12]}..., not {result.data['fingerprint'][:12]}...), so its calibration images "
            "may have been trained on; give the original data with --data or run the search again"
        )
    split = split_good(
        dataset.train,
        validation=result.recipe["data"]["validation"],
        calibration=result.recipe["data"]["calibration"],
        seed=result.seed,
    )
    return Trained(
        name=run.resolve().name,
        detector=load_network(run),
        spec=result.network,
        space=result.space,
        digits=result.genes,
        size_hw=result.size_hw,
        recipe=result.recipe,
        seed=result.seed,
        dataset=dataset,
        calibration=split.calibration,
        validation=split.validation,
        fingerprint=fingerprint,
        code_version=str(result.provenance.get("code_version", __version__)),
    )


def _root(result: RunResult, *, data: Path | None, run: Path) -> Path:
    root = Path(result.data["root"]) if data is None else data
    if not root.is_dir():
        raise RunError(f"the data set of {run} is not at {root}; say where it is with --data DIR")
    return root
