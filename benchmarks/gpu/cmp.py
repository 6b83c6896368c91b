"""Times a search step under CMP and under MP in turn on GPUs. It has not run on hardware yet.

python -m benchmarks.gpu.cmp --devices cuda:0,cuda:1
python -m benchmarks.gpu.cmp --devices cuda:0,cuda:0    # one GPU twice: overlap by streams
"""

import argparse

from benchmarks.cmp.__main__ import add_arguments, report
from search.cmp.devices import find_devices


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu.cmp",
        description=__doc__,
        formatter_class=argparse.RawTextHelpFormatter,
    )
    add_arguments(parser)
    parser.add_argument("--devices", default="cuda:0,cuda:1", help="one a partition")
    parser.set_defaults(batch=60)  # [D] Sec. 3.3.1
    args = parser.parse_args()
    report(name="cmp_gpu", devices=find_devices(args.devices.split(",")), args=args)


if __name__ == "__main__":
    main()
