"""The payload: what a receiver gets of a result, and the record of messages that had to be dropped.

No image and no score map: a receiver that wants them asks REST with the result's id.
A message is stored without its id, which the queue gives, and completed when it is sent: the same bytes at
every attempt.
"""

import json
import math
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any, Dict, Optional

from edge_app.services.result import ModelVersion, Result
from inspector.errors import InputError
from inspector.postprocess import Region

SCHEMA = 1
RESULT, GAP = "result", "gap"
MAX_REGIONS = 20
DIGITS = 6

_DEVICE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Message:
    """What is sent. `id` is the same at every attempt; `body` is JSON."""

    id: str
    body: bytes


def check_device_id(device_id: str) -> str:
    """Return `device_id`, which stands in message ids, MQTT topics and client ids.

    Raises:
        InputError: it has characters that mean something there.
    """
    if _DEVICE_ID.fullmatch(device_id) is None:
        raise InputError(
            f"device id {device_id[:80]!r} must be 1 to 64 letters, digits, dots, dashes or underscores and "
            "begin with a letter or digit"
        )
    return device_id


def message_of(*, device_id: str, row_id: int, kind: str, body: str) -> Message:
    """Complete a stored body.

    A gap's id is `device:number-gap`: it stands in the place of message `device:number`, which may have been
    sent before it was dropped, and a receiver that drops duplicates must still see the gap.
    """
    message_id = f"{device_id}:{row_id}" + ("-gap" if kind == GAP else "")
    head = {"id": message_id, "schema": SCHEMA, "device": device_id, "type": kind}
    text = json.dumps({**head, **json.loads(body)}, separators=(",", ":"))
    return Message(message_id, text.encode())


def result_body(result: Result) -> str:
    """Return the stored part of a result's message. Names are those of the REST interface."""
    height, width = result.frame_hw
    content: Dict[str, Any] = {
        "id": result.id,
        "verdict": result.outcome.value,
        "reason": result.reason,
        "image_score": _rounded(result.image_score),
        "thresholds": {
            "fail": result.thresholds.fail,
            "review": result.thresholds.review,
            "min_area_px": result.thresholds.min_area_px,
            "version": result.threshold_version,
        },
        "frame": {"width": width, "height": height},
        "num_regions": len(result.regions),
        "regions": [_region(region) for region in result.regions[:MAX_REGIONS]],
        "origin": {
            "source": result.origin.source,
            "trigger": result.origin.trigger,
            "lot": result.origin.lot,
            "captured": None if result.origin.captured_ms is None else iso_utc(result.origin.captured_ms),
            "frame_age_ms": _rounded(result.origin.frame_age_ms, 3),
        },
        "model": _model(result.model),
        "latency_ms": _rounded(result.latency_ms, 3),
    }
    if result.quality is not None:
        content["quality"] = {
            "brightness": _rounded(result.quality.brightness),
            "focus": _rounded(result.quality.focus),
        }
    if result.shadow is not None:
        content["shadow"] = {
            "verdict": result.shadow.outcome.value,
            "image_score": _rounded(result.shadow.image_score),
            "model": _model(result.shadow.model),
        }
    return json.dumps({"created": iso_utc(result.created_ms), "result": content})


def gap_body(before: Optional[str], *, dropped: str, created_ms: int) -> str:
    """Return the stored part of a gap record: what `before` counts, if there is one, and one message more.

    Args:
        dropped: The stored body of the message that goes.
        created_ms: When that message was made.
    """
    counted: Dict[str, Any] = {} if before is None else json.loads(before)["gap"]
    verdict, when = json.loads(dropped)["result"]["verdict"], iso_utc(created_ms)
    by_verdict = dict(counted.get("by_verdict", {}))
    by_verdict[verdict] = by_verdict.get(verdict, 0) + 1
    gap = {
        "num_dropped": counted.get("num_dropped", 0) + 1,
        "by_verdict": by_verdict,
        "from": min(counted.get("from", when), when),
        "to": max(counted.get("to", when), when),
    }
    return json.dumps({"created": gap["to"], "gap": gap})


def iso_utc(created_ms: int) -> str:
    """Return a wall-clock time in ISO 8601, UTC, with milliseconds: texts sort as times do."""
    moment = datetime.fromtimestamp(created_ms // 1000, timezone.utc)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{created_ms % 1000:03d}Z"


def _region(region: Region) -> Dict[str, Any]:
    return {
        "box": {
            "x": int(region.x),
            "y": int(region.y),
            "width": int(region.width),
            "height": int(region.height),
        },
        "area_px": int(region.area_px),
        "mean_score": _rounded(region.mean_score),
        "peak_score": _rounded(region.peak_score),
    }


def _model(model: ModelVersion) -> Dict[str, str]:
    return {"digest": model.digest, "name": model.name, "version": model.version, "runner": model.runner}


def _rounded(value: Optional[float], digits: int = DIGITS) -> Optional[float]:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)
