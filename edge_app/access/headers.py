"""Reads the few request headers that decide about access, from the scope itself."""

from typing import List, Optional

from starlette.types import Scope

from edge_app.access.sessions import COOKIE

MAX_CREDENTIAL_LENGTH = 256


def values_of(scope: Scope, name: bytes) -> List[str]:
    """Return every value of a header; header names in a scope are lower-case."""
    return [value.decode("latin-1") for key, value in scope["headers"] if key == name]


def bearer_key(scope: Scope) -> Optional[str]:
    """Return the key of `Authorization: Bearer KEY`; "" for any other Authorization, which is a wrong key."""
    values = values_of(scope, b"authorization")
    if not values:
        return None
    scheme, _, key = values[0].partition(" ")
    if len(values) > 1 or scheme.lower() != "bearer" or len(key) > MAX_CREDENTIAL_LENGTH:
        return ""
    return key.strip()


def session_token(scope: Scope) -> Optional[str]:
    """Return the session cookie's value, or None when there is none or more than one."""
    found = []
    for header in values_of(scope, b"cookie"):
        for pair in header.split(";"):
            name, _, value = pair.strip().partition("=")
            if name == COOKIE:
                found.append(value)
    return found[0] if len(found) == 1 and len(found[0]) <= MAX_CREDENTIAL_LENGTH else None
