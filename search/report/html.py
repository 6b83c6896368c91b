"""The report of a run: one self-contained HTML page, of a finished run or of one that is not."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from inspector.output_file import write_file
from search.report import genes, wording
from search.report.curves import loss_chart
from search.report.effects_chart import effects_section
from search.report.figure import Chart
from search.report.gallery import GalleryItem, gallery_pictures
from search.report.pareto import pareto_section
from search.report.population import TOP, progress_chart, ranked, scatter_chart, size_limit_mb
from search.report.record import RunRecord, read_record
from search.stages import style_of

HEADLINE_METRICS = ("pixel_aupr", "pixel_auroc", "pro", "image_auroc")


def write_report(run: Path, *, gallery: Sequence[GalleryItem] = ()) -> Path:
    """Write `run`/report.html from what the run folder holds so far, and return its path.

    The same folder and gallery give the same bytes.

    Raises:
        RunError: the folder is not a run folder or one of its files is damaged.
        StorageError: the page cannot be written; an earlier one stays as it was.
    """
    page = render_page(read_record(run), gallery=gallery)
    path = run / "report.html"
    write_file(path, page.encode())
    return path


def render_page(record: RunRecord, *, gallery: Sequence[GalleryItem] = ()) -> str:
    """Return the page as text."""
    return make_environment().get_template("report.html.j2").render(_context(record, gallery))


def make_environment(*folders: Path) -> Environment:
    """Return Jinja with the report's filters; templates of `folders` may include those of this one."""
    environment = Environment(
        loader=FileSystemLoader([*folders, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        number=wording.number,
        millions=wording.millions,
        duration=wording.duration,
        metric=wording.metric_name,
        moment=wording.moment,
        yaml=_as_yaml,
    )
    environment.globals.update(pairwise=itertools.pairwise, operation_of=genes.OPERATIONS)
    return environment


def _context(record: RunRecord, gallery: Sequence[GalleryItem]) -> dict[str, Any]:
    candidates = record.candidates()
    digits = (record.result.get("genes") or {}).get("digits")
    return {
        "record": record,
        "result": record.result,
        "digits": digits,
        "headline_metrics": HEADLINE_METRICS,
        "stage_names": wording.stage_names(record),
        "limit_rows": wording.limit_rows(record),
        "seconds": record.result.get("seconds") or {},
        "drawing": _drawing(record, digits),
        "node_width": genes.NODE_WIDTH,
        "node_height": genes.NODE_HEIGHT,
        "left_x": genes.LEFT_X,
        "right_x": genes.RIGHT_X,
        "charts": _training_charts(record),
        "population": _population_charts(record, winner=digits),
        "top": ranked(candidates)[:TOP],
        "pareto": pareto_section(record),
        "explained": effects_section(record),
        "has_latency": any("latency_ms" in event for event in candidates),
        "pictures": gallery_pictures(gallery),
        "defect_columns": defect_columns(record.metrics.get("per_defect") or {}),
        "notes": wording.notes(record),
    }


def _drawing(record: RunRecord, digits: object) -> genes.GeneDrawing | None:
    network, size_hw = record.result.get("network") or {}, record.result.get("size_hw")
    if not size_hw or not isinstance(network.get("width"), int):
        return None
    segmenter = network.get("genes", digits)  # a space may have more genes than the segmenter has nodes
    return genes.draw_genes(segmenter, size_hw=(size_hw[0], size_hw[1]), network=network)


def _training_charts(record: RunRecord) -> list[Chart]:
    supernets = [
        loss_chart(record.steps(stage), name=stage.replace("_", "-"), title=_supernet_title(stage))
        for stage in record.one_shot_stages or ["one_shot"]
    ]
    return [*supernets, loss_chart(record.steps("retraining"), name="retraining", title="Retraining: loss")]


def _supernet_title(stage: str) -> str:
    style = style_of(stage)
    return f"One-shot training on {style}: loss" if style else "One-shot training: loss"


def _population_charts(record: RunRecord, *, winner: str | None) -> list[Chart]:
    candidates = record.candidates()
    scatter = scatter_chart(
        candidates,
        winner=winner,
        limit_mb=size_limit_mb(record.limits),
        num_rejected=record.num_rejected(),
    )
    return [scatter, progress_chart(candidates)]


def defect_columns(per_defect: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Return the names of all figures that any defect has, in the order of first use."""
    return list(dict.fromkeys(name for figures in per_defect.values() for name in figures))


def _as_yaml(content: object) -> str:
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, default_flow_style=False).strip()
