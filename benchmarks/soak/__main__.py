"""Runs the real server at full load and holds its memory and its books against the beginning."""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.edge_latency.bundles import WIDTHS, photo_frame, write_small_bundle
from benchmarks.edge_latency.served import Server, serving
from benchmarks.posting import Posters
from benchmarks.report import print_result, say
from benchmarks.soak.books import Row, Wrong, compare, removed_by_rule
from benchmarks.soak.busy import Busy
from benchmarks.soak.plant import Plant
from benchmarks.soak.sampling import Sampler, growth, warm_up_s
from benchmarks.stored import rows
from inspector.render import encode_jpeg

PHOTO_HW = (480, 640)
CAMERA, FPS, NUM_FILES = "line", 10, 8
NUM_CLIENTS = 4
SWAP_EVERY_S = 20.0
KEPT_GB = 0.1
MIN_SAMPLES, MAX_INTERVAL_S = 90, 5.0
QUEUE_LIMIT_S = 300.0
TARGET = 0.02


@dataclass(frozen=True)
class Ended:
    """What the server said of itself before it stopped."""

    counts: dict[str, int]
    problems: list[str]
    num_removed: int


def main() -> None:
    args = _arguments()
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        _soak(Path(folder), args)


def _soak(folder: Path, args: argparse.Namespace) -> None:
    photo = encode_jpeg(photo_frame(1, shape_hw=PHOTO_HW), quality=90)
    bundles = [write_small_bundle(folder / f"{width}.bundle", width=width) for width in WIDTHS[:2]]
    state, after_s = folder / "state", warm_up_s(args.minutes)
    with ExitStack() as opened:
        plant = Plant.started(folder)
        if plant is not None:
            opened.callback(plant.close)
        _prepare(state, photo, plant)
        server = opened.enter_context(serving(bundles[0], state, threads=1))
        server.ask("POST", "/api/v1/cameras", {"name": CAMERA, "address": "folder:parts", "fps": FPS})
        busy = opened.enter_context(closing(_everybody(server, bundles)))
        posters = Posters(server.port, photo, num_clients=args.clients, name="soak")
        interval_s = min(MAX_INTERVAL_S, args.minutes * 60 / MIN_SAMPLES)
        with closing(Sampler(server.process.pid, state, interval_s=interval_s)) as sampler:
            time.sleep(args.minutes * 60)
        posters.close()
        busy.close()
        server.ask("DELETE", f"/api/v1/cameras/{CAMERA}")
        _wait_for_the_queue(server, plant)
        stored = [Row(row["id"], row["created"]) for row in rows(server)]
        wrong = compare(posters.acknowledged, stored, None if plant is None else plant.deliveries)
        ended = _ended(server, num_removed=len(removed_by_rule(posters.acknowledged, stored)))
    sampler.write(args.out, after_s=after_s)
    _report(args, sampler, posters, busy, wrong, ended, num_delivered=_num_delivered(plant))


def _prepare(state: Path, photo: bytes, plant: Plant | None) -> None:
    """Write the settings and the camera's recording: other frames, so that none counts as frozen."""
    recording = state / "recordings" / "parts"
    recording.mkdir(parents=True)
    for number in range(NUM_FILES):
        frame = photo_frame(number, shape_hw=PHOTO_HW)
        (recording / f"{number}.jpg").write_bytes(encode_jpeg(frame, quality=90))
    settings = {
        "device_id": "soak",
        "storage": {"photos": "all", "max_gb": KEPT_GB},
        "destinations": [] if plant is None else [plant.destination()],
    }
    (state / "settings.json").write_text(json.dumps(settings))


def _everybody(server: Server, bundles: list[Path]) -> Busy:
    busy = Busy()
    busy.swap_models(server, bundles, every_s=SWAP_EVERY_S)
    busy.read_history(server, seed=0)
    busy.watch(server, CAMERA, is_slow=False)
    busy.watch(server, CAMERA, is_slow=True)
    busy.follow(server)
    return busy


def _wait_for_the_queue(server: Server, plant: Plant | None) -> None:
    end_s = time.monotonic() + QUEUE_LIMIT_S
    while plant is not None and time.monotonic() < end_s:
        (destination,) = server.ask("GET", "/api/v1/outbox")["destinations"]
        if destination["waiting"] == 0:
            time.sleep(1)  # what the broker has taken reaches the subscriber
            return
        time.sleep(0.5)


def _ended(server: Server, *, num_removed: int) -> Ended:
    details = server.ask("GET", "/api/v1/health")["details"]
    return Ended(details["counts"], details["problems"], num_removed)


def _num_delivered(plant: Plant | None) -> int | None:
    return None if plant is None else len({one.message for one in plant.deliveries})


def _report(
    args: argparse.Namespace,
    sampler: Sampler,
    posters: Posters,
    busy: Busy,
    wrong: Wrong,
    ended: Ended,
    *,
    num_delivered: int | None,
) -> None:
    after_s = warm_up_s(args.minutes)
    value = growth(sampler.samples, after_s=after_s)
    counted = [sample for sample in sampler.samples if sample.at_s >= after_s]
    failed = [*posters.broken, *posters.not_stored, *busy.errors]
    refused = {status: count for status, count in posters.statuses.items() if status != 201}
    num_wrong = sum(wrong.counts().values())
    say(
        f"{args.minutes:g} min: {len(posters.acknowledged)} photos acknowledged and "
        f"{sum(ended.counts.get(name, 0) for name in ('pass', 'review', 'fail', 'no_decision'))} inspected, "
        f"{ended.num_removed} of the acknowledged removed by retention; wrong: {wrong.counts()}\n"
        f"memory {counted[0].rss_mb:.0f} -> {counted[-1].rss_mb:.0f} MB ({value:+.2%}), files "
        f"{counted[0].num_files} -> {counted[-1].num_files}, threads {counted[0].num_threads} -> "
        f"{counted[-1].num_threads}, state at most {max(one.state_mb for one in sampler.samples):.0f} MB\n"
        f"beside it: {dict(busy.counts)}; not 201: {refused}; errors: {failed[:5]}; "
        f"problems: {ended.problems}\n"
        f"the series: {args.out / 'memory.json'}, {args.out / 'memory.svg'}",
        json_output=args.json,
    )
    print_result(
        name="soak",
        value=value,
        unit="growth of resident memory after the warm-up, as a share",
        target=TARGET,
        holds=value <= TARGET and num_wrong == 0 and not failed and not refused,
        minutes=args.minutes,
        warm_up_s=after_s,
        acknowledged=len(posters.acknowledged),
        inspected=ended.counts,
        removed_by_retention=ended.num_removed,
        delivered=num_delivered,
        wrong=wrong.counts(),
        errors=len(failed),
        refused=refused,
        beside=dict(busy.counts),
        first=asdict(counted[0]),
        last=asdict(counted[-1]),
        state_mb_max=max(one.state_mb for one in sampler.samples),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--minutes", type=float, default=30.0, help="how long the load lasts")
    parser.add_argument("--clients", type=int, default=NUM_CLIENTS, help="clients that post without a pause")
    parser.add_argument(
        "--out", type=Path, default=Path("build/soak"), help="folder for the series and its drawing"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
