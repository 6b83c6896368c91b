"""Kills the server under load many times and counts what it had acknowledged and does not have any more."""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

from benchmarks.edge_latency.bundles import photo_frame, write_small_bundle
from benchmarks.faults.kills import kill_under_load
from benchmarks.report import print_result, say
from benchmarks.stored import is_intact
from inspector.render import encode_jpeg

PHOTO_HW = (480, 640)


def main() -> None:
    args = _arguments()
    photo = encode_jpeg(photo_frame(1, shape_hw=PHOTO_HW), quality=90)
    with tempfile.TemporaryDirectory(prefix="faults-", dir=args.folder) as folder:
        bundle, state = write_small_bundle(Path(folder) / "small.bundle"), Path(folder) / "state"
        killed, found = kill_under_load(bundle, state, photo, kills=args.kills, seed=args.seed)
        integrity = is_intact(state)
    wrong = len({*found.lost, *found.doubled, *found.damaged, *found.twice, *killed.lost_at_once})
    say(
        f"{args.kills} kills: {found.num_acknowledged} photos acknowledged, {found.num_stored} stored, "
        f"{killed.num_in_flight} connections cut; {len(found.lost)} lost, {len(found.doubled)} doubled, "
        f"{len(found.damaged)} damaged, {len(found.twice)} stored twice; integrity "
        f"{'ok' if integrity else 'LOST'}; ready again after {statistics.median(killed.ready_s):.2f} s",
        json_output=args.json,
    )
    print_result(
        name="faults",
        value=wrong,
        unit="acknowledged results lost, doubled or damaged",
        target=0,
        holds=wrong == 0 and integrity,
        kills=args.kills,
        acknowledged=found.num_acknowledged,
        stored=found.num_stored,
        connections_cut=killed.num_in_flight,
        integrity=integrity,
        ready_s_p50=statistics.median(killed.ready_s),
        ready_s_max=max(killed.ready_s),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--kills", type=int, default=100, help="how often the server is killed")
    parser.add_argument("--seed", type=int, default=0, help="of the moments of death")
    parser.add_argument("--folder", help="where the state lies [default: the system's temporary folder]")
    return parser.parse_args()


if __name__ == "__main__":
    main()
