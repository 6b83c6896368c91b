"""`python -m inspector.demo_part FOLDER` draws the built-in part as a data set in MVTec-AD layout."""

import argparse
from pathlib import Path

from inspector.demo_part.dataset import write_demo_part


def main() -> None:
    """Read the command line and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="a folder that is not there yet")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--good", type=int, default=200, help="photos to learn from")
    args = parser.parse_args()
    write_demo_part(args.folder, seed=args.seed, num_train=args.good)


if __name__ == "__main__":
    main()
