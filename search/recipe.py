"""A recipe: one YAML file, parsed once into checked records.

Source: design.md, "Recipe"; the defaults of the preset `paper` are [D] Sec. 5.3.1.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator, model_validator

from inspector.errors import RecipeError
from inspector.latency import shipped_names
from search.nets.dual import DUAL_ALPHABETS
from search.nets.peers.nas_unet_genotype import read_genes
from search.nets.spec import NUM_NODES, OPERATION_NAMES, Family, genes_of
from search.recipe_record import Record
from search.tune.recipe import TuneRecipe

PRESETS = ("quick", "cpu", "paper")
StyleName = Literal["perlin", "cutout", "cutpaste", "scar", "surface"]
PRESET_DIR = Path(__file__).parent / "presets"


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


class NetworkRecipe(Record):
    """What is searched, or with `genes` (or a family without genes) what is trained without a search."""

    family: Family = "unet"
    space: Literal["unet", "dual"] = Field(
        "unet", description="what is searched: the segmenter, or both networks and their widths"
    )
    genes: str | None = Field(None, description="18 digits, of dual 42: train this network, search nothing")
    width: int = Field(64, ge=1)
    reconstructor_width: int = Field(64, ge=1)
    initialisation: Literal["he", "draem"] = "he"
    retraining_start: Literal["scratch", "supernet"] = Field(
        "scratch", description="what retraining begins with; always scratch without a search"
    )
    reconstructor: bool | None = Field(
        None, description="whether there is one; null: with unet and draem, while the peers stand alone"
    )
    encoder_weights: Path | None = Field(
        None, description="torchvision's file for the encoder of mobile_unet or shuffle_fabric; null: fresh"
    )

    @field_validator("genes")
    @classmethod
    def _digits(cls, genes: str | None, info: ValidationInfo) -> str | None:
        allowed = "".join(str(gene) for gene in range(len(OPERATION_NAMES)))
        length = len(DUAL_ALPHABETS) if info.data.get("space") == "dual" else NUM_NODES
        if genes is None:
            return None
        if info.data.get("family") == "nas_unet":
            if not genes.isdecimal():
                raise ValueError(f"is {genes!r}, but must be digits")
            read_genes(genes_of(genes))
        elif len(genes) != length or set(genes) - set(allowed):
            raise ValueError(f"is {genes!r}, but must be {length} digits out of {allowed}")
        return genes

    @model_validator(mode="after")
    def _fits_the_family(self) -> NetworkRecipe:
        if self.reconstructor is False and self.family == "unet":
            raise ValueError("reconstructor: false is for peers; family unet is searched behind one")
        if self.encoder_weights is not None and self.family not in ("mobile_unet", "shuffle_fabric"):
            raise ValueError(f"encoder_weights are for mobile_unet and shuffle_fabric, not {self.family}")
        return self

    @model_validator(mode="after")
    def _dual_has_widths(self) -> NetworkRecipe:
        if self.space != "dual":
            return self
        if self.family != "unet":
            raise ValueError(f"space dual is one of the family unet, not of {self.family}")
        for name in ("width", "reconstructor_width"):
            width = getattr(self, name)
            if width % 4:
                raise ValueError(f"{name} is {width}, but space dual has quarters: take a multiple of 4")
        return self

    @property
    def is_fixed(self) -> bool:
        return self.family not in ("unet", "nas_unet") or self.genes is not None

    @property
    def has_style_gene(self) -> bool:
        """Whether the style of the defects can be searched along."""
        return self.family == "unet" and self.space == "unet" and self.genes is None

    @property
    def own_reconstructor_width(self) -> int:
        """The reconstructor's width, 0 where there is none."""
        with_one = self.family in ("unet", "draem") if self.reconstructor is None else self.reconstructor
        return self.reconstructor_width if with_one else 0


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


class LossRecipe(Record):
    """Weights of [D] Eq. 5.3 and the focal loss."""

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


class Recipe(Record):
    """Everything that decides a run. Parsed by `load_recipe`."""

    preset: Literal["quick", "cpu", "paper"] | None = None
    seed: int = Field(0, ge=0, lt=2**63, description="torch takes no larger one")
    data: DataRecipe
    limits: LimitsRecipe = LimitsRecipe()
    network: NetworkRecipe = NetworkRecipe()
    defects: DefectsRecipe = DefectsRecipe()
    loss: LossRecipe = LossRecipe()
    one_shot: TrainingRecipe
    evolution: EvolutionRecipe = EvolutionRecipe()
    retraining: TrainingRecipe
    compute: ComputeRecipe = ComputeRecipe()
    export: ExportRecipe = ExportRecipe()
    tune: TuneRecipe | None = Field(None, description="`inspector tune`; a search has no use for it")

    @field_validator("defects")
    @classmethod
    def _joint_is_searched(cls, defects: DefectsRecipe, info: ValidationInfo) -> DefectsRecipe:
        network: NetworkRecipe | None = info.data.get("network")
        if defects.style == "joint" and network is not None and not network.has_style_gene:
            raise ValueError(
                "has the style joint, a gene of the space unet; leave network.family and network.space at "
                "unet and network.genes out, or choose one style or mixed"
            )
        return defects

    def as_yaml(self) -> str:
        """Write the recipe with every default spelt out; reading it back gives the same recipe."""
        record = self.model_dump(mode="json")
        record["preset"] = None
        return yaml.safe_dump(record, sort_keys=False)


def load_recipe(path: Path, *, overrides: dict[str, Any] | None = None) -> Recipe:
    """Read a recipe file; paths in it may use environment variables and are relative to the file.

    Args:
        overrides: Sections that win over the file, for example `{"data": {"root": ...}}`.

    Raises:
        RecipeError: not readable, not YAML, an unknown key (the nearest known one is named), a bad value.
    """
    return parse_recipe(merge(read_recipe(path), overrides or {}), source=str(path))


def read_recipe(path: Path) -> dict[str, Any]:
    """Read a recipe file without its preset and without checking keys; paths as in `load_recipe`.

    Raises:
        RecipeError: not readable, or not a YAML mapping.
    """
    try:
        record = yaml.safe_load(path.read_text())
    except OSError as error:
        raise RecipeError(f"cannot read recipe {path}: {error.strerror}") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise RecipeError(f"recipe {path} is not valid YAML: {' '.join(str(error).split())}") from error
    if not isinstance(record, dict):
        raise RecipeError(f"recipe {path} is empty or no mapping of sections; start with `preset: quick`")
    _resolve_paths(record, path.parent)
    return record


def parse_recipe(record: dict[str, Any], *, source: str = "recipe") -> Recipe:
    """Lay `record` over its preset and check every value; errors as in `load_recipe`."""
    _refuse_unknown_keys(record, Recipe, source, "")
    preset = record.get("preset")
    if preset is not None and preset not in PRESETS:
        raise RecipeError(f"{source}: preset is {preset!r}; choose one of {', '.join(PRESETS)}")
    base = yaml.safe_load((PRESET_DIR / f"{preset}.yaml").read_text()) if preset else {}
    try:
        return Recipe.model_validate(merge(base, record))
    except ValidationError as error:
        raise RecipeError(f"{source}: {_first_sentence(error)}") from error


def merge(base: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """Lay `over` on `base`, section by section.

    A training's `steps` replaces the `epochs` below it, and the other way round.

    >>> merge({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}})
    {'a': {'x': 1, 'y': 3}}
    """
    merged = dict(base)
    for one, other in (("steps", "epochs"), ("epochs", "steps")):
        if over.get(one) is not None and other not in over:
            merged.pop(other, None)
    for key, value in over.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return merged


def _refuse_unknown_keys(record: dict[str, Any], model: type[BaseModel], source: str, where: str) -> None:
    for key, value in record.items():
        field = model.model_fields.get(str(key))
        if field is None:
            near = difflib.get_close_matches(str(key), model.model_fields, n=1, cutoff=0.0)
            raise RecipeError(
                f"{source}: unknown key `{where}{key}`; the nearest known key is `{where}{near[0]}`"
            )
        section = _section_of(field.annotation)
        if section is not None:
            if value is None and field.annotation is not section:
                continue
            if not isinstance(value, dict):
                raise RecipeError(f"{source}: `{where}{key}` is {value!r}, but must be a section of keys")
            _refuse_unknown_keys(value, section, source, f"{where}{key}.")


def _section_of(annotation: Any) -> type[BaseModel] | None:
    """Return the record that a field holds, also one that may be null; None for a plain value."""
    for kind in (annotation, *get_args(annotation)):
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            return kind
    return None


def _first_sentence(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    message = str(first["msg"]).removeprefix("Value error, ")
    if first["type"] == "missing":
        return f"`{where}` is missing; add it or start from a preset ({', '.join(PRESETS)})"
    value = "" if first["type"] == "value_error" else f" is {first['input']!r}:"
    return f"`{where}`{value} {message}"


def _resolve_paths(record: dict[str, Any], folder: Path) -> None:
    for section, key in (
        ("data", "root"),
        ("network", "encoder_weights"),
        ("defects", "textures"),
        ("tune", "run"),
    ):
        part = record.get(section)
        if isinstance(part, dict) and isinstance(part.get(key), str):
            expanded = Path(os.path.expandvars(part[key])).expanduser()
            part[key] = str(expanded if expanded.is_absolute() else (folder / expanded).resolve())
    limits = record.get("limits")
    if not isinstance(limits, dict):
        return
    device = limits.get("device")
    if isinstance(device, str) and device not in shipped_names():
        profile = folder / Path(os.path.expandvars(device)).expanduser()
        if profile.is_file():  # else it is a name, or a mistake that is told where the profile is opened
            limits["device"] = str(profile.resolve())
