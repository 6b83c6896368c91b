"""Inspect photos on an edge server and list what was found: `python examples/edge_client.py URL PHOTO...`.

The key of a server that asks for one is taken from the environment's INSPECTOR_KEY.
"""

import sys

from edge_app.client import Client, EdgeClientError


def main(arguments: list[str]) -> int:
    url, *photos = arguments
    client = Client(url)
    try:
        for photo in photos:
            found = client.inspect(photo, lot="example")
            print(
                f"{photo}: {found.verdict}, score {found.image_score or 0:.3f}, {len(found.regions)} regions"
            )
            if found.verdict != "PASS":
                client.decide(found.id, "unsure", note="from the example")
        for found in client.results(lot="example", verdict=["FAIL", "REVIEW"]):
            print(f"{found.created} {found.id} {found.verdict}")
    except EdgeClientError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
