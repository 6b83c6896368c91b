"""The sections of a recipe as checked records: data, limits, defects, trainings, evolution, machine, export.

Source: design.md, "Recipe"; the defaults of the preset `paper` are [D] Sec. 5.3.1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from search.recipe_record import Record

StyleName = Literal["perlin", "cutout", "cutpaste", "scar", "surface"]
ScoreLossName = Literal[
    "focal", "cce", "rll", "mae", "gce", "sce", "taylor", "nce", "rce", "nce+mae", "nce+rce"
]
MaskNoiseName = Literal["shifted", "dilated", "eroded", "missing", "extra"]


class DataRecipe(Record):
    """Where the photos are and at what size the network sees them."""

    root: Path
    layout: Literal["auto", "mvtec", "plain", "magnetic_tile"] = "auto"
    size: int = Field(256, ge=32, le=2048, description="side of the network's square input, pixels")
    validation: float = Field(0.2, gt=0, lt=1)
    calibration: float = Field(0.1, gt=0, lt=1)

    @field_validator("size")
    @classmethod
    def _multiple(cls, size: int) -> int:
        if size % 32:
            raise ValueError(f"is {size}, but must be a multiple of 32 (the networks halve it up to 5 times)")
        return size


class LimitsRecipe(Record):
    """Hard limits; a candidate over any of them is never evaluated. `null` switches one off."""

    max_params_m: float | None = Field(40.0, gt=0)
    max_size_mb: float | None = Field(160.0, gt=0)
    max_macs_g: float | None = Field(None, gt=0)
    max_latency_ms: float | None = Field(None, gt=0, description="predicted, of the network, on `device`")
    device: str | None = Field(None, description="a profile's name, or a file of `inspector profile`")

    @model_validator(mode="after")
    def _latency_needs_a_device(self) -> LimitsRecipe:
        if self.max_latency_ms is not None and self.device is None:
            raise ValueError("max_latency_ms needs a device: a profile's name or file, such as jetson-nano")
        return self


class DefectsRecipe(Record):
    """Synthetic defects: spec/autodd.md, "Defect generators"."""

    style: Literal["perlin", "cutout", "cutpaste", "scar", "surface", "mixed", "joint"] = "perlin"
    shares: dict[StyleName, float] = Field(
        {"perlin": 35.0, "surface": 30.0}, description="of `mixed`: how often each style draws"
    )
    joint_styles: tuple[StyleName, ...] = Field(
        ("perlin", "cutout", "cutpaste", "scar", "surface"), description="of `joint`: one supernet each"
    )
    textures: Path | None = Field(None, description="folder of texture images; null: procedural ones")
    blend_max: float = Field(0.8, ge=0, le=1)
    probability: float = Field(0.5, gt=0, le=1)
    rotate_probability: float = Field(0.3, ge=0, le=1)
    rotate_max_deg: float = Field(90.0, ge=0, le=180)
    rotate_border: Literal["black", "mirror"] = "black"

    @property
    def styles(self) -> tuple[str, ...]:
        """The styles that are searched, a supernet each: one, or those of `joint`."""
        return self.joint_styles if self.style == "joint" else (self.style,)

    @field_validator("shares")
    @classmethod
    def _some_share(cls, shares: dict[StyleName, float]) -> dict[StyleName, float]:
        if min(shares.values(), default=0.0) < 0 or sum(shares.values()) <= 0:
            raise ValueError(f"is {shares}, but needs shares of zero or more, at least one above zero")
        return shares

    @field_validator("joint_styles")
    @classmethod
    def _different_styles(cls, styles: tuple[StyleName, ...]) -> tuple[StyleName, ...]:
        if len(styles) < 2 or len(set(styles)) < len(styles):
            raise ValueError(f"is {list(styles)}, but needs two or more different styles")
        return styles


class MaskNoiseRecipe(Record):
    """Masks that are wrong on purpose, for experiments with label noise (docs/label_noise.md)."""

    training: float = Field(0.0, ge=0, le=1, description="share of drawn defects whose mask is wrong")
    fitness: float = Field(0.0, ge=0, le=1, description="the same among the samples that give the fitness")
    kinds: tuple[MaskNoiseName, ...] = Field(
        ("shifted", "dilated", "eroded", "missing", "extra"), min_length=1, description="drawn alike"
    )
    reach: float = Field(0.06, gt=0, le=0.5, description="how far borders move, at most; share of the side")


class LossRecipe(Record):
    """Weights of [D] Eq. 5.3 and the loss of the score: focal, or one that wrong masks harm less."""

    segmentation: ScoreLossName = Field("focal", description="in the place of focal, with its weight")

    l2: float = Field(1.0, ge=0)
    ssim: float = Field(1.0, ge=0)
    focal: float = Field(1.0, ge=0)
    focal_gamma: float = Field(2.0, ge=0)
    focal_alpha: float | None = Field(None, gt=0, lt=1, description="weight of defects; null: none")


class TrainingRecipe(Record):
    """One training; its length is `steps` or `epochs`, never a time."""

    steps: int | None = Field(None, ge=1)
    epochs: int | None = Field(None, ge=1)
    batch_size: int = Field(8, ge=2)
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = Field(1e-4, gt=0)
    weight_decay: float = Field(0.0, ge=0)
    warmup_steps: int = Field(0, ge=0)
    schedule: Literal["steps", "cosine"] = "steps"
    milestones: tuple[float, ...] = Field((0.8, 0.9), description="shares of the training, for `steps`")
    gamma: float = Field(0.2, gt=0, le=1, description="factor at each milestone")
    ema_decay: float = Field(0.0, ge=0, lt=1, description="0: the last weights; else their moving average")

    @model_validator(mode="after")
    def _one_length(self) -> TrainingRecipe:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("needs exactly one of `steps` and `epochs`")
        return self

    def num_steps(self, num_images: int) -> int:
        """Steps of the whole training on `num_images` images; a batch may reach into the next epoch."""
        if self.steps is not None:
            return self.steps
        assert self.epochs is not None
        return max(1, round(self.epochs * num_images / self.batch_size))


class EvolutionRecipe(Record):
    """[D] Algorithm 4; `random` draws as many candidates without parents (Table 5.3)."""

    searcher: Literal["evolution", "random"] = "evolution"
    fitness: Literal["aupr", "auroc"] = "aupr"
    paths: Literal["uniform", "fair"] = Field(
        "uniform", description="how steps of the supernet draw paths; fair: each operation equally often"
    )
    population: int = Field(50, ge=2)
    top_k: int = Field(10, ge=1)
    crossover: int = Field(25, ge=0)
    mutation: int = Field(25, ge=0)
    mutation_probability: float = Field(0.1, gt=0, le=1)
    iterations: int = Field(20, ge=1)
    max_tries: int = Field(
        1000, ge=1, description="draws for a random candidate, or for all children, before giving up"
    )
    validation_images: int = Field(200, ge=4, description="synthetic validation samples, drawn once")
    recalibration_batches: int = Field(10, ge=1, description="training batches for BN statistics")
    drop: bool = Field(
        False, description="leave a candidate once it is certain that it is not among the top k; same winner"
    )


class NasbRecipe(Record):
    """[D] Algorithm 2 on the nodes of the U-Net; `one_shot` says for how many steps."""

    learning_rate: float = Field(3e-4, gt=0, description="of the strengths of operations, by Adam")
    weight_decay: float = Field(0.0, ge=0, description="of the strengths")
    warm_up: float = Field(
        0.2, ge=0, lt=1, description="share of the steps that train random paths before strengths learn"
    )
    derived: int = Field(
        8, ge=1, description="networks that are derived: the winner, and cheaper ones for the archive"
    )


class ComputeRecipe(Record):
    """How it runs. `precision`, `accelerator` and `devices` change the result, the others nothing of it."""

    precision: Literal["auto", "fp32", "bf16"] = "auto"
    accelerator: Literal["auto", "cpu", "cuda"] = "auto"
    devices: int = Field(1, ge=1, le=64, description="devices that share a training step, a process each")
    workers: int = Field(0, ge=0, description="processes that make samples; 0: the training process")
    candidate_workers: int = Field(
        0, ge=0, description="Ray actors that evaluate candidates, one a device; 0: this process"
    )
    ray_address: str | None = Field(None, description="a running Ray cluster; null: one is started here")
    cache_mb: float = Field(1024, ge=0, description="memory for what candidates share; less costs time")
    checkpoint_steps: int = Field(200, ge=1)
    log_steps: int = Field(20, ge=1)


class ExportRecipe(Record):
    """What a reduced precision may cost. Nothing of a search or training depends on it."""

    max_aupr_loss: float = Field(0.005, ge=0, le=1, description="pixel AUPR that FP16 or INT8 may lose")
    calibration_images: int = Field(32, ge=2, description="images that give INT8 its ranges")
    trial_images: int = Field(32, ge=2, description="images on which its loss is measured before the test")
