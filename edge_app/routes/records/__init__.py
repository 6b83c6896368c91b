"""The JSON records of the REST interface."""

from datetime import datetime, timezone
from typing import Dict, List, Optional, Tuple

from pydantic import BaseModel, ConfigDict, Field

from edge_app.services.inspection import ModelCard
from edge_app.services.result import Outcome, Result
from inspector.postprocess import Region, Thresholds

DIGITS = 6


class Record(BaseModel):
    """Frozen; never NaN or infinite."""

    model_config = ConfigDict(frozen=True, allow_inf_nan=False, protected_namespaces=())


class ErrorOut(Record):
    """What every 4xx and 5xx answers."""

    detail: str = Field(description="One sentence: what was wrong, the value, the limit, what to do.")


class ThresholdsOut(Record):
    """What the smoothed score map was held against."""

    fail: float = Field(description="A large enough region above this score is FAIL.")
    review: float = Field(description="A large enough region above this score is REVIEW.")
    min_area_px: int = Field(description="Smallest region that counts, in pixels of the network's input.")

    @classmethod
    def of(cls, thresholds: Thresholds) -> "ThresholdsOut":
        return cls(fail=thresholds.fail, review=thresholds.review, min_area_px=int(thresholds.min_area_px))


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


class ModelNameOut(Record):
    """Which model answered."""

    name: str
    version: str


class SizeOut(Record):
    """A size in pixels."""

    width: int
    height: int


class LinksOut(Record):
    """Where to get the pictures of this result, as long as it is kept."""

    self: str
    image: str = Field(description="The photo as it was sent.")
    mask: str = Field(description="PNG in the photo's size: 255 is defective.")
    overlay: str = Field(
        description="JPEG, at most 2048 pixels a side: the photo with the defect map and the regions."
    )
    score: str = Field(description="The smoothed score map as 8-bit PNG at the network's input size.")
    score_npy: str = Field(description="The same map as a float32 NumPy file: what thresholds apply to.")


class InspectionOut(Record):
    """One inspected photo."""

    id: str
    created: str = Field(description="UTC, ISO 8601.")
    verdict: Outcome
    image_score: float = Field(description="The maximum of the smoothed score map, 0..1.")
    thresholds: ThresholdsOut
    frame: SizeOut = Field(description="The photo's size: regions are in these pixels.")
    regions: List[RegionOut]
    model: ModelNameOut
    latency_ms: float = Field(description="Model time on this device, without upload and decoding.")
    links: LinksOut

    @classmethod
    def of(cls, record: Result, *, card: ModelCard, base: str) -> "InspectionOut":
        """Shape `record`; `base` is the path of its own resource."""
        height, width = record.frame_hw
        return cls(
            id=record.id,
            created=datetime.fromtimestamp(record.created_ms / 1000, timezone.utc)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z"),
            verdict=record.outcome,
            image_score=round(float(record.image_score or 0.0), DIGITS),
            thresholds=ThresholdsOut.of(record.thresholds),
            frame=SizeOut(width=width, height=height),
            regions=[RegionOut.of(region) for region in record.regions],
            model=ModelNameOut(name=card.name, version=card.version),
            latency_ms=round(record.latency_ms or 0.0, 3),
            links=LinksOut(
                self=base,
                image=f"{base}/image",
                mask=f"{base}/mask.png",
                overlay=f"{base}/overlay.jpg",
                score=f"{base}/score.png",
                score_npy=f"{base}/score.npy",
            ),
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
    created: str
    runner: str = Field(description="What executes the network, for example onnxruntime-cpu.")
    input: SizeOut = Field(description="The network's input size; photos are resized to it.")
    thresholds: ThresholdsOut
    num_parameters: int
    self_test_difference: float = Field(
        description="Largest difference to the bundle's expected scores, measured when the server started."
    )
    examples: List[str] = Field(description="Links to images from the bundle, to try the model with.")
    limits: LimitsOut
    warning: Optional[str] = Field(description="Why the thresholds promise less than was asked for, if so.")

    @classmethod
    def of(cls, card: ModelCard, *, examples: List[str], limits: LimitsOut) -> "ModelOut":
        height, width = card.input_hw
        return cls(
            name=card.name,
            version=card.version,
            created=card.created,
            runner=card.runner,
            input=SizeOut(width=width, height=height),
            thresholds=ThresholdsOut.of(card.thresholds),
            num_parameters=card.num_parameters,
            self_test_difference=card.self_test_difference,
            examples=examples,
            limits=limits,
            warning=card.warning,
        )


class HealthOut(Record):
    """Whether the server lives and is ready, and what it has done since it started."""

    live: bool
    ready: bool
    bundle: ModelNameOut
    runner: str
    uptime_s: float
    num_waiting: int
    queue_size: int
    counts: Dict[str, int] = Field(
        description="Photos since the start: pass, review, fail, unreadable, busy (refused: queue full)."
    )
