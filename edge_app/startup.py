"""From a bundle to a model that may go live: verified, loaded, and equal to its golden tensors."""

from pathlib import Path
from typing import Optional, Sequence, Tuple

from edge_app.services.serving import ModelCard
from inspector.bundle import Bundle, GoldenFrame
from inspector.render import encode_png
from inspector.runtime import Runner

MAX_EXAMPLES = 4


def load_model(bundle_path: Path, *, threads: Optional[int]) -> Tuple[Runner, ModelCard]:
    """Open the bundle and prove that it gives the answers it was exported with.

    Raises:
        BundleError: the bundle is damaged, or its golden tensors come out differently on this machine.
        RuntimeUnavailableError: no runtime that can execute it is installed.
    """
    bundle = Bundle.open(bundle_path)
    runner = Runner.open(bundle, threads=threads)
    difference = runner.self_test()
    manifest = bundle.manifest
    card = ModelCard(
        name=manifest.name,
        version=manifest.version,
        created=manifest.created,
        input_hw=manifest.input_hw,
        thresholds=bundle.thresholds,
        runner=runner.name,
        num_parameters=manifest.parameters,
        self_test_difference=float(difference),
        examples=_examples(bundle.golden_frames),
        warning=manifest.thresholds.how.warning,
        digest=bundle.digest,
    )
    return runner, card


def _examples(golden: Sequence[GoldenFrame]) -> Tuple[bytes, ...]:
    """The golden frames with the clearest defects first, then one that looks good."""
    ranked = sorted(golden, key=lambda pair: -float(pair.score.mean()))
    chosen = ranked if len(ranked) <= MAX_EXAMPLES else [*ranked[: MAX_EXAMPLES - 1], ranked[-1]]
    return tuple(encode_png(pair.frame) for pair in chosen)
