"""Model, examples, health and the description of the interface."""

from __future__ import annotations

from tests.edge_app.app import client_of, encoded, photo_frame


def test_the_model_says_what_it_is_and_what_it_takes() -> None:
    assert client_of(max_body_mb=2).get("/api/v1/model").json() == {
        "name": "bright",
        "version": "3",
        "created": "2026-11-24T08:00:00Z",
        "runner": "fake",
        "input": {"width": 48, "height": 32},
        "thresholds": {"fail": 0.5, "review": 0.25, "min_area_px": 4},
        "num_parameters": 7,
        "self_test_difference": 0.0,
        "examples": ["/api/v1/model/examples/0.png", "/api/v1/model/examples/1.png"],
        "limits": {
            "max_body_bytes": 2_000_000,
            "max_pixels": 50_000_000,
            "media_types": ["image/jpeg", "image/png", "image/bmp"],
        },
        "warning": None,
    }


def test_examples() -> None:
    client = client_of()
    assert client.get("/api/v1/model/examples/1.png").content == b"second"
    answer = client.get("/api/v1/model/examples/2.png")
    assert (answer.status_code, answer.json()) == (
        404,
        {"detail": "example 2 does not exist; the bundle has 2"},
    )


def test_health_counts_what_happened() -> None:
    client = client_of()
    for defect in (255, 255, 100, 20):
        client.post(encoded(photo_frame(defect=defect)))
    client.post(encoded(photo_frame())[:100])
    health = client.get("/api/v1/health").json()
    assert health.pop("uptime_s") > 0
    assert health == {
        "live": True,
        "ready": True,
        "bundle": {"name": "bright", "version": "3"},
        "runner": "fake",
        "num_waiting": 0,
        "queue_size": 8,
        "counts": {"fail": 2, "review": 1, "pass": 1, "unreadable": 1},
    }


def test_openapi_describes_the_photo_as_the_body_and_every_error() -> None:
    post = client_of().get("/api/v1/openapi.json").json()["paths"]["/api/v1/inspections"]["post"]
    assert set(post["requestBody"]["content"]) == {"image/jpeg", "image/png", "image/bmp"}
    assert {"201", "400", "408", "413", "415", "422", "503"} <= set(post["responses"])
    assert {parameter["name"] for parameter in post["parameters"]} == {"fail", "review", "min_area_px"}
