"""Counts inspected camera frames that were older than one frame interval plus one inference."""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.edge_latency.bundles import photo_frame, write_slow_bundle
from benchmarks.edge_latency.served import Server, serving
from benchmarks.freshness.ages import Freshness, Inspected, freshness
from benchmarks.posting import Posters
from benchmarks.report import print_result, say
from inspector.render import encode_jpeg

FRAME_HW = (480, 640)
FPS = 25
NUM_FILES = 8
WANTED_MS = 80.0
WARM_UP = 10  # frames that are not counted: the camera and the caches begin
PAGE = 500
PATIENCE_S = 30.0


def main() -> None:
    args = _arguments()
    with tempfile.TemporaryDirectory(prefix="freshness-") as folder:
        state = Path(folder) / "state"
        photo = _record(state / "recordings" / "parts")
        bundle = write_slow_bundle(Path(folder) / "slow.bundle", wanted_ms=WANTED_MS, threads=1)
        with serving(bundle, state, threads=1) as server:
            alone = _inspect(server, "alone", num=args.frames)
            with closing(Posters(server.port, photo, num_clients=1, name="beside")):
                beside = _inspect(server, "beside", num=args.frames)
    for name, found in (("alone", alone), ("beside a client that posts", beside)):
        say(
            f"{name}: {found.num_too_old} of {found.num_frames} frames were older than the limit "
            f"({found.limit_ms:.0f} ms) when inference began, {found.num_over_interval} older than one "
            f"interval; p50 {found.age_ms_p50:.0f} ms, p99 {found.age_ms_p99:.0f} ms, at most "
            f"{found.age_ms_max:.0f} ms",
            json_output=args.json,
        )
    print_result(
        name="freshness",
        value=alone.num_too_old + beside.num_too_old,
        unit="inspected frames older than one frame interval plus one inference",
        target=0,
        holds=alone.num_too_old + beside.num_too_old == 0,
        fps=FPS,
        alone=asdict(alone),
        beside_posts=asdict(beside),
    )


def _record(folder: Path) -> bytes:
    """Write the frames of the camera and return one of them."""
    folder.mkdir(parents=True)
    for number in range(NUM_FILES):
        photo = encode_jpeg(photo_frame(number, shape_hw=FRAME_HW), quality=90)
        (folder / f"{number}.jpg").write_bytes(photo)
    return photo


def _inspect(server: Server, name: str, *, num: int) -> Freshness:
    """Let a camera be inspected `num` times and return how old its frames were."""
    server.ask("POST", "/api/v1/cameras", {"name": name, "address": "folder:parts", "fps": FPS})
    try:
        _wait_for_inspections(server, name, num + WARM_UP)
    finally:
        server.ask("DELETE", f"/api/v1/cameras/{name}")
    frames = [
        Inspected(item["origin"]["frame_age_ms"], item["latency_ms"])
        for item in _results(server, name)
        if item["latency_ms"] is not None
    ]
    return freshness(frames[WARM_UP:], interval_ms=1000 / FPS)


def _wait_for_inspections(server: Server, name: str, num: int) -> None:
    """Wait until so many frames are inspected; TimeoutError when nothing comes any more."""
    before, since_s = -1, time.monotonic()
    while True:
        now = server.ask("GET", f"/api/v1/cameras/{name}")["station"]["num_inspected"]
        if now >= num:
            return
        if now > before:
            before, since_s = now, time.monotonic()
        if time.monotonic() - since_s > PATIENCE_S:
            raise TimeoutError(f"camera {name} was inspected {now} times, and then not any more")
        time.sleep(0.5)


def _results(server: Server, name: str) -> list[dict[str, Any]]:
    """Return all results of a camera, oldest first."""
    items: list[dict[str, Any]] = []
    cursor = ""
    while True:
        page = server.ask("GET", f"/api/v1/inspections?source={name}&limit={PAGE}{cursor}")
        items += page["items"]
        if page["next_cursor"] is None:
            return items[::-1]
        cursor = f"&cursor={page['next_cursor']}"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.freshness", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--frames", type=int, default=300, help="frames that are inspected, each time")
    return parser.parse_args()


if __name__ == "__main__":
    main()
