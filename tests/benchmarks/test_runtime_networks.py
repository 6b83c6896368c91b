"""The network of paper width computes what the narrow one does, with filters that are not copies."""

from __future__ import annotations

import numpy as np
import torch

from benchmarks.runtime.networks import at_side, widened
from export.onnx import export_onnx
from inspector.runtime import open_engine
from search.nets.detector import build_detector, initialise
from search.nets.spec import NetworkSpec

GENES = (0, 1, 2) * 6


def test_a_widened_network_gives_the_same_scores() -> None:
    narrow = build_detector(NetworkSpec("unet", GENES, 2, 2))
    initialise(narrow, "he", seed=3)
    image = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        narrow.train()(image)  # moves the BN statistics
        wide = widened(narrow.eval(), NetworkSpec("unet", GENES, 6, 6))
        expected, found = narrow(image)[1], wide(image)[1]
    assert expected.std() > 0.01
    assert (found - expected).abs().max() < 1e-4
    filters = next(p for name, p in wide.named_parameters() if p.ndim == 4 and p.shape[:2] == (6, 6))
    assert len({tuple(one.flatten().tolist()) for one in filters}) == 6


def test_a_file_for_another_side_is_the_file_exported_for_it() -> None:
    net = build_detector(NetworkSpec("unet", GENES, 2, 2)).eval()
    image = np.random.default_rng(0).random((1, 3, 64, 64), dtype=np.float32)
    expected, found = (
        open_engine(model, where="test", input_hw=(64, 64), threads=1).infer(image)
        for model in (export_onnx(net, size_hw=(64, 64)), at_side(export_onnx(net, size_hw=(32, 32)), 64))
    )
    assert np.array_equal(found, expected)
