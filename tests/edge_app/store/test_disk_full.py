"""A disk that is really full: inspection goes on, and storing does again when there is room."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from edge_app.store import ResultFilter, Store
from tests.edge_app.store.made import KEEP_ALL, WAIT_S, made
from tests.small_disk import fill_up, mounted

PHOTO = os.urandom(100_000)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    with mounted(tmp_path / "disk", megabytes=4) as folder:
        yield folder


def test_a_full_disk_costs_files_then_rows_and_all_comes_back(small_disk: Path) -> None:
    store = Store.open(small_disk, policy=KEEP_ALL)
    acknowledged = []
    receipts = []
    for _ in range(60):
        result = made(data=PHOTO)
        receipts.append(store.add(result).result(WAIT_S))
        if receipts[-1].stored:
            acknowledged.append(result.id)
    assert receipts[0].kept_files
    without_files = [receipt for receipt in receipts if receipt.stored and not receipt.kept_files]
    assert without_files  # a row still fits where a photo does not
    assert all("the disk is full: its files were not kept" in receipt.reason for receipt in without_files)

    filler = small_disk / "filler"
    for _ in range(200):
        fill_up(filler)
        result = made(data=PHOTO)
        last = store.add(result).result(WAIT_S)
        if not last.stored:
            break
        acknowledged.append(result.id)
    assert (last.stored, last.kept_files) == (False, False)
    assert "the disk is full" in last.reason
    assert (store.status().state, store.status().reason) == ("degraded", last.reason)
    assert [item.id for item in store.iterate(ResultFilter())] == acknowledged

    filler.unlink()
    for path in sorted((small_disk / "files").rglob("*.jpg"))[:10]:
        path.unlink()
    result = made(data=PHOTO)
    assert store.add(result).result(WAIT_S).kept_files
    assert (store.status().state, store.status().reason) == ("ok", "")
    assert store.photo(result.id) == (PHOTO, "image/jpeg")
    store.close()

    store = Store.open(small_disk, policy=KEEP_ALL)
    assert [item.id for item in store.iterate(ResultFilter())] == [*acknowledged, result.id]
    store.close()
