"""What can be set about the server, with its limits; also as `INSPECTOR_<NAME>` in the environment."""

import os
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Optional, Tuple

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from edge_app.access.tls import check_certificate
from inspector.errors import InputError

MEGABYTE = 1_000_000


def default_state() -> Path:
    """Return the user's folder for state, as the XDG base directory specification has it."""
    home = os.environ.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "visual-inspector"


class Settings(BaseSettings):
    """Read once, at the start; what the command line gives wins over the environment."""

    model_config = SettingsConfigDict(env_prefix="INSPECTOR_", frozen=True, extra="forbid")

    state: Path = Field(default_factory=default_state)
    trusted_keys: Tuple[Path, ...] = ()
    threads: Optional[int] = Field(default=None, ge=1)
    runtime: str = "auto"

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65535)
    allowed_hosts: Tuple[str, ...] = ()
    require_key: bool = False
    tls_cert: Optional[Path] = None
    tls_key: Optional[Path] = None
    max_requests_per_s: float = Field(default=100.0, gt=0)

    max_bundle_mb: float = Field(default=600.0, gt=0, le=10_000)
    max_body_mb: float = Field(default=32.0, gt=0, le=1000)
    max_pixels: int = Field(default=50_000_000, gt=0, le=1_000_000_000)
    max_uploads: int = Field(default=16, ge=1, le=1000)
    upload_timeout_s: float = Field(default=30.0, gt=0)

    queue_size: int = Field(default=8, ge=1, le=1000)
    keep_results: int = Field(default=64, ge=1, le=100_000)
    keep_results_mb: float = Field(default=32.0, gt=0)

    @property
    def max_body_bytes(self) -> int:
        return int(self.max_body_mb * MEGABYTE)

    @property
    def max_bundle_bytes(self) -> int:
        return int(self.max_bundle_mb * MEGABYTE)

    @property
    def keep_results_bytes(self) -> int:
        return int(self.keep_results_mb * MEGABYTE)

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach the server."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def needs_key(self) -> bool:
        """Whether every request has to prove who sent it: not when only this machine can connect."""
        return self.require_key or not self.is_loopback

    @property
    def tls(self) -> Optional[Tuple[Path, Path]]:
        """Certificate and key of HTTPS, or None for HTTP."""
        return None if self.tls_cert is None or self.tls_key is None else (self.tls_cert, self.tls_key)


def read_settings(**chosen: Any) -> Settings:
    """Return the settings: `chosen` where not None, else the environment, else the defaults.

    Raises:
        InputError: a value is out of range, or a certificate is given that cannot be used.
    """
    settings = _parsed(**chosen)
    if (settings.tls_cert is None) != (settings.tls_key is None):
        raise InputError("--tls-cert and --tls-key belong together; give both for HTTPS, none for HTTP")
    if settings.tls is not None:
        check_certificate(*settings.tls)
    return settings


def _parsed(**chosen: Any) -> Settings:
    try:
        return Settings(**{name: value for name, value in chosen.items() if value is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise InputError(f"setting {name} = {first['input']!r} is not valid: {first['msg']}") from error
    except ValueError as error:  # a list in the environment that is not JSON
        raise InputError(f'{error}; lists are written as JSON, for example ["line7.local"]') from error
