"""The networks of the benchmark as files, with the pixel AUPR of each."""

import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.report import say
from benchmarks.runtime.networks import at_side, save_network
from export.demo import run_demo
from export.exported import export_network, load, score_with
from export.finished_run import load_trained
from export.int8 import quantize_within_loss
from export.targets import plan_for
from export.trained import Trained
from inspector.console import Console
from inspector.evaluation import evaluate
from inspector.postprocess import Thresholds

ANY_THRESHOLDS = Thresholds(fail=0.5, review=0.3, min_area_px=16)  # AUPR needs none


@dataclass(frozen=True)
class Subject:
    """A network as files for images of one side: PyTorch weights, FP32 and INT8.

    aupr_fp32, aupr_int8: on the run's test photos at the size that it was trained for.
    float_share: of the multiply-adds, in the INT8 file.
    """

    name: str
    weights: Path
    fp32: Path
    int8: Path
    aupr_fp32: float
    aupr_int8: float
    float_nodes: int
    float_share: float
    quantize_s: float

    @property
    def loss(self) -> float:
        return self.aupr_fp32 - self.aupr_int8


def finished_run(run: Path | None, work: Path, *, json_output: bool) -> Trained:
    """Return the network of the run; that of `inspector demo`, made in `work`, where none is given."""
    if run is None:
        run_demo(work / "demo", seed=0, console=Console(json_output=json_output))
        run = work / "demo" / "run"
    return load_trained(run)


def subject_of(trained: Trained, work: Path, *, side_px: int, json_output: bool) -> Subject:
    """Export `trained` at FP32 and INT8, evaluate both, and write them for images of `side_px`."""
    name = f"width {trained.spec.width}"
    stem = work / name.replace(" ", "_")
    files = (stem.with_suffix(".pt"), stem.with_suffix(".fp32.onnx"), stem.with_suffix(".int8.onnx"))
    console = Console(json_output=json_output)
    network = export_network(trained, console=console, threads=1)
    start_s = time.perf_counter()
    flavour = plan_for("cpu").target.flavour
    int8 = quantize_within_loss(trained, network.model, flavour=flavour, console=console, threads=1)
    quantize_s = time.perf_counter() - start_s
    save_network(trained, files[0])
    files[1].write_bytes(at_side(network.model, side_px))
    files[2].write_bytes(at_side(int8.model, side_px))
    before, after = _aupr(trained, network.model), _aupr(trained, int8.model)
    say(
        f"{name}: pixel AUPR {before:.4f} in FP32, {after:.4f} in INT8; quantised in {quantize_s:.0f} s",
        json_output=json_output,
    )
    floats = int8.record.float_nodes
    in_float = sum(layer.macs for layer in network.layers if layer.name in floats)
    share = in_float / network.size.macs
    return Subject(name, *files, before, after, len(floats), share, quantize_s)


def _aupr(trained: Trained, model: bytes) -> float:
    score = score_with(load(model, trained, threads=1).infer, size_hw=trained.size_hw)
    found = evaluate(score, trained.dataset.test, size_hw=trained.size_hw, thresholds=ANY_THRESHOLDS)
    assert found.pixel_aupr is not None
    return found.pixel_aupr
