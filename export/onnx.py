"""A trained detector as one ONNX file: image in, score out.

Opset 13 and IR 7 are what onnxruntime 1.11 and TensorRT 8.2 to 10 all read. Two exporters lead there, and the
tests hold them against each other: TorchScript, which writes opset 13 itself but is deprecated, and dynamo,
which writes opset 18 whatever it is asked for and is brought down by `export.downlevel`.

Source: facts/jetson.md, sections 3 and 4.
"""

from __future__ import annotations

import copy
import tempfile
import warnings
from pathlib import Path
from typing import Literal, get_args

import onnx
import torch
from torch import Tensor, nn

from export.downlevel import FROM_OPSET, to_opset_13
from export.operators import OPSET
from inspector.errors import OperatorError, RunError
from search.nets.detector import Detector

MAX_IR_VERSION = 8

Exporter = Literal["torchscript", "dynamo"]
EXPORTERS = get_args(Exporter)


class ScoreNetwork(nn.Module):
    """The part of a detector that is deployed: image (1, 3, H, W) -> score (1, 1, H, W)."""

    def __init__(self, detector: Detector) -> None:
        super().__init__()
        self.detector = detector

    def forward(self, image: Tensor) -> Tensor:
        return torch.sigmoid(self.detector(image)[1])  # `Detector.score` without its cast


def export_onnx(detector: Detector, *, size_hw: tuple[int, int], exporter: Exporter = "torchscript") -> bytes:
    """Return `detector` as ONNX: input `image` [1, 3, H, W], output `score` [1, 1, H, W], weights inside.

    The detector itself stays as it is. Batch normalisation is folded into the convolutions.

    Args:
        exporter: `torchscript`, or PyTorch's newer `dynamo`: the same network, other names of nodes.

    Raises:
        RunError: a weight is not a finite number.
        OperatorError: PyTorch wrote another opset or IR version than the devices read, or an operator that
            opset 13 cannot express.
    """
    refuse_bad_weights(detector)
    network = ScoreNetwork(copy.deepcopy(detector)).cpu().float().eval()
    network = network.to(memory_format=torch.contiguous_format)
    by_exporter = {"torchscript": _export_by_tracing, "dynamo": _export_by_dynamo}
    model = by_exporter[exporter](network, torch.zeros(1, 3, *size_hw))
    _name_shared_weights_directly(model.graph)
    _check_versions(model)
    return bytes(model.SerializeToString(deterministic=True))


def _export_by_tracing(network: nn.Module, image: Tensor) -> onnx.ModelProto:
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        # The exporter that writes opset 13; the newer one writes opset 18 whatever it is asked for.
        warnings.filterwarnings("ignore", message="You are using the legacy TorchScript-based ONNX export")
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.onnx")
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            network,
            (image,),
            path,
            input_names=["image"],
            output_names=["score"],
            opset_version=OPSET,
            do_constant_folding=True,
            dynamo=False,
        )
        return onnx.load_from_string(path.read_bytes())


def _export_by_dynamo(network: nn.Module, image: Tensor) -> onnx.ModelProto:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning)  # of PyTorch's own internals
        program = torch.onnx.export(
            network,
            (image,),
            input_names=["image"],
            output_names=["score"],
            opset_version=FROM_OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise OperatorError(
            f"PyTorch {torch.__version__} has no dynamo exporter; use torch 2.5 or later, "
            "or --exporter torchscript"
        )
    return to_opset_13(program.model_proto)


def refuse_bad_weights(network: nn.Module) -> None:
    """Return if every weight and every BN statistic is a finite number; RunError otherwise."""
    for name, tensor in network.state_dict().items():
        num_bad = int((~torch.isfinite(tensor)).sum())
        if num_bad:
            raise RunError(
                f"{num_bad} of {tensor.numel()} values of the weight {name} are not finite numbers, so the "
                "training diverged; train again with a lower learning rate"
            )


def _name_shared_weights_directly(graph: onnx.GraphProto) -> None:
    """Remove the Identity nodes by which layers share equal weights: TensorRT 8.2 wants constants."""
    weights = {tensor.name for tensor in graph.initializer}
    shared = {
        node.output[0]: node for node in graph.node if node.op_type == "Identity" and node.input[0] in weights
    }
    for node in graph.node:
        for position, name in enumerate(node.input):
            if name in shared:
                node.input[position] = shared[name].input[0]
    for node in shared.values():
        graph.node.remove(node)


def _check_versions(model: onnx.ModelProto) -> None:
    onnx.checker.check_model(model, full_check=True)
    opsets = {entry.domain: entry.version for entry in model.opset_import}
    if opsets != {"": OPSET} or model.ir_version > MAX_IR_VERSION:
        raise OperatorError(
            f"PyTorch {torch.__version__} wrote ONNX opsets {opsets} and IR {model.ir_version}, but devices "
            f"need opset {OPSET} and IR {MAX_IR_VERSION} at most; use torch 2.4 to 2.14"
        )
