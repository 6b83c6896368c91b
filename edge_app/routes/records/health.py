"""How the server does."""

from typing import Dict, List, Optional

from pydantic import Field

from edge_app.routes.records.record import Record


class ModelNameOut(Record):
    """Which model serves."""

    name: str
    version: str


class ReadyOut(Record):
    """A photo sent now would be taken."""

    ready: bool


class StoreOut(Record):
    """How the store does."""

    state: str = Field(description="`ok`, `degraded` (not everything is kept) or `failed` (nothing is).")
    reason: str = Field(description="Empty while all is well.")
    num_results: int
    num_bytes: int = Field(description="Photos, score maps and database.")
    free_bytes: int
    oldest: Optional[str] = Field(description="When the oldest result was made. UTC, ISO 8601.")


class RuntimeOut(Record):
    """What executes the model that serves."""

    name: str = Field(description="For example onnxruntime-cpu or tensorrt.")
    precision: str
    state: str = Field(
        description="`ready`; `building`: a TensorRT engine is being built for this device, another runtime "
        "answers meanwhile; `fallback`: it could not be built."
    )
    detail: str = Field(description="Why, where it is not ready.")


class DetailsOut(Record):
    """What only those with a key see."""

    version: str = Field(description="Of this software.")
    bundle: Optional[ModelNameOut] = Field(description="Null while no model answers.")
    runtime: Optional[RuntimeOut] = Field(description="Null while no model answers.")
    num_waiting: int
    queue_size: int
    counts: Dict[str, int] = Field(
        description="Photos since the start: pass, review, fail, no_decision, unreadable, busy (queue full)."
    )
    memory_free_bytes: Optional[int] = Field(
        description="What the system could still give; null where it does not say."
    )
    store: StoreOut
    problems: List[str] = Field(
        description="What is not as it should be, a sentence each; empty if all is well."
    )


class HealthOut(Record):
    """Whether the server lives and is ready, and how its parts do."""

    live: bool
    ready: bool = Field(description="A photo sent now would be taken.")
    uptime_s: float
    details: Optional[DetailsOut] = Field(description="Null for somebody without a key.")
