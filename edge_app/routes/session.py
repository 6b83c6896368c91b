"""Log in with a key, log out, and who one is. The key is in the Authorization header: no body, no form."""

from typing import Optional

from fastapi import APIRouter, Request
from pydantic import Field
from starlette.responses import Response

from edge_app.access.headers import session_token, values_of
from edge_app.access.principals import LOCAL, Principal
from edge_app.access.sessions import COOKIE, Sessions
from edge_app.routes.answers import errors, json_answer
from edge_app.routes.records.record import Record

PATH = "/api/v1/session"
router = APIRouter(prefix=PATH, tags=["session"])


class SessionOut(Record):
    """Who the asker is, as the server sees it."""

    needs_key: bool = Field(description="Whether this server asks for keys at all.")
    name: Optional[str] = Field(description="The key's name; null for somebody who is not logged in.")
    role: Optional[str] = Field(description="viewer, operator or admin.")


@router.post(
    "", operation_id="log_in", response_model=SessionOut, responses=errors(401, 403, 429), summary="Log in"
)
async def start(request: Request) -> Response:
    """Send the key as `Authorization: Bearer KEY`; the answer sets a cookie that browsers send from then on.

    The session ends after 30 minutes without a request, after 12 hours, when the key is revoked, and with the
    server.
    """
    answer = json_answer(_session_of(request))
    key_id = request.scope["state"]["key_id"]
    if key_id is not None:
        sessions: Sessions = request.app.state.sessions
        answer.set_cookie(
            COOKIE,
            sessions.start(key_id),
            max_age=int(sessions.absolute_s),
            path="/",
            httponly=True,
            samesite="strict",
            secure=_is_encrypted(request),
        )
    return answer


@router.get("", operation_id="who_am_i", response_model=SessionOut, summary="Who am I")
async def read(request: Request) -> Response:
    """Tell the page whether to ask for a key, and what its user may do."""
    return json_answer(_session_of(request))


@router.delete("", operation_id="log_out", status_code=204, response_class=Response, summary="Log out")
async def end(request: Request) -> Response:
    """End this session; its cookie is of no use any more."""
    token = session_token(request.scope)
    if token is not None:
        request.app.state.sessions.end(token)
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="strict")
    return answer


def _session_of(request: Request) -> SessionOut:
    who: Optional[Principal] = request.scope["state"]["who"]
    return SessionOut(
        needs_key=who is not LOCAL,
        name=None if who is None else who.name,
        role=None if who is None else who.role.label,
    )


def _is_encrypted(request: Request) -> bool:
    """Whether the browser speaks TLS, with this server or with a proxy in front of it."""
    origins = values_of(request.scope, b"origin")
    return request.scope["scheme"] == "https" or any(origin.startswith("https://") for origin in origins)
