"""Pictures come from memory while a result is fresh and from the disk afterwards, and are the same."""

from __future__ import annotations

import io
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from edge_app.services.result import Origin
from edge_app.store import StoragePolicy
from inspector.postprocess import judge, smooth
from inspector.view import Tiles, View
from tests.edge_app.routes.device import BAD, GOOD, Device, device, sentence_of
from tests.edge_app.store.made import made

NAMES = ("image", "overlay.jpg", "mask.png", "score.png", "score.npy")


def pictures_of(opened: Device, result_id: str) -> dict[str, httpx.Response]:
    return {name: opened.get(f"inspections/{result_id}/{name}") for name in NAMES}


def test_memory_and_disk_give_the_same_pictures(tmp_path: Path) -> None:
    with device(tmp_path, keep_results=1) as opened:
        result_id = opened.inspect(BAD)["id"]
        from_memory = pictures_of(opened, result_id)
        opened.inspect(GOOD)
        assert opened.parts.service.find(result_id) is None
        from_disk = pictures_of(opened, result_id)
    for name in NAMES:
        assert from_memory[name].status_code == from_disk[name].status_code == 200
        assert from_memory[name].headers["content-type"] == from_disk[name].headers["content-type"]
        assert from_memory[name].content == from_disk[name].content
    assert from_disk["image"].content == BAD


def test_the_score_map_is_the_smoothed_one_exactly(shared: Device) -> None:
    result_id = shared.inspect(BAD)["id"]
    stored, score = shared.parts.store.get(result_id), shared.parts.store.score(result_id)
    assert stored is not None
    assert score is not None
    got = np.load(io.BytesIO(shared.get(f"inspections/{result_id}/score.npy").content))
    np.testing.assert_array_equal(got, smooth(score))
    mask = cv2.imdecode(
        np.frombuffer(shared.get(f"inspections/{result_id}/mask.png").content, np.uint8), cv2.IMREAD_UNCHANGED
    )
    judgement = judge(score, stored.thresholds).scaled_to(stored.frame_hw)
    np.testing.assert_array_equal(mask, judgement.mask * 255)


@pytest.mark.parametrize("is_fresh", [True, False])
def test_the_map_of_a_tiled_view_is_what_its_thresholds_apply_to(tmp_path: Path, is_fresh: bool) -> None:
    """One tile's window, and without what is ignored: the map's maximum is the image score."""
    view = View(ignore=(((0.0, 0.0), (0.3, 0.0), (0.3, 1.0), (0.0, 1.0)),), tiles=Tiles())
    frame = np.random.default_rng(1).integers(0, 255, (150, 200, 3), dtype=np.uint8)
    with device(tmp_path, keep_results=1) as opened:
        if is_fresh:
            opened.parts.store.set_policy(StoragePolicy(photos="none", min_free_bytes=0))
        result = opened.parts.service.submit_frame(frame, origin=Origin("cam"), view=view).result(10)
        assert (opened.parts.service.find(result.id) is not None) is is_fresh
        got = np.load(io.BytesIO(opened.get(f"inspections/{result.id}/score.npy").content))
        gray = cv2.imdecode(
            np.frombuffer(opened.get(f"inspections/{result.id}/score.png").content, np.uint8),
            cv2.IMREAD_UNCHANGED,
        )
    assert result.input_hw is not None
    assert got.shape > result.input_hw
    assert float(got.max()) == result.image_score
    assert (got[:, : got.shape[1] // 4] == 0).all()
    np.testing.assert_array_equal(gray, np.rint(got * 255).astype(np.uint8))


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_that_the_client_has_is_not_sent_again(shared: Device, name: str) -> None:
    path = f"inspections/{shared.inspect(BAD)['id']}/{name}"
    first = shared.get(path)
    again = shared.get(path, headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert first.headers["cache-control"] == again.headers["cache-control"] == "private, no-cache"
    assert shared.get(path, headers={"if-none-match": '"another"'}).status_code == 200
    assert shared.get(path, headers={"range": "bytes=0-1"}).content == first.content


def test_what_was_not_kept_is_a_404_that_says_so(fresh: Device) -> None:
    fresh.parts.store.set_policy(StoragePolicy(photos="none", min_free_bytes=0))
    result = made()
    fresh.add(result)
    links = fresh.get(f"inspections/{result.id}").json()["links"]
    assert {name: link for name, link in links.items() if link} == {
        "self": f"/api/v1/inspections/{result.id}"
    }
    for name, what in zip(NAMES, ("photo", "score map", "score map", "score map", "score map"), strict=True):
        sentence = sentence_of(fresh.get(f"inspections/{result.id}/{name}"), 404)
        assert sentence == f"the {what} of inspection {result.id} is not kept; see photos in the settings"


def test_a_photo_that_nobody_judged_has_no_map(shared: Device) -> None:
    frame = np.zeros((20, 30, 3), np.uint8)
    result = shared.parts.service.submit_no_decision(frame, origin=Origin("cam"), reason="black").result(10)
    assert shared.get(f"inspections/{result.id}/image").headers["content-type"] == "image/jpeg"
    sentence = sentence_of(shared.get(f"inspections/{result.id}/mask.png"), 404)
    assert sentence.endswith("is not kept: no decision was made (black)")


def test_a_file_that_is_gone_is_a_404_and_no_failure(fresh: Device) -> None:
    result = made()
    fresh.add(result)
    for path in (fresh.folder / "state" / "files").rglob(f"{result.id}.*"):
        path.unlink()
    assert {answer.status_code for answer in pictures_of(fresh, result.id).values()} == {404}


def test_a_small_overlay_has_its_size_and_a_tag_of_its_own(shared: Device) -> None:
    link = f"inspections/{shared.inspect(BAD)['id']}/overlay.jpg"
    whole, small = shared.get(link), shared.get(f"{link}?max_side_px=64")
    decoded = cv2.imdecode(np.frombuffer(small.content, np.uint8), cv2.IMREAD_COLOR)
    assert decoded is not None
    assert decoded.shape == (43, 64, 3)
    assert small.headers["etag"] != whole.headers["etag"]
    again = shared.get(f"{link}?max_side_px=64", headers={"if-none-match": small.headers["etag"]})
    assert again.status_code == 304
    assert "max_side_px" in sentence_of(shared.get(f"{link}?max_side_px=10000"), 422)
