"""The networks of the benchmark as files, with the pixel AUPR of each."""

from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.report import say
from benchmarks.runtime.networks import PAPER, save_network, train_narrow, widened
from export.exported import export_network, load, score_with
from export.int8 import quantize_within_loss
from export.targets import plan_for
from export.trained import Trained
from inspector.console import Console
from inspector.dataset import open_dataset
from inspector.demo_part import write_demo_part
from inspector.evaluation import evaluate
from inspector.postprocess import Thresholds
from search.recipe import Recipe, parse_recipe

MAX_LOSS = 0.005
ANY_THRESHOLDS = Thresholds(fail=0.5, review=0.3, min_area_px=16)  # AUPR needs none


@dataclass(frozen=True)
class Subject:
    """A network as files: PyTorch weights, FP32 and INT8, and the pixel AUPR of both."""

    name: str
    weights: Path
    fp32: Path
    int8: Path
    aupr_fp32: float
    aupr_int8: float
    float_nodes: int

    @property
    def loss(self) -> float:
        return self.aupr_fp32 - self.aupr_int8


def at_paper_width(narrow: Trained) -> Trained:
    """Return the same function with the channels of the paper."""
    return replace(
        narrow,
        name="runtime-paper",
        detector=widened(narrow.detector, width=PAPER),
        spec=replace(narrow.spec, width=PAPER, reconstructor_width=PAPER),
    )


def trained_narrow(work: Path, *, steps: int) -> Trained:
    """Draw the built-in part and train the narrow network on it; what is in `work` already is used."""
    part = work / "part"
    if not part.exists():
        write_demo_part(part, seed=0, num_train=80, num_test_good=8, num_per_defect=4)
    recipe: Recipe = parse_recipe(
        {
            "preset": "quick",
            "data": {"root": str(part), "size": 256},
            "retraining": {"steps": steps},
            "export": {"max_aupr_loss": MAX_LOSS, "calibration_images": 16, "trial_images": 8},
        }
    )
    return train_narrow(open_dataset(part), recipe, work)


def subject_of(trained: Trained, work: Path, *, json_output: bool) -> Subject:
    """Export `trained`, quantise it and evaluate both on the part's real defects."""
    name = f"width {trained.spec.width}"
    stem = work / name.replace(" ", "_")
    files = (stem.with_suffix(".pt"), stem.with_suffix(".fp32.onnx"), stem.with_suffix(".int8.onnx"))
    console = Console(json_output=json_output)
    fp32 = export_network(trained, console=console, threads=1).model
    int8 = quantize_within_loss(trained, fp32, flavour=plan_for("cpu").target.flavour, console=console)
    save_network(trained, files[0])
    files[1].write_bytes(fp32)
    files[2].write_bytes(int8.model)
    before, after = _aupr(trained, fp32), _aupr(trained, int8.model)
    say(f"{name}: pixel AUPR {before:.4f} in FP32, {after:.4f} in INT8", json_output=json_output)
    return Subject(name, *files, before, after, len(int8.record.float_nodes))


def _aupr(trained: Trained, model: bytes) -> float:
    score = score_with(load(model, trained).infer, size_hw=trained.size_hw)
    found = evaluate(score, trained.dataset.test, size_hw=trained.size_hw, thresholds=ANY_THRESHOLDS)
    assert found.pixel_aupr is not None
    return found.pixel_aupr
