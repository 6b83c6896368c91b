"""The operator's page: a few files that are read once and served from memory."""

from pathlib import Path
from typing import Callable

from fastapi import APIRouter
from starlette.responses import Response

PAGES = Path(__file__).resolve().parent.parent / "pages"

HTML, CSS, SCRIPT = "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8"

PAGES_AT = {
    "/": "index.html",
    "/history": "history.html",
    "/cameras": "cameras.html",
    "/models": "models.html",
    "/health": "health.html",
    "/try": "try.html",
    "/login": "login.html",
}
STYLES = ("page.css", "live.css", "history.css", "manage.css", "try.css")
SCRIPTS = (
    "api.js", "camera_form.js", "cameras.js", "chart.js", "detail.js", "device_settings.js", "dom.js",
    "feed.js", "filters.js", "freshness.js", "health.js", "history.js", "judge.js", "limits.js",
    "live.js", "login.js", "marks.js", "models.js", "outbox.js", "panel.js", "picture.js",
    "polygons.js", "shell.js", "strip.js", "text.js", "try.js",
)  # fmt: skip

# Address -> file and content type; nothing else in the folder is served.
FILES = {
    **{address: (name, HTML) for address, name in PAGES_AT.items()},
    **{f"/{name}": (name, CSS) for name in STYLES},
    **{f"/{name}": (name, SCRIPT) for name in SCRIPTS},
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}


def page_router() -> APIRouter:
    """Read the files and return their routes."""
    router = APIRouter()
    for address, (name, content_type) in FILES.items():
        answer = _answers((PAGES / name).read_bytes(), content_type)
        router.add_api_route(address, answer, methods=["GET"], include_in_schema=False)
    return router


def _answers(content: bytes, content_type: str) -> Callable[[], Response]:
    def answer() -> Response:
        return Response(content, media_type=content_type)

    return answer
