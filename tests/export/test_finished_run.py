"""Only a finished run, with the data it was trained on, is exported."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch
from typer.testing import CliRunner

from export.cli import app
from export.finished_run import load_trained
from inspector.bundle import Bundle
from inspector.dataset import Dataset, open_dataset, split_good
from inspector.errors import InputError, RunError
from inspector.runtime import Runner
from search.nets.detector import Detector, build_detector, initialise
from search.nets.spec import NetworkSpec
from search.run_folder import RunFolder
from search.training.checkpoint import save_checkpoint
from tests.tiny_bundle import write_tiny_dataset

SPEC = NetworkSpec(family="unet", genes=(0, 1, 2) * 6, width=4, reconstructor_width=4)
SIZE_HW = (32, 32)

Finish = Callable[..., Path]


@pytest.fixture
def detector() -> Detector:
    net = build_detector(SPEC)
    initialise(net, "he", seed=4)
    return net.eval()


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    return open_dataset(write_tiny_dataset(tmp_path / "parts", num_good=12))


@pytest.fixture
def finish(detector: Detector, dataset: Dataset, tmp_path: Path) -> Finish:
    """Return a function that writes the folder of a finished run; changes go into its result."""

    def run(**changes: Any) -> Path:
        folder = RunFolder(tmp_path / "the run")
        folder.weights.parent.mkdir(parents=True)
        save_checkpoint(folder.weights, {"net": detector.state_dict()})
        folder.recipe.write_text("seed: 5\n")
        result: dict[str, Any] = {
            "state": "finished",
            "genes": {"space": "unet", "digits": SPEC.digits},
            "network": SPEC.as_dict(),
            "size_hw": SIZE_HW,
            "params": 1,
            "size_mb": 1.0,
            "macs_g": 1.0,
            "metrics": {},
            "recipe": {"data": {"validation": 0.25, "calibration": 0.2}, "limits": {"max_params_m": 1.0}},
            "seed": 5,
            "data": {"root": str(dataset.root), "layout": "mvtec", "fingerprint": dataset.fingerprint()},
            "provenance": {"code_version": "1.2.3"},
        }
        folder.result.write_text(json.dumps({**result, **changes}))
        return folder.path

    return run


def test_the_split_is_that_of_the_training(finish: Finish, dataset: Dataset) -> None:
    trained = load_trained(finish())
    expected = split_good(dataset.train, validation=0.25, calibration=0.2, seed=5)
    assert trained.calibration == expected.calibration
    assert (trained.name, trained.seed, trained.code_version) == ("the run", 5, "1.2.3")
    assert (trained.spec, trained.space, trained.size_hw) == (SPEC, "unet", SIZE_HW)


def test_the_weights_are_those_of_the_training(finish: Finish, detector: Detector) -> None:
    loaded = load_trained(finish()).detector
    image = torch.rand(1, 3, *SIZE_HW, generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        assert torch.equal(loaded.score(image), detector.score(image))


def test_moved_data_is_given_by_hand(finish: Finish, dataset: Dataset, tmp_path: Path) -> None:
    run, fingerprint = finish(), dataset.fingerprint()
    dataset.root.rename(tmp_path / "elsewhere")
    with pytest.raises(RunError, match=r"is not at .*parts; say where it is with --data DIR"):
        load_trained(run)
    moved = load_trained(run, data=tmp_path / "elsewhere")
    assert moved.dataset.root == tmp_path / "elsewhere"
    assert moved.fingerprint == fingerprint


def test_other_data_is_refused(finish: Finish, dataset: Dataset) -> None:
    run = finish()
    cv2.imwrite(str(dataset.train[0].path), np.zeros((64, 96, 3), np.uint8))
    with pytest.raises(RunError, match=r"is not the one that .*the run was trained on"):
        load_trained(run)


def test_an_unfinished_run_is_refused(finish: Finish) -> None:
    with pytest.raises(RunError, match="is retraining, not finished; continue it"):
        load_trained(finish(state="retraining"))


def test_a_run_without_result_is_refused(finish: Finish) -> None:
    run = finish()
    (run / "result.json").unlink()
    with pytest.raises(RunError, match="is not finished; continue it"):
        load_trained(run)


def test_a_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="nothing is no run"):
        load_trained(tmp_path / "nothing")


def test_the_command_writes_a_bundle_that_answers(finish: Finish, detector: Detector, tmp_path: Path) -> None:
    out = tmp_path / "parts.bundle"
    options = ["--target", "onnx", "--out", str(out), "--name", "parts", "--threads", "1", "--json"]
    result = CliRunner().invoke(app, [str(finish()), *options], catch_exceptions=False)
    answer = json.loads(result.stdout)
    bundle = Bundle.open(out)
    assert answer["bundle"] == str(out)
    assert answer["digest"] == bundle.digest
    assert answer["name"] == bundle.manifest.name == "parts"
    assert answer["parity"]["max"] < 1e-4
    assert answer["thresholds"]["how"]["budget"] == 0.005
    assert Runner.open(bundle).self_test() < 1e-5
    for image, score in bundle.golden:
        with torch.inference_mode():
            assert np.abs(detector.score(torch.from_numpy(image))[0, 0].numpy() - score).max() < 1e-5


def test_an_unknown_target_is_refused_with_the_known_ones(tmp_path: Path) -> None:
    options = ["--target", "coral", "--out", str(tmp_path / "x.bundle")]
    result = CliRunner().invoke(app, [str(tmp_path), *options])
    assert isinstance(result.exception, InputError)
    assert (
        str(result.exception)
        == "unknown target 'coral'; the targets are: onnx, cpu, jetson-nano, jetson-orin, cuda"
    )
    assert result.exception.exit_status == 2
