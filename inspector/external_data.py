"""Finds ONNX tensors whose data lie in another file, without the onnx package.

A tensor with external data makes the runtime open a path that the model names; a bundle must not do that.

Source: onnx.proto3 (field numbers); facts/edge_reliability.md, section 2.
"""

from typing import Dict, Iterator, Tuple

from inspector.errors import BundleError

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MAX_DEPTH = 64

# Message -> {field number: message inside}. Only the paths that can end in a TensorProto.
_CHILDREN: Dict[str, Dict[int, str]] = {
    "Model": {7: "Graph", 20: "TrainingInfo", 25: "Function"},
    "TrainingInfo": {1: "Graph", 2: "Graph"},
    "Function": {7: "Node", 11: "Attribute"},
    "Graph": {1: "Node", 5: "Tensor", 15: "SparseTensor"},
    "Node": {5: "Attribute"},
    "Attribute": {5: "Tensor", 6: "Graph", 10: "Tensor", 11: "Graph", 22: "SparseTensor", 23: "SparseTensor"},
    "SparseTensor": {1: "Tensor", 2: "Tensor"},
    "Tensor": {},
}
_EXTERNAL_DATA, _DATA_LOCATION = 13, 14


def refuse_external_data(model: bytes, *, where: str) -> None:
    """Return if every tensor of the serialised ONNX `model` is inside it.

    Raises:
        BundleError: some tensor, in whatever subgraph, refers to another file; or `model` is not protobuf.
    """
    try:
        external = _has_external(memoryview(model), "Model", depth=0)
    except _MalformedError as error:
        raise BundleError(
            f"model.onnx in {where} is not a readable ONNX file ({error}); export the bundle again"
        ) from error
    if external:
        raise BundleError(
            f"model.onnx in {where} keeps weights in another file (external data), which a bundle must not; "
            "export the network with all weights inside the file"
        )


class _MalformedError(Exception):
    """The bytes are not a protobuf message."""


def _has_external(message: memoryview, kind: str, *, depth: int) -> bool:
    if depth > _MAX_DEPTH:
        raise _MalformedError(f"nested deeper than {_MAX_DEPTH} messages")
    children = _CHILDREN[kind]
    for number, wire, value, payload in _fields(message):
        if kind == "Tensor":
            if (number == _EXTERNAL_DATA and wire == _BYTES) or (
                number == _DATA_LOCATION and wire == _VARINT and value != 0
            ):
                return True
        elif (
            number in children
            and wire == _BYTES
            and _has_external(payload, children[number], depth=depth + 1)
        ):
            return True
    return False


def _fields(message: memoryview) -> Iterator[Tuple[int, int, int, memoryview]]:
    """Yield (field number, wire type, varint value, bytes) of each field of one message."""
    position, end = 0, len(message)
    nothing = message[:0]
    while position < end:
        key, position = _varint(message, position)
        number, wire = key >> 3, key & 7
        if wire == _VARINT:
            value, position = _varint(message, position)
            yield number, wire, value, nothing
            continue
        if wire == _BYTES:
            length, position = _varint(message, position)
        elif wire in (_FIXED64, _FIXED32):
            length = 8 if wire == _FIXED64 else 4
        else:
            raise _MalformedError(f"wire type {wire} at byte {position}")
        if length > end - position:
            raise _MalformedError(f"cut off at byte {position}")
        yield number, wire, 0, message[position : position + length]
        position += length


def _varint(message: memoryview, position: int) -> Tuple[int, int]:
    value = 0
    for shift in range(0, 70, 7):
        if position >= len(message):
            raise _MalformedError(f"cut off at byte {position}")
        byte = message[position]
        position += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, position
    raise _MalformedError(f"number of more than 10 bytes at byte {position}")
