"""What an administrator changes while the server runs: settings.json in the state folder, one checked record.

Everything holds at once, except what `NEEDS_RESTART` names.
"""

import difflib
import json
import logging
import re
import socket
import threading
from pathlib import Path
from typing import Any, Callable, Dict, List, Mapping, Optional, Tuple

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from typing_extensions import Literal

from edge_app.outbox.settings import DestinationSettings, Name, read_destinations
from edge_app.store.policy import StoragePolicy
from inspector.errors import InputError, StorageError
from inspector.output_file import write_file

logger = logging.getLogger(__name__)

NEEDS_RESTART = ("device_id",)
GIGABYTE, MEGABYTE = 1_000_000_000, 1_000_000
_MODE = 0o600  # addresses of the plant's network are nobody else's business


class PreferencesError(InputError):
    """settings.json, or what was sent to replace it, has an unknown key or a value out of range."""


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StoragePreferences(_Record):
    """Which files are kept, and for how long."""

    photos: Literal["all", "non_pass", "sample", "none"] = Field(
        default="all",
        description="Whose photo and score map are kept; `sample`: of all but PASS, and of some PASS.",
    )
    sample_every: int = Field(default=20, ge=1, le=1_000_000, description="With `sample`: every n-th PASS.")
    max_age_days: float = Field(default=90, gt=0, le=36_500, description="Older results are removed.")
    max_gb: float = Field(default=20, gt=0, le=1_000_000, description="The oldest results make room.")
    min_free_mb: float = Field(default=500, ge=0, le=1_000_000_000, description="Space left to others.")

    @property
    def policy(self) -> StoragePolicy:
        """The same as the store takes it."""
        return StoragePolicy(
            photos=self.photos,
            sample_every=self.sample_every,
            max_age_days=self.max_age_days,
            max_bytes=int(self.max_gb * GIGABYTE),
            min_free_bytes=int(self.min_free_mb * MEGABYTE),
        )


def _device_name() -> str:
    name = re.sub(r"[^A-Za-z0-9_-]+", "-", socket.gethostname()).strip("-_")
    return name[:40] or "inspector"


class Preferences(_Record):
    """All that settings.json holds."""

    device_id: Name = Field(
        default_factory=_device_name,
        description="What this device is called in messages; ids of messages begin with it.",
    )
    max_requests_per_s: Optional[float] = Field(
        default=None, ge=1, le=100_000, description="Of one peer; null: as the server was started."
    )
    storage: StoragePreferences = StoragePreferences()
    destinations: Tuple[DestinationSettings, ...] = Field(
        default=(), description="Where results are sent: MQTT brokers, webhooks, reject gates."
    )

    @classmethod
    def read(cls, raw: Mapping[str, Any]) -> "Preferences":
        """Check values as JSON has them; what is left out has its default.

        Raises:
            PreferencesError: an unknown key, a value out of range, or two destinations of one name.
        """
        try:
            read_destinations(raw.get("destinations", []))  # its message names the destination
            return cls.model_validate(raw)
        except ValidationError as error:
            raise PreferencesError(_sentence(error)) from error
        except InputError as error:
            raise PreferencesError(str(error)) from error


class PreferencesFile:
    """The preferences in force, on disk and in memory. Safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Read `path`; where there is no file, the defaults hold.

        Raises:
            StorageError: it cannot be read.
            PreferencesError: it is not valid.
        """
        self._path = path
        self._lock = threading.Lock()
        self._listeners: List[Callable[[Preferences], None]] = []
        self._current = _load(path)

    @property
    def current(self) -> Preferences:
        """What holds now."""
        return self._current

    def listen(self, listener: Callable[[Preferences], None]) -> None:
        """Have `listener` called to make new preferences hold; with the old ones again where that fails."""
        self._listeners.append(listener)

    def replace(self, raw: Mapping[str, Any]) -> Tuple[str, ...]:
        """Check, apply and write other preferences; return the names of those that wait for a restart.

        Waits for the disk, and while destinations are changed.

        Raises:
            InputError: they are not valid, or cannot hold on this device; the old ones hold.
            StorageError: they cannot be written; the old ones hold.
        """
        new = Preferences.read(raw)
        data = json.dumps(new.model_dump(mode="json"), indent=2, sort_keys=True) + "\n"
        with self._lock:
            old = self._current
            try:
                self._tell(new)
                write_file(self._path, data.encode(), mode=_MODE)
            except BaseException:
                self._tell(old)
                raise
            self._current = new
        return tuple(name for name in NEEDS_RESTART if getattr(old, name) != getattr(new, name))

    def _tell(self, preferences: Preferences) -> None:
        for listener in self._listeners:
            listener(preferences)


def _load(path: Path) -> Preferences:
    try:
        raw: Dict[str, Any] = json.loads(path.read_bytes())
    except FileNotFoundError:
        return Preferences()
    except OSError as error:
        raise StorageError(f"cannot read {path}: {error.strerror or error}; check its permissions") from error
    except ValueError as error:
        raise PreferencesError(
            f"{path} is not JSON ({error}); correct it, or remove it for defaults"
        ) from error
    if not isinstance(raw, dict):
        raise PreferencesError(
            f"{path} holds no JSON object; correct it, or remove it to start with the defaults"
        )
    try:
        return Preferences.read(raw)
    except PreferencesError as error:
        raise PreferencesError(
            f"{path}: {error}; correct it, or remove the file to start with the defaults"
        ) from error


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_input=False)[0]
    place = [str(part) for part in first["loc"]]
    name = ".".join(place)
    if first["type"] != "extra_forbidden":
        return f"{name} is not valid: {first['msg']}"
    known = StoragePreferences.model_fields if place[:-1] == ["storage"] else Preferences.model_fields
    near = difflib.get_close_matches(place[-1], list(known), n=1)
    hint = f"did you mean {near[0]}?" if near else f"there are {', '.join(sorted(known))}"
    return f"{name} is not known; {hint}"
