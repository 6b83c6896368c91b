"""The soak's own rules: what counts as lost, doubled or undelivered, and what as growth."""

from __future__ import annotations

import pytest

from benchmarks.posting import Acknowledged
from benchmarks.soak.books import Delivery, Row, compare
from benchmarks.soak.sampling import Sample, drawn, growth, warm_up_s


def acknowledged(*names: str) -> list[Acknowledged]:
    """Results whose ids are the minutes in which they were made."""
    return [Acknowledged(name, f"12:{name}", "", "1", "PASS") for name in names]


def rows(*names: str) -> list[Row]:
    return [Row(name, f"12:{name}") for name in names]


def messages(*results: str | None) -> list[Delivery]:
    return [Delivery(f"dev:{number}", result) for number, result in enumerate(results, 1)]


@pytest.mark.parametrize(
    ("stored", "delivered", "wrong"),
    [
        (("01", "02", "03"), messages("01", "02", "03"), {}),
        (("02", "03"), messages("01", "02", "03"), {}),  # retention took the oldest
        (("01", "03"), messages("01", "02", "03"), {"lost": ["02"]}),
        (("01", "02", "02", "03"), messages("01", "02", "03"), {"doubled": ["02"]}),
        (("01", "02", "03"), messages("01", "03"), {"undelivered": ["02"]}),
        (("01", "02", "03", "04"), messages("01", "02", "03"), {"undelivered": ["04"]}),
        (("01", "02", "03"), messages("01", "02", "03", "02"), {"delivered_twice": ["02"]}),
        (("01", "02", "03"), messages("01", "02", "03") + messages("01"), {}),  # a repeat has the same id
        (("01", "02", "03"), messages("01", "02", None, "03"), {}),
        (
            ("01", "02", "03"),
            [Delivery("dev:2", "01"), Delivery("dev:1", "02"), Delivery("dev:3", "03")],
            {"out_of_order": ["dev:2", "dev:1"]},
        ),
        (("01", "02", "03"), None, {}),
    ],
)
def test_the_books(
    stored: tuple[str, ...], delivered: list[Delivery] | None, wrong: dict[str, list[str]]
) -> None:
    found = compare(acknowledged("01", "02", "03"), rows(*stored), delivered)
    assert {name: getattr(found, name) for name, count in found.counts().items() if count} == wrong


def series(*rss_mb: float) -> list[Sample]:
    return [Sample(float(second), mb, 0, 0, 0, 0) for second, mb in enumerate(rss_mb)]


def test_growth_is_that_of_the_medians_after_the_warm_up() -> None:
    samples = series(10, 50, *[100] * 4, 900, *[100] * 5, *[110] * 5, 5)
    assert growth(samples, after_s=2) == pytest.approx(0.1)


def test_too_few_samples_are_no_result() -> None:
    with pytest.raises(ValueError, match="3 samples after 1 s are too few"):
        growth(series(1, 1, 1, 1), after_s=1)


@pytest.mark.parametrize(("minutes", "seconds"), [(3, 60), (15, 300), (30, 300)])
def test_the_warm_up(minutes: float, seconds: float) -> None:
    assert warm_up_s(minutes) == seconds


def test_the_drawing_has_a_point_for_every_sample() -> None:
    text = drawn(series(0, 50, 100), after_s=1, width=100, height=110)
    assert 'points="0.0,110.0 50.0,60.0 100.0,10.0"' in text
