"""The final evaluation: the first and only time that a run opens real defects."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from inspector.console import Console
from inspector.dataset import Dataset, Sample, read_frame, read_mask
from inspector.evaluation import evaluate
from inspector.preprocess import to_image
from search.autodd.data import RunData
from search.events import EventLog
from search.nets.detector import Detector
from search.report.gallery import GalleryItem

PICTURES_PER_KIND = 3


@dataclass(frozen=True)
class TorchScorer:
    """frame -> score map (H, W) of a trained network, float32, at the network's input size."""

    net: Detector
    size_hw: tuple[int, int]

    def __call__(self, frame: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        image = torch.from_numpy(to_image(frame, size_hw=self.size_hw))
        with torch.no_grad():
            score: npt.NDArray[np.float32] = self.net.score(image)[0, 0].numpy()
        return score


def run_evaluation(
    net: nn.Module, data: RunData, *, log: EventLog, console: Console, seconds: dict[str, float]
) -> dict[str, Any]:
    """Measure a network on the test part of its data, with the stage in the event log; {} without one."""
    if not data.dataset.test:
        return {}
    started_s = time.perf_counter()
    log.write("stage", stage="evaluation", state="started")
    with console.progress(len(data.dataset.test), "evaluation on real images") as advance:
        metrics = evaluate_network(net, data.dataset, size_hw=data.size_hw, on_sample=lambda: advance(1))
    log.write("stage", stage="evaluation", state="finished")
    seconds["evaluation"] = time.perf_counter() - started_s
    return metrics


def evaluate_network(
    net: nn.Module, dataset: Dataset, *, size_hw: tuple[int, int], on_sample: Callable[[], None]
) -> dict[str, Any]:
    """Measure a trained network on the test part, in float32 on the CPU; figures as in `Evaluation`."""
    assert isinstance(net, Detector)
    scorer = TorchScorer(net.cpu().eval(), size_hw)
    return evaluate(scorer, dataset.test, size_hw=size_hw, on_sample=on_sample).as_dict()


def gallery(net: nn.Module, dataset: Dataset, *, size_hw: tuple[int, int]) -> list[GalleryItem]:
    """Score a few test images of every kind for the report."""
    assert isinstance(net, Detector)
    scorer = TorchScorer(net.cpu().eval(), size_hw)
    return [_item(scorer, sample) for sample in _chosen(dataset.test)]


def _chosen(samples: Sequence[Sample]) -> list[Sample]:
    by_kind = sorted(samples, key=lambda sample: (sample.is_good, sample.kind, sample.name))
    chosen: list[Sample] = []
    for _, group in groupby(by_kind, key=lambda sample: sample.kind):
        kind = list(group)
        step = max(1, len(kind) // PICTURES_PER_KIND)
        chosen += kind[::step][:PICTURES_PER_KIND]
    return chosen


def _item(scorer: TorchScorer, sample: Sample) -> GalleryItem:
    frame = read_frame(sample.path)
    height, width = frame.shape[:2]
    mask = np.zeros((height, width), np.uint8) if sample.is_good else None
    if sample.mask_path is not None:
        mask = read_mask(sample.mask_path, shape_hw=(height, width))
    return GalleryItem(frame=frame, score=scorer(frame), mask=mask, caption=sample.name)
