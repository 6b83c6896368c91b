"""HTTPS with one's own certificate: 1.2 and later, checked before the port opens."""

from __future__ import annotations

import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from edge_app.access.tls import check_certificate
from edge_app.settings import read_settings
from inspector.errors import InputError
from tests.edge_app.serving import serving
from tests.tiny_bundle import write_tiny_bundle


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    return certificate(tmp_path_factory.mktemp("tls"))


def certificate(folder: Path, *, password: str = "") -> tuple[Path, Path]:
    cert, key = folder / "cert.pem", folder / "key.pem"
    secret = ("-passout", f"pass:{password}") if password else ("-nodes",)
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", *secret,
         "-keyout", str(key), "-out", str(cert), "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


def test_a_usable_pair_passes(pair: tuple[Path, Path]) -> None:
    check_certificate(*pair)
    assert read_settings(tls_cert=pair[0], tls_key=pair[1]).tls == pair
    assert read_settings().tls is None


def test_one_of_the_two_is_not_enough(pair: tuple[Path, Path]) -> None:
    with pytest.raises(InputError, match="--tls-cert and --tls-key belong together"):
        read_settings(tls_cert=pair[0])


def test_pairs_that_cannot_be_used(pair: tuple[Path, Path], tmp_path: Path) -> None:
    cert, key = pair
    with pytest.raises(InputError, match=r"none.pem does not exist"):
        check_certificate(cert, tmp_path / "none.pem")
    with pytest.raises(InputError, match="cannot be used for TLS"):
        check_certificate(key, cert)
    with pytest.raises(InputError, match="belonging to the certificate"):
        check_certificate(cert, certificate(tmp_path)[1])
    with pytest.raises(InputError, match="the key has a password"):
        check_certificate(*certificate(tmp_path, password="secret"))


def test_the_server_speaks_tls_of_today_only(pair: tuple[Path, Path], tmp_path: Path) -> None:
    cert, key = pair
    bundle = write_tiny_bundle(tmp_path / "tiny.bundle")
    with serving(bundle, "--tls-cert", str(cert), "--tls-key", str(key)) as served:
        assert served.url.startswith("https://127.0.0.1:")
        answer = ask(served.port, ssl.create_default_context(cafile=str(cert)))
        old = ssl.create_default_context(cafile=str(cert))
        with pytest.warns(DeprecationWarning, match="TLSv1_1 is deprecated"):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError, match=r"protocol version|NO_PROTOCOLS|internal error|alert"):
            ask(served.port, old)
    assert answer.startswith(b"HTTP/1.1 200 OK")


def ask(port: int, context: ssl.SSLContext) -> bytes:
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        connection.sendall(b"GET /api/v1/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        return connection.recv(4096)
