"""A recipe is checked whole before anything runs, and says what to change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inspector.errors import RecipeError
from search.recipe import PRESET_DIR, PRESETS, TrainingRecipe, load_recipe, parse_recipe

DATA = {"root": "/parts"}


def write(folder: Path, text: str) -> Path:
    path = folder / "recipe.yaml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_needs_only_the_folder_of_photos(preset: str) -> None:
    recipe = parse_recipe({"preset": preset, "data": DATA})
    assert recipe.preset == preset
    assert recipe.data.root == Path("/parts")


def test_the_paper_preset_is_section_5_3_1_of_the_dissertation() -> None:
    recipe = parse_recipe({"preset": "paper", "data": DATA})
    assert (recipe.data.size, recipe.limits.max_size_mb, recipe.limits.max_params_m) == (256, 160, 40)
    assert (recipe.network.width, recipe.network.reconstructor_width) == (64, 64)
    assert (recipe.network.initialisation, recipe.loss.focal_gamma) == ("draem", 2)
    for training in (recipe.one_shot, recipe.retraining):
        assert (training.epochs, training.batch_size, training.learning_rate) == (800, 8, 1e-4)
        assert (training.optimizer, training.milestones, training.gamma) == ("adam", (0.8, 0.9), 0.2)
    evolution = recipe.evolution
    assert (evolution.population, evolution.top_k, evolution.iterations) == (50, 10, 20)
    assert (evolution.crossover, evolution.mutation, evolution.mutation_probability) == (25, 25, 0.1)


def test_values_of_the_recipe_win_over_the_preset_key_by_key() -> None:
    preset = parse_recipe({"preset": "quick", "data": DATA})
    recipe = parse_recipe({"preset": "quick", "data": DATA, "evolution": {"population": 7}})
    assert recipe.evolution.population == 7
    assert recipe.evolution.iterations == preset.evolution.iterations
    assert recipe.one_shot == preset.one_shot


@pytest.mark.parametrize(("length", "steps", "epochs"), [({"epochs": 3}, None, 3), ({"steps": 5}, 5, None)])
@pytest.mark.parametrize("preset", ["quick", "paper"])  # one counts steps, the other epochs
def test_steps_and_epochs_replace_each_other_over_a_preset(
    preset: str, length: dict[str, int], steps: int | None, epochs: int | None
) -> None:
    recipe = parse_recipe({"preset": preset, "data": DATA, "retraining": length})
    assert (recipe.retraining.steps, recipe.retraining.epochs) == (steps, epochs)


@pytest.mark.parametrize(
    ("epochs", "num_images", "batch_size", "steps"),
    [(1, 16, 8, 2), (3, 10, 8, 4), (1, 2, 8, 1), (2, 8, 8, 2)],
)
def test_epochs_become_steps(epochs: int, num_images: int, batch_size: int, steps: int) -> None:
    assert TrainingRecipe(epochs=epochs, batch_size=batch_size).num_steps(num_images) == steps
    assert TrainingRecipe(steps=5).num_steps(num_images) == 5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"evolutoin": {}}, r"recipe: unknown key `evolutoin`; the nearest known key is `evolution`"),
        ({"limits": {"max_param_m": 3}}, r"unknown key `limits.max_param_m`; .* `limits.max_params_m`"),
        (
            {"one_shot": {"lerning_rate": 1}},
            r"unknown key `one_shot.lerning_rate`; .* `one_shot.learning_rate`",
        ),
        ({"loss": {"zzz": 1}}, r"unknown key `loss.zzz`; the nearest known key is `loss\."),
        ({7: 1}, r"unknown key `7`"),
        ({"preset": "quik"}, r"preset is 'quik'; choose one of quick, cpu, paper"),
        ({"preset": ["quick"]}, r"preset is \['quick'\]; choose one of quick, cpu, paper"),
        ({"network": None}, r"`network` is None, but must be a section of keys"),
        ({"limits": 40}, r"`limits` is 40, but must be a section of keys"),
        ({"data": {**DATA, "size": 100}}, r"`data.size` is 100, but must be a multiple of 32"),
        ({"data": {**DATA, "size": 16}}, r"`data.size` is 16: .*32"),
        ({"data": {**DATA, "layout": "coco"}}, r"`data.layout` is 'coco': .*mvtec"),
        ({"data": {**DATA, "calibration": 1}}, r"`data.calibration` is 1: .*less than 1"),
        ({"data": {}}, r"`data.root` is missing"),
        ({"seed": "many"}, r"`seed` is 'many': .*integer"),
        ({"seed": -1}, r"`seed` is -1: .*greater than or equal to 0"),
        ({"seed": 2**64}, r"`seed` is 18446744073709551616: .*less than"),
        ({"one_shot": {"steps": 0}}, r"`one_shot.steps` is 0: .*greater than or equal to 1"),
        ({"one_shot": {"steps": 1.5}}, r"`one_shot.steps` is 1.5: .*integer"),
        ({"one_shot": {"batch_size": 1}}, r"`one_shot.batch_size` is 1: .*greater than or equal to 2"),
        ({"one_shot": {"milestones": "late"}}, r"`one_shot.milestones` is 'late'"),
        (
            {"retraining": {"steps": 3, "epochs": 4}},
            r"`retraining` needs exactly one of `steps` and `epochs`",
        ),
        ({"network": {"genes": "0120"}}, r"`network.genes` is '0120', but must be 18 digits out of 012"),
        ({"network": {"genes": "3" * 18}}, r"`network.genes` is '3{18}', but must be 18 digits out of 012"),
        ({"limits": {"max_macs_g": 0}}, r"`limits.max_macs_g` is 0: .*greater than 0"),
    ],
)
def test_a_mistake_is_named_with_its_place_its_value_and_what_is_allowed(
    change: dict[Any, Any], message: str
) -> None:
    with pytest.raises(RecipeError, match=message) as caught:
        parse_recipe({"preset": "quick", "data": DATA, **change})
    assert "\n" not in str(caught.value)


def test_without_a_preset_what_is_missing_is_named() -> None:
    with pytest.raises(RecipeError, match=r"`one_shot` is missing; add it or start from a preset \(quick"):
        parse_recipe({"data": DATA})


def test_a_training_without_length_is_refused() -> None:
    with pytest.raises(RecipeError, match="`one_shot` needs exactly one of `steps` and `epochs`"):
        parse_recipe({"data": DATA, "one_shot": {}, "retraining": {"steps": 1}})


@pytest.mark.parametrize("preset", PRESETS)
def test_a_recipe_written_out_and_read_back_is_the_same_recipe(preset: str, tmp_path: Path) -> None:
    recipe = parse_recipe(
        {
            "preset": preset,
            "seed": 3,
            "data": {"root": "/some where/ü"},
            "limits": {"max_size_mb": None, "max_macs_g": 1.25},
            "network": {"genes": "0" * 18},
            "one_shot": {"learning_rate": 1e-07, "milestones": [0.5]},
        }
    )
    again = load_recipe(write(tmp_path, recipe.as_yaml()))
    assert again == recipe.model_copy(update={"preset": None})
    assert again.as_yaml() == recipe.as_yaml()


def test_genes_survive_yaml_as_digits(tmp_path: Path) -> None:
    recipe = parse_recipe({"preset": "quick", "data": DATA, "network": {"genes": "0" * 17 + "1"}})
    assert load_recipe(write(tmp_path, recipe.as_yaml())).network.genes == "0" * 17 + "1"


def test_paths_may_name_the_environment_and_are_relative_to_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PARTS", "/photos")
    text = "preset: quick\ndata: {root: '${PARTS}/tile'}\ndefects: {textures: ../dtd}"
    folder = tmp_path / "configs"
    folder.mkdir()
    recipe = load_recipe(write(folder, text))
    assert recipe.data.root == Path("/photos/tile")
    assert recipe.defects.textures == tmp_path / "dtd"


def test_an_override_wins_over_the_file(tmp_path: Path) -> None:
    path = write(tmp_path, "preset: quick\nseed: 1\ndata: {root: here, size: 96}")
    recipe = load_recipe(path, overrides={"seed": 5, "data": {"root": "/there"}})
    assert (recipe.seed, recipe.data.root, recipe.data.size) == (5, Path("/there"), 96)


@pytest.mark.parametrize("text", ["", "# only a comment\n", "- a\n- b\n", "quick", "7"])
def test_an_empty_file_or_one_without_sections_is_refused(text: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"recipe\.yaml is empty or no mapping of sections; start with"):
        load_recipe(write(tmp_path, text))


@pytest.mark.parametrize("text", ["data: {root: [", "a: b: c", "\tdata: 1"])
def test_text_that_is_not_yaml_is_refused_in_one_line(text: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"recipe\.yaml is not valid YAML: .*line 1") as caught:
        load_recipe(write(tmp_path, text))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"a: \x00"])
def test_bytes_that_are_no_text_are_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content)
    with pytest.raises(RecipeError, match=r"recipe\.yaml is not valid YAML"):
        load_recipe(path)


def test_a_recipe_that_is_not_there_or_is_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"cannot read recipe .*none\.yaml: No such file"):
        load_recipe(tmp_path / "none.yaml")
    with pytest.raises(RecipeError, match=r"cannot read recipe .*: Is a directory"):
        load_recipe(tmp_path)


def test_presets_hold_no_folder_of_their_own() -> None:
    assert sorted(path.stem for path in PRESET_DIR.glob("*.yaml")) == sorted(PRESETS)
    assert all("root" not in path.read_text() for path in PRESET_DIR.glob("*.yaml"))


def test_a_device_profile_is_relative_to_the_file_and_a_shipped_name_stays(tmp_path: Path) -> None:
    # `line7.json` was looked for where the command ran: the export of the run did not find it any more.
    (tmp_path / "line7.json").touch()
    (tmp_path / "jetson-nano").touch()
    for given, expected in (
        ("line7.json", str(tmp_path / "line7.json")),
        ("jetson-nano", "jetson-nano"),
        ("jetson-orin", "jetson-orin"),
    ):
        path = tmp_path / "recipe.yaml"
        path.write_text(f"preset: quick\ndata: {{root: x}}\nlimits: {{device: {given}}}\n")
        assert load_recipe(path).limits.device == expected


def test_joint_is_refused_where_nothing_searches_the_style():
    with pytest.raises(RecipeError, match="`defects` has the style joint, a gene of the space unet; leave"):
        parse_recipe(
            {
                "preset": "quick",
                "data": {"root": "x"},
                "network": {"genes": "0" * 18},
                "defects": {"style": "joint"},
            }
        )


@pytest.mark.parametrize(
    ("defects", "sentence"),
    [
        ({"shares": {"perlin": 0, "scar": 0}}, "needs shares of zero or more, at least one above zero"),
        ({"shares": {"scar": -1, "perlin": 2}}, "needs shares of zero or more"),
        ({"joint_styles": ["scar"]}, "needs two or more different styles"),
        ({"joint_styles": ["scar", "scar"]}, "needs two or more different styles"),
        ({"style": "perlim"}, "perlin"),
    ],
)
def test_styles_that_make_no_sense_are_refused(defects, sentence):
    with pytest.raises(RecipeError, match=sentence):
        parse_recipe({"preset": "quick", "data": {"root": "x"}, "defects": defects})
