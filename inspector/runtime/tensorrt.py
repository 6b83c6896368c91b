"""The plain TensorRT engine: builds from ONNX, runs, from 8.2 (JetPack 4.6) to 10 (JetPack 6).

It has not run on hardware: the tests put a recorded interface in place of the module `tensorrt`.

Source: TensorRT Python API; facts/jetson.md, section 5.
"""

import threading
import weakref
from contextlib import suppress
from pathlib import Path
from typing import Any, Dict, List, Optional

import numpy as np

from inspector.errors import BundleError, RuntimeUnavailableError
from inspector.runtime.cudart import CudaError, CudaRuntime, open_cuda
from inspector.runtime.engine import Network
from inspector.runtime.workspace import WORKSPACE_MB

PLAN = "engine.plan"


class TensorRtEngine:
    """An Engine over one execution context. A context serves one call at a time, so calls take turns.

    Its device memory goes when the engine does.
    """

    name = "tensorrt"

    def __init__(self, engine: Any, cuda: CudaRuntime, network: Network) -> None:
        height, width = network.input_hw
        self.precision = network.target_precision
        self._cuda = cuda
        self._engine = engine
        self._context = engine.create_execution_context()
        if self._context is None:
            raise RuntimeUnavailableError(f"TensorRT has no memory left to run {network.where}")
        self._lock = threading.Lock()
        self._image = np.zeros((1, 3, height, width), np.float32)
        self._score = np.zeros((1, 1, height, width), np.float32)
        self._stream = cuda.new_stream()
        self._addresses: Dict[str, int] = {}
        self._free = weakref.finalize(self, _free, cuda, self._addresses, self._stream)
        self._free.atexit = False  # CUDA may be gone by then
        self._addresses["image"] = cuda.allocate(self._image.nbytes)
        self._addresses["score"] = cuda.allocate(self._score.nbytes)

    def infer(self, image: np.ndarray) -> np.ndarray:
        """Map float32 (1, 3, H, W) to float32 (1, 1, H, W)."""
        with self._lock:
            self._image[...] = image
            self._cuda.to_device(self._addresses["image"], self._image, self._stream)
            self._execute()
            self._cuda.to_host(self._score, self._addresses["score"], self._stream)
            self._cuda.wait(self._stream)
            return self._score.copy()

    def close(self) -> None:
        """Give the device memory back."""
        with self._lock:
            self._free()

    def _execute(self) -> None:
        if hasattr(self._context, "set_tensor_address"):  # 8.5 and later
            for name, address in self._addresses.items():
                self._context.set_tensor_address(name, address)
            is_done = self._context.execute_async_v3(self._stream)
        else:
            bindings = [0, 0]
            for name, address in self._addresses.items():
                bindings[self._engine.get_binding_index(name)] = address
            is_done = self._context.execute_async_v2(bindings, self._stream)
        if not is_done:
            raise BundleError("TensorRT refused to run the engine; its log says why")


def open_tensorrt(network: Network, *, threads: Optional[int], cache: Path) -> TensorRtEngine:
    """Load the plan that `build_plan` has left in the folder `cache`.

    Raises:
        RuntimeUnavailableError: TensorRT or CUDA is not there.
        BundleError: the plan was built by another version or for another GPU, or is damaged, or has other
            inputs or outputs.
    """
    tensorrt, cuda = _tensorrt(network), open_cuda()
    if cuda is None:
        raise RuntimeUnavailableError("TensorRT is installed, but the CUDA runtime (libcudart) is not")
    runtime = tensorrt.Runtime(tensorrt.Logger(tensorrt.Logger.ERROR))
    engine = runtime.deserialize_cuda_engine((cache / PLAN).read_bytes())
    if engine is None:
        raise BundleError(
            f"TensorRT {tensorrt.__version__} cannot read its engine in {cache}: "
            "it is damaged, or from another version or GPU; remove the folder and it is built again"
        )
    _check_interface(tensorrt, engine, network)
    return TensorRtEngine(engine, cuda, network)


def build_plan(network: Network, cache: Path) -> None:
    """Build the engine for this GPU and leave it in the folder `cache`; takes minutes on a Nano.

    Raises:
        RuntimeUnavailableError: TensorRT is not there.
        BundleError: TensorRT cannot run the network; the sentence has its reason.
    """
    tensorrt = _tensorrt(network)
    logger = tensorrt.Logger(tensorrt.Logger.WARNING)
    builder = tensorrt.Builder(logger)
    definition = builder.create_network(_explicit_batch(tensorrt))
    parser = tensorrt.OnnxParser(definition, logger)
    if not parser.parse(network.model):
        reasons = "; ".join(str(parser.get_error(number).desc()) for number in range(parser.num_errors))
        raise BundleError(
            f"TensorRT {tensorrt.__version__} cannot read model.onnx of {network.where}: {reasons[:500]}"
        )
    plan = builder.build_serialized_network(definition, _configuration(tensorrt, builder, network))
    if plan is None:
        raise BundleError(
            f"TensorRT {tensorrt.__version__} could not build an engine for {network.where}; "
            "on a Nano this is mostly memory: add 4 GB of swap and stop the desktop"
        )
    (cache / PLAN).write_bytes(bytes(plan))


def _free(cuda: CudaRuntime, addresses: Dict[str, int], stream: int) -> None:
    for address in addresses.values():
        with suppress(CudaError):  # nobody is left who could do something about it
            cuda.free(address)
    addresses.clear()
    with suppress(CudaError):
        cuda.destroy_stream(stream)


def _check_interface(tensorrt: Any, engine: Any, network: Network) -> None:
    """Refuse an engine whose values do not fit our buffers: it would write behind them."""
    height, width = network.input_hw
    expected = [f"image [1, 3, {height}, {width}]", f"score [1, 1, {height}, {width}]"]
    found = sorted(_interface(tensorrt, engine))
    if found != expected:
        raise BundleError(
            f"model.onnx of {network.where} must map {expected[0]} to {expected[1]}, "
            f"but has {', '.join(found)}; export the network again"
        )


def _interface(tensorrt: Any, engine: Any) -> List[str]:
    if hasattr(engine, "num_io_tensors"):  # 8.5 and later
        names = [engine.get_tensor_name(number) for number in range(engine.num_io_tensors)]
        values = [(name, engine.get_tensor_shape(name), engine.get_tensor_dtype(name)) for name in names]
    else:
        values = [
            (
                engine.get_binding_name(number),
                engine.get_binding_shape(number),
                engine.get_binding_dtype(number),
            )
            for number in range(engine.num_bindings)
        ]
    return [
        f"{name} {list(shape)}{'' if kind == tensorrt.DataType.FLOAT else f' {kind}'}"
        for name, shape, kind in values
    ]


def version() -> str:
    """Return the installed version, or an empty text."""
    try:
        import tensorrt
    except ImportError:
        return ""
    return str(tensorrt.__version__)


def _explicit_batch(tensorrt: Any) -> int:
    # The flag is deprecated from 10 on, where there is no other way.
    flag = getattr(tensorrt.NetworkDefinitionCreationFlag, "EXPLICIT_BATCH", None)
    return 0 if flag is None else 1 << int(flag)


def _configuration(tensorrt: Any, builder: Any, network: Network) -> Any:
    config = builder.create_builder_config()
    if hasattr(config, "set_memory_pool_limit"):  # 8.4 and later
        config.set_memory_pool_limit(tensorrt.MemoryPoolType.WORKSPACE, WORKSPACE_MB * 2**20)
    else:
        config.max_workspace_size = WORKSPACE_MB * 2**20
    if network.target_precision == "fp32":
        config.clear_flag(tensorrt.BuilderFlag.TF32)  # on by default: ten bits from Ampere on
    else:
        config.set_flag(tensorrt.BuilderFlag.FP16)
    if network.target_precision == "int8":
        config.set_flag(tensorrt.BuilderFlag.INT8)
    return config


def _tensorrt(network: Network) -> Any:
    try:
        import tensorrt
    except ImportError as error:
        raise RuntimeUnavailableError(
            f"TensorRT, which {network.where} would run fastest in, is not installed for this Python"
        ) from error
    return tensorrt
