import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from inspector.data_check import DataReport, check_folder
from inspector.data_findings import robust_z
from inspector.image_facts import measure
from inspector.layouts import survey
from inspector.near_duplicates import MAX_HAMMING, first_match, hamming, looks_of

Draw = Callable[..., np.ndarray]


def check(root: Path) -> DataReport:
    return check_folder(survey(root))


def found(report: DataReport, kind: str) -> tuple[str, ...]:
    return next((p.files for p in report.errors + report.warnings if p.kind == kind), ())


def kinds(report: DataReport) -> set[str]:
    return {p.kind for p in report.errors + report.warnings}


def save(path: Path, frame: np.ndarray, *options: int) -> None:
    assert cv2.imwrite(str(path), frame, options)


class TestCounts:
    def test_a_faultless_folder(self, mvtec: Path) -> None:
        report = check(mvtec)
        assert report.parts == {"train good": 12, "test good": 2, "test scratch": 3}
        assert report.sizes == {(80, 60): 17}
        assert report.modes == {"colour": 17}
        assert report.num_groups == 17
        assert report.usable
        assert kinds(report) == {"few good images"}

    def test_every_image_is_counted_once(self, mvtec: Path) -> None:
        calls: list[int] = []
        check_folder(survey(mvtec), on_image=lambda: calls.append(1))
        assert len(calls) == 17

    def test_mixed_sizes_are_fine(self, mvtec: Path, part: Draw) -> None:
        save(mvtec / "train/good/large.png", part(50, (90, 120)))
        report = check(mvtec)
        assert report.usable
        assert report.sizes == {(80, 60): 17, (120, 90): 1}

    def test_modes(self, mvtec: Path, part: Draw) -> None:
        good = mvtec / "train/good"
        save(good / "gray.png", part(50)[:, :, 0])
        save(good / "deep.png", part(51).astype(np.uint16) * 257)
        save(good / "deep12.png", part(52).astype(np.uint16) * 16)
        save(good / "rgba.png", np.dstack([part(53), part(53)[:, :, 0]]))
        report = check(mvtec)
        assert report.usable
        assert report.modes == {"colour": 17, "colour 16-bit": 2, "gray": 1, "colour+alpha": 1}
        assert len(found(report, "image of another mode than colour")) == 4
        assert found(report, "16-bit image that uses 12 bits or less") == ("train/good/deep12.png",)


class TestErrors:
    def test_unreadable_images_are_listed_with_the_cause(self, mvtec: Path) -> None:
        path = mvtec / "train/good/000.png"
        path.write_bytes(path.read_bytes()[:-20])
        (mvtec / "test/scratch/001.png").write_bytes(b"")
        report = check(mvtec)
        assert not report.usable
        cut, empty = found(report, "unreadable image")
        assert cut.startswith("train/good/000.png (a PNG that is cut off or damaged")
        assert empty.startswith("test/scratch/001.png (0 bytes that are no JPEG")

    def test_masks_and_images_that_do_not_pair_are_listed_not_raised(self, mvtec: Path) -> None:
        (mvtec / "test/scratch/000.png").unlink()
        (mvtec / "ground_truth/scratch/001_mask.png").unlink()
        report = check(mvtec)
        assert found(report, "mask without an image") == ("ground_truth/scratch/000_mask.png",)
        assert found(report, "defect image without a mask") == ("test/scratch/001.png",)
        assert report.parts["test scratch"] == 1
        assert not report.usable

    def test_masks_of_another_size_unreadable_or_empty(self, mvtec: Path) -> None:
        masks = mvtec / "ground_truth/scratch"
        save(masks / "000_mask.png", np.full((30, 80), 255, np.uint8))
        save(masks / "001_mask.png", np.ones((60, 80), np.uint8))  # 0 and 1 instead of 0 and 255
        (masks / "002_mask.png").write_bytes(b"nothing")
        report = check(mvtec)
        assert found(report, "mask of another size than its image") == (
            "mask of test/scratch/000.png (80 x 30, image 80 x 60)",
        )
        assert found(report, "mask without a defect") == ("mask of test/scratch/001.png",)
        assert "002_mask.png" in found(report, "unreadable mask")[0]

    @pytest.mark.parametrize("num", [1, 2])
    def test_too_few_good_images(self, tmp_path: Path, part: Draw, num: int) -> None:
        for i in range(num):
            save(tmp_path / f"{i}.png", part(i))
        report = check(tmp_path)
        assert not report.usable
        assert f"needs at least 3 good images of different parts, there are {num}" in report.errors[0].advice


class TestDuplicates:
    def test_exact_copies(self, mvtec: Path) -> None:
        shutil.copy(mvtec / "train/good/001.png", mvtec / "train/good/copy.png")
        shutil.copy(mvtec / "train/good/002.png", mvtec / "test/good/copy.png")
        report = check(mvtec)
        assert report.usable
        assert found(report, "exact duplicate") == ("train/good/copy.png = train/good/001.png",)
        assert found(report, "exact duplicate in training and test") == (
            "test/good/copy.png = train/good/002.png",
        )
        assert not {kind for kind in kinds(report) if kind.startswith("near-duplicate")}

    def test_near_copies(self, mvtec: Path, part: Draw) -> None:
        save(mvtec / "train/good/near.jpg", part(3), cv2.IMWRITE_JPEG_QUALITY, 60)
        save(mvtec / "test/good/near.png", cv2.resize(part(4), (160, 120)))
        report = check(mvtec)
        assert found(report, "near-duplicate") == ("train/good/near.jpg ~ train/good/003.png",)
        assert found(report, "near-duplicate in training and test") == (
            "test/good/near.png ~ train/good/004.png",
        )

    def test_near_copies_of_one_group_are_expected(self, mvtec: Path, part: Draw) -> None:
        save(mvtec / "train/good/near.jpg", part(3), cv2.IMWRITE_JPEG_QUALITY, 60)
        (mvtec / "groups.csv").write_text("file,group\ntrain/good/near.jpg,a\ntrain/good/003.png,a\n")
        assert found(check(mvtec), "near-duplicate") == ()

    def test_parts_in_a_fixture_are_no_duplicates_of_each_other(self, tmp_path: Path, part: Draw) -> None:
        # The same outline in every photo: hashes alone would pair most of them.
        outline = part(999).astype(np.float32)
        frames = [np.clip(outline * 0.8 + part(i) * 0.2, 0, 255).astype(np.uint8) for i in range(20)]
        for i, frame in enumerate(frames):
            save(tmp_path / f"{i:02}.png", frame)
        save(tmp_path / "again.jpg", frames[7], cv2.IMWRITE_JPEG_QUALITY, 95)
        facts = [measure(cv2.imencode(".png", frame)[1].tobytes()) for frame in frames]
        hashes = np.array([f.phash for f in facts], dtype=np.uint64)
        assert np.median(hamming(hashes[:, np.newaxis], hashes)) <= MAX_HAMMING
        assert found(check(tmp_path), "near-duplicate") == ("again.jpg ~ 07.png",)

    def test_first_match_equals_the_plain_double_loop(self, part: Draw) -> None:
        frames = [part(i % 7) + np.uint8(i // 7) for i in range(30)]
        facts = [measure(cv2.imencode(".png", frame)[1].tobytes()) for frame in frames]
        looks = looks_of(facts, [str(i % 11) for i in range(30)])
        expected = [next((j for j in range(i) if i % 7 == j % 7 and i % 11 != j % 11), -1) for i in range(30)]
        assert first_match(looks).tolist() == expected

    def test_hamming_equals_counting_bits(self) -> None:
        rng = np.random.default_rng(0)
        a, b = rng.integers(0, 2**64, (2, 50), dtype=np.uint64)
        expected = [[bin(int(x) ^ int(y)).count("1") for y in b] for x in a]
        assert hamming(a[:, np.newaxis], b).tolist() == expected


class TestOutliers:
    def test_dark_bright_and_blurred_photos_are_named(self, mvtec: Path, part: Draw) -> None:
        good = mvtec / "train/good"
        save(good / "dark.png", part(50) // 4)
        save(good / "bright.png", cv2.convertScaleAbs(part(51), alpha=1, beta=90))
        save(good / "blurred.png", cv2.GaussianBlur(part(52), (0, 0), 3))
        report = check(mvtec)
        assert report.usable
        for word in ("dark", "bright", "blurred"):
            names = found(report, f"good image that is unusually {word}")
            assert [name.split()[0] for name in names] == [f"train/good/{word}.png"]

    def test_defects_are_no_outliers(self, mvtec: Path, part: Draw) -> None:
        save(mvtec / "test/scratch/000.png", part(200) // 4)
        assert found(check(mvtec), "good image that is unusually dark") == ()

    @pytest.mark.parametrize(
        ("values", "expected"),
        [
            ([1.0, 2.0, 3.0, 4.0, 5.0], [-2 / 1.4826, -1 / 1.4826, 0, 1 / 1.4826, 2 / 1.4826]),
            ([7.0, 7.0, 7.0, 17.0], [0, 0, 0, 20]),  # no spread: the least one counts
        ],
    )
    def test_robust_z(self, values: list[float], expected: list[float]) -> None:
        np.testing.assert_allclose(robust_z(np.array(values), min_spread=0.5), expected)


class TestGroups:
    def test_a_group_in_training_and_test(self, mvtec: Path) -> None:
        (mvtec / "groups.csv").write_text("file,group\ntrain/good/000.png,a\ntest/good/000.png,a\n")
        assert found(check(mvtec), "group in training and test") == ("group a (1 in test)",)

    def test_files_of_formats_that_are_not_read(self, mvtec: Path) -> None:
        (mvtec / "train/good/phone.HEIC").write_bytes(b"x")
        assert found(check(mvtec), "image of a format that is not read") == ("train/good/phone.HEIC",)


@pytest.mark.data
def test_a_real_tile_that_was_shot_twice_is_found(real_data: Path) -> None:
    report = check(real_data / "magnetic_tile")
    assert report.usable
    assert report.modes == {"gray": 883}
    pairs = found(report, "near-duplicate in training and test")
    assert "MT_Free/Imgs/exp1_num_65001.jpg ~ MT_Free/Imgs/exp1_num_53011.jpg" in pairs
    assert len(pairs) < 5
