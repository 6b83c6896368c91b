"""A certificate authority for one test, and a certificate for 127.0.0.1, made by openssl."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest


@dataclass
class CertificateFiles:
    ca: Path
    certificate: Path
    key: Path


def write_certificates(folder: Path) -> CertificateFiles:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt install openssl")
    folder.mkdir(parents=True, exist_ok=True)
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    _openssl(
        folder,
        *("req", "-x509", *curve, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Plant"),
    )
    _openssl(folder, *("req", *curve, "-keyout", "line7.key", "-out", "line7.csr", "-subj", "/CN=line7"))
    (folder / "names.cnf").write_text("subjectAltName=IP:127.0.0.1\n")
    _openssl(
        folder,
        *("x509", "-req", "-in", "line7.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial"),
        *("-out", "line7.pem", "-days", "2", "-extfile", "names.cnf"),
    )
    return CertificateFiles(folder / "ca.pem", folder / "line7.pem", folder / "line7.key")


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=20)
