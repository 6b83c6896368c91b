"""The operator's page: a few files that are read once and served from memory."""

from pathlib import Path
from typing import Callable

from fastapi import APIRouter
from starlette.responses import Response

PAGES = Path(__file__).resolve().parent.parent / "pages"

# Address -> file and content type; nothing else in the folder is served.
FILES = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/panel.js": ("panel.js", "text/javascript; charset=utf-8"),
    "/picture.js": ("picture.js", "text/javascript; charset=utf-8"),
    "/judge.js": ("judge.js", "text/javascript; charset=utf-8"),
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
