"""The best engine of this machine for a bundle: from the cache, or built while another one answers.

Whatever an engine on a GPU says is held against the golden scores before it goes live; one that gives others,
or does not start, leaves the next best one to answer.
"""

import hashlib
import logging
from pathlib import Path
from typing import Callable, List, Optional, Sequence

from inspector.errors import BundleError, InspectorError, RuntimeUnavailableError
from inspector.runtime.building import BuildingEngine
from inspector.runtime.choice import BUILT_HERE, candidates, installed, open_first
from inspector.runtime.device import Device, this_device
from inspector.runtime.engine import Engine, Network
from inspector.runtime.engine_build import build_in_subprocess
from inspector.runtime.engine_cache import EngineCache, EngineKey
from inspector.runtime.fallback import FallbackEngine
from inspector.runtime.workspace import WORKSPACE_MB

logger = logging.getLogger(__name__)

Prove = Callable[[Engine], float]


def open_best(
    network: Network,
    *,
    runtime: str,
    threads: Optional[int],
    cache: Path,
    prove: Prove,
    wait: bool = False,
) -> Engine:
    """Load `network` into the best runtime of this machine.

    Where that is TensorRT and no engine is cached, the next best runtime answers meanwhile. Where TensorRT is
    all that is there, or all that was asked for, the call waits for the build.

    Args:
        runtime: One of `inspector.runtime.choice.CHOICES`.
        prove: Raises BundleError for an engine that does not give the golden scores.
        wait: Wait for a build even where another runtime could answer meanwhile.

    Raises:
        RuntimeUnavailableError, BundleError, InputError: as `candidates` and `open_first` say.
    """
    names = candidates(installed(), runtime=runtime)
    if names[0] not in BUILT_HERE:
        return _open_next_best(names, network, threads=threads, cache=cache, prove=prove)
    plans = _Plans(
        network, [name for name in names if name in BUILT_HERE], threads, EngineCache(cache), prove
    )
    engine = plans.cached()
    if engine is not None:
        return engine
    others = [name for name in names if name not in BUILT_HERE]
    if wait or not others:
        return plans(is_stopped=lambda: False)
    fallback = _open_next_best(others, network, threads=threads, cache=cache, prove=prove)
    return BuildingEngine(fallback, plans, wanted=names[0])


def _open_next_best(
    names: Sequence[str], network: Network, *, threads: Optional[int], cache: Path, prove: Prove
) -> Engine:
    """Load the first of `names` that gives the golden scores; the last of them is left to its caller."""
    problems: List[str] = []
    for name in names[:-1]:
        try:
            return _told(_proven(name, network, threads=threads, cache=cache, prove=prove), problems)
        except (BundleError, RuntimeUnavailableError) as error:
            logger.warning("%s is passed over: %s", name, error)
            problems.append(str(error))
    return _told(open_first(names[-1:], network, threads=threads, cache=cache), problems)


def _told(engine: Engine, problems: Sequence[str]) -> Engine:
    return FallbackEngine(engine, why="; ".join(problems)) if problems else engine


def _proven(name: str, network: Network, *, threads: Optional[int], cache: Path, prove: Prove) -> Engine:
    """Load `network` into the runtime `name` and prove it.

    Raises:
        BundleError: it cannot load the model, or gives other scores.
        RuntimeUnavailableError: it does not start, or fails at its first run.
    """
    try:
        engine = open_first([name], network, threads=threads, cache=cache)
        prove(engine)
    except InspectorError:
        raise
    except Exception as error:  # runtimes have no common base class of their errors
        raise RuntimeUnavailableError(
            f"{name} does not run on this machine: {type(error).__name__}: {str(error)[:300]}"
        ) from error
    return engine


class _Plans:
    """Gets a proven TensorRT engine, by the first of `names` that builds and gives the golden scores."""

    def __init__(
        self, network: Network, names: List[str], threads: Optional[int], cache: EngineCache, prove: Prove
    ) -> None:
        self._network = network
        self._names = names
        self._threads = threads
        self._cache = cache
        self._prove = prove
        self._device = this_device()

    def cached(self) -> Optional[Engine]:
        """Return an engine that was built before, or None."""
        for name in self._names:
            folder = self._cache.find(self._key(name))
            if folder is None:
                continue
            try:
                return self._proven(name, folder)
            except BundleError:
                self._cache.drop(self._key(name))
            except RuntimeUnavailableError as error:  # no fault of the engine: memory, for one
                logger.warning("the cached %s engine does not start: %s", name, error)
        return None

    def __call__(self, *, is_stopped: Callable[[], bool]) -> Engine:
        """Take one that another process has built meanwhile, or build one."""
        problems: List[str] = []
        for name in self._names:
            try:
                return self._built(name, is_stopped)
            except (BundleError, RuntimeUnavailableError) as error:
                problems.append(str(error))
                if is_stopped():
                    break
        raise BundleError("; ".join(problems))

    def _built(self, name: str, is_stopped: Callable[[], bool]) -> Engine:
        key = self._key(name)
        if self._cache.find(key) is None:
            with self._cache.building(key) as scratch:
                build_in_subprocess(self._network, name, scratch, is_stopped=is_stopped)
        folder = self._cache.find(key)
        if folder is None:
            raise BundleError(f"the {name} engine was damaged as soon as it was written; is the disk full?")
        try:
            return self._proven(name, folder)
        except BundleError:
            self._cache.drop(key)
            raise

    def _proven(self, name: str, folder: Path) -> Engine:
        return _proven(name, self._network, threads=self._threads, cache=folder, prove=self._prove)

    def _key(self, name: str) -> EngineKey:
        return key_of(self._network, name, self._device)


def key_of(network: Network, backend: str, device: Device) -> EngineKey:
    """Return what the engine of `network` depends on here."""
    is_plain = backend == "tensorrt"
    return EngineKey(
        model_sha256=hashlib.sha256(network.model).hexdigest(),
        backend=backend,
        backend_version=device.tensorrt_version if is_plain else device.onnxruntime_version,
        tensorrt_version=device.tensorrt_version,
        gpu=device.gpu,
        precision=network.target_precision,
        workspace_mb=WORKSPACE_MB,
        power_mode=device.power_mode,
    )
