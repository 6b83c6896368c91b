"""kill -9 of the sending process, in the middle."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from tests.edge_app.outbox.broker import in_order_without_repeats
from tests.edge_app.outbox.parts import outbox_on, wait_until
from tests.edge_app.outbox.receiver import Post, Receiver, Reply

ROOT = Path(__file__).resolve().parents[3]
ROUNDS = 3


def run_and_kill(folder: Path, receiver: Receiver, first: int) -> int:
    """Let the process put and send; kill it when 10 more messages arrived. Return the last one committed."""
    arguments = [
        sys.executable,
        "-m",
        "tests.edge_app.outbox.sending",
        str(folder),
        receiver.url(),
        str(first),
    ]
    num_before = len(receiver.posts)
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        wait_until(lambda: len(receiver.posts) >= num_before + 10, "messages in the middle of the work")
    finally:
        process.kill()
        printed, _ = process.communicate(timeout=10)
    return int(printed.split()[-1])


def test_what_was_committed_arrives_in_order_however_often_the_process_is_killed(tmp_path: Path) -> None:
    def slowly(_post: Post) -> Reply:
        time.sleep(0.01)  # so that there is always something waiting
        return Reply()

    with Receiver(slowly) as receiver:
        starts = [1000 * number for number in range(ROUNDS)]
        lasts = [run_and_kill(tmp_path, receiver, start) for start in starts]
        there = {"kind": "webhook", "name": "mes", "url": receiver.url()}
        with outbox_on(tmp_path, [there]) as (outbox, _):
            wait_until(lambda: outbox.status()[0].waiting == 0, "an empty queue")
        numbers: dict[str, int] = {}
        for post in receiver.posts:
            number = int(post.message["result"]["id"][1:])
            assert numbers.setdefault(post.headers["webhook-id"], number) == number
    arrived = [numbers[one] for one in in_order_without_repeats(receiver.ids)]
    assert arrived == sorted(set(arrived))
    for start, last in zip(starts, lasts, strict=True):
        of_round = [number for number in arrived if start <= number < start + 1000]
        # The last one may be committed and not printed: killed in between.
        assert of_round in (list(range(start, last + 1)), list(range(start, last + 2)))
