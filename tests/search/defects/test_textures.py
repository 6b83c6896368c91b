"""Texture sources: order, cache, errors, and that the drawn bank is the same everywhere."""

import pickle

import cv2
import numpy as np
import pytest

from inspector.errors import DatasetError, ImageError
from search.defects import FolderTextures, ProceduralTextures, textures
from search.defects.procedural import draw_texture

SHAPE = (20, 30)


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "b").mkdir()
    for name, level in (("c.png", 30), ("b/z.jpg", 20), ("a.PNG", 10)):
        cv2.imwrite(str(tmp_path / name), np.full((12, 17, 3), level, np.uint8))
    (tmp_path / "notes.txt").write_text("not a texture")
    return tmp_path


def test_a_folder_is_read_in_the_order_of_names(folder):
    source = FolderTextures(folder)
    assert [path.relative_to(folder).as_posix() for path in source.paths] == ["a.PNG", "b/z.jpg", "c.png"]
    assert [int(source.texture(i, SHAPE).mean()) for i in range(3)] == [10, 20, 30]


def test_textures_come_at_the_wanted_size_and_cannot_be_written(folder):
    for source in (FolderTextures(folder), ProceduralTextures(0)):
        texture = source.sample(np.random.default_rng(0), SHAPE)
        assert texture.shape == (*SHAPE, 3)
        assert texture.dtype == np.uint8
        with pytest.raises(ValueError, match="read-only"):
            texture[0, 0] = 0


def test_all_textures_are_drawn_from(folder):
    source, rng = FolderTextures(folder), np.random.default_rng(0)
    assert {int(source.sample(rng, SHAPE).mean()) for _ in range(40)} == {10, 20, 30}


def test_a_file_is_decoded_once_for_each_size(folder, monkeypatch):
    read = []
    plain = textures.read_frame
    monkeypatch.setattr(textures, "read_frame", lambda path: read.append(path.name) or plain(path))
    source = FolderTextures(folder)
    for _ in range(3):
        for index in (0, 1):
            source.texture(index, SHAPE)
    assert read == ["a.PNG", "z.jpg"]
    source.texture(0, (5, 5))
    assert read == ["a.PNG", "z.jpg", "a.PNG"]


@pytest.mark.parametrize("num_kept", [0, 1, 2])
def test_the_cache_is_bounded_and_changes_no_answer(folder, num_kept):
    frame_mb = SHAPE[0] * SHAPE[1] * 3 / 1e6
    plain, bounded = FolderTextures(folder), FolderTextures(folder, max_cache_mb=(num_kept + 0.5) * frame_mb)
    for index in (0, 1, 2, 0, 2, 1):
        np.testing.assert_array_equal(bounded.texture(index, SHAPE), plain.texture(index, SHAPE))
        assert bounded._cache.num_bytes <= (num_kept + 0.5) * frame_mb * 1e6
    assert bounded._cache.num_bytes == num_kept * SHAPE[0] * SHAPE[1] * 3


def test_a_folder_without_images_is_an_error(tmp_path):
    (tmp_path / "notes.txt").write_text("nothing here")
    with pytest.raises(DatasetError, match=r"holds no image .*drawn textures"):
        FolderTextures(tmp_path)
    with pytest.raises(DatasetError, match=r"nowhere does not exist"):
        FolderTextures(tmp_path / "nowhere")


def test_an_unreadable_texture_is_named(folder):
    (folder / "aa.png").write_bytes((folder / "c.png").read_bytes()[:40])
    with pytest.raises(ImageError, match=r"aa\.png"):
        FolderTextures(folder).texture(1, SHAPE)


def test_the_drawn_bank_is_the_same_in_any_order_and_process():
    one, two = ProceduralTextures(7, num_textures=8), ProceduralTextures(7, num_textures=8)
    forward = [one.texture(i, SHAPE) for i in range(8)]
    backward = [two.texture(i, SHAPE) for i in reversed(range(8))][::-1]
    for a, b in zip(forward, backward, strict=True):
        np.testing.assert_array_equal(a, b)
    sent = pickle.loads(pickle.dumps(one))
    np.testing.assert_array_equal(sent.texture(3, SHAPE), forward[3])


def test_a_source_is_sent_to_another_process_without_its_frames(folder):
    for source in (FolderTextures(folder), ProceduralTextures(0)):
        before = len(pickle.dumps(source))
        source.texture(0, (200, 200))
        assert len(pickle.dumps(source)) == before


def test_another_seed_draws_another_bank():
    assert (ProceduralTextures(0).texture(0, SHAPE) != ProceduralTextures(1).texture(0, SHAPE)).any()


def test_drawn_textures_differ_from_each_other_and_have_structure():
    bank = [draw_texture(0, i, (64, 64)) for i in range(16)]
    assert all(texture.std(axis=(0, 1)).max() > 2.0 for texture in bank)
    assert len({texture.tobytes() for texture in bank}) == 16


@pytest.mark.parametrize("shape_hw", [(1, 1), (3, 50), (64, 10)])
@pytest.mark.parametrize("kind", range(4))
def test_every_kind_is_drawn_at_any_size(kind, shape_hw):
    assert draw_texture(0, kind, shape_hw).shape == (*shape_hw, 3)
