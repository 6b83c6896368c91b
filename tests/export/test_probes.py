"""The shipped probe models are what `python -m export.probes` writes, and run where they must."""

from __future__ import annotations

import zipfile

import numpy as np
import onnx

from export import probes
from export.operators import check_operators
from inspector.latency.probes import SHIPPED, open_probes
from inspector.runtime import open_engine


def test_the_shipped_models_are_rebuilt_to_the_byte() -> None:
    """Every single-layer probe, and one network; the compressed bytes may depend on zlib's version."""
    models: dict[str, bytes] = {}
    rebuilt = [probes._probe(*asked, models=models) for asked in probes._blocks()]
    spec, side = next(probes._reference_networks())
    network = probes._network(spec, side, models=models)
    with open_probes() as shipped:
        assert shipped.index.probes == rebuilt
        assert shipped.index.networks[0] == network
        assert all(shipped.model(name) == data for name, data in models.items())


def test_the_file_is_small_enough_to_ship() -> None:
    assert SHIPPED.stat().st_size < 1_500_000
    with zipfile.ZipFile(SHIPPED) as archive:
        assert max(info.file_size for info in archive.infolist()) < 64e6


def test_probes_run_and_stay_in_range() -> None:
    """A probe of each kind and a network: finite scores, not saturated, operators of TensorRT 8.2."""
    with open_probes() as shipped:
        kinds = {probe.name.split("_")[0]: probe for probe in shipped.index.probes if probe.hw[0] <= 32}
        files = [(probe.files[1], probe.hw) for probe in kinds.values()]
        files.append((shipped.index.networks[0].file, shipped.index.networks[0].hw))
        for file, hw in files:
            model = shipped.model(file)
            check_operators(onnx.load_from_string(model))
            image = np.random.default_rng(0).random((1, 3, *hw), dtype=np.float32)
            score = open_engine(model, where=file, input_hw=hw, threads=1).infer(image)
            assert np.isfinite(score).all(), file
            assert 0.5 <= score.mean() < 1, file
