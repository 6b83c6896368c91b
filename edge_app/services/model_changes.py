"""Everything that changes which model answers: start, activation, shadow. For one thread at a time.

The order of an activation is: load, warm up, golden test, write the pointers, swap, drain, release.

Source: facts/edge_reliability.md, section 5; Triton's explicit mode (a failed load leaves the old model).
Differs from the source: the pointers are written before the swap, not after the drain. The new model has
passed its test by then, so a crash at any step starts a good one; and when the pointers cannot be written
(a full disk), nothing was swapped.
"""

import gc
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import Callable, Optional, Tuple

from edge_app.services.boot_guard import BootGuard
from edge_app.services.memory import Swap, estimated_bytes, plan_swap
from edge_app.services.model_library import ModelLibrary
from edge_app.services.model_loading import HostedModel, Load, load_hosted
from edge_app.services.model_slot import ModelSlot
from inspector.errors import InputError, InspectorError, StorageError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Surroundings:
    """What the changes need from outside.

    load: opens a bundle, for example `edge_app.startup.load_model`.  available: free bytes, None if unknown.
    on_step: told the name of each step that is done.  drain_s: how long a swap waits for jobs on the old one.
    """

    load: Load
    available: Callable[[], Optional[int]]
    on_step: Callable[[str], None]
    drain_s: float


class ModelChanges:
    """Loads models into two slots and keeps the library's pointers in step with them."""

    def __init__(self, library: ModelLibrary, guard: BootGuard, surroundings: Surroundings) -> None:
        self.library = library
        self.serving: ModelSlot[HostedModel] = ModelSlot()
        self.shadow: ModelSlot[HostedModel] = ModelSlot()
        self.outage = "no model has been started"  # why nothing answers, while nothing does
        self.warning = ""
        self._guard, self._outside = guard, surroundings

    def start(self, new: Optional[str]) -> None:
        """Serve `new`, a stored model, or the one that served last, or the next best one that loads.

        Raises:
            InspectorError: none could be loaded; the reason of the first.
        """
        first_error: Optional[InspectorError] = None
        for digest in self._start_order(new):
            failure = self.library.pointers.failed.get(digest)
            try:
                self._serve_first(digest)
            except InspectorError as error:
                first_error = first_error or error
                self._mark_failed(digest, error)
            else:
                if failure is not None:
                    self.warning = f"model {digest[:12]} serves, for there is no better one: {failure}"
                return
        raise first_error or InputError("no model is on this device yet; run: inspector serve BUNDLE")

    def load_aside(self, digest: str) -> Optional[HostedModel]:
        """Load and test a stored model for the caller alone; None where memory does not hold one more.

        Raises:
            InspectorError: it cannot be used on this device.
        """
        for loaded in (self.serving.model, self.shadow.model):
            if loaded is not None and loaded.version.digest == digest:
                return loaded
        if self._plan(digest) is Swap.INSTEAD:
            return None
        model = self._load(digest)
        model.engine.close()  # no better engine is built for a short visit
        self._remember(model)
        return model

    def activate(self, digest: str) -> None:
        """Let a stored model answer.

        Raises:
            InspectorError: it cannot; the old one serves, or serves again.
        """
        if digest_of(self.serving) == digest:
            return
        model = self.shadow.model if digest_of(self.shadow) == digest else None
        if model is None and self._plan(digest) is Swap.INSTEAD:
            self._release_all(f"model {digest[:12]} is being loaded, and memory does not hold two")
        try:
            model = model or self._load(digest)
            self.library.point(self.library.pointers.now_serving(digest))
        except InspectorError as error:
            self._mark_failed(digest, error)
            self._bring_back()
            raise
        self._swap_to(model)

    def begin_shadow(self, digest: str) -> None:
        """Let a stored model look on.

        Raises:
            InputError: memory does not hold it beside the one that serves.
            InspectorError: it cannot be used.
        """
        if digest_of(self.shadow) == digest:
            return
        if self._plan(digest) is Swap.INSTEAD:
            raise InputError(
                f"there is too little memory for model {digest[:12]} beside the one that serves; "
                "compare them on stored photos with `inspector replay` instead"
            )
        model = self._load(digest)
        self.library.point(self.library.pointers.with_shadow(digest))
        self._put(self.shadow, model)
        self._remember(model)

    def end_shadow(self) -> None:
        """Let no model look on."""
        self.library.point(self.library.pointers.with_shadow(None))
        self._put(self.shadow, None)
        gc.collect()

    def stop(self) -> None:
        """Wait for the jobs in flight and release the models; this start was not a crash."""
        self._release_all("the server is stopping")
        self.is_well()

    def is_well(self) -> None:
        """The server runs in good order: its starts are no crashes."""
        with suppress(StorageError):
            self._guard.is_well()

    def _start_order(self, new: Optional[str]) -> Tuple[str, ...]:
        for digest in self.library.pointers.start_order(new):
            if self._guard.must_not_start(digest):
                self._mark_failed(
                    digest, InspectorError("it crashed the server three times within five minutes")
                )
        return self.library.pointers.start_order(new)

    def _serve_first(self, digest: str) -> None:
        with suppress(StorageError):  # a full disk must not keep the server from starting
            self._guard.started(digest)
        model = self._load(digest)
        pointers = self.library.pointers
        if digest != pointers.current or digest in pointers.failed:
            self.library.point(pointers.now_serving(digest))
        self._put(self.serving, model)
        self.outage = ""
        self._restore_shadow()

    def _swap_to(self, model: HostedModel) -> None:
        digest = model.version.digest
        self._put(self.serving, model)
        self.outage = self.warning = ""
        self._outside.on_step("swapped")
        if digest_of(self.shadow) == digest:
            self._put(self.shadow, None)
        self._remember(model)
        with suppress(StorageError):
            self._guard.started(digest)
        gc.collect()
        self._restore_shadow()
        self._outside.on_step("released")

    def _release_all(self, reason: str) -> None:
        self.outage = reason
        self._put(self.shadow, None)
        self._put(self.serving, None)
        gc.collect()
        self._outside.on_step("unloaded")

    def _put(self, slot: "ModelSlot[HostedModel]", model: Optional[HostedModel]) -> None:
        """Swap what a slot holds, wait for the jobs on the old model, and let that go."""
        old = slot.model
        if not slot.swap(model, drain_s=self._outside.drain_s):
            logger.warning("a job on the old model took longer than %.0f s", self._outside.drain_s)
        if old is not None and old is not self.serving.model:  # a shadow that was promoted serves on
            old.engine.close()

    def _bring_back(self) -> None:
        """Serve the current model again where a failed activation had released it."""
        current = self.library.pointers.current
        if self.serving.model is not None or current is None:
            return
        try:
            self._put(self.serving, self._load(current))
            self.outage = ""
        except InspectorError as error:
            self.outage = f"model {current[:12]} could not be loaded again: {error}"
            logger.error("%s", self.outage)
        self._restore_shadow()

    def _restore_shadow(self) -> None:
        digest = self.library.pointers.shadow
        if digest is None or digest_of(self.shadow) == digest:
            return
        try:
            self.begin_shadow(digest)
        except InspectorError as error:
            self.warning = f"the shadow model {digest[:12]} does not look on: {error}"

    def _load(self, digest: str) -> HostedModel:
        path = self.library.path_of(digest)
        try:
            return load_hosted(path, load=self._outside.load, digest=digest, on_step=self._outside.on_step)
        except InspectorError as error:  # the client must not learn our paths
            raise type(error)(str(error).replace(str(path), f"model {digest[:12]}")) from error

    def _plan(self, digest: str) -> Swap:
        num_bytes = self.library.size_of(digest)
        measured = self.library.pointers.memory_bytes.get(digest)
        needed = estimated_bytes(num_bytes) if measured is None else max(measured, num_bytes)
        return plan_swap(available_bytes=self._outside.available(), needed_bytes=needed)

    def _remember(self, model: HostedModel) -> None:
        """Note what the model takes, for the next plan; a full disk only makes that plan a guess."""
        pointers = self.library.pointers
        if model.memory_bytes is None or model.version.digest in pointers.memory_bytes:
            return
        with suppress(StorageError):
            self.library.point(pointers.with_memory(model.version.digest, model.memory_bytes))

    def _mark_failed(self, digest: str, error: InspectorError) -> None:
        """Note why a model is not started by itself any more; a full disk is not its fault."""
        self.warning = f"model {digest[:12]} does not serve: {error}"
        logger.warning("%s", self.warning)
        if not isinstance(error, StorageError):
            with suppress(StorageError):
                self.library.point(self.library.pointers.with_failure(digest, str(error)))


def digest_of(slot: "ModelSlot[HostedModel]") -> Optional[str]:
    """Return the digest of the model in a slot."""
    model = slot.model
    return None if model is None else model.version.digest
