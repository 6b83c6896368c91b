"""A recipe: one YAML file, parsed once into checked records.

Source: design.md, "Recipe".
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path
from typing import Any, Literal, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from inspector.errors import RecipeError
from inspector.latency import shipped_names
from search.recipe_network import NetworkRecipe
from search.recipe_record import Record
from search.recipe_sections import (
    ComputeRecipe,
    DataRecipe,
    DefectsRecipe,
    EvolutionRecipe,
    ExportRecipe,
    LimitsRecipe,
    LossRecipe,
    MaskNoiseRecipe,
    NasbRecipe,
    TrainingRecipe,
)
from search.tune.recipe import TuneRecipe

__all__ = [
    "PRESETS",
    "PRESET_DIR",
    "ComputeRecipe",
    "DataRecipe",
    "DefectsRecipe",
    "EvolutionRecipe",
    "ExportRecipe",
    "LimitsRecipe",
    "LossRecipe",
    "MaskNoiseRecipe",
    "NasbRecipe",
    "NetworkRecipe",
    "Recipe",
    "TrainingRecipe",
    "load_recipe",
    "merge",
    "parse_recipe",
    "read_recipe",
]

PRESETS = ("quick", "cpu", "paper")
PRESET_DIR = Path(__file__).parent / "presets"


class Recipe(Record):
    """Everything that decides a run. Parsed by `load_recipe`."""

    preset: Literal["quick", "cpu", "paper"] | None = None
    seed: int = Field(0, ge=0, lt=2**63, description="torch takes no larger one")
    data: DataRecipe
    limits: LimitsRecipe = LimitsRecipe()
    network: NetworkRecipe = NetworkRecipe()
    defects: DefectsRecipe = DefectsRecipe()
    mask_noise: MaskNoiseRecipe = MaskNoiseRecipe()
    method: Literal["autodd", "nasb"] = Field(
        "autodd", description="how the space is searched: a supernet and evolution, or strengths that learn"
    )
    loss: LossRecipe = LossRecipe()
    one_shot: TrainingRecipe
    evolution: EvolutionRecipe = EvolutionRecipe()
    nasb: NasbRecipe = NasbRecipe()
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

    @field_validator("method")
    @classmethod
    def _nasb_searches_the_segmenter(cls, method: str, info: ValidationInfo) -> str:
        network: NetworkRecipe | None = info.data.get("network")
        defects: DefectsRecipe | None = info.data.get("defects")
        joint = defects is not None and defects.style == "joint"
        if method == "nasb" and network is not None and (network.family, network.space) != ("unet", "unet"):
            raise ValueError("is nasb, which searches the family unet in the space unet alone")
        if method == "nasb" and joint:
            raise ValueError("is nasb, which knows no style gene; choose one style of defects, or mixed")
        return method

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
