"""The demo part is the same every time, its masks are exact, and classical baselines do not solve it."""

import hashlib
from pathlib import Path

import cv2
import numpy as np
import pytest

from benchmarks.part_baselines.baselines import local_contrast, mean_difference
from inspector.dataset import open_dataset, read_frame, read_mask
from inspector.demo_part import DEFECT_KINDS, render_defect, render_good, write_demo_part
from inspector.errors import DatasetError, StorageError
from inspector.metrics import aupr
from inspector.preprocess import resize_mask

SIZE = 128
BASELINE_LIMIT = 0.30  # AUPR: half of what the demo must reach (benchmarks/part_baselines has the figures)
Pair = tuple[np.ndarray, np.ndarray]


def _hashes(root: Path) -> dict[str, str]:
    files = (path for path in sorted(root.rglob("*")) if path.is_file())
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files
    }


def _shrunk(frame: np.ndarray) -> np.ndarray:
    return cv2.resize(frame, (SIZE, SIZE), interpolation=cv2.INTER_AREA)


def _write(root: Path, *, seed: int = 3, count: int = 2) -> Path:
    write_demo_part(root, seed=seed, num_train=count, num_test_good=count, num_per_defect=count, size_px=SIZE)
    return root


def test_same_seed_writes_the_same_bytes(tmp_path: Path) -> None:
    assert _hashes(_write(tmp_path / "a")) == _hashes(_write(tmp_path / "b"))


def test_more_images_leave_the_first_ones_as_they_were(tmp_path: Path) -> None:
    few, more = _hashes(_write(tmp_path / "few", count=1)), _hashes(_write(tmp_path / "more", count=2))
    assert len(more) == 2 * len(few)
    assert few.items() <= more.items()


def test_another_seed_gives_other_images(tmp_path: Path) -> None:
    one, other = _hashes(_write(tmp_path / "a", seed=1)), _hashes(_write(tmp_path / "b", seed=2))
    assert one.keys() == other.keys()
    assert not set(one.values()) & set(other.values())


def test_no_two_images_are_the_same(tmp_path: Path) -> None:
    hashes = _hashes(_write(tmp_path / "a"))
    assert len(set(hashes.values())) == len(hashes)


def test_layout_is_read_as_mvtec(tmp_path: Path) -> None:
    dataset = open_dataset(_write(tmp_path / "part"))
    assert dataset.layout == "mvtec"
    assert len(dataset.train) == len(dataset.test_good) == 2
    assert sorted(sample.kind for sample in dataset.test_defects) == sorted(2 * DEFECT_KINDS)
    for sample in dataset.test_defects:
        assert sample.mask_path is not None
        frame = read_frame(sample.path)
        assert read_mask(sample.mask_path, shape_hw=(frame.shape[0], frame.shape[1])).any()


def test_written_masks_are_0_and_255(tmp_path: Path) -> None:
    for path in (_write(tmp_path / "part") / "ground_truth").rglob("*.png"):
        mask = cv2.imread(str(path), cv2.IMREAD_UNCHANGED)
        assert mask is not None
        assert mask.dtype == np.uint8
        assert np.unique(mask).tolist() == [0, 255]


def test_folder_with_content_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(DatasetError, match="not an empty folder"):
        _write(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_failed_write_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_space(self: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", no_space)
    with pytest.raises(StorageError, match="No space left"):
        _write(tmp_path / "part")
    assert list(tmp_path.iterdir()) == []


def test_unknown_defect_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="missing_hole"):
        render_defect("hole_missing", np.random.default_rng(0))


def test_good_parts_differ_in_pose_and_light() -> None:
    frames = np.stack([render_good(np.random.default_rng(i), size_px=SIZE) for i in range(12)]).astype(float)
    assert np.ptp(frames.mean((1, 2, 3))) > 8.0
    assert frames.std(0).max() > 40.0  # at the edges of holes, which move


@pytest.mark.parametrize("kind", DEFECT_KINDS)
@pytest.mark.parametrize("seed", range(4))
def test_mask_is_where_the_defect_changed_the_picture(kind: str, seed: int) -> None:
    frame, mask = render_defect(kind, np.random.default_rng(seed))
    twin = render_good(np.random.default_rng(seed))
    change = cv2.absdiff(frame, twin).max(2).astype(float)
    near = cv2.dilate(mask, np.ones((5, 5), np.uint8)) > 0
    assert 0.002 < mask.mean() < 0.04
    assert change[mask > 0].mean() > 12.0
    assert (change[mask > 0] > 6.0).mean() > 0.6
    assert change[~near].mean() < 0.05
    assert (change[~near] > 12.0).mean() < 0.001


@pytest.mark.parametrize("kind", DEFECT_KINDS)
def test_defect_survives_the_resize_to_the_demo_size(kind: str) -> None:
    for seed in range(8):
        mask = render_defect(kind, np.random.default_rng(seed))[1]
        assert resize_mask(mask, size_hw=(SIZE, SIZE)).sum() >= 20


@pytest.fixture(scope="module")
def goods() -> np.ndarray:
    """40 good pictures, (N, H, W, 3) float."""
    frames = [_shrunk(render_good(np.random.default_rng((0, 0, i)))) for i in range(40)]
    return np.stack(frames).astype(np.float32)


@pytest.fixture(scope="module")
def pictures() -> Pair:
    """24 good and 8 of each defect, drawn at 256, seen at 128: frames (N, H, W, 3) float, masks (N, H, W)."""
    frames = [_shrunk(render_good(np.random.default_rng((0, 1, i)))) for i in range(24)]
    masks = [np.zeros((SIZE, SIZE), np.uint8)] * 24
    for section, kind in enumerate(DEFECT_KINDS, 2):
        for index in range(8):
            frame, mask = render_defect(kind, np.random.default_rng((0, section, index)))
            frames.append(_shrunk(frame))
            masks.append(resize_mask(mask, size_hw=(SIZE, SIZE)))
    return np.stack(frames).astype(np.float32), np.stack(masks)


def test_difference_to_the_mean_good_picture_is_weak(pictures: Pair, goods: np.ndarray) -> None:
    frames, masks = pictures
    for name, score in mean_difference(frames, goods):
        assert aupr(score.ravel(), masks.ravel()) < BASELINE_LIMIT, name


def test_local_contrast_is_weak(pictures: Pair) -> None:
    frames, masks = pictures
    for name, score in local_contrast(frames):
        assert aupr(score.ravel(), masks.ravel()) < BASELINE_LIMIT, name
