"""/metrics is what Prometheus' own parser reads, counts what happened, and has no label without a bound."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from edge_app.metrics.counted import MAX_SOURCES, Counted
from edge_app.services.result import Origin, Outcome
from tests.edge_app.routes.device import BAD, GOOD, Device, device
from tests.edge_app.store.made import made
from tests.tiny_bundle import part

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples_of(opened: Device) -> Samples:
    answer = opened.client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    families = list(text_string_to_metric_families(answer.text))
    assert all(family.documentation for family in families)
    assert len({family.name for family in families}) == len(families)
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
    }


def value(samples: Samples, name: str, **labels: str) -> float:
    return samples[f"inspector_{name}", frozenset(labels.items())]


def test_what_happened_is_counted(fresh: Device) -> None:
    before = samples_of(fresh)
    assert value(before, "results_total", outcome="FAIL", source="rest") == 0
    for photo in (BAD, BAD, GOOD):
        fresh.inspect(photo, source="who-knows", lot="x")
    fresh.client.post(BAD[:200])
    fresh.parts.service.submit_frame(
        part(1, defect=False)[0], origin=Origin("cam", "continuous", frame_age_ms=40.0)
    ).result(10)
    after = samples_of(fresh)
    assert value(after, "results_total", outcome="FAIL", source="rest") == 2
    assert value(after, "results_total", outcome="PASS", source="rest") == 1
    assert value(after, "results_total", outcome="PASS", source="cam") == 1
    assert value(after, "refused_total", reason="unreadable") == 1
    assert value(after, "inference_seconds_count") == 4
    assert value(after, "image_score_count") == 4
    assert value(after, "frame_age_seconds_count", source="cam") == 1
    assert value(after, "frame_age_seconds_bucket", source="cam", le="0.05") == 1
    assert value(after, "store_results") == 4
    assert value(after, "store_state", state="ok") == 1
    assert value(after, "queue_limit") == fresh.parts.settings.queue_size


def test_parts_are_measured_when_asked(fresh: Device) -> None:
    fresh.send("POST", "cameras", json={"name": "c", "address": "rtsp://192.0.2.1/x", "trigger": "http"})
    settings = fresh.get("settings").json()["settings"]
    webhook = {"kind": "webhook", "name": "mes", "url": "http://127.0.0.1:9/x"}
    fresh.send("PUT", "settings", json={**settings, "destinations": [webhook]})
    fresh.inspect()
    samples = samples_of(fresh)
    assert value(samples, "camera_running", camera="c") == 0
    assert value(samples, "camera_frames_total", camera="c") == 0
    assert value(samples, "outbox_waiting", destination="mes") == 1
    assert value(samples, "outbox_dead", destination="mes") == 0
    assert value(samples, "drift_level", state="ok") == 1
    assert value(samples, "model_state", state="serving") == 1
    (info,) = [dict(labels) for name, labels in samples if name == "inspector_model_info"]
    assert (info["digest"], info["version"]) == (fresh.digest, "1")
    assert any(name == "process_resident_memory_bytes" for name, _ in samples)


def test_sources_have_a_bound() -> None:
    registry = CollectorRegistry()
    counted = Counted(registry)
    for number in range(3 * MAX_SOURCES):
        counted.on_result(made(source=f"cam{number}"))
        counted.on_result(made(origin=Origin(f"posted{number}")))
    labels = {
        sample.labels["source"]
        for family in registry.collect()
        for sample in family.samples
        if sample.name == "inspector_results_total"
    }
    assert labels == {*(f"cam{number}" for number in range(MAX_SOURCES)), "rest", "other"}
    get = registry.get_sample_value
    assert get("inspector_results_total", {"outcome": "PASS", "source": "rest"}) == 3 * MAX_SOURCES
    assert get("inspector_results_total", {"outcome": "PASS", "source": "other"}) == 2 * MAX_SOURCES


def test_a_photo_without_a_decision_is_counted_and_not_timed() -> None:
    registry = CollectorRegistry()
    Counted(registry).on_result(made(outcome=Outcome.NO_DECISION, latency_ms=None, image_score=None))
    labels = {"outcome": "NO_DECISION", "source": "left"}
    assert registry.get_sample_value("inspector_results_total", labels) == 1
    assert registry.get_sample_value("inspector_inference_seconds_count") == 0
    assert registry.get_sample_value("inspector_image_score_count") == 0


def test_two_apps_in_one_process_do_not_mix(tmp_path: Path, shared: Device) -> None:
    with device(tmp_path) as other:
        other.inspect()
        assert value(samples_of(other), "results_total", outcome="FAIL", source="rest") == 1
        assert value(samples_of(shared), "results_total", outcome="FAIL", source="rest") == 0


@pytest.mark.parametrize("query", ["?name[]=x", "?x=1"])
def test_options_are_refused(shared: Device, query: str) -> None:
    assert shared.client.get(f"/metrics{query}").status_code == 422
