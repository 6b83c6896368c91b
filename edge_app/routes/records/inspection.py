"""One inspected photo."""

from typing import List, Optional, Protocol, Sequence, Tuple

from pydantic import Field

from edge_app.routes.records.decision import DecisionOut
from edge_app.routes.records.record import DIGITS, Record, SizeOut
from edge_app.routes.records.thresholds import ThresholdsOut
from edge_app.routes.times import iso_of
from edge_app.services.result import FrameQuality, ModelVersion, Origin, Outcome, ShadowAnswer
from inspector.postprocess import Region, Thresholds

PREFIX = "/api/v1/inspections"


class Inspected(Protocol):
    """What a fresh `Result` and a stored one have in common."""

    @property
    def id(self) -> str: ...
    @property
    def created_ms(self) -> int: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def reason(self) -> str: ...
    @property
    def image_score(self) -> Optional[float]: ...
    @property
    def regions(self) -> Sequence[Region]: ...
    @property
    def frame_hw(self) -> Tuple[int, int]: ...
    @property
    def origin(self) -> Origin: ...
    @property
    def model(self) -> ModelVersion: ...
    @property
    def thresholds(self) -> Thresholds: ...
    @property
    def threshold_version(self) -> Optional[int]: ...
    @property
    def latency_ms(self) -> Optional[float]: ...
    @property
    def quality(self) -> Optional[FrameQuality]: ...
    @property
    def shadow(self) -> Optional[ShadowAnswer]: ...


class BoxOut(Record):
    """An upright box in the photo's pixels."""

    x: int
    y: int
    width: int
    height: int


class RegionOut(Record):
    """One connected defective region, in the photo's pixels."""

    contour: List[Tuple[int, int]] = Field(description="The outline as (x, y) points.")
    box: BoxOut
    area_px: int
    mean_score: float
    peak_score: float

    @classmethod
    def of(cls, region: Region) -> "RegionOut":
        return cls(
            contour=[(int(x), int(y)) for x, y in region.contour],
            box=BoxOut(x=int(region.x), y=int(region.y), width=int(region.width), height=int(region.height)),
            area_px=int(region.area_px),
            mean_score=round(float(region.mean_score), DIGITS),
            peak_score=round(float(region.peak_score), DIGITS),
        )


class ModelVersionOut(Record):
    """Which model answered."""

    name: str
    version: str
    digest: str = Field(description="The bundle's SHA-256: its identity.")

    @classmethod
    def of(cls, model: ModelVersion) -> "ModelVersionOut":
        return cls(name=model.name, version=model.version, digest=model.digest)


class OriginOut(Record):
    """Where the photo came from."""

    source: str = Field(description="`rest`, or what the request or the camera is called.")
    trigger: str = Field(description="`http`, `continuous`, `mqtt` or `file`.")
    lot: str = Field(description="Empty where none was given.")
    captured: Optional[str] = Field(description="UTC, ISO 8601, by the device's clock.")
    frame_age_ms: Optional[float] = Field(description="Age of a camera's frame when inference began.")

    @classmethod
    def of(cls, origin: Origin) -> "OriginOut":
        captured = None if origin.captured_ms is None else iso_of(origin.captured_ms)
        age = None if origin.frame_age_ms is None else round(origin.frame_age_ms, 3)
        return cls(
            source=origin.source,
            trigger=origin.trigger,
            lot=origin.lot,
            captured=captured,
            frame_age_ms=age,
        )


class QualityOut(Record):
    """The frame at the network's input size."""

    brightness: float = Field(description="Mean gray value, 0..255.")
    focus: float = Field(description="Variance of the Laplacian; blur lowers it.")


class ShadowOut(Record):
    """What the shadow model said of the same photo."""

    model: ModelVersionOut
    verdict: Outcome
    image_score: float

    @classmethod
    def of(cls, shadow: ShadowAnswer) -> "ShadowOut":
        return cls(
            model=ModelVersionOut.of(shadow.model),
            verdict=shadow.outcome,
            image_score=round(float(shadow.image_score), DIGITS),
        )


class LinksOut(Record):
    """Where to get the pictures of this result; null where photo or score map is not kept."""

    self: str
    image: Optional[str] = Field(description="The photo as it was sent.")
    mask: Optional[str] = Field(description="PNG in the photo's size: 255 is defective.")
    overlay: Optional[str] = Field(
        description="JPEG, at most 2048 pixels a side: the photo with the defect map and the regions."
    )
    score: Optional[str] = Field(
        description="The smoothed score map as 8-bit PNG at the network's input size."
    )
    score_npy: Optional[str] = Field(
        description="The same map as a float32 NumPy file: what thresholds apply to."
    )

    @classmethod
    def of(cls, result_id: str, *, has_photo: bool, has_score: bool) -> "LinksOut":
        base = f"{PREFIX}/{result_id}"
        return cls(
            self=base,
            image=f"{base}/image" if has_photo else None,
            mask=f"{base}/mask.png" if has_score else None,
            overlay=f"{base}/overlay.jpg" if has_photo and has_score else None,
            score=f"{base}/score.png" if has_score else None,
            score_npy=f"{base}/score.npy" if has_score else None,
        )


class InspectionOut(Record):
    """One inspected photo."""

    id: str
    created: str = Field(description="UTC, ISO 8601.", examples=["2026-11-24T08:14:51.121Z"])
    verdict: Outcome
    reason: str = Field(
        description="Why there is no decision: `frozen`, `black`, `white`, `stale`, `busy` or `error`."
    )
    image_score: Optional[float] = Field(description="The maximum of the smoothed score map, 0..1.")
    thresholds: ThresholdsOut
    threshold_version: Optional[int] = Field(
        description="0: the bundle's own; null: those that the request asked for."
    )
    frame: SizeOut = Field(description="The photo's size: regions are in these pixels.")
    regions: List[RegionOut]
    model: ModelVersionOut
    origin: OriginOut
    latency_ms: Optional[float] = Field(description="Model time on this device, without upload and decoding.")
    quality: Optional[QualityOut]
    shadow: Optional[ShadowOut]
    decision: Optional[DecisionOut] = Field(description="What a person said of it, if anybody did.")
    stored: bool = Field(description="Whether the result is on disk and survives a power cut.")
    not_stored_because: str = Field(description="Empty when it is stored.")
    links: LinksOut

    @classmethod
    def of(
        cls,
        result: Inspected,
        *,
        has_photo: bool,
        has_score: bool,
        decision: Optional[DecisionOut] = None,
        not_stored_because: str = "",
    ) -> "InspectionOut":
        """Shape `result`, a fresh one or a stored one."""
        score, latency_ms, quality = result.image_score, result.latency_ms, result.quality
        return cls(
            id=result.id,
            created=iso_of(result.created_ms),
            verdict=result.outcome,
            reason=result.reason,
            image_score=None if score is None else round(float(score), DIGITS),
            thresholds=ThresholdsOut.of(result.thresholds),
            threshold_version=result.threshold_version,
            frame=SizeOut(width=result.frame_hw[1], height=result.frame_hw[0]),
            regions=[RegionOut.of(region) for region in result.regions],
            model=ModelVersionOut.of(result.model),
            origin=OriginOut.of(result.origin),
            latency_ms=None if latency_ms is None else round(latency_ms, 3),
            quality=None
            if quality is None
            else QualityOut(brightness=round(quality.brightness, 3), focus=round(quality.focus, 3)),
            shadow=None if result.shadow is None else ShadowOut.of(result.shadow),
            decision=decision,
            stored=not not_stored_because,
            not_stored_because=not_stored_because,
            links=LinksOut.of(result.id, has_photo=has_photo, has_score=has_score),
        )


class InspectionPageOut(Record):
    """One page of results, newest first."""

    items: List[InspectionOut]
    next_cursor: Optional[str] = Field(
        description="Give it as `cursor` to get the next page; null at the end."
    )
