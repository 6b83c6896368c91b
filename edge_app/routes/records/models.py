"""The models on the device."""

from typing import List, Optional

from pydantic import Field

from edge_app.routes.records.record import Record, SizeOut
from edge_app.routes.records.thresholds import ThresholdsOut
from edge_app.routes.strict import Input
from edge_app.routes.times import iso_of
from edge_app.services.model_status import HostStatus, ModelEntry, ModelState
from edge_app.services.serving import ModelCard

DIGEST_PATTERN = r"^[0-9a-f]{64}$"


class DigestIn(Input):
    """Which model."""

    digest: str = Field(
        pattern=DIGEST_PATTERN,
        description="The bundle's SHA-256, 64 hexadecimal digits.",
        examples=["9f2c" * 16],
    )


class ModelEntryOut(Record):
    """One model on the device."""

    digest: str = Field(description="The bundle's SHA-256: its identity.")
    name: str
    version: str
    created: str = Field(description="When the bundle was made.")
    stored: str = Field(description="When it came to this device. UTC, ISO 8601.")
    num_bytes: int
    state: ModelState
    reason: str = Field(description="Why it failed; else empty.")
    is_previous: bool = Field(description="A rollback takes this one.")

    @classmethod
    def of(cls, entry: ModelEntry) -> "ModelEntryOut":
        stored = entry.stored
        return cls(
            digest=stored.digest,
            name=stored.name,
            version=stored.version,
            created=stored.created,
            stored=iso_of(stored.stored_ms),
            num_bytes=stored.num_bytes,
            state=entry.state,
            reason=entry.reason,
            is_previous=entry.is_previous,
        )


class ModelsOut(Record):
    """The models on the device and what they do; digests where there is one, else null."""

    state: str = Field(description="`serving`, or `swapping` or `failed` while no model answers.")
    reason: str = Field(description="Why no model answers; else empty.")
    warning: str = Field(description="Why another model serves than was asked for; else empty.")
    serving: Optional[str]
    previous: Optional[str] = Field(description="What a rollback takes.")
    shadow: Optional[str] = Field(description="Looks on; its answers are only compared.")
    loading: Optional[str]
    items: List[ModelEntryOut] = Field(description="The newest first.")

    @classmethod
    def of(cls, status: HostStatus, entries: List[ModelEntry]) -> "ModelsOut":
        return cls(
            state=status.state,
            reason=status.reason,
            warning=status.warning,
            serving=status.serving,
            previous=status.previous,
            shadow=status.shadow,
            loading=status.loading,
            items=[ModelEntryOut.of(entry) for entry in entries],
        )


class LimitsOut(Record):
    """What the server takes."""

    max_body_bytes: int
    max_pixels: int
    media_types: List[str]


class ModelOut(Record):
    """The model that is being served."""

    name: str
    version: str
    digest: str = Field(description="The bundle's SHA-256: its identity.")
    created: str
    runner: str = Field(description="What executes the network, for example onnxruntime-cpu.")
    input: SizeOut = Field(description="The network's input size; photos are resized to it.")
    thresholds: ThresholdsOut = Field(description="Those in force.")
    threshold_version: int = Field(description="0: the bundle's own.")
    own_thresholds: ThresholdsOut = Field(description="The bundle's own.")
    num_parameters: int
    self_test_difference: float = Field(
        description="Largest difference to the bundle's expected scores, measured when it was loaded."
    )
    examples: List[str] = Field(description="Links to images from the bundle, to try the model with.")
    limits: LimitsOut
    warning: Optional[str] = Field(description="Why the thresholds promise less than was asked for, if so.")

    @classmethod
    def of(
        cls,
        card: ModelCard,
        *,
        runner: str,
        in_force: ThresholdsOut,
        threshold_version: int,
        examples: List[str],
        limits: LimitsOut,
    ) -> "ModelOut":
        height, width = card.input_hw
        return cls(
            name=card.name,
            version=card.version,
            digest=card.digest,
            created=card.created,
            runner=runner,
            input=SizeOut(width=width, height=height),
            thresholds=in_force,
            threshold_version=threshold_version,
            own_thresholds=ThresholdsOut.of(card.thresholds),
            num_parameters=card.num_parameters,
            self_test_difference=card.self_test_difference,
            examples=examples,
            limits=limits,
            warning=card.warning,
        )
