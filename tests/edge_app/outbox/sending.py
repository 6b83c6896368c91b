"""A process that puts results into an outbox for ever: `python -m ...sending FOLDER URL FIRST_NUMBER`.

Prints a result's number once its transaction is committed. It is there to be killed.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.edge_app.outbox.parts import FAST, outbox_on, put, result


def main(folder: str, url: str, first: str) -> None:
    destination = {"kind": "webhook", "name": "mes", "url": url, **FAST}
    with outbox_on(Path(folder), [destination]) as (outbox, writer):
        number = int(first)
        while True:
            put(outbox, writer, [result(number)])
            print(number, flush=True)
            number += 1


if __name__ == "__main__":
    main(*sys.argv[1:])
