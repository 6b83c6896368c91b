"""The recipe's section `tune`: what is tuned, under which constraints, for how long.

Source: [D] Sec. 4.2 (policy, truncation), 4.3.
Differs from the source: the constraints are those of an inspector: robustness, false rejects, latency, size.
"""

from __future__ import annotations

import math
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from search.ace.names import PolicyName, SearcherName
from search.recipe_record import Record
from search.tune.perturbations import PERTURBATIONS

Range = tuple[float, float]
LOG_RANGES = ("learning_rate", "weight_decay")
CHOICES = ("batch_size", "ema_decay", "width")
ALLOWED = {
    "learning_rate": (1e-8, 10.0),
    "weight_decay": (1e-12, 10.0),
    "batch_size": (2, 4096),
    "focal_alpha": (0.01, 0.99),
    "blend_max": (0.0, 1.0),
    "rotate_probability": (0.0, 1.0),
    "camera_probability": (0.0, 1.0),
    "ema_decay": (0.0, 0.9999),
    "width": (1, 1024),
}

# Mild: what a fixed camera sees within a month. Pixels are those of the network's input.
MILD: dict[str, tuple[float, ...]] = {
    "exposure": (0.3,),
    "white_balance": (15.0,),
    "defocus": (2.0,),
    "motion_blur": (3.0,),
    "sensor_noise": (0.02,),
    "jpeg": (30.0,),
    "shift": (2.0,),
    "rotation": (2.0,),
    "shading": (0.2,),
}


class SpaceRecipe(Record):
    """What a trial may choose: `[low, high]`, or a list of values; `null` keeps the recipe's own value."""

    learning_rate: Range | None = Field((3e-4, 1e-2), description="drawn in its logarithm")
    batch_size: tuple[int, ...] | None = (4, 8)
    weight_decay: Range | None = Field((1e-6, 1e-2), description="drawn in its logarithm")
    focal_gamma: Range | None = (0.0, 4.0)
    focal_alpha: Range | None = (0.5, 0.95)
    ssim: Range | None = Field((0.2, 2.0), description="weight of the SSIM loss")
    blend_max: Range | None = Field((0.4, 0.95), description="beta of the generator, at most")
    rotate_probability: Range | None = None
    camera_probability: Range | None = Field(
        (0.0, 0.7), description="share of training photos seen through a random, mild perturbation"
    )
    ema_decay: tuple[float, ...] | None = (0.0, 0.98, 0.995)
    width: tuple[int, ...] | None = Field(None, description="of the segmenter; changes size and latency")

    @model_validator(mode="after")
    def _checked(self) -> SpaceRecipe:
        chosen = {name: value for name, value in self if value is not None}
        if not chosen:
            raise ValueError("nothing is tuned: every key is null")
        for name, value in chosen.items():
            low, high = ALLOWED.get(name, (0.0, math.inf))
            if name not in CHOICES and not value[0] < value[1]:
                raise ValueError(f"{name} is {list(value)}, but must be [low, high] with low < high")
            if not value or not low <= min(value) <= max(value) <= high:
                raise ValueError(f"{name} is {list(value)}, but its values must be from {low:g} to {high:g}")
        return self


class RobustnessRecipe(Record):
    """At most this share of verdicts may change under `strengths`; see search/tune/perturbations.py."""

    max_failures: float = Field(0.1, ge=0, lt=1)
    images: int = Field(16, ge=1, description="good images, and as many with a synthetic defect")
    strengths: dict[str, tuple[float, ...]] = Field(MILD, description="the kinds named are the suite")

    @field_validator("strengths")
    @classmethod
    def _known(cls, strengths: dict[str, tuple[float, ...]]) -> dict[str, tuple[float, ...]]:
        if not any(strengths.values()):
            raise ValueError("names no strength of any perturbation")
        for kind, values in strengths.items():
            if kind not in PERTURBATIONS:
                raise ValueError(f"names {kind!r}; choose among {', '.join(PERTURBATIONS)}")
            largest, unit = PERTURBATIONS[kind].largest, PERTURBATIONS[kind].unit
            for value in values:
                if not 0 < value <= largest:
                    raise ValueError(
                        f"{kind} is {value:g} {unit}, but must be above 0 and at most {largest:g}"
                    )
        return strengths


class FalseRejectsRecipe(Record):
    """At most this share of the good validation images may FAIL."""

    max_rate: float = Field(0.05, ge=0, lt=1)


class LatencyRecipe(Record):
    """Predicted milliseconds of one frame on the device that `limits` names."""

    max_ms: float = Field(gt=0)


class SizeRecipe(Record):
    """Megabytes of the weights in float32."""

    max_mb: float = Field(gt=0)


class ConstraintsRecipe(Record):
    """What a feasible network keeps; `null` leaves a constraint out."""

    robustness: RobustnessRecipe | None = None
    false_rejects: FalseRejectsRecipe | None = None
    latency: LatencyRecipe | None = None
    size: SizeRecipe | None = None

    @model_validator(mode="after")
    def _one_at_least(self) -> ConstraintsRecipe:
        if not self.thresholds():
            raise ValueError(f"is empty; choose one or more of {', '.join(ConstraintsRecipe.model_fields)}")
        return self

    def thresholds(self) -> dict[str, float]:
        """Return the largest value that each chosen constraint may have."""
        limits: dict[str, float] = {}
        if self.robustness is not None:
            limits["robustness"] = self.robustness.max_failures
        if self.false_rejects is not None:
            limits["false_rejects"] = self.false_rejects.max_rate
        if self.latency is not None:
            limits["latency"] = self.latency.max_ms
        if self.size is not None:
            limits["size"] = self.size.max_mb
        return limits


class TuneRecipe(Record):
    """One tuning run. It ends at whichever of `trials` and `seconds` comes first."""

    run: Path | None = Field(None, description="a finished run of `inspector search`; else network.genes")
    space: SpaceRecipe = SpaceRecipe()
    constraints: ConstraintsRecipe = ConstraintsRecipe(false_rejects=FalseRejectsRecipe())
    false_reject_budget: float = Field(
        0.005, gt=0, lt=1, description="share of calibration images that may FAIL; chooses the threshold"
    )
    iterations: int = Field(10, ge=1, description="of a trial that is never stopped; T of [D]")
    steps_per_iteration: int = Field(100, ge=1)
    trials: int | None = Field(20, ge=1)
    seconds: float | None = Field(None, gt=0)
    policy: PolicyName = "ace"
    truncation: float = Field(0.25, gt=0, lt=1, description="share that a judgement stops; P of [D]")
    searcher: SearcherName = "tpe"
    slots: int = Field(1, ge=1, description="trials at a time; the cores are shared among them")
    validation_images: int = Field(64, ge=4, description="synthetic samples of the objective, drawn once")

    @model_validator(mode="after")
    def _checked(self) -> TuneRecipe:
        if self.trials is None and self.seconds is None:
            raise ValueError("has no budget; set `trials`, `seconds` or both")
        return self

    @property
    def num_steps(self) -> int:
        return self.iterations * self.steps_per_iteration
