"""What a process takes, over time, and how much more it is at the end."""

from __future__ import annotations

import json
import os
import statistics
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

MAX_WARM_UP_S = 300.0
END_SHARE = 0.2  # of what follows the warm-up: its first and its last part are compared
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True)
class Sample:
    """`children_mb`: the processes of cameras.  `state_mb`: everything in the state folder."""

    at_s: float
    rss_mb: float
    children_mb: float
    num_files: int
    num_threads: int
    state_mb: float


def warm_up_s(minutes: float) -> float:
    """Return how long the beginning is not counted: a third, at most five minutes."""
    return min(MAX_WARM_UP_S, minutes * 60 / 3)


def growth(samples: Sequence[Sample], *, after_s: float) -> float:
    """Return how much more resident memory there is at the end than after the warm-up, as a share.

    Medians of the first and the last fifth are compared: a single reading depends on what is being inspected.

    Raises:
        ValueError: there are fewer than ten samples after the warm-up.
    """
    counted = [sample.rss_mb for sample in samples if sample.at_s >= after_s]
    if len(counted) < 10:
        raise ValueError(f"{len(counted)} samples after {after_s:.0f} s are too few; let it run longer")
    num = max(1, int(len(counted) * END_SHARE))
    return statistics.median(counted[-num:]) / statistics.median(counted[:num]) - 1


class Sampler:
    """Looks at a process every `interval_s` until `close`."""

    def __init__(self, pid: int, state: Path, *, interval_s: float) -> None:
        self.samples: list[Sample] = []
        self._pid, self._state, self._interval_s = pid, state, interval_s
        self._start_s = time.monotonic()
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._is_over.set()
        self._thread.join()

    def write(self, folder: Path, *, after_s: float) -> None:
        """Write the series as `memory.json` and as a drawing, `memory.svg`."""
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps([asdict(sample) for sample in self.samples], indent=0)
        (folder / "memory.json").write_text(text + "\n")
        (folder / "memory.svg").write_text(drawn(self.samples, after_s=after_s))

    def _run(self) -> None:
        while not self._is_over.wait(self._interval_s):
            process = Path(f"/proc/{self._pid}")
            self.samples.append(
                Sample(
                    at_s=time.monotonic() - self._start_s,
                    rss_mb=_rss_mb(self._pid),
                    children_mb=sum(_rss_mb(pid) for pid in _children(self._pid)),
                    num_files=len(list((process / "fd").iterdir())),
                    num_threads=len(list((process / "task").iterdir())),
                    state_mb=_folder_mb(self._state),
                )
            )


def drawn(samples: Sequence[Sample], *, after_s: float, width: int = 720, height: int = 240) -> str:
    """Return resident memory over time as SVG; what is not counted is grey."""
    end_s, top_mb = samples[-1].at_s, max(sample.rss_mb for sample in samples) * 1.1
    points = " ".join(
        f"{sample.at_s / end_s * width:.1f},{height - sample.rss_mb / top_mb * height:.1f}"
        for sample in samples
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height + 24}" '
        'font-family="sans-serif" font-size="12">'
        f'<rect width="{width}" height="{height + 24}" fill="white"/>'
        f'<rect width="{after_s / end_s * width:.1f}" height="{height}" fill="#eee"/>'
        f'<polyline points="{points}" fill="none" stroke="#06c" stroke-width="1.5"/>'
        f'<text x="4" y="14">{top_mb:.0f} MB</text><text x="4" y="{height - 4}">0 MB</text>'
        f'<text x="4" y="{height + 18}">resident memory of the server; grey: warm-up, not counted</text>'
        f'<text x="{width - 4}" y="{height + 18}" text-anchor="end">{end_s / 60:.1f} min</text></svg>\n'
    )


def _rss_mb(pid: int) -> float:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6
    except (OSError, IndexError):  # it has just ended
        return 0.0


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            found += [int(child) for child in path.read_text().split()]
        except OSError:  # a thread that has just ended
            continue
    return found


def _folder_mb(folder: Path) -> float:
    num_bytes = 0
    for path, _, names in os.walk(folder):
        for name in names:
            try:
                num_bytes += (Path(path) / name).stat().st_size
            except OSError:  # removed meanwhile
                continue
    return num_bytes / 1e6
