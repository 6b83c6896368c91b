"""Gradients of the gates of operations that were never run: the backward pass runs them, and forgets them.

Source: [D] Sec. 3.2.3, Eq. 3.6; the idea of a recomputing backward pass is also ProxylessNAS' (full_v2).
Differs from the source: one function a node, not one an edge. The active operations stay in the ordinary
graph, so that gradients of weights and inputs are those of any network, and an edge without an active
operation needs no zero operation. The second derivative is refused instead of being wrong.

A node gives  n = sum over (e, k) of G[e, k] o_k(x_e)  with G of zeros and ones. Its forward pass computes
the terms with G = 1 alone. Then  dL/dG[e, k] = <dL/dn, o_k(x_e)>  for every (e, k), which needs nothing but
the inputs x_e: one tensor for each node, shared by all nodes behind it.

Shape letters:  B batch   C channels   H, W rows, columns   E edges of the node   O operations on an edge
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.modules.batchnorm import _BatchNorm

Candidates = Sequence[Sequence[nn.Module]]  # [edge][operation]


def with_gate_gradients(
    output: Tensor, gates: Tensor, inputs: Sequence[Tensor], candidates: Candidates
) -> Tensor:
    """Return a node's output, behind which the backward pass also gives the gradient of its gates.

    Every candidate runs once more in the backward pass, one at a time and without a graph. Statistics of BN,
    random streams and the mode of every module are afterwards what they were. It runs under the autocast of
    the forward pass; the products are added up in float32 at least.

    Args:
        output: The sum of the active operations, in the ordinary graph.
        gates: (E, O); their values are not read. Without `requires_grad` nothing is done.
        inputs: One an edge. They may not be changed in place before the backward pass.
        candidates: For each edge its operations.

    Raises:
        ValueError: the numbers of edges or operations differ.
    """
    sizes = [len(of_edge) for of_edge in candidates]
    if len(inputs) != len(candidates) or list(gates.shape) != [len(sizes), sizes[0]]:
        raise ValueError(
            f"a node with {len(inputs)} inputs and {sizes} candidates has gates of shape {list(gates.shape)}"
        )
    if not gates.requires_grad:
        return output
    autocast = _Autocast.of(output.device.type)
    gated: Tensor = _GateGradients.apply(output, gates, candidates, autocast, *(x.detach() for x in inputs))
    return gated


class _GateGradients(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, output: Tensor, gates: Tensor, candidates: Candidates, autocast: _Autocast, *inputs: Tensor
    ) -> Tensor:
        ctx.save_for_backward(*inputs)
        ctx.candidates, ctx.autocast = candidates, autocast
        ctx.dtype = gates.dtype
        return output.view_as(output)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        inputs: tuple[Tensor, ...] = ctx.saved_tensors
        # A slice of the cell's output: BN adds the same numbers up in another order where they lie apart.
        grad = grad.contiguous()
        of_gates = None
        if ctx.needs_input_grad[1]:
            with _unnoticed(ctx.candidates, grad.device, ctx.autocast):
                rows = [
                    torch.stack([_product(grad, operation(x)) for operation in of_edge])
                    for x, of_edge in zip(inputs, ctx.candidates, strict=True)
                ]
            of_gates = torch.stack(rows).to(ctx.dtype)
        return (grad, of_gates, None, None, *(None for _ in inputs))


def _product(grad: Tensor, output: Tensor) -> Tensor:
    """Return <grad, output>, as the backward pass of a multiplication by a scalar would add it up."""
    if grad.dtype in (torch.bfloat16, torch.float16) or output.dtype in (torch.bfloat16, torch.float16):
        grad, output = grad.float(), output.float()
    return (grad * output).sum()


@dataclass(frozen=True)
class _Autocast:
    """The autocast that was on where the forward pass ran; the backward pass begins with none."""

    device_type: str
    enabled: bool
    dtype: torch.dtype

    @staticmethod
    def of(device_type: str) -> _Autocast:
        return _Autocast(
            device_type, torch.is_autocast_enabled(device_type), torch.get_autocast_dtype(device_type)
        )

    def again(self) -> torch.autocast:
        # Without the cache: a weight cast here, without a graph, must not be met by a later forward pass.
        return torch.autocast(self.device_type, dtype=self.dtype, enabled=self.enabled, cache_enabled=False)


@contextmanager
def _unnoticed(candidates: Candidates, device: torch.device, autocast: _Autocast) -> Iterator[None]:
    """Let the candidates run without a graph so that nothing shows afterwards that they did."""
    with ExitStack() as stack:
        stack.enter_context(torch.no_grad())
        stack.enter_context(torch.random.fork_rng(devices=[device] if device.type == "cuda" else []))
        stack.enter_context(autocast.again())
        stack.enter_context(_statistics_kept(candidates))
        yield


@contextmanager
def _statistics_kept(candidates: Candidates) -> Iterator[None]:
    """Let every BN in training take the statistics of its batch and not add them to its running ones."""
    noting = [
        module
        for of_edge in candidates
        for operation in of_edge
        for module in operation.modules()
        if isinstance(module, _BatchNorm) and module.training and module.track_running_stats
    ]
    for module in noting:
        module.track_running_stats = False
    try:
        yield
    finally:
        for module in noting:
            module.track_running_stats = True
