"""The two passes of one step, task by task: what is kept between forward and backward, and what comes out.

Source: [D] Algorithm 1, lines 5 and 6.

Who calls `run`, in which order and in which threads, is a parallelism's own; the figures are the same to the
last bit, since every task computes from the same tensors with the same operations.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

import torch
from torch import Tensor

from inspector.errors import InputError, TrainingError
from search.cmp.clock import Subject, Task
from search.cmp.mixture import Mixture
from search.cmp.parcel import Parcel
from search.cmp.partition import Grads, Kept, Partition, State

Criterion = Callable[[State, Tensor], Tensor]  # the last stage's state and the target -> loss, a scalar


@dataclass(frozen=True)
class Batch:
    """What a pass begins and ends with; the first partition takes the inputs, the last one the target."""

    inputs: Tensor
    target: Tensor


@dataclass(frozen=True)
class Losses:
    """L_train and L_valid of a step, from before its update."""

    train: float
    valid: float


@dataclass(frozen=True)
class Span:
    """When a task ran, in seconds of `time.perf_counter`; on a GPU: when it was queued."""

    begin_s: float
    end_s: float


class Passes:
    """One step's passes: over `valid` for the gradient of A, over `train` for that of w.

    Args:
        synchronize: Wait for the device after each task, so that `spans` say how long it computed.

    Raises:
        InputError: the batches differ in size.
    """

    def __init__(
        self,
        partitions: Sequence[Partition],
        criterion: Criterion,
        *,
        train: Batch,
        valid: Batch,
        mixture: Mixture,
        synchronize: bool = False,
    ) -> None:
        check_sizes(train, valid)
        self._partitions = partitions
        self._criterion = criterion
        self._batches: Mapping[Subject, Batch] = {"A": valid, "w": train}
        self._mixture = mixture
        self._synchronize = synchronize
        self._autocast = [_autocast_of_caller(one.device.type) for one in partitions]
        self._kept: dict[tuple[Subject, int], Kept] = {}
        self._losses: dict[Subject, Tensor] = {}
        self._grads: dict[tuple[Subject, int], Grads] = {}
        self.spans: dict[Task, Span] = {}

    def run(self, task: Task, received: Parcel | None) -> Parcel:
        """Do one task; `received` comes from the task that it needs. Returns what its neighbour needs.

        Raises:
            TrainingError: a stage or the loss failed; the message names the partition.
        """
        one = self._partitions[task.partition]
        begin_s = time.perf_counter()
        try:
            go = self._forward if task.phase.is_forward else self._backward
            sent = go(task, one, received)
            if self._synchronize and one.device.type == "cuda":
                torch.cuda.synchronize(one.device)
        except Exception as error:
            raise failure(f"{one} failed in {task.phase.value}", error) from error
        self.spans[task] = Span(begin_s, time.perf_counter())
        return sent

    def finish(self) -> Losses:
        """Give weights and A their gradients, and return the losses.

        Raises:
            TrainingError: a loss is not finite; no gradient is given then.
        """
        losses = Losses(train=float(self._losses["w"]), valid=float(self._losses["A"]))
        check_finite(losses)
        for one in self._partitions:
            for weight, grad in zip(one.weights, self._grads["w", one.index], strict=True):
                weight.grad = grad
        self._mixture.backward([self._grads["A", one.index] for one in self._partitions])
        return losses

    def _forward(self, task: Task, one: Partition, received: Parcel | None) -> Parcel:
        subject = task.phase.subject
        batch = self._batches[subject]
        state = (
            Parcel((batch.inputs,)).unpack(one.device) if received is None else received.unpack(one.device)
        )
        whole = tuple(x for x in state if x is not None)
        with self._autocast[one.index]():
            kept = one.forward(whole, self._mixture, for_gates=subject == "A")
            if one.index == len(self._partitions) - 1:
                loss = self._criterion(kept.outputs, batch.target.to(one.device))
                self._losses[subject] = loss.detach()
                kept = Kept(kept.inputs, kept.gates, (loss,))
        self._kept[subject, one.index] = kept
        return Parcel.pack(tuple(y.detach() for y in kept.outputs), one.device)

    def _backward(self, task: Task, one: Partition, received: Parcel | None) -> Parcel:
        subject = task.phase.subject
        kept = self._kept.pop((subject, one.index))
        grads: Grads = (None,) if received is None else received.unpack(one.device)
        targets = kept.gates if subject == "A" else one.weights
        with torch.autocast(one.device.type, enabled=False):
            of_inputs, found = one.backward(kept, grads, targets)
        self._grads[subject, one.index] = found
        return Parcel.pack(of_inputs, one.device)


def check_sizes(train: Batch, valid: Batch) -> None:
    """Refuse batches of different sizes.

    Raises:
        InputError: see above; a phase would last longer than the one it overlaps with.
    """
    sizes = (len(train.inputs), len(valid.inputs))
    if sizes[0] != sizes[1]:
        raise InputError(
            f"the training batch holds {sizes[0]} samples and the validation batch {sizes[1]}; both loaders "
            "need the same batch size, and must drop a last batch that is smaller"
        )


def check_finite(losses: Losses) -> None:
    """Refuse a loss that is infinite or no number.

    Raises:
        TrainingError: see above.
    """
    for name, loss in (("training", losses.train), ("validation", losses.valid)):
        if not math.isfinite(loss):
            raise TrainingError(
                f"the {name} loss is {loss}; neither weights nor architecture were updated by this step: "
                "lower the learning rate, or look for bad values in the data"
            )


def failure(what: str, error: Exception) -> TrainingError:
    """Return the error of a partition in words that say what to do."""
    if _is_out_of_memory(error):
        return TrainingError(
            f"{what}: out of memory ({_first_line(error)}); take a smaller batch, fewer stages on this "
            "device or more devices"
        )
    return TrainingError(f"{what}: {type(error).__name__}: {_first_line(error)}")


def _is_out_of_memory(error: Exception) -> bool:
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # The CPU's allocator raises a plain RuntimeError, in either of these words.
    return any(words in str(error) for words in ("can't allocate memory", "not enough memory"))


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or ["no message"])[0]


def _autocast_of_caller(kind: str) -> Callable[[], AbstractContextManager[object]]:
    """Autocasting belongs to a thread: what holds where the step is called shall hold in the workers."""
    enabled, dtype = torch.is_autocast_enabled(kind), torch.get_autocast_dtype(kind)
    return lambda: torch.autocast(kind, dtype=dtype, enabled=enabled)
