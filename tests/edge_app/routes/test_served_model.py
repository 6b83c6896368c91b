"""The card of the model that serves, and the photos to try it with."""

from __future__ import annotations

from tests.edge_app.app import CARD, client_of


def test_the_model_says_what_it_is_and_what_it_takes() -> None:
    thresholds = {"fail": 0.5, "review": 0.25, "min_area_px": 4}
    assert client_of(max_body_mb=2).get("/api/v1/model").json() == {
        "name": "bright",
        "version": "3",
        "digest": CARD.digest,
        "created": "2026-11-24T08:00:00Z",
        "runner": "fake",
        "input": {"width": 48, "height": 32},
        "thresholds": thresholds,
        "threshold_version": 0,
        "own_thresholds": thresholds,
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
