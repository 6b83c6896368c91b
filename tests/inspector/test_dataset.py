import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.dataset import open_dataset, read_frame, read_mask, split_good
from inspector.errors import DatasetError, ImageError
from inspector.groups import tile_groups


def write(path: Path, frame: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), frame)


def write_tile(root: Path, kind: str, exposure: int, num: int, *, mask_px: int = 4) -> None:
    stem = root / f"MT_{kind}" / "Imgs" / f"exp{exposure}_num_{num}"
    write(stem.with_suffix(".jpg"), np.full((8, 8), num % 251, np.uint8))
    mask = np.zeros((8, 8), np.uint8)
    mask.ravel()[: 0 if kind == "Free" else mask_px] = 255
    write(stem.with_suffix(".png"), mask)


@pytest.fixture
def tiles(tmp_path: Path) -> Path:
    """14 tiles of 2 exposures; the first one is good in one exposure and shows a blowhole in the other."""
    for tile in range(14):
        for exposure in range(2):
            kind = "Blowhole" if (tile, exposure) == (0, 1) else "Free"
            write_tile(tmp_path, kind, exposure, 1000 * tile + 10 * exposure)
    return tmp_path


class TestMvtec:
    def test_parts_kinds_and_masks(self, mvtec: Path) -> None:
        data = open_dataset(mvtec)
        assert data.layout == "mvtec"
        assert [s.name for s in data.train][:2] == ["train/good/000.png", "train/good/001.png"]
        assert (len(data.train), len(data.test_good), len(data.test_defects)) == (12, 2, 3)
        defect = data.test_defects[1]
        assert (defect.kind, defect.is_good, defect.group) == ("scratch", False, "test/scratch/001.png")
        assert defect.mask_path == mvtec / "ground_truth/scratch/001_mask.png"
        assert read_mask(defect.mask_path, shape_hw=read_frame(defect.path).shape[:2]).sum() == 600
        assert all(s.mask_path is None for s in data.train + data.test_good)

    def test_a_mask_without_image_is_named(self, mvtec: Path) -> None:
        (mvtec / "test/scratch/001.png").unlink()
        with pytest.raises(DatasetError, match=r"mask without an image: ground_truth/scratch/001_mask.png"):
            open_dataset(mvtec)

    def test_a_defect_without_mask_is_named(self, mvtec: Path) -> None:
        (mvtec / "ground_truth/scratch/002_mask.png").unlink()
        with pytest.raises(DatasetError, match=r"defect image without a mask: test/scratch/002.png"):
            open_dataset(mvtec)

    def test_masks_of_a_kind_without_images_are_named(self, mvtec: Path) -> None:
        shutil.rmtree(mvtec / "test/scratch")
        with pytest.raises(DatasetError, match=r"mask without an image \(3\)"):
            open_dataset(mvtec)

    def test_no_training_images(self, mvtec: Path) -> None:
        shutil.rmtree(mvtec / "train/good")
        with pytest.raises(DatasetError, match=r"train/good holds no images; put photos of good parts there"):
            open_dataset(mvtec)

    def test_training_images_alone_are_a_data_set(self, mvtec: Path) -> None:
        shutil.rmtree(mvtec / "test")
        shutil.rmtree(mvtec / "ground_truth")
        assert open_dataset(mvtec).test == ()

    def test_hidden_files_are_skipped(self, mvtec: Path) -> None:
        (mvtec / "train/good/._000.png").write_bytes(b"resource fork of macOS")
        assert len(open_dataset(mvtec).train) == 12


class TestPlain:
    def test_images_directly_inside_are_good(self, tmp_path: Path, part: Callable[..., np.ndarray]) -> None:
        for name in ("a.png", "b.JPG", "c.Tiff", "d.bmp"):
            write(tmp_path / name, part(1))
        (tmp_path / "notes.txt").write_text("no image")
        data = open_dataset(tmp_path)
        assert (data.layout, data.test) == ("plain", ())
        assert [(s.name, s.kind, s.group) for s in data.train][1] == ("b.JPG", "good", "b.JPG")
        assert len(data.train) == 4

    def test_one_image_opens_but_does_not_split(
        self, tmp_path: Path, part: Callable[..., np.ndarray]
    ) -> None:
        write(tmp_path / "only.png", part(1))
        with pytest.raises(
            DatasetError, match=r"1 good images in 1 groups are too few.*at least 3 good images"
        ):
            split_good(open_dataset(tmp_path).train, seed=0)


class TestWrongFolder:
    def test_empty(self, tmp_path: Path) -> None:
        with pytest.raises(
            DatasetError, match=r"holds no images .*put photos of good parts directly into it"
        ):
            open_dataset(tmp_path)

    def test_missing(self, tmp_path: Path) -> None:
        with pytest.raises(DatasetError, match="nowhere is not a folder"):
            open_dataset(tmp_path / "nowhere")

    def test_folder_above_a_data_set_is_pointed_out(self, mvtec: Path) -> None:
        with pytest.raises(DatasetError, match=rf"did you mean {mvtec}\?"):
            open_dataset(mvtec.parent)

    def test_a_subfolder_with_images_is_pointed_out(self, mvtec: Path) -> None:
        with pytest.raises(DatasetError, match=rf"did you mean {mvtec}/train/good\?"):
            open_dataset(mvtec / "train")

    def test_unknown_layout(self, mvtec: Path) -> None:
        with pytest.raises(DatasetError, match="layout 'coco' is unknown; choose auto, mvtec, plain"):
            open_dataset(mvtec, layout="coco")

    def test_asked_for_layout_that_is_not_there(self, mvtec: Path) -> None:
        with pytest.raises(DatasetError, match="holds no images directly inside"):
            open_dataset(mvtec, layout="plain")


class TestGroups:
    def test_groups_csv_names_the_parts(self, mvtec: Path) -> None:
        (mvtec / "groups.csv").write_text(
            "file,group\ntrain/good/000.png,a\ntrain\\good\\001.png,a\n", "utf-8-sig"
        )
        train = open_dataset(mvtec).train
        assert [s.group for s in train[:3]] == ["a", "a", "train/good/002.png"]

    def test_group_of_a_test_defect_is_not_trained_on(self, mvtec: Path) -> None:
        (mvtec / "groups.csv").write_text(
            "file,group\ntrain/good/000.png,a\ntrain/good/001.png,b\ntest/scratch/000.png,a\ntest/good/000.png,b\n"
        )
        data = open_dataset(mvtec)
        assert "train/good/000.png" not in {s.name for s in data.train}
        assert "train/good/001.png" in {s.name for s in data.train}
        assert len(data.notes) == 1
        assert "left out of training" in data.notes[0]

    def test_nothing_left_to_train_on(self, mvtec: Path) -> None:
        lines = [f"train/good/{i:03}.png,a" for i in range(12)]
        (mvtec / "groups.csv").write_text("\n".join(["file,group", *lines, "test/scratch/000.png,a"]))
        with pytest.raises(DatasetError, match="nothing is left to train on"):
            open_dataset(mvtec)

    @pytest.mark.parametrize(
        ("text", "match"),
        [
            (b"file,part\na,b\n", "has no column 'group'; its first line must hold file,group"),
            (b"", "has no column 'file'"),
            (b"file,group\ntrain/good/000.png,\n", "line 2: a cell is empty"),
            (b"file,group\ntrain/good/000.png,a\ntrain/good/000.png,b\n", "into two groups, 'a' and 'b'"),
            (b"file,group\n\xff\xfe,a\n", "not a CSV file in UTF-8"),
            (
                b"file,group\ntrain/good/999.png,a\n",
                r"names a file that is not there: train/good/999.png",
            ),
        ],
    )
    def test_bad_groups_csv(self, mvtec: Path, text: bytes, match: str) -> None:
        (mvtec / "groups.csv").write_bytes(text)
        with pytest.raises(DatasetError, match=match):
            open_dataset(mvtec)


class TestFingerprint:
    def test_it_does_not_depend_on_the_place(self, mvtec: Path, tmp_path: Path) -> None:
        shutil.copytree(mvtec, tmp_path / "elsewhere")
        assert open_dataset(tmp_path / "elsewhere").fingerprint() == open_dataset(mvtec).fingerprint()
        assert len(open_dataset(mvtec).fingerprint()) == 64

    def test_any_change_changes_it(self, mvtec: Path) -> None:
        seen = {open_dataset(mvtec).fingerprint()}
        mask = mvtec / "ground_truth/scratch/000_mask.png"
        mask.write_bytes(mask.read_bytes() + b"\0")
        seen.add(open_dataset(mvtec).fingerprint())
        (mvtec / "train/good/000.png").rename(mvtec / "train/good/900.png")
        seen.add(open_dataset(mvtec).fingerprint())
        (mvtec / "groups.csv").write_text("file,group\ntrain/good/001.png,a\n")
        seen.add(open_dataset(mvtec).fingerprint())
        assert len(seen) == 4


class TestMagneticTile:
    def test_groups_with_a_defect_and_every_sixth_other_are_tested(self, tiles: Path) -> None:
        data = open_dataset(tiles)
        assert data.layout == "magnetic_tile"
        assert [(s.kind, s.group) for s in data.test_defects] == [("blowhole", "0")]
        # Group 0 holds the defect; 6 and 12 are the 6th and the 12th of the others.
        assert [s.group for s in data.test_good] == ["0", "12", "6", "12", "6"]
        assert {s.group for s in data.train} == {str(i) for i in range(14)} - {"0", "6", "12"}

    def test_listed_groups_come_before_numbers(self, tiles: Path) -> None:
        groups = {"MT_Free": "x", "MT_Blowhole": "y"}
        tiles_by_kind = [
            (path.parent.parent.name, path.stem) for path in sorted(tiles.glob("MT_*/Imgs/*.jpg"))
        ]
        rows = [f"{kind},{stem},exp0,0,{groups[kind]}" for kind, stem in tiles_by_kind]
        rows[-1] = rows[-1][:-1] + "z"
        (tiles / "capture_groups.csv").write_text("\n".join(["class,name,exposure,num,group", *rows]))
        assert {s.group for s in open_dataset(tiles).train} == {"x", "z"}

    def test_a_tile_without_a_row_is_named(self, tiles: Path) -> None:
        (tiles / "capture_groups.csv").write_text(
            "class,name,exposure,num,group\nMT_Free,exp0_num_0,exp0,0,0\n"
        )
        with pytest.raises(
            DatasetError, match=r"without a row in capture_groups.csv \(27\): MT_Blowhole/Imgs"
        ):
            open_dataset(tiles)

    def test_a_defect_with_an_empty_mask_is_left_out_and_told(self, tiles: Path) -> None:
        write_tile(tiles, "Uneven", 4, 5_000_000, mask_px=0)
        write_tile(tiles, "Uneven", 3, 6_000_000)
        data = open_dataset(tiles)
        assert sorted(s.kind for s in data.test_defects) == ["blowhole", "uneven"]
        assert data.notes == (
            "defect with an empty mask: MT_Uneven/Imgs/exp4_num_5000000.jpg; it is left out of the test",
        )

    def test_a_defect_without_mask_is_named(self, tiles: Path) -> None:
        next((tiles / "MT_Blowhole/Imgs").glob("*.png")).unlink()
        with pytest.raises(DatasetError, match=r"defect image without a mask: MT_Blowhole/Imgs"):
            open_dataset(tiles)

    def test_no_good_tiles(self, tiles: Path) -> None:
        shutil.rmtree(tiles / "MT_Free/Imgs")
        with pytest.raises(DatasetError, match=r"MT_Free/Imgs holds no .jpg images"):
            open_dataset(tiles)


class TestCheckFiles:
    # A run met a damaged file only when it needed it: after an hour, or never, when it was for calibration.

    def test_a_faultless_set_passes(self, mvtec: Path) -> None:
        open_dataset(mvtec).check_files()

    @pytest.mark.parametrize("name", ["train/good/005.png", "test/good/001.png", "test/scratch/001.png"])
    def test_an_image_that_is_cut_off_is_named(self, mvtec: Path, name: str) -> None:
        content = (mvtec / name).read_bytes()
        (mvtec / name).write_bytes(content[: len(content) // 2])
        with pytest.raises(ImageError, match=rf"{name}: a PNG that is cut off"):
            open_dataset(mvtec).check_files()

    def test_a_mask_that_is_no_image_is_named(self, mvtec: Path) -> None:
        (mvtec / "ground_truth/scratch/000_mask.png").write_bytes(b"no image")
        with pytest.raises(DatasetError, match=r"mask .*000_mask\.png: 8 bytes that are no JPEG"):
            open_dataset(mvtec).check_files()

    def test_a_mask_of_another_size_is_named(self, mvtec: Path) -> None:
        write(mvtec / "ground_truth/scratch/002_mask.png", np.full((30, 40), 255, np.uint8))
        with pytest.raises(DatasetError, match=r"002_mask\.png is 40 x 30 pixels but its image is 80 x 60"):
            open_dataset(mvtec).check_files()

    def test_an_image_that_exif_may_turn_is_left_to_the_decoder(self, mvtec: Path) -> None:
        write(mvtec / "ground_truth/scratch/002_mask.png", np.full((80, 60), 255, np.uint8))
        open_dataset(mvtec).check_files()


@pytest.mark.data
class TestRealTiles:
    def test_counts(self, real_data: Path) -> None:
        data = open_dataset(real_data / "magnetic_tile")
        kinds = [s.kind for s in data.test_defects]
        assert len(data.train) + len(data.test_good) == 694
        assert [kinds.count(kind) for kind in ("blowhole", "break", "crack")] == [91, 68, 30]
        assert data.notes == ()

    def test_no_group_is_trained_and_tested(self, real_data: Path) -> None:
        data = open_dataset(real_data / "magnetic_tile")
        trained = {s.group for s in data.train}
        assert not trained & {s.group for s in data.test}
        split = split_good(data.train, seed=0)
        parts = [{s.group for s in part} for part in (split.training, split.validation, split.calibration)]
        assert sum(map(len, parts)) == len(trained)

    def test_masks_fit_and_show_something(self, real_data: Path) -> None:
        for sample in open_dataset(real_data / "magnetic_tile").test_defects[::10]:
            assert sample.mask_path is not None
            assert read_mask(sample.mask_path, shape_hw=read_frame(sample.path).shape[:2]).any()

    def test_numbers_give_the_listed_groups(self, real_data: Path, tmp_path: Path) -> None:
        # The list was made on all 1,344 tiles. Without those that are not here one of its groups has a gap.
        with (real_data / "magnetic_tile/capture_groups.csv").open() as file:
            listed = {f"{r['class']}/Imgs/{r['name']}.jpg": r["group"] for r in csv.DictReader(file)}
        derived, missing = tile_groups(tmp_path, sorted(listed))
        assert not missing
        pairs = {(listed[name], derived[name]) for name in listed}
        assert (len({a for a, _ in pairs}), len({b for _, b in pairs}), len(pairs)) == (106, 107, 107)
