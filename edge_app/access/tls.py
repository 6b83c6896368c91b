"""TLS without a proxy: a certificate and its key, checked before the port opens."""

import ssl
from pathlib import Path

from inspector.errors import InputError

MINIMUM = ssl.TLSVersion.TLSv1_2  # IEC 62443-4-2 CR 4.3 asks for recognised cryptography; 1.0 and 1.1 are not


def check_certificate(cert: Path, key: Path) -> None:
    """Check that a server can use `cert`, a PEM chain with its own certificate first, with `key`.

    Raises:
        InputError: a file is missing or no PEM file, or the key belongs to another certificate.
    """
    for path in (cert, key):
        if not path.is_file():
            raise InputError(f"{path} does not exist; give --tls-cert and --tls-key as PEM files")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(str(cert), str(key), password=_no_password)
    except (ssl.SSLError, OSError, ValueError) as error:
        raise InputError(
            f"{cert} and {key} cannot be used for TLS ({error}); they must be PEM files, the key without a "
            "password and belonging to the certificate"
        ) from error


def _no_password() -> str:
    raise ValueError("the key has a password")
