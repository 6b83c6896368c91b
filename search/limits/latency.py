"""Predicted latency of candidates, without building or exporting any of them.

A prediction is a sum over layers, and a node's layers depend on its own gene alone: so nodes add up, as their
parameters do.

Source: inspector/latency; a lookup table as in once-for-all (ICLR 2020), but measured on the user's device.
"""

from __future__ import annotations

from inspector.latency import DeviceProfile, predict
from search.limits.cost import on_meta
from search.limits.layers import trace_layers, trace_modules
from search.nets.spec import NUM_NODES, OPERATION_NAMES, Genes, NetworkSpec


def predicted_ms(spec: NetworkSpec, size_hw: tuple[int, int], profile: DeviceProfile) -> float:
    """Return the predicted milliseconds of one frame in the network of `spec`."""
    net, image = on_meta(spec, size_hw)
    return predict(trace_layers(net.score, image), profile).total_ms


class LatencyTable:
    """The predicted latency of any genes, from the three networks with the same operation at every node."""

    def __init__(
        self, *, width: int, reconstructor_width: int, size_hw: tuple[int, int], profile: DeviceProfile
    ) -> None:
        uniform = [
            NetworkSpec("unet", (gene,) * NUM_NODES, width, reconstructor_width)
            for gene in range(len(OPERATION_NAMES))
        ]
        by_gene = [_node_ms(spec, size_hw, profile) for spec in uniform]
        self._node_ms = [tuple(times[node] for times in by_gene) for node in range(NUM_NODES)]
        self._rest_ms = predicted_ms(uniform[0], size_hw, profile) - sum(by_gene[0])

    def ms(self, genes: Genes) -> float:
        """Return the predicted milliseconds of the network with `genes`."""
        return self._rest_ms + sum(times[gene] for times, gene in zip(self._node_ms, genes, strict=True))

    def fastest(self) -> Genes:
        """Return the genes of the fastest network."""
        return tuple(min(range(len(times)), key=times.__getitem__) for times in self._node_ms)


def _node_ms(spec: NetworkSpec, size_hw: tuple[int, int], profile: DeviceProfile) -> list[float]:
    net, image = on_meta(spec, size_hw)
    nodes = [net.get_submodule(f"segmenter.nodes.{node}") for node in range(NUM_NODES)]
    by_node = trace_modules(net.score, image, nodes)
    return [predict(layers, profile).total_ms - profile.overhead_ms for layers in by_node]
