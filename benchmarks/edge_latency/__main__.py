"""Times POST inspect against the bare runner, in turn: a bundle of 60 to 100 ms, and one of a few."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.edge_latency.bundles import photo_frame, write_slow_bundle, write_small_bundle
from benchmarks.edge_latency.served import (
    Server,
    post_in_turn,
    post_many,
    refuse_many,
    serving,
    shipped_ready_s,
)
from benchmarks.edge_latency.stages import bare_ms, decoding_ms, model_memory_mb, storing_ms
from benchmarks.edge_latency.watched import camera_with_and_without_viewers
from benchmarks.report import print_result, say
from inspector.bundle import Bundle
from inspector.image_file import decode_frame
from inspector.render import encode_jpeg
from inspector.runtime import Runner

PHOTO_HW = (480, 640)
NUM_CLIENTS = 8
WANTED_MS = 90.0
TARGET_OVERHEAD, TARGET_THROUGHPUT = 0.10, 0.95


@dataclass
class Row:
    """The figures of one bundle.

    bare_ms: the bare runner between two POSTs, as cold as the server's: photos come one by one on a line.
    bare_at_once_ms: the bare runner again and again; what 8 clients are held against.
    """

    bare_ms: list[float] = field(default_factory=list)
    bare_at_once_ms: list[float] = field(default_factory=list)
    post_ms: list[float] = field(default_factory=list)
    overheads: list[float] = field(default_factory=list)
    throughputs: list[float] = field(default_factory=list)
    post_8_ms: list[float] = field(default_factory=list)


def main() -> None:
    args = _arguments()
    photo = encode_jpeg(photo_frame(1, shape_hw=PHOTO_HW), quality=90)
    with tempfile.TemporaryDirectory(prefix="edge-latency-") as folder:
        slow = write_slow_bundle(Path(folder) / "slow.bundle", wanted_ms=WANTED_MS, threads=args.threads)
        small = write_small_bundle(Path(folder) / "small.bundle")
        rows = {
            name: _measure(name, path, photo, Path(folder) / name, args)
            for name, path in (("slow", slow), ("small", small))
        }
        ready_s = shipped_ready_s(Path(folder), threads=args.threads, rounds=args.rounds)
    say(f"the shipped bundle: ready after {ready_s:.2f} s", json_output=args.json)
    value, throughput = rows["slow"]["overhead"], rows["slow"]["throughput_8_clients"]
    print_result(
        name="edge_latency",
        value=value,
        unit="p50 of POST inspect over the bare runner's, minus 1",
        target=TARGET_OVERHEAD,
        holds=value <= TARGET_OVERHEAD and throughput >= TARGET_THROUGHPUT,
        photo=f"{PHOTO_HW[1]} x {PHOTO_HW[0]}, {len(photo) / 1000:.0f} kB JPEG",
        threads=args.threads,
        shipped_ready_s=ready_s,
        **rows,
    )


def _measure(name: str, path: Path, photo: bytes, state: Path, args: argparse.Namespace) -> dict[str, float]:
    bundle = Bundle.open(path)
    runner = Runner.open(bundle, threads=args.threads)
    row = Row()
    with serving(path, state, threads=args.threads) as server:
        post_many(server, photo, num_clients=2, num_posts=3)
        for _ in range(args.rounds):
            _one_round(row, server, runner, photo, num_posts=args.posts)
        http_ms = statistics.median(refuse_many(server, len(photo), num_posts=args.posts).took_ms)
        figures = {
            "bare_ms_p50": statistics.median(row.bare_ms),
            "bare_at_once_ms_p50": statistics.median(row.bare_at_once_ms),
            "post_ms_p50": statistics.median(row.post_ms),
            "post_ms_p99": float(np.quantile(row.post_ms, 0.99)),
            "overhead": statistics.median(row.overheads),
            "throughput_8_clients": statistics.median(row.throughputs),
            "post_ms_p50_8_clients": statistics.median(row.post_8_ms),
            "post_ms_p99_8_clients": float(np.quantile(row.post_8_ms, 0.99)),
            "ready_s": server.ready_s,
            "rss_mb": server.rss_mb,
            "model_memory_mb": model_memory_mb(path, threads=args.threads),
        }
        if not args.no_camera:
            figures.update(
                asdict(camera_with_and_without_viewers(server, state, photo, seconds=args.seconds))
            )
    stages = {
        "decoding_ms": decoding_ms(photo, bundle, rounds=args.posts),
        "storing_ms": storing_ms(photo, bundle, runner, rounds=args.posts),
        "http_ms": http_ms,
    }
    _tell(name, figures, stages, json_output=args.json)
    return {**figures, **stages}


def _one_round(row: Row, server: Server, runner: Runner, photo: bytes, *, num_posts: int) -> None:
    frame = decode_frame(photo)
    in_turn_ms, post_ms = post_in_turn(server, photo, lambda: runner.inspect(frame), num_posts=num_posts)
    at_once_ms = bare_ms(runner, photo, rounds=num_posts)
    together = post_many(
        server, photo, num_clients=NUM_CLIENTS, num_posts=max(2, num_posts // NUM_CLIENTS * 2)
    )
    row.bare_ms += in_turn_ms
    row.bare_at_once_ms += at_once_ms
    row.post_ms += post_ms
    row.post_8_ms += together.took_ms
    row.overheads.append(statistics.median(post_ms) / statistics.median(in_turn_ms) - 1)
    row.throughputs.append(together.per_s * statistics.fmean(at_once_ms) / 1000)


def _tell(name: str, figures: dict[str, float], stages: dict[str, float], *, json_output: bool) -> None:
    for text in (
        f"{name}: bare {figures['bare_ms_p50']:.1f} ms "
        f"(without a pause {figures['bare_at_once_ms_p50']:.1f}), "
        f"POST {figures['post_ms_p50']:.1f} ms "
        f"(p99 {figures['post_ms_p99']:.1f}): {figures['overhead']:+.1%}",
        f"    decoding {stages['decoding_ms']:.1f} ms, storing {stages['storing_ms']:.1f} ms, "
        f"HTTP {stages['http_ms']:.1f} ms, each by itself",
        f"    8 clients: {figures['throughput_8_clients']:.3f} of the bare runner's throughput, "
        f"p50 {figures['post_ms_p50_8_clients']:.0f} ms",
        f"    ready after {figures['ready_s']:.2f} s, {figures['rss_mb']:.0f} MB resident, "
        f"{figures['rss_mb'] - figures['model_memory_mb']:.0f} MB of it without the model",
    ):
        say(text, json_output=json_output)
    if "viewers_cost" in figures:
        say(
            f"    camera: {figures['camera_per_s']:.1f} inspections/s, 10 viewers cost "
            f"{figures['viewers_cost']:+.1%}, frames at most {figures['frame_age_ms_max']:.0f} ms old",
            json_output=json_output,
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.edge_latency", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--rounds", type=int, default=7, help="rounds, of which the median counts")
    parser.add_argument("--posts", type=int, default=24, help="photos a round and client")
    parser.add_argument("--threads", type=int, default=1, help="threads of the network, bare and served")
    parser.add_argument("--seconds", type=float, default=10.0, help="how long a camera is watched")
    parser.add_argument("--no-camera", action="store_true", help="leave out the camera and its viewers")
    return parser.parse_args()


if __name__ == "__main__":
    main()
