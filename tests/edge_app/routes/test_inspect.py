"""POST a photo, get a verdict and pictures that agree with it; every bad input gets one clear sentence."""

from __future__ import annotations

import asyncio
import io
import struct
import threading
import zlib
from collections.abc import AsyncIterator
from typing import Any

import cv2
import httpx
import numpy as np
import pytest

from inspector.postprocess import Thresholds, judge, smooth
from tests.edge_app.app import CARD, OWN, BrightnessModel, client_of, encoded, photo_frame, score_of

PHOTO = encoded(photo_frame())


def png_header(width: int, height: int) -> bytes:
    """A PNG of a few bytes that claims a size."""
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 10)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )


@pytest.mark.parametrize(
    ("suffix", "media_type"), [(".png", "image/png"), (".jpg", "image/jpeg"), (".bmp", "image/bmp")]
)
def test_the_answer_is_the_judgement_in_the_photos_pixels(suffix: str, media_type: str) -> None:
    photo = encoded(photo_frame(), suffix)
    answer = client_of().post(photo, media_type=f"{media_type}; charset=binary")
    frame = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    assert frame is not None
    expected = judge(score_of(frame), OWN).scaled_to((320, 480))
    body = answer.json()
    assert answer.status_code == 201
    assert answer.headers["location"] == body["links"]["self"]
    assert body["verdict"] == "FAIL"
    assert body["image_score"] == pytest.approx(expected.image_score, abs=1e-6)
    assert body["frame"] == {"width": 480, "height": 320}
    assert body["thresholds"] == {"fail": 0.5, "review": 0.25, "min_area_px": 4}
    assert body["model"] == {"name": "bright", "version": "3", "digest": CARD.digest}
    assert body["origin"]["source"] == "rest"
    assert body["stored"]
    assert body["latency_ms"] > 0
    (region,), (known,) = body["regions"], expected.regions
    assert [tuple(point) for point in region["contour"]] == list(known.contour)
    assert region["box"] == {"x": known.x, "y": known.y, "width": known.width, "height": known.height}
    assert region["area_px"] == known.area_px
    assert region["peak_score"] == pytest.approx(known.peak_score, abs=1e-6)


def test_the_links_of_an_answer_lead_to_pictures_that_agree_with_it() -> None:
    client = client_of()
    links = client.post(PHOTO).json()["links"]
    score = score_of(photo_frame())
    got = {name: client.get(link) for name, link in links.items()}
    assert {name: answer.headers["content-type"] for name, answer in got.items()} == {
        "self": "application/json",
        "image": "image/png",
        "mask": "image/png",
        "overlay": "image/jpeg",
        "score": "image/png",
        "score_npy": "application/octet-stream",
    }
    assert got["image"].content == PHOTO
    mask = cv2.imdecode(np.frombuffer(got["mask"].content, np.uint8), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(mask, judge(score, OWN).scaled_to((320, 480)).mask * 255)
    np.testing.assert_array_equal(np.load(io.BytesIO(got["score_npy"].content)), smooth(score))
    levels = cv2.imdecode(np.frombuffer(got["score"].content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert levels is not None
    assert np.abs(levels / 255 - smooth(score)).max() <= 0.5 / 255 + 1e-6
    drawn = cv2.imdecode(np.frombuffer(got["overlay"].content, np.uint8), cv2.IMREAD_COLOR)
    assert drawn is not None
    assert drawn.shape == (320, 480, 3)
    assert np.abs(drawn.astype(int) - photo_frame()).max() > 100


def test_reading_a_result_again_gives_the_same_answer() -> None:
    client = client_of()
    posted = client.post(PHOTO).json()
    assert client.get(posted["links"]["self"]).json() == posted


def test_the_overlay_of_a_large_photo_is_shrunk_and_its_mask_is_not() -> None:
    client = client_of()
    links = client.post(encoded(photo_frame(scale=50))).json()["links"]
    overlay, mask = (
        cv2.imdecode(np.frombuffer(client.get(links[name]).content, np.uint8), cv2.IMREAD_UNCHANGED)
        for name in ("overlay", "mask")
    )
    assert overlay is not None
    assert mask is not None
    assert overlay.shape == (1365, 2048, 3)
    assert mask.shape == (1600, 2400)


@pytest.mark.parametrize(
    ("query", "verdict", "used"),
    [
        ("", "FAIL", (0.5, 0.25, 4)),
        ("?fail=1&review=1", "PASS", (1.0, 1.0, 4)),
        ("?fail=1", "REVIEW", (1.0, 0.25, 4)),
        ("?fail=0.1", "FAIL", (0.1, 0.1, 4)),  # the model's review threshold is pulled down
        ("?min_area_px=1500", "PASS", (0.5, 0.25, 1500)),
        ("?review=0.5", "FAIL", (0.5, 0.5, 4)),
    ],
)
def test_the_query_replaces_the_models_thresholds(
    query: str, verdict: str, used: tuple[float, float, int]
) -> None:
    client = client_of()
    body = client.request(
        "POST", f"/api/v1/inspections{query}", content=PHOTO, headers={"content-type": "image/png"}
    ).json()
    assert body["verdict"] == verdict
    assert tuple(body["thresholds"].values()) == used
    expected = judge(score_of(photo_frame()), Thresholds(used[0], used[1], used[2]))
    assert len(body["regions"]) == len(expected.regions)


@pytest.mark.parametrize(
    ("content", "options", "status", "sentence"),
    [
        (b"", {}, 400, "the body is empty"),
        (b"hello, I am text", {}, 415, "is not a JPEG, PNG or BMP"),
        (b"GIF89a" + b"\0" * 50, {}, 415, "is not a JPEG, PNG or BMP"),
        (b"II*\0\x08\0\0\0" + b"\0" * 50, {}, 415, "is not a JPEG, PNG or BMP"),
        (PHOTO, {"media_type": "application/json"}, 415, "'application/json' is not accepted"),
        (PHOTO, {"media_type": "multipart/form-data; boundary=x"}, 415, "the photo itself as the body"),
        (PHOTO, {"media_type": ""}, 415, "is not accepted"),
        (PHOTO[:200], {}, 422, "cut off or damaged"),
        (png_header(30_000, 30_000), {}, 422, "30000 x 30000 pixels .* above the limit of 50.0 million"),
        (b"\0" * 1_000_001, {}, 413, "the limit is 1 MB"),
        (PHOTO, {"params": {"fail": "1.5"}}, 422, "query.fail = '1.5' is not valid"),
        (PHOTO, {"params": {"fail": "nan"}}, 422, "query.fail = 'nan' is not valid"),
        (
            PHOTO,
            {"params": {"treshold": "0.4"}},
            422,
            "query option 'treshold' is not known; did you mean '.*'. Known are fail, lot, min_area_px, rev",
        ),
        (PHOTO, {"params": {"lot": "x" * 101}}, 422, "query.lot = 'x+' is not valid"),
        (PHOTO, {"params": {"source": "a\x07"}}, 422, "query.source = 'a.*' is not valid"),
        (PHOTO, {"params": [("fail", "0.4"), ("fail", "0.9")]}, 422, "'fail' is given 2 times; give it once"),
        (PHOTO, {"params": {"review": "much"}}, 422, "query.review = 'much' is not valid"),
        (PHOTO, {"params": {"min_area_px": "0"}}, 422, "query.min_area_px = '0' is not valid"),
        (PHOTO, {"params": {"fail": "0.4", "review": "0.6"}}, 422, "review threshold 0.6 is above .* 0.4"),
        (PHOTO, {"params": {"review": "0.6"}}, 422, "review threshold 0.6 is above the fail threshold 0.5"),
    ],
)
def test_a_bad_input_gets_one_clear_sentence(
    content: bytes, options: dict[str, Any], status: int, sentence: str
) -> None:
    answer = client_of(max_body_mb=1).post(content, **options)
    assert answer.status_code == status
    with pytest.raises(ValueError, match=sentence):
        raise ValueError(answer.json()["detail"])
    assert answer.headers["content-type"] == "application/json"


def test_an_image_that_claims_too_many_pixels_is_never_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("decoded")

    monkeypatch.setattr(cv2, "imdecode", refuse)
    assert client_of().post(png_header(30_000, 30_000)).status_code == 422


def test_a_chunked_body_is_cut_off_where_the_limit_is_passed() -> None:
    num_sent = 0

    async def chunks() -> AsyncIterator[bytes]:
        nonlocal num_sent
        for _ in range(1000):
            num_sent += 1
            yield PHOTO[:1] * 100_000

    answer = client_of(max_body_mb=1).post(chunks())
    assert answer.status_code == 413
    assert num_sent == 11


def test_a_body_of_exactly_the_limit_is_taken() -> None:
    limit_mb = len(PHOTO) / 1e6
    assert client_of(max_body_mb=limit_mb).post(PHOTO).status_code == 201
    assert client_of(max_body_mb=limit_mb).post(PHOTO + b"\0").status_code == 413


def test_a_slow_upload_is_given_up() -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield PHOTO[:10]
        await asyncio.sleep(60)

    answer = client_of(upload_timeout_s=0.05).post(slow())
    assert answer.status_code == 408
    assert answer.json()["detail"] == "the upload took longer than 0.05 s"


def test_a_full_queue_answers_503_and_takes_photos_again_afterwards() -> None:
    is_running, go_on = threading.Event(), threading.Event()

    def block() -> None:
        is_running.set()
        assert go_on.wait(10)

    client = client_of(BrightnessModel(block), queue_size=2)

    async def overload(
        http: httpx.AsyncClient,
    ) -> tuple[list[httpx.Response], httpx.Response, dict[str, Any]]:
        def post() -> asyncio.Task[httpx.Response]:
            headers = {"content-type": "image/png"}
            return asyncio.create_task(http.post("/api/v1/inspections", content=PHOTO, headers=headers))

        taken = [post(), post()]
        while not is_running.is_set() or client.app.state.service.num_waiting < 2:
            await asyncio.sleep(0.005)
        refused = await post()
        health = (await http.get("/api/v1/health")).json()
        go_on.set()
        return list(await asyncio.gather(*taken)), refused, health

    taken, refused, health = client.together(overload)
    assert [answer.status_code for answer in taken] == [201, 201]
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "1"
    assert "2 images are waiting (limit 2)" in refused.json()["detail"]
    assert (health["live"], health["ready"], health["details"]["num_waiting"]) == (True, False, 2)
    assert client.post(PHOTO).status_code == 201
    assert client.get("/api/v1/health").json()["details"]["counts"] == {"busy": 1, "fail": 3}


def test_too_many_uploads_at_once_are_refused_before_they_are_read() -> None:
    client = client_of(max_uploads=1)

    async def two(http: httpx.AsyncClient) -> tuple[httpx.Response, httpx.Response]:
        has_started, go_on = asyncio.Event(), asyncio.Event()

        async def waiting() -> AsyncIterator[bytes]:
            has_started.set()
            await go_on.wait()
            yield PHOTO

        headers = {"content-type": "image/png"}
        first = asyncio.create_task(http.post("/api/v1/inspections", content=waiting(), headers=headers))
        await has_started.wait()
        second = await http.post("/api/v1/inspections", content=PHOTO, headers=headers)
        go_on.set()
        return await first, second

    first, second = client.together(two)
    assert (first.status_code, second.status_code) == (201, 503)
    assert second.headers["retry-after"] == "1"


def test_lot_and_source_of_the_query_are_those_of_the_result() -> None:
    client = client_of()
    posted = client.post(PHOTO, params={"lot": "A 7/3", "source": "bench"}).json()
    origin = {"source": "bench", "trigger": "http", "lot": "A 7/3", "captured": None, "frame_age_ms": None}
    assert posted["origin"] == origin
    assert client.get(posted["links"]["self"]).json()["origin"] == origin


@pytest.mark.parametrize("name", ["", "/image", "/mask.png", "/overlay.jpg", "/score.png", "/score.npy"])
def test_an_unknown_result_is_a_404(name: str) -> None:
    answer = client_of().get(f"/api/v1/inspections/0123456789abcdef{name}")
    assert answer.status_code == 404
    assert "'0123456789abcdef' is not known" in answer.json()["detail"]


def test_a_failure_of_the_model_is_logged_and_tells_the_client_nothing_about_it(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail() -> None:
        raise RuntimeError("secret path /root/x")

    answer = client_of(BrightnessModel(fail)).post(PHOTO)
    assert answer.status_code == 500
    assert answer.json() == {"detail": "the inspection failed inside the server; its log says why"}
    assert answer.headers["x-frame-options"] == "DENY"
    assert "secret path" in caplog.text
