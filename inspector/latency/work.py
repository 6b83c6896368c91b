"""What a layer makes a device do: the kind of work, how much of it, on how many channels and pixels.

Source: the kinds are those of which facts/jetson.md, section 6, tells different speeds.
"""

from dataclasses import dataclass
from typing import Optional, Tuple

from inspector.manifest import LayerRecord

# Convolutions are counted in multiply-adds, everything else in values of the larger side.
DENSE, POINTWISE, FIRST = "dense", "pointwise", "first"
DEPTHWISE, DILATED = "depthwise", "dilated_depthwise"
RESCALE, CONCAT, ELEMENTWISE = "rescale", "concat", "elementwise"
KINDS = (DENSE, POINTWISE, FIRST, DEPTHWISE, DILATED, RESCALE, CONCAT, ELEMENTWISE)
MAX_FIRST_CHANNELS = 6  # an image, or an image and its reconstruction

_FREE = ("Relu", "Clip", "LeakyRelu")  # runtimes compute them inside the convolution before
_RESCALING = ("MaxPool", "AveragePool", "Resize", "Upsample")


@dataclass(frozen=True)
class Work:
    """One layer's work.

    units: multiply-adds of a convolution, else values.  values: read and written.  weights: read.
    """

    kind: str
    units: float
    values: float
    weights: float
    in_channels: int
    out_channels: int
    pixels: int


def work_of(layer: LayerRecord) -> Optional[Work]:
    """Return the work of `layer`, or None where it costs nothing of its own."""
    if layer.op in _FREE or layer.out_hw is None:
        return None
    pixels = layer.out_hw[0] * layer.out_hw[1]
    in_channels = layer.in_channels or 1
    out_channels = layer.out_channels or 1
    written = float(out_channels * pixels)
    read = _read(layer, in_channels=in_channels, pixels=pixels)
    kind = _kind(layer, in_channels=in_channels, out_channels=out_channels)
    is_convolution = layer.macs > 0
    return Work(
        kind=kind,
        units=float(layer.macs) if is_convolution else max(read, written),
        values=read + written,
        weights=float(layer.parameters),
        in_channels=in_channels,
        out_channels=out_channels,
        pixels=pixels,
    )


def _kind(layer: LayerRecord, *, in_channels: int, out_channels: int) -> str:
    if layer.macs == 0:
        return RESCALE if layer.op in _RESCALING else CONCAT if layer.op == "Concat" else ELEMENTWISE
    groups = layer.groups or 1
    if groups > 1 and groups == in_channels:
        return DILATED if max(layer.dilation or (1, 1)) > 1 else DEPTHWISE
    if max(layer.kernel or (1, 1)) == 1:
        return POINTWISE
    return FIRST if in_channels <= MAX_FIRST_CHANNELS else DENSE


def _read(layer: LayerRecord, *, in_channels: int, pixels: int) -> float:
    scale_y, scale_x = _scale(layer)
    return in_channels * pixels * scale_y * scale_x


def _scale(layer: LayerRecord) -> Tuple[float, float]:
    """How many rows and columns come in for one that goes out; resizing is by two, as a U-Net does it."""
    if layer.op in ("Resize", "Upsample"):
        return 0.5, 0.5
    stride = layer.stride or (1, 1)
    if layer.op == "ConvTranspose":
        return 1 / stride[0], 1 / stride[1]
    return float(stride[0]), float(stride[1])
