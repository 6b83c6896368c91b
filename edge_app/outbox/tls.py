"""A TLS context out of settings: TLS 1.2 or newer, host names and certificates always verified."""

import ssl

from edge_app.outbox.secret_files import SecretFiles
from edge_app.outbox.settings import TlsSettings
from inspector.errors import InputError


def tls_context(settings: TlsSettings, secrets: SecretFiles) -> ssl.SSLContext:
    """Return a client's context.

    Raises:
        InputError: a file is missing or holds no certificate.
    """
    ca = None if settings.ca is None else str(secrets.path(settings.ca))
    try:
        context = ssl.create_default_context(cafile=ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if settings.client_certificate is not None:
            key = None if settings.client_key is None else str(secrets.path(settings.client_key))
            context.load_cert_chain(str(secrets.path(settings.client_certificate)), key, password="")
    except (ssl.SSLError, OSError) as error:
        names = [settings.ca, settings.client_certificate, settings.client_key]
        raise InputError(
            f"the TLS files {[name for name in names if name]} are not usable: "
            f"{getattr(error, 'reason', None) or error.strerror}; PEM files without a passphrase are expected"
        ) from error
    return context
