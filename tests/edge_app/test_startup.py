"""A bundle goes live only when it is whole and gives the answers it was exported with."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from edge_app.startup import load_model
from inspector.bundle import Bundle, write_bundle
from inspector.errors import BundleError
from tests.tiny_bundle import SIZE_HW, part, tiny_golden, write_tiny_bundle

ROOT = Path(__file__).resolve().parents[2]


def test_a_sound_bundle_is_loaded_with_its_card_and_examples(tmp_path: Path) -> None:
    runner, card = load_model(write_tiny_bundle(tmp_path / "tiny.bundle"), threads=1)
    assert (card.name, card.version, card.runner, card.input_hw) == ("tiny", "1", "onnxruntime-cpu", SIZE_HW)
    assert card.warning == "few images"
    assert 0 <= card.self_test_difference <= 1e-4
    defective = cv2.imdecode(np.frombuffer(card.examples[0], np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(defective, part(2, defect=True)[0])
    assert runner.inspect(part(3, defect=True)[0]).judgement.verdict == "FAIL"


def test_a_changed_byte_is_refused(tmp_path: Path) -> None:
    folder = write_tiny_bundle(tmp_path / "tiny")
    card = folder / "card.md"
    card.write_bytes(card.read_bytes() + b" ")
    with pytest.raises(BundleError, match=r"card\.md"):
        load_model(folder, threads=1)


def test_other_answers_than_at_export_are_refused(tmp_path: Path) -> None:
    sound = Bundle.open(write_tiny_bundle(tmp_path / "sound"))
    first, *others = tiny_golden()
    path = write_bundle(
        tmp_path / "shifted",
        manifest=sound.manifest,
        model=sound.model_bytes,
        golden=[replace(first, score=first.score + np.float32(0.01)), *others],
        reference=sound.reference,
        card=sound.card,
        preview_png=sound.preview_png,
    )
    with pytest.raises(BundleError, match="other answers on this machine"):
        load_model(path, threads=1)


def test_the_server_imports_nothing_of_the_offline_packages() -> None:
    code = (
        "import sys, edge_app.cli; "
        "print(sorted({'torch', 'torchvision', 'ray', 'onnx', 'scipy', 'sklearn', 'PIL', 'search', 'export',"
        " 'multipart', 'python_multipart'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
