"""The layers of a network as records, without exporting it: from which latency is predicted in a search.

The network runs once on PyTorch's meta device; the operations that it calls are recorded. They are the layers
that the exported file has once BN is folded and activations are fused.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from inspector.manifest import LayerRecord

aten = torch.ops.aten


def trace_layers(call: Callable[[Tensor], object], image: Tensor) -> list[LayerRecord]:
    """Return the layers that `call(image)` runs, in order; its network, in eval mode, and `image` on meta."""
    recorder = _Recorder()
    with torch.no_grad(), recorder:
        call(image)
    return recorder.layers


def trace_modules(
    call: Callable[[Tensor], object], image: Tensor, modules: Sequence[nn.Module]
) -> list[list[LayerRecord]]:
    """Return the layers that each of `modules` runs within `call(image)`; each is called once."""
    recorder = _Recorder()
    begins: dict[nn.Module, int] = {}
    found: dict[nn.Module, list[LayerRecord]] = {}

    def begin(module: nn.Module, _inputs: object) -> None:
        begins[module] = len(recorder.layers)

    def end(module: nn.Module, _inputs: object, _output: object) -> None:
        found[module] = recorder.layers[begins[module] :]

    hooks = [module.register_forward_pre_hook(begin) for module in modules]
    hooks += [module.register_forward_hook(end) for module in modules]
    try:
        with torch.no_grad(), recorder:
            call(image)
    finally:
        for hook in hooks:
            hook.remove()
    return [found[module] for module in modules]


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._has_bias = False
        self.layers: list[LayerRecord] = []

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        describe = _DESCRIBE.get(func)
        if describe is not None:
            output = result[0] if isinstance(result, tuple) else result
            self.layers.append(describe(f"{len(self.layers):03d}", args, output))
            self._has_bias = func is aten.convolution.default and args[2] is not None
        elif func in _BATCH_NORMS:
            self._normalise(args, result[0])
        return result

    def _normalise(self, args: Any, output: Tensor) -> None:
        """The exporters fold BN into a convolution, but leave it behind a transposed one."""
        if self.layers[-1].op == "ConvTranspose":
            norm = _plain("BatchNormalization", parameters=4 * output.shape[1])
            self.layers.append(norm(f"{len(self.layers):03d}", args, output))
        elif not self._has_bias:
            self._fold(num_biases=output.shape[1])

    def _fold(self, *, num_biases: int) -> None:
        """Batch normalisation leaves its shift as the bias of the convolution before it."""
        convolution = self.layers[-1]
        folded = {"parameters": convolution.parameters + num_biases}
        self.layers[-1] = convolution.model_copy(update=folded)


def _convolution(name: str, args: Any, output: Tensor) -> LayerRecord:
    x, weight, bias, stride, _, dilation, is_transposed, _, groups = args
    counted = x if is_transposed else output
    return LayerRecord(
        name=name,
        op="ConvTranspose" if is_transposed else "Conv",
        in_channels=x.shape[1],
        out_channels=output.shape[1],
        kernel=(weight.shape[2], weight.shape[3]),
        stride=(stride[0], stride[1]),
        dilation=(dilation[0], dilation[1]),
        groups=groups,
        out_hw=_hw(output),
        macs=counted.numel() * prod(weight.shape[1:]),
        parameters=weight.numel() + (0 if bias is None else bias.numel()),
    )


def _pool(op: str) -> Callable[[str, Any, Tensor], LayerRecord]:
    def describe(name: str, args: Any, output: Tensor) -> LayerRecord:
        kernel = args[1]
        stride = args[2] if len(args) > 2 and args[2] else kernel
        window = {"kernel": (kernel[0], kernel[-1]), "stride": (stride[0], stride[-1]), "dilation": (1, 1)}
        return _plain(op, **window)(name, args, output)

    return describe


def _concat(name: str, args: Any, output: Tensor) -> LayerRecord:
    return LayerRecord(
        name=name,
        op="Concat",
        in_channels=output.shape[1],
        out_channels=output.shape[1],
        out_hw=_hw(output),
    )


def _plain(op: str, **fields: Any) -> Callable[[str, Any, Tensor], LayerRecord]:
    def describe(name: str, args: Any, output: Tensor) -> LayerRecord:
        return LayerRecord(
            name=name,
            op=op,
            in_channels=args[0].shape[1],
            out_channels=output.shape[1],
            out_hw=_hw(output),
            **fields,
        )

    return describe


def _hw(output: Tensor) -> tuple[int, int]:
    return output.shape[2], output.shape[3]


_BATCH_NORMS = (aten._native_batch_norm_legit_no_training.default, aten.native_batch_norm.default)
_DESCRIBE: dict[Any, Callable[[str, Any, Tensor], LayerRecord]] = {
    aten.convolution.default: _convolution,
    aten.max_pool2d_with_indices.default: _pool("MaxPool"),
    aten.avg_pool2d.default: _pool("AveragePool"),
    aten.mean.dim: _plain("GlobalAveragePool"),
    aten.upsample_bilinear2d.default: _plain("Resize"),
    aten.upsample_bilinear2d.vec: _plain("Resize"),
    aten.cat.default: _concat,
    aten.add.Tensor: _plain("Add"),
    aten.mul.Tensor: _plain("Mul"),
    aten.hardtanh.default: _plain("Clip"),
    aten.slice.Tensor: _plain("Slice"),
    aten.index_select.default: _plain("Gather"),
    aten.sigmoid.default: _plain("Sigmoid"),
}
