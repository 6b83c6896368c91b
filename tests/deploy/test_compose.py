"""The compose files: valid by the schema of docker-compose 1.29.2, and set only what there is to set.

No Docker engine has read them: the schema is `compose/config/compose_spec.json` of that release (Apache-2.0).
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from edge_app.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCHEMA = jsonschema.Draft7Validator(json.loads((Path(__file__).parent / "compose_spec.json").read_text()))
DEVICES = ["compose.nano.yaml", "compose.orin.yaml"]
OTHERS = ["../Dockerfile.jetson", "Dockerfile.orin", "visual-inspector.service"]
FILES = sorted(path.name for path in DEPLOY.glob("compose.*.yaml"))


def compose(name: str) -> dict[str, Any]:
    """Read one file, by the schema."""
    read = yaml.safe_load((DEPLOY / name).read_text())
    SCHEMA.validate(read)
    return read


def inspector(name: str) -> dict[str, Any]:
    """Return the service of one file."""
    return compose(name)["services"]["inspector"]


def known_variables() -> set[str]:
    """Every INSPECTOR_ variable that the device's code reads."""
    settings = {f"INSPECTOR_{name.upper()}" for name in Settings.model_fields}
    source = "".join(
        path.read_text() for top in ("inspector", "edge_app") for path in (ROOT / top).rglob("*.py")
    )
    return settings | set(re.findall(r'"(INSPECTOR_[A-Z_]+[A-Z])"', source))


@pytest.mark.parametrize("name", FILES)
def test_is_valid_compose(name):
    assert inspector(name)


def test_the_schema_refuses_a_misspelt_key():
    with pytest.raises(jsonschema.ValidationError, match="tmpfss"):
        SCHEMA.validate({"services": {"inspector": {"tmpfss": ["/tmp"]}}})


@pytest.mark.parametrize("name", DEVICES)
def test_the_image_is_built_from_a_dockerfile_that_exists(name):
    build = inspector(name)["build"]
    assert (DEPLOY / build["context"] / build["dockerfile"]).is_file()


@pytest.mark.parametrize("name", DEVICES)
def test_the_container_is_confined(name):
    service = inspector(name)
    assert service["runtime"] == "nvidia"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert service["restart"] == "unless-stopped"
    assert "privileged" not in service
    assert "user" not in service  # the image's own, which is not root


@pytest.mark.parametrize("name", DEVICES)
def test_the_state_outlives_the_container(name):
    volumes = [volume for volume in inspector(name)["volumes"] if isinstance(volume, str)]
    assert "state:/var/lib/visual-inspector" in volumes
    assert "state" in compose(name)["volumes"]


@pytest.mark.parametrize("name", DEVICES)
def test_the_host_is_mounted_read_only(name):
    binds = [volume for volume in inspector(name)["volumes"] if not isinstance(volume, str)]
    assert binds
    assert all(bind["read_only"] for bind in binds)


@pytest.mark.parametrize("name", DEVICES)
def test_health_is_asked_where_the_server_answers(name):
    service = inspector(name)
    port = service["environment"]["INSPECTOR_PORT"]
    assert f"127.0.0.1:{port}/api/v1/health" in service["healthcheck"]["test"][-1]
    assert service["ports"] == [f"8080:{port}"]


@pytest.mark.parametrize(
    "name", [*FILES, "Dockerfile.orin", "visual-inspector.service", "../Dockerfile.jetson"]
)
def test_every_variable_is_a_real_one(name):
    used = set(re.findall(r"\bINSPECTOR_[A-Z_]+[A-Z]", (DEPLOY / name).read_text()))
    assert used <= known_variables()


@pytest.mark.parametrize("name", DEVICES)
def test_the_values_are_accepted(name, monkeypatch):
    for variable, value in inspector(name)["environment"].items():
        monkeypatch.setenv(variable, value)
    assert Settings().port == 8080
