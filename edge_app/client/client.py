"""The edge server's REST interface as methods.

Times are ISO 8601 strings with their offset from UTC, or aware datetimes. `/api/v1/openapi.json` describes
the options and what the JSON objects hold.
"""

import io
import json
import os
import time
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Dict, Iterator, Optional, Sequence, Union

import numpy as np

from edge_app.client.connection import Answer, Connection, Query
from edge_app.client.errors import EdgeClientError
from edge_app.client.records import Decision, Inspection, decision_of
from inspector.render import encode_png

KEY_VARIABLE = "INSPECTOR_KEY"
API = "/api/v1"
JSON, ZIP = "application/json", "application/zip"
PICTURES = ("image", "overlay.jpg", "mask.png", "score.png", "score.npy")

Json = Dict[str, Any]
Time = Union[str, datetime, None]
Photo = Union[str, "os.PathLike[str]", bytes, np.ndarray]


class Client:
    """A client of one server. Every method raises `EdgeClientError` (see `edge_app.client.errors`).

    Args:
        url: Of the server, without a path.
        key: What the server asks for; the environment's `INSPECTOR_KEY` where it is not given.
        timeout_s: For one step of the network.
        max_wait_s: How long a busy server is asked again.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8080",
        *,
        key: Optional[str] = None,
        timeout_s: float = 60.0,
        max_wait_s: float = 30.0,
    ) -> None:
        chosen = key if key is not None else os.environ.get(KEY_VARIABLE)
        self._connection = Connection(url, key=chosen, timeout_s=timeout_s, max_wait_s=max_wait_s)

    # ---- photos and results ----

    def inspect(
        self,
        photo: Photo,
        *,
        fail: Optional[float] = None,
        review: Optional[float] = None,
        min_area_px: Optional[int] = None,
        lot: Optional[str] = None,
        source: Optional[str] = None,
    ) -> Inspection:
        """Inspect a JPEG, PNG or BMP file (its path or its bytes), or a frame, uint8 (H, W, 3) BGR."""
        data = _file_of(photo)
        query = {"fail": fail, "review": review, "min_area_px": min_area_px, "lot": lot, "source": source}
        answer = self._connection.request(
            "POST", f"{API}/inspections", query=query, body=data, media_type=_media_type(data)
        )
        return Inspection.of(answer.json())

    def result(self, inspection_id: str) -> Inspection:
        """Return one result."""
        return Inspection.of(self._get(f"inspections/{inspection_id}"))

    def results(
        self,
        *,
        from_: Time = None,
        to: Time = None,
        source: Union[str, Sequence[str], None] = None,
        lot: Optional[str] = None,
        verdict: Union[str, Sequence[str], None] = None,
        model: Optional[str] = None,
        min_score: Optional[float] = None,
        max_score: Optional[float] = None,
        decision: Optional[str] = None,
        page: int = 100,
    ) -> Iterator[Inspection]:
        """Yield results, newest first, a page of the list at a time."""
        query: Dict[str, object] = {
            "from": _iso(from_), "to": _iso(to), "source": source, "lot": lot, "verdict": verdict,
            "model": model, "min_score": min_score, "max_score": max_score, "decision": decision,
            "limit": page,
        }  # fmt: skip
        while True:
            found = self._get("inspections", query)
            for item in found["items"]:
                yield Inspection.of(item)
            if found["next_cursor"] is None:
                return
            query["cursor"] = found["next_cursor"]

    def follow(self, *, poll_s: float = 1.0, lot: Optional[str] = None) -> Iterator[Inspection]:
        """Yield results that come in after this call, oldest first, without end; asks every `poll_s`."""
        newest = next(self.results(lot=lot, page=1), None)
        return self._follow(newest, poll_s=poll_s, lot=lot)

    def _follow(
        self, newest: Optional[Inspection], *, poll_s: float, lot: Optional[str]
    ) -> Iterator[Inspection]:
        seen = set() if newest is None else {newest.id}
        since = None if newest is None else newest.created
        while True:
            fresh = [found for found in self.results(from_=since, lot=lot) if found.id not in seen]
            yield from reversed(fresh)
            if fresh:
                since = fresh[0].created
                # Results of the same millisecond may still come in: these are not shown twice.
                seen = {found.id for found in fresh if found.created == since} | (
                    seen if fresh[-1].created == since else set()
                )
            time.sleep(poll_s)

    def picture(self, inspection_id: str, name: str = "image") -> bytes:
        """Return `image`, `overlay.jpg`, `mask.png`, `score.png` or `score.npy` of a result."""
        if name not in PICTURES:
            raise EdgeClientError(f"picture {name!r} is not known; use one of {', '.join(PICTURES)}")
        return self._connection.request("GET", f"{API}/inspections/{inspection_id}/{name}").body

    def score(self, inspection_id: str) -> np.ndarray:
        """Return the smoothed score map, float32 (H, W): what the thresholds apply to."""
        score: np.ndarray = np.load(io.BytesIO(self.picture(inspection_id, "score.npy")), allow_pickle=False)
        return score

    def decide(self, inspection_id: str, decision: str, *, note: str = "") -> Decision:
        """Say that the part is `good`, is a `defect`, or that one is `unsure`."""
        body = {"decision": decision, "note": note}
        return decision_of(self._send("PUT", f"inspections/{inspection_id}/decision", body))

    def statistics(
        self,
        *,
        from_: Time = None,
        to: Time = None,
        bucket: str = "hour",
        source: Optional[str] = None,
        lot: Optional[str] = None,
    ) -> Json:
        """Return counts and means by `hour` or `day`."""
        query = {"from": _iso(from_), "to": _iso(to), "bucket": bucket, "source": source, "lot": lot}
        return self._get("statistics", query)

    def export(self, file: BinaryIO, *, kind: str = "csv", **filters: Any) -> int:
        """Write all results as `csv` or `ndjson` to `file` as they come, and return the number of bytes.

        `filters` are those of the REST list, for example `lot="A7"`.
        """
        num_bytes = 0
        with self._connection.open("GET", f"{API}/inspections.{kind}", query=filters) as response:
            while True:
                chunk = response.read(65_536)
                if not chunk:
                    return num_bytes
                file.write(chunk)
                num_bytes += len(chunk)

    # ---- the device ----

    def thresholds(self) -> Json:
        """Return the thresholds in force and who set them."""
        return self._get("thresholds")

    def set_thresholds(self, *, fail: float, review: float, min_area_px: int) -> Json:
        """Judge by other thresholds from now on."""
        return self._send("PUT", "thresholds", {"fail": fail, "review": review, "min_area_px": min_area_px})

    def models(self) -> Json:
        """Return the models on the device and what they do."""
        return self._get("models")

    def upload_model(self, bundle: Union[str, "os.PathLike[str]"]) -> Json:
        """Send a NAME.bundle file; it is verified and tested, and does not serve yet."""
        with Path(bundle).open("rb") as file:
            return self._json(self._connection.request("POST", f"{API}/models", body=file, media_type=ZIP))

    def activate_model(self, digest: str) -> Json:
        """Let a model serve; returns when it does."""
        return self._send("POST", f"models/{digest}/activate")

    def roll_back_model(self) -> Json:
        """Go back to the model that served before; returns when it serves."""
        return self._send("POST", "models/rollback")

    def set_shadow_model(self, digest: Optional[str]) -> None:
        """Let a model look on; None ends that."""
        if digest is None:
            self._connection.request("DELETE", f"{API}/models/shadow")
        else:
            self._send("PUT", "models/shadow", {"digest": digest})

    def cameras(self) -> Json:
        """Return the cameras, their settings and how they do."""
        return self._get("cameras")

    def trigger(self, camera: str, *, lot: Optional[str] = None) -> Inspection:
        """Inspect the camera's next frame and return the result."""
        answer = self._connection.request("POST", f"{API}/cameras/{camera}/trigger", query={"lot": lot})
        return Inspection.of(answer.json())

    def health(self) -> Json:
        """Return how the server does."""
        return self._get("health")

    def _get(self, path: str, query: Optional[Query] = None) -> Json:
        return self._json(self._connection.request("GET", f"{API}/{path}", query=query))

    def _send(self, method: str, path: str, body: Optional[Json] = None) -> Json:
        data = None if body is None else json.dumps(body).encode()
        kind = None if body is None else JSON
        return self._json(self._connection.request(method, f"{API}/{path}", body=data, media_type=kind))

    @staticmethod
    def _json(answer: Answer) -> Json:
        found: Json = answer.json()
        return found


def _file_of(photo: Photo) -> bytes:
    if isinstance(photo, bytes):
        return photo
    if isinstance(photo, np.ndarray):
        return encode_png(photo)
    try:
        return Path(photo).read_bytes()
    except OSError as error:
        raise EdgeClientError(f"cannot read {photo}: {error.strerror or error}") from error


def _media_type(data: bytes) -> str:
    for start, media_type in (
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"\x89PNG", "image/png"),
        (b"BM", "image/bmp"),
    ):
        if data.startswith(start):
            return media_type
    raise EdgeClientError(f"these {len(data)} bytes are no JPEG, PNG or BMP photo")


def _iso(moment: Time) -> Optional[str]:
    if isinstance(moment, datetime):
        if moment.tzinfo is None:
            raise EdgeClientError(f"{moment} does not say its time zone; make it aware, for example of UTC")
        return moment.isoformat()
    return moment
