"""The exported network in the precision of its target."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from export.evidence import Score
from export.exported import Exported, load, score_with
from export.fp16 import to_fp16
from export.int8 import quantize_within_loss
from export.precision_cost import PrecisionError
from export.targets import FASTEST, Choice, Plan, choose_faster
from export.trained import Trained
from export.trial import trial_of
from inspector.console import Console
from inspector.errors import OperatorError
from inspector.manifest import QuantizationRecord

NUM_ROUNDS = 21  # of timing, of which the median counts


@dataclass(frozen=True)
class Deployed:
    """What goes into the bundle, and what answers as the target will.

    network: with the file as it is packed.
    answers: scores in the precision of the target; where the device makes FP16 of an FP32 file, those of an
        FP16 graph, not of the file.
    reason: why this precision, where it was measured.
    """

    network: Exported
    plan: Plan
    answers: Score
    reason: str | None = None
    quantization: QuantizationRecord | None = None


def deploy(
    trained: Trained, network: Exported, plan: Plan, *, console: Console, threads: int | None = None
) -> Deployed:
    """Bring `network`, which is FP32, to the precision of the plan; `console` hears how.

    Raises:
        PrecisionError: INT8 loses more than the recipe allows.
        OperatorError: the network cannot be written in that precision.
    """
    if plan.precision == "fp16":
        return _half(trained, network, plan, threads=threads)
    if plan.precision == "int8":
        return _quantized(trained, network, plan, console=console, threads=threads)
    if plan.precision == FASTEST:
        return _fastest(trained, network, plan, console=console, threads=threads)
    return full_precision(network, plan)


def full_precision(network: Exported, plan: Plan, *, reason: str | None = None) -> Deployed:
    """Return the network as it is."""
    return Deployed(network, replace(plan, precision="fp32"), network.score, reason)


def _half(trained: Trained, network: Exported, plan: Plan, *, threads: int | None) -> Deployed:
    model = to_fp16(network.model).SerializeToString(deterministic=True)
    score = score_with(load(model, trained, threads=threads).infer, size_hw=trained.size_hw)
    if plan.file_precision == "fp16":
        network = replace(network, model=model, score=score)
    return Deployed(network, plan, score)


def _quantized(
    trained: Trained, network: Exported, plan: Plan, *, console: Console, threads: int | None
) -> Deployed:
    found = quantize_within_loss(
        trained, network.model, flavour=plan.target.flavour, console=console, threads=threads
    )
    score = score_with(load(found.model, trained, threads=threads).infer, size_hw=trained.size_hw)
    return Deployed(replace(network, model=found.model, score=score), plan, score, quantization=found.record)


def _fastest(
    trained: Trained, network: Exported, plan: Plan, *, console: Console, threads: int | None
) -> Deployed:
    """Return INT8 where it is within the loss and faster on this machine, else FP32; it says why."""
    try:
        candidate = _quantized(
            trained, network, replace(plan, precision="int8"), console=console, threads=threads
        )
    except (PrecisionError, OperatorError) as error:
        choice = Choice("fp32", str(error))
    else:
        choice = choose_faster(
            *_time_in_turn(trained, network.model, candidate.network.model, threads=threads)
        )
    console.say(f"precision   {choice.precision}: {choice.reason}")
    if choice.precision == "int8":
        return replace(candidate, reason=choice.reason)
    return full_precision(network, plan, reason=choice.reason)


def _time_in_turn(
    trained: Trained, first: bytes, second: bytes, *, threads: int | None
) -> tuple[list[float], list[float]]:
    """Return the milliseconds of each network on the same image, one after the other in every round."""
    engines = [load(model, trained, threads=threads) for model in (first, second)]
    image = trial_of(trained, num_images=2).images[1]
    times_ms: tuple[list[float], list[float]] = ([], [])
    for _ in range(NUM_ROUNDS):
        for engine, taken_ms in zip(engines, times_ms, strict=True):
            start_s = time.perf_counter()
            engine.infer(image)
            taken_ms.append((time.perf_counter() - start_s) * 1000)
    return times_ms
