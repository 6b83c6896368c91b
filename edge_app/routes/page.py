"""The operator's page: a few files that are read once and served from memory."""

from pathlib import Path
from typing import Callable

from fastapi import APIRouter
from starlette.responses import Response

PAGES = Path(__file__).resolve().parent.parent / "pages"

HTML, CSS, SCRIPT = "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8"

# Address -> file and content type; nothing else in the folder is served.
FILES = {
    "/": ("try.html", HTML),
    "/page.css": ("page.css", CSS),
    "/page.js": ("try.js", SCRIPT),
    "/try.js": ("try.js", SCRIPT),
    "/panel.js": ("panel.js", SCRIPT),
    "/picture.js": ("picture.js", SCRIPT),
    "/judge.js": ("judge.js", SCRIPT),
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
