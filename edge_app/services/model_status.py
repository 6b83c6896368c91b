"""What there is to say about the models of a device."""

from dataclasses import dataclass
from enum import Enum
from typing import Optional

from edge_app.services.model_library import StoredModel
from edge_app.services.model_pointers import Pointers
from inspector.runtime.engine import RuntimeStatus


class ModelState(str, Enum):
    """What a model on the device does now."""

    AVAILABLE = "available"
    LOADING = "loading"
    SERVING = "serving"
    SHADOW = "shadow"
    FAILED = "failed"


@dataclass(frozen=True)
class ModelEntry:
    """One model on the device. `reason`: why it failed. `is_previous`: a rollback takes this one."""

    stored: StoredModel
    state: ModelState
    reason: str = ""
    is_previous: bool = False


@dataclass(frozen=True)
class HostStatus:
    """`state` is `serving`, or `swapping` or `failed` while no model answers; `reason` says why.

    The others are digests. `warning`: why another model serves than the one that was asked for.
    `runtime`: what executes the model that serves; None while none does.
    """

    state: str
    reason: str
    serving: Optional[str]
    previous: Optional[str]
    shadow: Optional[str]
    loading: Optional[str]
    warning: str
    runtime: Optional[RuntimeStatus] = None


def entry_of(
    stored: StoredModel,
    pointers: Pointers,
    *,
    serving: Optional[str],
    shadow: Optional[str],
    loading: Optional[str],
) -> ModelEntry:
    """Return what to say of `stored`, given the digests in memory and the one that is being loaded."""
    digest = stored.digest
    reason = pointers.failed.get(digest, "")
    if digest == serving:
        state, reason = ModelState.SERVING, ""
    elif digest == loading:
        state = ModelState.LOADING
    elif digest == shadow:
        state = ModelState.SHADOW
    else:
        state = ModelState.FAILED if reason else ModelState.AVAILABLE
    return ModelEntry(stored, state, reason, is_previous=digest == pointers.previous)
