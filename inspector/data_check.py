"""Checks a folder of images: what is in it, and what would spoil training or mislead the figures."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Dict, List, Tuple

from inspector.data_findings import TRAIN_PART, Seen, find_errors, find_warnings
from inspector.image_facts import look_at, look_at_mask
from inspector.layouts import Problem, Survey

_UNREAD_SUFFIXES = frozenset({".webp", ".heic", ".heif", ".gif", ".avif", ".jp2", ".raw", ".dng"})
_THREADS = 4


@dataclass(frozen=True)
class DataReport:
    """The answer of `inspector data info`.

    parts: images a part, such as "train good".  sizes: (width, height) -> images.  modes: mode -> images.
    errors: what stops search or evaluation until it is mended.  warnings: what may be wrong.
    """

    root: Path
    layout: str
    parts: Dict[str, int]
    num_groups: int
    sizes: Dict[Tuple[int, int], int]
    modes: Dict[str, int]
    errors: Tuple[Problem, ...]
    warnings: Tuple[Problem, ...]

    @property
    def usable(self) -> bool:
        return not self.errors

    def as_dict(self) -> Dict[str, Any]:
        """Return it for `--json`; all files of a problem are listed."""
        return {
            "root": str(self.root),
            "layout": self.layout,
            "usable": self.usable,
            "parts": dict(self.parts),
            "groups": self.num_groups,
            "sizes": [{"width": w, "height": h, "images": n} for (w, h), n in self.sizes.items()],
            "modes": dict(self.modes),
            "errors": [_problem_dict(problem) for problem in self.errors],
            "warnings": [_problem_dict(problem) for problem in self.warnings],
        }


def check_folder(found: Survey, *, on_image: Callable[[], object] = lambda: None) -> DataReport:
    """Open every image and mask that `survey` found; `on_image` is called after each image.

    Nothing that is wrong with a file raises: it is listed in the report.
    """
    samples = found.train + found.test
    parts = [TRAIN_PART] * len(found.train) + [f"test {sample.kind}" for sample in found.test]
    seen: List[Seen] = []
    unreadable: List[str] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for sample, part, file in zip(samples, parts, pool.map(look_at, [s.path for s in samples])):
            if file.facts is None:
                unreadable.append(f"{sample.name} ({file.error})")
            else:
                mask = None if sample.mask_path is None else look_at_mask(sample.mask_path)
                seen.append(Seen(sample, part, file.facts, mask))
            on_image()
    damaged = (
        [Problem("unreadable image", tuple(unreadable), "replace it or remove it")] if unreadable else []
    )
    return DataReport(
        root=found.root,
        layout=found.layout,
        parts=dict(Counter(parts)),
        num_groups=len({sample.group for sample in samples}),
        sizes=dict(Counter((s.facts.width, s.facts.height) for s in seen).most_common()),
        modes=dict(Counter(s.facts.mode for s in seen).most_common()),
        errors=(*found.fatal, *damaged, *find_errors(seen)),
        warnings=(*found.notes, *_unread_files(found.root), *find_warnings(seen)),
    )


def _unread_files(root: Path) -> List[Problem]:
    unread = sorted(
        p.relative_to(root).as_posix() for p in root.rglob("*") if p.suffix.lower() in _UNREAD_SUFFIXES
    )
    return (
        [Problem("image of a format that is not read", tuple(unread), "save it as PNG or JPEG")]
        if unread
        else []
    )


def _problem_dict(problem: Problem) -> Dict[str, Any]:
    return {"kind": problem.kind, "files": list(problem.files), "advice": problem.advice}
