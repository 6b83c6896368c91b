"""A sheet of defects for every style."""

import cv2
import numpy as np

from search.defects import Defective
from search.defects.choose import STYLES
from search.defects.contact_sheet import GAP_PX, contact_sheet, main


def _square(frame, rng):
    """A style that leaves every second frame good."""
    changed, mask = frame.copy(), np.zeros(frame.shape[:2], np.uint8)
    if rng.random() < 0.5:
        changed[2:5, 2:5], mask[2:5, 2:5] = 255, 1
    return Defective(changed, mask)


def test_every_cell_shows_a_defect_above_its_mask():
    frames = [np.full((10, 12, 3), level, np.uint8) for level in (50, 60)]
    sheet = contact_sheet(_square, frames, seed=0, columns=3, rows=2)
    assert sheet.shape == (2 * (20 + GAP_PX) - GAP_PX, 3 * (12 + GAP_PX) - GAP_PX, 3)
    for row in range(2):
        for column in range(3):
            cell = sheet[row * (20 + GAP_PX) :, column * (12 + GAP_PX) :]
            assert (cell[2:5, 2:5] == 255).all()
            assert (cell[12:15, 2:5] == 255).all()
            assert (cell[16:20, :12] == 0).all()


def test_a_style_that_never_draws_does_not_hang():
    frames = [np.zeros((4, 4, 3), np.uint8)]
    sheet = contact_sheet(
        lambda frame, rng: Defective(frame.copy(), np.zeros((4, 4), np.uint8)),
        frames,
        seed=0,
        columns=1,
        rows=1,
    )
    assert not sheet.any()


def test_the_command_writes_a_sheet_for_every_style(tmp_path, capsys):
    arguments = ["--out", str(tmp_path), "--size", "48", "--columns", "2", "--rows", "1"]
    assert main(arguments) == 0
    for name in STYLES:
        assert cv2.imread(str(tmp_path / f"defects_{name}.png")).shape == (96, 2 * 48 + GAP_PX, 3)
    assert capsys.readouterr().out.count("defects_") == len(STYLES)


def test_a_folder_without_photos_is_one_sentence(tmp_path, capsys):
    assert main(["--out", str(tmp_path / "out"), "--photos", str(tmp_path)]) != 0
    assert "error: " in capsys.readouterr().err
