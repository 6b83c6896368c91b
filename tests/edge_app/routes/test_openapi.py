"""The description tells every address, status and role, and names that a client can be made from."""

from __future__ import annotations

import re
from typing import Any

import pytest

from edge_app.access.principals import Role
from edge_app.access.roles import TABLE, WEBSOCKET
from tests.edge_app.app import client_of

SCHEMA: dict[str, Any] = client_of().get("/api/v1/openapi.json").json()
OPERATIONS = {
    (method.upper(), path): operation
    for path, operations in SCHEMA["paths"].items()
    for method, operation in operations.items()
}
LATER = {("GET", "/api/v1/cameras/{name}/stream.mjpg")}  # a picture without end has no schema


def plain(path: str) -> str:
    """Return the path without the names of its variable segments."""
    return re.sub(r"\{[^}]*\}(\.png)?", "{}", path)


def test_every_address_of_the_table_of_roles_is_described_and_no_other() -> None:
    listed = {(method, plain(path)) for method, path in TABLE if method != WEBSOCKET}
    described = {(method, plain(path)) for method, path in OPERATIONS}
    optional = {(method, plain(path)) for method, path in LATER}
    own = {("GET", "/api/v1/openapi.json")}
    assert described - optional == listed - optional - own


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS))
def test_an_operation_reads_well(method: str, path: str) -> None:
    operation = OPERATIONS[method, path]
    assert re.fullmatch(r"[a-z]+(_[a-z]+)*", operation["operationId"])
    assert len(operation["summary"]) > 3
    assert len(operation["description"]) > 20
    assert len(operation["tags"]) == 1
    for parameter in operation.get("parameters", []):
        assert parameter["schema"]
    for status, answer in operation["responses"].items():
        assert answer["description"]
        if int(status) >= 400:
            assert answer["content"] == {
                "application/json": {"schema": {"$ref": "#/components/schemas/ErrorOut"}}
            }


@pytest.mark.parametrize(("method", "path"), sorted(OPERATIONS))
def test_an_operation_says_who_may(method: str, path: str) -> None:
    operation = OPERATIONS[method, path]
    needed = {(verb, plain(address)): role for (verb, address), role in TABLE.items()}[method, plain(path)]
    if isinstance(needed, Role):
        assert f"Needs the role {needed.label}." in operation["description"]
        assert {"401", "403", "429"} <= set(operation["responses"])
    else:
        assert operation["security"] == []


def test_operation_ids_are_unique() -> None:
    ids = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(ids) == len(set(ids))


def test_tags_are_described_and_used() -> None:
    described = {tag["name"] for tag in SCHEMA["tags"]}
    used = {operation["tags"][0] for operation in OPERATIONS.values()}
    assert used <= described
    assert described - used <= {"live"}
    assert all(len(tag["description"]) > 20 for tag in SCHEMA["tags"])


def test_keys_are_described() -> None:
    assert set(SCHEMA["components"]["securitySchemes"]) == {"key", "session"}
    assert SCHEMA["security"] == [{"key": []}, {"session": []}]


def test_every_schema_that_is_referred_to_is_there_and_fastapis_own_error_is_not() -> None:
    referred = set(re.findall(r"#/components/schemas/([A-Za-z0-9_-]+)", str(SCHEMA)))
    assert referred == set(SCHEMA["components"]["schemas"])
    assert "HTTPValidationError" not in referred


def test_the_photo_is_the_body() -> None:
    post = OPERATIONS["POST", "/api/v1/inspections"]
    assert set(post["requestBody"]["content"]) == {"image/jpeg", "image/png", "image/bmp"}
    assert {"201", "400", "408", "413", "415", "422", "503"} <= set(post["responses"])
    names = {parameter["name"] for parameter in post["parameters"]}
    assert names == {"fail", "review", "min_area_px", "lot", "source"}


def test_times_are_described_as_times() -> None:
    parameters = OPERATIONS["GET", "/api/v1/inspections"]["parameters"]
    described = {one["name"]: one for one in parameters}["from"]
    assert "date-time" in str(described["schema"])
