"""Times a search step under CMP and under MP in turn, of a dense gated supernet and of NASB's."""

import argparse
from dataclasses import asdict
from typing import Any

import torch

from benchmarks.cell_search import make_subject
from benchmarks.cmp.measure import Comparison, compare
from benchmarks.report import print_result, say

TARGET, TARGET_OVER_FLOOR = 0.80, 1.05
DENSE, BINARY = "darts-1", "nasb"


def main() -> None:
    args = _arguments()
    torch.set_num_threads(1)  # a partition's thread is its device
    report(name="cmp", devices=[torch.device("cpu")] * 2, args=args)


def report(*, name: str, devices: list[torch.device], args: argparse.Namespace) -> None:
    """Compare both supernets on `devices` and print the figures."""
    found: dict[str, Comparison] = {}
    for key in (DENSE, BINARY):
        subject = make_subject(
            key,
            seed=0,
            channels=args.channels,
            batch_size=args.batch,
            num_cells=args.cells,
            device=str(devices[0]),
        )
        found[key] = compare(subject, devices, rounds=args.rounds)
        say(f"{key}: {_told(found[key])}", json_output=args.json)
    dense, binary = found[DENSE], found[BINARY]
    print_result(
        name=name,
        value=dense.ratio,
        unit=f"time of a step, CMP over MP, {len(devices)} partitions, dense gated supernet",
        target=TARGET,
        holds=dense.ratio <= TARGET and binary.over_floor <= TARGET_OVER_FLOOR,
        dense=_figures(dense),
        nasb=_figures(binary),
        nasb_over_floor=binary.over_floor,
        nasb_over_floor_target=TARGET_OVER_FLOOR,
        devices=[str(device) for device in devices],
        cells=args.cells,
        channels=args.channels,
        batch=args.batch,
        rounds=args.rounds,
    )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the variant for GPUs asks too."""
    parser.add_argument("--json", action="store_true", help="print the JSON object alone on stdout")
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--channels", type=int, default=16, help="of the first cell's nodes")
    parser.add_argument("--batch", type=int, default=8, help="images of either loader")
    parser.add_argument("--rounds", type=int, default=7, help="steps of either kind; the median counts")


def _told(one: Comparison) -> str:
    sizes = " and ".join(map(str, one.sizes))
    return (
        f"partitions of {sizes} stages; MP {one.mp_s:.3f} s, CMP {one.cmp_s:.3f} s a "
        f"step: {one.ratio:.3f}, {one.over_floor:.3f} of the floor {one.floor:.3f}; an even cut would allow "
        f"{one.even:.3f}: lost to imbalance {one.lost_to_imbalance:.3f}"
    )


def _figures(one: Comparison) -> dict[str, Any]:
    return {
        "ratio": one.ratio,
        "floor": one.floor,
        "over_floor": one.over_floor,
        "even_limit": one.even,
        "lost_to_imbalance": one.lost_to_imbalance,
        "sizes": list(one.sizes),
        "mp_s": one.mp_s,
        "cmp_s": one.cmp_s,
        "phases_s": asdict(one.phases_s),
    }


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.cmp", description=__doc__)
    add_arguments(parser)
    return parser.parse_args()


if __name__ == "__main__":
    main()
