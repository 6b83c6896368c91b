"""From a bundle to a model that may go live: verified, loaded, and equal to its golden tensors."""

from functools import partial
from pathlib import Path
from typing import Optional, Sequence, Tuple

from edge_app.services.models import ModelHost
from edge_app.services.serving import ModelCard
from inspector.bundle import Bundle, GoldenFrame
from inspector.render import encode_png
from inspector.runtime import Runner
from inspector.shipped import shipped_bundle
from inspector.signature import TrustedKey, read_trusted_keys

MAX_EXAMPLES = 4


def start_models(
    folder: Path,
    given: Optional[Path],
    *,
    threads: Optional[int],
    runtime: str = "auto",
    trusted_keys: Sequence[Path] = (),
) -> ModelHost:
    """Return a host of the models in `folder` whose model answers.

    That is `given`, or the one that served last, or on a fresh device the one that comes with the program.

    Args:
        runtime: One of `inspector.runtime.CHOICES`.
        trusted_keys: Files or folders of public keys; with any, only bundles that they signed are loaded.

    Raises:
        InspectorError: no model can be loaded; the first reason.
    """
    trusted = read_trusted_keys(trusted_keys) if trusted_keys else ()
    open_bundle = partial(Bundle.open, trusted_keys=trusted)
    host = ModelHost(
        folder,
        partial(load_model, threads=threads, runtime=runtime, trusted_keys=trusted),
        open_bundle=open_bundle,
    )
    if given is None and not host.list() and not trusted:
        given = shipped_bundle()
    try:
        host.start(given)
    except BaseException:
        host.close()
        raise
    return host


def load_model(
    bundle_path: Path,
    *,
    threads: Optional[int],
    runtime: str = "auto",
    trusted_keys: Sequence[TrustedKey] = (),
) -> Tuple[Runner, ModelCard]:
    """Open the bundle and prove that it gives the answers it was exported with.

    Raises:
        BundleError: the bundle is damaged, or its golden tensors come out differently on this machine.
        RuntimeUnavailableError: no runtime that can execute it is installed.
    """
    bundle = Bundle.open(bundle_path, trusted_keys=trusted_keys)
    runner = Runner.open(bundle, threads=threads, runtime=runtime)
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
