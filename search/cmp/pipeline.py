"""Pipeline parallelism: each rank holds one partition, and chunks of a batch follow each other through them.

Source: [D] Sec. 3.3.2 (GPipe); torch.distributed.pipelining.
Differs from the source: [D] takes torchgpipe. As there a batch is one chunk unless asked otherwise, since BN
would see chunks, and smaller operations cost more.

The passes for A and for w are two runs of the schedule, one behind the other, with the weights frozen in the
first and the gates in the second: a schedule gives gradients to everything that wants them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn
from torch.distributed.pipelining import PipelineStage, ScheduleGPipe

from inspector.errors import InputError
from search.cmp.clock import Subject
from search.cmp.mixture import Gates, Mixture
from search.cmp.partition import State, even_sizes
from search.cmp.passes import Batch, Criterion, Losses, check_finite, check_sizes
from search.cmp.ranks import sum_over_ranks


class PipelineParallel:
    """The partition of this rank. Its own weights get gradients; A gets them on every rank.

    Args:
        stages: Of the whole supernet, alike on all ranks; those of the other ranks are left alone.
        sizes: How many stages each rank has.

    Raises:
        InputError: more ranks than stages, or sizes that do not fit.
    """

    def __init__(
        self,
        stages: Sequence[nn.Module],
        criterion: Criterion,
        fabric: Fabric,
        *,
        sizes: Sequence[int] | None = None,
        num_chunks: int = 1,
    ) -> None:
        ranks = fabric.world_size
        sizes = even_sizes(len(stages), ranks) if sizes is None else sizes
        if len(sizes) != ranks or sum(sizes) != len(stages) or min(sizes) < 1:
            raise InputError(f"{sizes} stages do not share out {len(stages)} stages to {ranks} processes")
        first = sum(sizes[: fabric.global_rank])
        self._fabric = fabric
        self._num_chunks = num_chunks
        self._part = _Part(stages, first, sizes[fabric.global_rank]).to(fabric.device)
        self._schedules = {subject: self._make_schedule(criterion) for subject in ("A", "w")}

    @property
    def weights(self) -> list[nn.Parameter]:
        """The weights of this rank."""
        return list(self._part.parameters())

    def gradients(self, *, train: Batch, valid: Batch, mixture: Mixture) -> Losses:
        check_sizes(train, valid)
        if len(train.inputs) % self._num_chunks:
            raise InputError(
                f"a batch of {len(train.inputs)} samples cannot be cut into {self._num_chunks} equal chunks"
            )
        gates = mixture.leaves(self._fabric.device, with_grad=True)
        self._part.arguments = mixture.bind(gates)
        with _frozen(self.weights):
            of_valid = self._run("A", valid)
        self._part.arguments = mixture.bind(mixture.leaves(self._fabric.device, with_grad=False))
        of_train = self._run("w", train)
        losses = self._told(of_train, of_valid)
        check_finite(losses)
        mixture.backward([self._gate_grads(gates)])
        return losses

    def close(self) -> None:
        """There is nothing to give back: the processes are those of `on_ranks`."""

    def _make_schedule(self, criterion: Criterion) -> ScheduleGPipe:
        fabric = self._fabric
        stage = PipelineStage(self._part, fabric.global_rank, fabric.world_size, fabric.device)

        def loss(output: Tensor | State, target: Tensor) -> Tensor:
            return criterion(output if isinstance(output, tuple) else (output,), target)

        return ScheduleGPipe(stage, self._num_chunks, loss_fn=loss)

    def _run(self, subject: Subject, batch: Batch) -> float:
        """Return the loss on the last rank, and 0 elsewhere."""
        rank, last = self._fabric.global_rank, self._fabric.world_size - 1
        inputs = [batch.inputs.to(self._fabric.device)] if rank == 0 else []
        losses: list[Tensor] = []
        told: dict[str, Any] = {}
        if rank == last:
            told = {"target": batch.target.to(self._fabric.device), "losses": losses}
        self._schedules[subject].step(*inputs, return_outputs=False, **told)
        return sum(float(loss.detach()) for loss in losses) / self._num_chunks

    def _told(self, train: float, valid: float) -> Losses:
        told = torch.tensor([train, valid], dtype=torch.float64)
        return Losses(*sum_over_ranks([told], self._fabric)[0].tolist())

    def _gate_grads(self, gates: Gates) -> list[Tensor]:
        """Add up what each rank's cells give to the gates; the schedule divides by the chunks for w alone."""
        mine = [torch.zeros_like(gate) if gate.grad is None else gate.grad for gate in gates]
        return [total / self._num_chunks for total in sum_over_ranks(mine, self._fabric)]


class _Part(nn.Module):
    """Consecutive stages as one module of positional tensors, as the schedule calls it."""

    def __init__(self, stages: Sequence[nn.Module], first: int, size: int) -> None:
        super().__init__()
        self.stages = nn.ModuleList(stages[first : first + size])
        self._first = first
        self.arguments: Sequence[Any] = ()

    def forward(self, *state: Tensor) -> Tensor | State:
        for number, stage in enumerate(self.stages, start=self._first):
            state = stage(state, self.arguments[number])
        return state if len(state) > 1 else state[0]


@contextmanager
def _frozen(parameters: Sequence[nn.Parameter]) -> Iterator[None]:
    """Let parameters want no gradient within the block."""
    learning = [one for one in parameters if one.requires_grad]
    for one in learning:
        one.requires_grad_(False)
    try:
        yield
    finally:
        for one in learning:
            one.requires_grad_(True)
