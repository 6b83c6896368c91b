"""The models of a running server: upload, swap without a failed request, rollback, shadow.

`serving()` and `shadow()` only read one reference; one background thread changes what it refers to, as
`edge_app.services.model_changes` says.

Source: facts/edge_reliability.md, section 5.
"""

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable, ContextManager, List, Optional, TypeVar, Union

from edge_app.services.boot_guard import BootGuard, Countdown
from edge_app.services.bounded_worker import BusyError
from edge_app.services.memory import available_bytes
from edge_app.services.model_changes import ModelChanges, Surroundings, digest_of
from edge_app.services.model_library import LibraryLimits, ModelLibrary, StoredModel
from edge_app.services.model_loading import HostedModel, Load
from edge_app.services.model_status import HostStatus, ModelEntry, entry_of
from edge_app.services.model_uploads import ModelUploads
from inspector.bundle import Bundle
from inspector.errors import BundleError, InputError, InspectorError

ResultT = TypeVar("ResultT")
BOOTS = "boots.json"


class ModelSwappingError(BusyError):
    """No model is loaded at this moment; the same call works again when the new one is."""


class ModelChangeError(BusyError):
    """Another change of models is under way."""


@dataclass(frozen=True)
class HostSettings:
    """How long a swap waits for jobs on the old model, when a start counts as good, what is kept."""

    drain_s: float = 30.0
    well_after_s: float = 300.0
    library: LibraryLimits = field(default_factory=LibraryLimits)


class ModelHost:
    """Owns the models. Every method may be called from any thread."""

    def __init__(
        self,
        folder: Path,
        load: Load,
        *,
        settings: HostSettings = HostSettings(),
        open_bundle: Callable[[Path], Bundle] = Bundle.open,
        available: Callable[[], Optional[int]] = available_bytes,
        on_step: Callable[[str], None] = lambda step: None,
    ) -> None:
        """Use the models in `folder`; nothing is loaded before `start`.

        Args:
            load: Opens a bundle, for example `edge_app.startup.load_model`.
            open_bundle: Reads and verifies a bundle; pass one that checks signatures where they are wanted.
            available: Free memory in bytes, None where it is unknown.
            on_step: Told the name of each step that is done; tests stop the process there.

        Raises:
            StorageError: the folder cannot be used.
        """
        self._settings, self._open_bundle = settings, open_bundle
        self._library = ModelLibrary(folder, limits=settings.library, on_step=on_step)
        self._uploads = ModelUploads(folder, open_bundle)
        self._changes = ModelChanges(
            self._library,
            BootGuard(folder / BOOTS),
            Surroundings(load=load, available=available, on_step=on_step, drain_s=settings.drain_s),
        )
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="models")
        self._change_lock = threading.Lock()
        self._loading: Optional[str] = None
        self._health = Countdown(settings.well_after_s, self._changes.is_well)

    @property
    def model(self) -> Optional[HostedModel]:
        """The model that answers, to be looked at (card, version, reference); to work with it, lease it."""
        return self._changes.serving.model

    def serving(self) -> ContextManager[HostedModel]:
        """Lease the model that answers: `with host.serving() as model`.

        Raises:
            ModelSwappingError: none is loaded at this moment.
        """
        lease = self._changes.serving.lease()
        if lease is None:
            raise ModelSwappingError(f"no model answers now: {self._changes.outage}; try again in a moment")
        return lease

    def shadow(self) -> Optional[ContextManager[HostedModel]]:
        """Lease the model whose answers are only compared; None where there is none."""
        return self._changes.shadow.lease()

    def start(self, given: Optional[Path] = None) -> HostedModel:
        """Load the model that served last, or the bundle `given` where it is another one than last time.

        A model that cannot be loaded, or that crashed the server three times within five minutes, is passed
        over for the previous one; `status().warning` then says so.

        Raises:
            InputError: there is nothing at `given`, or no model on the device and none given.
            InspectorError: no model can be loaded; the first reason.
        """
        return self._change(None, lambda: self._start(given)).result()

    def receiving(self) -> ContextManager[str]:
        """Return a folder for an upload while it comes in: on the models' disk, and gone afterwards."""
        return self._uploads.receiving()

    def upload(self, data: Union[bytes, Path]) -> ModelEntry:
        """Verify a zipped bundle (its bytes or its file), store it, test it on this device, and return it.

        Where memory does not hold it beside the serving model, it is tested when it is activated.

        Raises:
            BundleError: it is damaged, unsafe, of a newer schema, or answers differently on this device.
            InspectorError: the runtime cannot load it.
            StorageError: it cannot be stored.
            ModelChangeError: another change is under way.
        """
        return self._change(None, lambda: self._take(data)).result()

    def activate(self, digest: str) -> "Future[ModelEntry]":
        """Let the model answer; the future resolves when it does, or raises why the old one still serves.

        Raises:
            UnknownModelError: it is not on this device.
            ModelChangeError: another change is under way.
        """
        self._library.path_of(digest)
        return self._change(digest, lambda: self._done(self._changes.activate, digest))

    def rollback(self) -> "Future[ModelEntry]":
        """Activate the model that served before this one; see `activate`.

        Raises:
            InputError: none has served before.
        """
        previous = self._library.pointers.previous
        if previous is None:
            raise InputError("there is no earlier model to go back to; activate one of the list")
        return self.activate(previous)

    def set_shadow(self, digest: Optional[str]) -> "Future[Optional[ModelEntry]]":
        """Let the model look on, None ends that; the future resolves when it does, or raises why not.

        Raises:
            UnknownModelError: it is not on this device.
            InputError: it is the one that serves.
            ModelChangeError: another change is under way.
        """
        if digest is None:
            return self._change(None, self._changes.end_shadow)
        self._library.path_of(digest)
        if digest == digest_of(self._changes.serving):
            raise InputError(f"model {digest[:12]} serves; a shadow must be another one")
        chosen = digest
        return self._change(chosen, lambda: self._done(self._changes.begin_shadow, chosen))

    def load_aside(self, digest: str) -> HostedModel:
        """Return a model that answers nobody but the caller, for a replay; it goes when it is let go of.

        Raises:
            UnknownModelError: it is not on this device.
            InputError: memory does not hold it beside the one that serves.
            InspectorError: it cannot be used on this device.
            ModelChangeError: another change is under way.
        """
        self._library.path_of(digest)
        model = self._change(digest, lambda: self._changes.load_aside(digest)).result()
        if model is None:
            raise InputError(
                f"there is too little memory for model {digest[:12]} beside the one that serves; copy the "
                "state folder to another machine and run `inspector replay` there"
            )
        return model

    def remove(self, digest: str) -> None:
        """Delete a model that is not in use; errors as `ModelLibrary.remove`."""
        self._change(None, lambda: self._library.remove(digest)).result()

    def list(self) -> List[ModelEntry]:
        """Return the models on the device, the newest first."""
        return [self._entry(stored) for stored in self._library.models()]

    def find(self, digest: str) -> ModelEntry:
        """Return one model.

        Raises:
            UnknownModelError: it is not on this device.
            BundleError: its files are damaged.
        """
        self._library.path_of(digest)
        for entry in self.list():
            if entry.stored.digest == digest:
                return entry
        raise BundleError(f"the files of model {digest[:12]} are damaged; remove it and upload it again")

    def path_of(self, digest: str) -> Path:
        """Return the folder of a model's bundle. UnknownModelError where it is not on this device."""
        return self._library.path_of(digest)

    def status(self) -> HostStatus:
        """Say what serves and what is under way."""
        model = self._changes.serving.model
        serving = None if model is None else model.digest
        is_changing = self._change_lock.locked()
        return HostStatus(
            state="serving" if serving is not None else "swapping" if is_changing else "failed",
            reason="" if serving is not None else self._changes.outage,
            serving=serving,
            previous=self._library.pointers.previous,
            shadow=digest_of(self._changes.shadow),
            loading=self._loading,
            warning=self._changes.warning,
            runtime=None if model is None else model.runtime,
        )

    def close(self) -> None:
        """Finish the change that is under way, then stop; this start was not a crash."""
        self._worker.shutdown(wait=True)
        self._health.stop()
        self._changes.stop()

    def _change(self, digest: Optional[str], job: Callable[[], ResultT]) -> "Future[ResultT]":
        """Run `job` in the background thread; `digest` is the model that it loads."""
        if not self._change_lock.acquire(blocking=False):
            raise ModelChangeError("another model is being loaded or changed; try again when that is done")
        self._loading = digest

        def run() -> ResultT:
            try:
                return job()
            finally:
                self._loading = None
                self._change_lock.release()

        try:
            return self._worker.submit(run)
        except BaseException:
            self._change_lock.release()
            raise

    def _done(self, change: Callable[[str], None], digest: str) -> ModelEntry:
        change(digest)
        self._loading = None
        self._health.restart()
        return self.find(digest)

    def _start(self, given: Optional[Path]) -> HostedModel:
        new = None if given is None else self._new_bundle(given)
        digest = None if new is None else self._library.add(new)
        if digest is not None:
            self._library.point(self._library.pointers.with_given(digest))
        self._changes.start(digest)
        self._health.restart()
        model = self._changes.serving.model
        assert model is not None
        return model

    def _new_bundle(self, given: Path) -> Optional[Bundle]:
        """Return the bundle of the command line where it is another one than last time.

        One that is damaged does not keep the model from serving that served last.
        """
        pointers = self._library.pointers
        if not given.exists():
            raise InputError(
                f"there is no bundle at {given}; correct the path, or leave it out to serve the model that "
                "served last"
            )
        try:
            bundle = self._open_bundle(given)
        except InspectorError as error:
            if pointers.current is None:
                raise
            self._changes.warning = f"{error}; the model that served last goes on"
            return None
        return None if bundle.digest == pointers.given and pointers.current is not None else bundle

    def _take(self, data: Union[bytes, Path]) -> ModelEntry:
        bundle = self._uploads.read(data)
        was_there = any(stored.digest == bundle.digest for stored in self._library.models())
        digest = self._library.add(bundle)
        try:
            self._changes.load_aside(digest)
        except InspectorError:
            if not was_there:
                self._library.remove(digest)
            raise
        return self.find(digest)

    def _entry(self, stored: StoredModel) -> ModelEntry:
        return entry_of(
            stored,
            self._library.pointers,
            serving=digest_of(self._changes.serving),
            shadow=digest_of(self._changes.shadow),
            loading=self._loading,
        )
