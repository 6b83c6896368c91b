"""Times a generation of 50 candidates evaluated together, with and without dropping, against one by one."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import torch
from lightning_fabric import Fabric

from benchmarks.candidate_evaluation.floor import Operations
from benchmarks.candidate_evaluation.kept import Kept
from benchmarks.candidate_evaluation.measure import Comparison, check_order, compare
from benchmarks.candidate_evaluation.subject import SIDE, open_subject
from benchmarks.report import print_result, say
from search.autodd.fitness import HISTOGRAM_ERROR

TARGET, TARGET_OF_FLOOR = 4.0, 0.85


def main() -> None:
    args = _arguments()

    def note(text: str) -> None:
        say(text, json_output=args.json)

    subject = open_subject(
        args.folder,
        width=args.width,
        validation_images=args.validation_images,
        recalibration_batches=args.recalibration_batches,
        population=args.population,
    )
    size = f"w{args.width}-v{args.validation_images}-r{args.recalibration_batches}-n{args.population}"
    kept = Kept(args.folder / f"measured-{size}.json")
    fabric = Fabric(accelerator="cpu", devices=1, precision="32-true")
    operations = Operations(args.width, (SIDE, SIDE))
    found: dict[str, Comparison] = {}
    for name, population in (("evolved", subject.evolved), ("random", subject.random)):
        note(f"{name} generation of {len(population)}")
        found[name] = compare(
            subject,
            population,
            operations=operations,
            top_k=max(1, len(population) // 5),
            num_plain=args.plain if name == "evolved" else max(2, args.plain // 2),
            fabric=fabric,
            say=note,
            kept=kept,
        )
        _say_what_was_found(found[name], note)
    order = check_order(subject.narrow, subject, subject.evolved, fabric=fabric)
    note(
        f"histogram against exact AUPR: largest error {order.largest_error:.1e} (stated {HISTOGRAM_ERROR}), "
        f"{order.swapped} of {order.pairs} pairs swapped that differ by more"
    )
    evolved = found["evolved"]
    print_result(
        name="candidate_evaluation",
        value=evolved.dropping,
        unit="times",
        target=TARGET,
        holds=evolved.dropping >= TARGET
        and evolved.sharing >= TARGET_OF_FLOOR * evolved.floor
        and all(one.holds for one in found.values())
        and order.swapped == 0,
        **_figures(evolved),
        random=_figures(found["random"]),
        histogram_error=order.largest_error,
        pairs=order.pairs,
        pairs_swapped=order.swapped,
        width=args.width,
        side_px=SIDE,
        candidates=args.population,
        validation_images=args.validation_images,
        recalibration_batches=args.recalibration_batches,
        threads=torch.get_num_threads(),
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.candidate_evaluation", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument(
        "--folder",
        type=Path,
        default=Path("candidate_evaluation"),
        help="keeps the trained supernet; made when it is not there",
    )
    parser.add_argument("--width", type=int, default=64, help="a multiple of 8; less shortens it")
    parser.add_argument("--population", type=int, default=50, help="candidates of a generation")
    parser.add_argument("--validation-images", type=int, default=40)
    parser.add_argument("--recalibration-batches", type=int, default=2, help="of 4 images")
    parser.add_argument("--plain", type=int, default=9, help="candidates timed alone; the rest by a line")
    return parser.parse_args()


def _say_what_was_found(one: Comparison, note: Callable[[str], None]) -> None:
    low, median, high = one.fitness
    note(f"  AUPR {low:.3f} to {high:.3f}, median {median:.3f}")
    of_floor = one.sharing / one.floor
    note(f"  sharing alone {one.sharing:.2f} times; floor {one.floor:.2f}, so {of_floor:.2f} of it")
    note(
        f"  with dropping {one.dropping:.2f} times: {one.dropped} dropped, {one.images_seen:.2f} of the "
        f"validation left; same top: {one.same_top}; dropped out of the top: {one.wrongly_dropped}"
    )


def _figures(one: Comparison) -> dict[str, object]:
    return {
        "sharing": one.sharing,
        "floor": one.floor,
        "of_floor": one.sharing / one.floor,
        "dropping": one.dropping,
        "validation_left": one.images_seen,
        "dropped": one.dropped,
        "wrongly_dropped": one.wrongly_dropped,
        "same_top": one.same_top,
        "bit_equal": one.bit_equal,
        "plain_s": one.plain_s,
        "shared_s": one.shared_s,
        "dropping_s": one.dropping_s,
        "aupr_median": one.fitness[1],
        "aupr_best": one.fitness[2],
    }


if __name__ == "__main__":
    main()
