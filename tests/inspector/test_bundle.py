"""A bundle is read whole and unchanged, or refused with the name of the file that is wrong."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from inspector.bundle import Bundle, GoldenFrame, write_bundle
from inspector.bundle_archive import SUMS, sums_of
from inspector.errors import BundleError, StorageError
from inspector.manifest import Reference
from tests.tiny_bundle import tiny_golden, tiny_manifest, tiny_model, write_tiny_bundle


@pytest.fixture(params=["folder", "zip"])
def bundle_path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return write_tiny_bundle(tmp_path / ("tiny" if request.param == "folder" else "tiny.bundle"))


def _files(path: Path) -> dict[str, bytes]:
    return {
        file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()
    }


def _rezip(source: Path, target: Path, change: Callable[[dict[str, bytes]], None]) -> Path:
    """Zip the files of the bundle folder `source` after `change`."""
    files = _files(source)
    change(files)
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return target


def test_what_was_written_is_read(bundle_path: Path) -> None:
    bundle = Bundle.open(bundle_path)
    assert bundle.manifest == tiny_manifest(tiny_model().SerializeToString())
    assert bundle.model_bytes == tiny_model().SerializeToString()
    assert (bundle.thresholds.fail, bundle.thresholds.review, bundle.thresholds.min_area_px) == (0.5, 0.25, 4)
    assert bundle.tolerance == {"fp32": 1e-4}
    assert bundle.card == "# tiny\n"
    assert bundle.reference.num_images == 3
    assert bundle.preview_png.startswith(b"\x89PNG")
    for (image, score), golden in zip(bundle.golden, tiny_golden(), strict=True):
        assert np.array_equal(image[0, 0], golden.frame[..., 2].astype(np.float32) / 255)  # RGB
        assert np.array_equal(score, golden.score)


def test_folder_and_zip_are_one_bundle(tmp_path: Path) -> None:
    folder = Bundle.open(write_tiny_bundle(tmp_path / "tiny"))
    archive = Bundle.open(write_tiny_bundle(tmp_path / "tiny.bundle"))
    assert folder.files == archive.files
    assert folder.digest == archive.digest


def test_same_input_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_tiny_bundle(tmp_path / "a.bundle").read_bytes()
    assert write_tiny_bundle(tmp_path / "b.bundle").read_bytes() == first


def test_sums_are_those_of_sha256sum(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    assert os.system(f"cd {path} && sha256sum --quiet --check {SUMS}") == 0


def test_a_changed_byte_in_any_file_is_refused(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    rng = np.random.default_rng(7)
    for name, data in _files(path).items():
        for position in {0, len(data) - 1, *rng.integers(0, len(data), 10).tolist()}:
            changed = bytearray(data)
            changed[position] ^= 1 << int(rng.integers(0, 8))
            (path / name).write_bytes(bytes(changed))
            expected = "SHA256SUMS" if name == SUMS else name
            with pytest.raises(BundleError, match=expected):
                Bundle.open(path)
        (path / name).write_bytes(data)
    Bundle.open(path)


def test_every_character_of_the_sums_counts(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    sums = (path / SUMS).read_bytes()
    for position in range(0, len(sums), 3):
        changed = bytearray(sums)
        changed[position] ^= 0x20  # the bit between lower and upper case
        (path / SUMS).write_bytes(bytes(changed))
        with pytest.raises(BundleError, match=r"SHA256SUMS|tiny"):
            Bundle.open(path)


def test_a_changed_byte_of_the_zip_is_refused_or_harmless(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny.bundle")
    sound = Bundle.open(path).files
    data = path.read_bytes()
    central = data.rindex(b"PK\x01\x02")
    rng = np.random.default_rng(3)
    num_refused = 0
    positions = [*range(64), *range(central, len(data)), *rng.integers(0, len(data), 200).tolist()]
    for position in positions:
        changed = bytearray(data)
        changed[position] ^= 1 << int(rng.integers(0, 8))
        path.write_bytes(bytes(changed))
        try:
            assert Bundle.open(path).files == sound
        except BundleError:
            num_refused += 1
    assert num_refused > len(positions) // 2


@pytest.mark.parametrize("keep", [0, 1, 30, 0.5, -1])
def test_a_truncated_zip_is_refused(tmp_path: Path, keep: float) -> None:
    path = write_tiny_bundle(tmp_path / "tiny.bundle")
    data = path.read_bytes()
    path.write_bytes(data[: int(keep * len(data)) if isinstance(keep, float) else keep])
    with pytest.raises(BundleError, match=r"tiny\.bundle is not a readable bundle file"):
        Bundle.open(path)


@pytest.mark.parametrize("name", ["model.onnx", "card.md", "golden/000_score.npy"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    (path / name).unlink()
    with pytest.raises(BundleError, match=f"{name} is listed in SHA256SUMS but missing"):
        Bundle.open(path)


def test_missing_sums_are_named(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    (path / SUMS).unlink()
    with pytest.raises(BundleError, match="has no SHA256SUMS"):
        Bundle.open(path)


def test_an_extra_file_is_named(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    (path / "golden" / "more.npy").write_bytes(b"x")
    with pytest.raises(BundleError, match=r"golden/more\.npy in .* is not listed"):
        Bundle.open(path)


def test_a_signature_beside_the_sums_is_allowed(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    (path / "SHA256SUMS.sig").write_bytes(b"signature")
    assert Bundle.open(path).manifest.name == "tiny"


def test_a_link_in_a_folder_is_refused(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    data = (path / "card.md").read_bytes()
    (tmp_path / "outside.md").write_bytes(data)
    (path / "card.md").unlink()
    (path / "card.md").symlink_to(tmp_path / "outside.md")
    with pytest.raises(BundleError, match=r"'card\.md' in .* is a link"):
        Bundle.open(path)


def test_a_pipe_in_a_folder_does_not_hang(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    (path / "card.md").unlink()
    os.mkfifo(path / "card.md")
    with pytest.raises(BundleError, match=r"card\.md in .* is not a regular file"):
        Bundle.open(path)


def test_no_bundle_there(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="there is no bundle at"):
        Bundle.open(tmp_path / "nothing.bundle")


@pytest.mark.parametrize(
    "name",
    [
        "../evil.txt",
        "/etc/evil",
        "a/../../evil",
        "a\\..\\evil",
        "C:evil",
        "golden/../evil",
        ".hidden",
        "a//b",
    ],
)
def test_names_that_leave_the_bundle_are_refused(tmp_path: Path, name: str) -> None:
    source = write_tiny_bundle(tmp_path / "tiny")
    hostile = _rezip(source, tmp_path / "hostile.bundle", lambda files: files.update({name: b"evil"}))
    with pytest.raises(BundleError, match="points outside the bundle or has forbidden characters"):
        Bundle.open(hostile)


def test_names_that_leave_the_bundle_are_refused_in_the_sums_too(tmp_path: Path) -> None:
    source = write_tiny_bundle(tmp_path / "tiny")
    with (source / SUMS).open("ab") as sums:
        sums.write(b"0" * 64 + b"  ../evil\n")
    with pytest.raises(BundleError, match="line 10 of SHA256SUMS"):
        Bundle.open(source)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny.bundle")
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("card.md", b"other")
    with pytest.raises(BundleError, match=r"card\.md is in .* twice"):
        Bundle.open(path)


def test_a_link_in_a_zip_is_refused(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny.bundle")
    link = zipfile.ZipInfo("link")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(BundleError, match=r"'link' in .* is a link or a special file"):
        Bundle.open(path)


def test_a_decompression_bomb_is_refused(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny.bundle")
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("bomb", bytes(4 * 1024 * 1024))
    with pytest.raises(BundleError, match="decompression bomb"):
        Bundle.open(path)


def test_a_bundle_above_the_cap_is_refused(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.bundle_archive.MAX_TOTAL_BYTES", 10_000)
    with pytest.raises(BundleError, match="holds more than"):
        Bundle.open(bundle_path)


def test_too_many_files_are_refused(bundle_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inspector.bundle_archive.MAX_FILES", 3)
    with pytest.raises(BundleError, match="holds more than 3 files"):
        Bundle.open(bundle_path)


def test_a_zip_made_by_hand_is_read(tmp_path: Path) -> None:
    source = write_tiny_bundle(tmp_path / "tiny")
    target = tmp_path / "hand.bundle"
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(source / "golden", "golden/")
        for name in _files(source):
            archive.write(source / name, name)
    assert Bundle.open(target).files == Bundle.open(source).files


def _reseal(path: Path, **manifest: object) -> Path:
    """Change the manifest of a bundle folder and make the sums fit again."""
    record = json.loads((path / "manifest.json").read_bytes())
    (path / "manifest.json").write_text(json.dumps({**record, **manifest}))
    (path / SUMS).unlink()
    (path / SUMS).write_bytes(sums_of(_files(path)))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema_version": 3, "new_key": 1}, "has schema 3, but this program reads schemas up to 2; update"),
        ({"bytes": 5}, r"model\.onnx .* manifest\.json says 5"),
        ({"surprise": 1}, "surprise: Extra inputs are not permitted"),
        ({"input_hw": [0, 32]}, "input_hw: Value error, input size"),
        ({"input_hw": [64, 64]}, r"golden/000_frame\.npy .* must be a C-ordered uint8 array"),
        ({"created": "yesterday"}, "created: String should match"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    with pytest.raises(BundleError, match=message):
        Bundle.open(_reseal(write_tiny_bundle(tmp_path / "tiny"), **change))


@pytest.mark.parametrize("text", ["", "[1]", "{", "\xff"])
def test_a_manifest_that_is_no_json_object_is_refused(tmp_path: Path, text: str) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    (path / "manifest.json").write_bytes(text.encode("latin-1"))
    (path / SUMS).unlink()
    (path / SUMS).write_bytes(sums_of(_files(path)))
    with pytest.raises(BundleError, match=r"manifest\.json in .* (is not JSON|holds a list)"):
        Bundle.open(path)


def test_golden_must_come_in_pairs(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    (path / "golden" / "001_score.npy").unlink()
    with pytest.raises(BundleError, match="must hold pairs"):
        Bundle.open(_reseal(path))


def test_a_pickle_in_golden_is_not_loaded(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    score = np.empty((32, 48), dtype=object)
    np.save(path / "golden" / "000_score.npy", score, allow_pickle=True)
    with pytest.raises(BundleError, match=r"golden/000_score\.npy .* must be a C-ordered float32"):
        Bundle.open(_reseal(path))


def test_nothing_is_left_behind_when_the_disk_is_full(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = write_tiny_bundle(tmp_path / "old.bundle").read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    for name in ("old.bundle", "new.bundle", "folder"):
        with pytest.raises(StorageError, match="No space left on device"):
            write_tiny_bundle(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["old.bundle"]
    assert (tmp_path / "old.bundle").read_bytes() == before


def test_a_bundle_is_replaced_but_nothing_else(tmp_path: Path) -> None:
    path = write_tiny_bundle(tmp_path / "tiny")
    write_tiny_bundle(path, version="2")
    assert Bundle.open(path).manifest.version == "2"
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "part.png").write_bytes(b"x")
    with pytest.raises(BundleError, match="exists and is not a bundle"):
        write_tiny_bundle(tmp_path / "photos")
    assert (tmp_path / "photos" / "part.png").read_bytes() == b"x"


def test_a_golden_of_another_size_is_not_written(tmp_path: Path) -> None:
    model = tiny_model().SerializeToString()
    source = Bundle.open(write_tiny_bundle(tmp_path / "tiny"))
    reference: Reference = source.reference
    wrong = GoldenFrame(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), np.float32))
    with pytest.raises(BundleError, match=r"golden/000_frame\.npy"):
        write_bundle(
            tmp_path / "wrong",
            manifest=tiny_manifest(model),
            model=model,
            golden=[wrong],
            reference=reference,
            card="",
            preview_png=b"",
        )
    assert not (tmp_path / "wrong").exists()
