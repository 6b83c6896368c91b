"""Where a search cuts its supernet: measured when it begins, and kept.

A search that goes on must not measure again: with another cut the gradient of A, to which several cells add,
is rounded in another way.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from inspector.errors import RunError
from inspector.output_file import write_file
from search.cmp.balance import best_sizes
from search.cmp.cells import classification, mixture_of
from search.cmp.parallel_plan import ParallelPlan
from search.cmp.passes import Batch
from search.cmp.stage_times import even_devices, measure_stages
from search.nasb.cell_scale import Feeds


def kept_sizes(plan: ParallelPlan, feeds: Feeds, file: Path) -> tuple[int, ...]:
    """Return how many stages each partition has: what `file` says, or else what is measured now.

    Raises:
        RunError: the file is damaged.
    """
    if file.exists():
        return _read(file)
    net, architecture = plan.build()
    num_stages = len(net.stages())
    if plan.num_partitions == 1:
        return (num_stages,)
    devices = plan.devices_of_copy(0)
    architecture.to(devices[0])
    relax = plan.method.relaxation(0.0)
    train, valid = (Batch(*feed.batch(0)) for feed in (feeds.train, feeds.valid))
    with one_thread_an_operation(devices):
        costs = measure_stages(
            net.stages(),
            classification,
            lambda: mixture_of(net.stages(), architecture.weights(relax)),
            train=train,
            valid=valid,
            devices=even_devices(num_stages, devices),
            rounds=3,
        )
    sizes = best_sizes(costs, plan.num_partitions)
    write_file(file, json.dumps(sizes).encode())
    return sizes


@contextmanager
def one_thread_an_operation(devices: Sequence[torch.device]) -> Iterator[None]:
    """A partition on the CPU has one thread, whichever parallelism runs it: that is what is compared."""
    before = torch.get_num_threads()
    if any(device.type == "cpu" for device in devices):
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _read(file: Path) -> tuple[int, ...]:
    try:
        return tuple(int(size) for size in json.loads(file.read_text()))
    except (ValueError, TypeError) as error:
        raise RunError(f"{file} is damaged ({error}); remove the folder and begin again") from error
