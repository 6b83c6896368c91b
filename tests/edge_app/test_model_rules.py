"""The rules behind the model host, as tables: pointers, room on disk, room in memory."""

from __future__ import annotations

from pathlib import Path

import pytest

from edge_app.services.memory import RESERVE_BYTES, Swap, available_bytes, plan_swap, resident_bytes
from edge_app.services.model_library import LibraryLimits, StoredModel, to_remove
from edge_app.services.model_pointers import Pointers

A, B, C = "a" * 64, "b" * 64, "c" * 64
MEGABYTE = 1_000_000


@pytest.mark.parametrize(
    ("before", "digest", "after"),
    [
        (Pointers(), A, Pointers(current=A)),
        (Pointers(current=A), B, Pointers(current=B, previous=A)),
        (Pointers(current=B, previous=A), A, Pointers(current=A, previous=B)),  # a rollback
        (Pointers(current=B, previous=A), B, Pointers(current=B, previous=A)),  # nothing new
        (Pointers(current=A, shadow=B), B, Pointers(current=B, previous=A)),  # the shadow is promoted
        (Pointers(current=A, shadow=C), B, Pointers(current=B, previous=A, shadow=C)),
        (  # what failed is no model to go back to
            Pointers(current=B, previous=A, failed={B: "why"}),
            A,
            Pointers(current=A, failed={B: "why"}),
        ),
        (  # the failed one is replaced: the good one before stays the one to go back to
            Pointers(current=B, previous=A, failed={B: "why"}),
            C,
            Pointers(current=C, previous=A, failed={B: "why"}),
        ),
        (Pointers(current=A, failed={B: "why"}), B, Pointers(current=B, previous=A)),  # it works after all
    ],
)
def test_what_the_pointers_are_once_a_model_serves(before: Pointers, digest: str, after: Pointers) -> None:
    assert before.now_serving(digest) == after


@pytest.mark.parametrize(
    ("pointers", "new", "order"),
    [
        (Pointers(), None, ()),
        (Pointers(), A, (A,)),
        (Pointers(current=A, previous=B, given=C), None, (A, B, C)),
        (Pointers(current=A, previous=B, given=A), C, (C, A, B)),
        (Pointers(current=A, previous=B, failed={A: "why"}), None, (B, A)),
    ],
)
def test_which_model_is_tried_first_at_a_start(
    pointers: Pointers, new: str | None, order: tuple[str, ...]
) -> None:
    assert pointers.start_order(new) == order


@pytest.mark.parametrize(
    ("available", "needed", "swap"),
    [
        (RESERVE_BYTES + 100, 100, Swap.BESIDE),
        (RESERVE_BYTES + 99, 100, Swap.INSTEAD),
        (0, 0, Swap.INSTEAD),
        (None, 10**12, Swap.BESIDE),  # the system does not tell
    ],
)
def test_beside_or_instead(available: int | None, needed: int, swap: Swap) -> None:
    assert plan_swap(available_bytes=available, needed_bytes=needed) is swap


def test_memory_is_read_from_the_kernels_text(tmp_path: Path) -> None:
    text = tmp_path / "meminfo"
    text.write_text("MemTotal:        4059276 kB\nMemFree:  1 kB\nMemAvailable:    1024 kB\nVmRSS:\t  7 kB\n")
    assert available_bytes(text) == 1024 * 1024
    assert resident_bytes(text) == 7 * 1024
    assert available_bytes(tmp_path / "missing") is None
    text.write_text("nothing of that kind")
    assert available_bytes(text) is None


def stored(digest: str, *, mb: int, stored_ms: int) -> StoredModel:
    return StoredModel(digest, "part", "1", "2026-11-24T08:00:00Z", mb * MEGABYTE, stored_ms)


@pytest.mark.parametrize(
    ("in_use", "limits", "removed"),
    [
        (set(), LibraryLimits(max_models=4), []),
        (set(), LibraryLimits(max_models=3), [A]),
        ({A}, LibraryLimits(max_models=3), [B]),
        ({A, B, C}, LibraryLimits(max_models=3), None),
        (set(), LibraryLimits(max_bytes=40 * MEGABYTE), []),
        (set(), LibraryLimits(max_bytes=39 * MEGABYTE), [A]),
        (set(), LibraryLimits(max_bytes=10 * MEGABYTE), [A, B, C]),
        (set(), LibraryLimits(max_bytes=9 * MEGABYTE), None),
    ],
)
def test_the_oldest_unused_models_make_room(
    in_use: set[str], limits: LibraryLimits, removed: list[str] | None
) -> None:
    models = [stored(name, mb=10, stored_ms=age) for age, name in enumerate((A, B, C))]
    assert to_remove(models, in_use=in_use, limits=limits, num_new_bytes=10 * MEGABYTE) == removed
