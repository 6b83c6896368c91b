"""What a check has found, and the page and patch that are made of it."""

from __future__ import annotations

import json
import shlex
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from inspector.patch import Patch
from search.labels.apply_plan import REMOVE
from search.labels.finding import KIND_NAMES, Finding, data_uri

DOWNLOAD = "patch-reviewed.jsonl"


@dataclass(frozen=True)
class Table:
    """A table of the page: the first column names the rows."""

    title: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    note: str = ""


@dataclass(frozen=True)
class Review:
    """All of a page. labels: what a reviewer may choose; others can be typed."""

    name: str
    summary: str
    patch: Patch
    findings: Sequence[Finding]
    tables: Sequence[Table]
    labels: Sequence[str]
    notes: Sequence[str]


def limited(findings: Sequence[Finding], *, most: int) -> tuple[list[Finding], list[str]]:
    """Return at most `most` findings of each kind, in their order, and sentences about what was left out."""
    seen: Counter[str] = Counter()
    kept = []
    for one in findings:
        kind = one.proposal.kind
        seen[kind] += 1
        if seen[kind] <= most:
            kept.append(one)
    notes = [
        f"Of {number} findings “{KIND_NAMES[kind]}” the first {most} are shown and in the patch; check the "
        "cleaned copy again, or raise --most."
        for kind, number in seen.items()
        if number > most
    ]
    return kept, notes


def render_page(review: Review) -> str:
    """Return the page as text: one file that needs no other, and asks nothing of a network."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("review.html.j2").render(page=_context(review))


def _context(review: Review) -> dict[str, Any]:
    kinds = Counter(one.proposal.kind for one in review.findings)
    command = f"inspector labels apply {DOWNLOAD} --data {shlex.quote(review.patch.header.data)} --out NEW"
    return {
        "name": review.name,
        "summary": review.summary,
        "cards": [_item(one) for one in review.findings],
        "kinds": list(kinds.items()),
        "kind_names": KIND_NAMES,
        "tables": review.tables,
        "labels": sorted({*review.labels, REMOVE}),
        "notes": review.notes,
        "download": DOWNLOAD,
        "command": command,
        "data": _safe_json(_script_data(review.patch, command)),
    }


def _item(one: Finding) -> dict[str, Any]:
    return {
        "proposal": one.proposal,
        "shown": one.shown or one.proposal.proposed,
        "facts": one.facts,
        "thumb": data_uri(one.thumb),
        "map": None if one.map is None else data_uri(one.map),
    }


def _script_data(patch: Patch, command: str) -> dict[str, Any]:
    header, *proposals = (json.loads(line) for line in patch.lines())
    return {"header": header, "proposals": proposals, "download": DOWNLOAD, "command": command}


def _safe_json(value: object) -> Markup:
    """Return JSON in which nothing can end the script element that holds it."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False)
    for letter, code in (("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")):
        text = text.replace(letter, code)
    return Markup(text)
