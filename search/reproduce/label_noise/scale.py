"""How large the networks of chapter 2 are and how long they learn, by preset.

Source: `paper`: [D] Sec. 2.4.1 and 2.4.3, DARTS and ENAS (the supplement that [D] names is not at hand).
Differs from the source: `cpu` and `quick` are for two cores.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes and lengths of one preset.

    Args:
        limit: Training images at most; None: all.
        num_nodes: N of a cell, its two inputs included.
        order: Of DARTS' gradient: first, or second, which [D] has.
        controller_steps, candidates: Of ENAS.
        figure_*: Of the two networks of Figure 2.1.
    """

    limit: int | None
    num_nodes: int
    search_cells: int
    search_channels: int
    search_batch: int
    search_epochs: int
    order: str
    enas_epochs: int
    controller_steps: int
    candidates: int
    cells: int
    channels: int
    batch: int
    epochs: int
    drop_path: float
    cutout_px: int
    auxiliary: bool
    figure_cells: int
    figure_channels: int
    figure_epochs: int

    def sentence(self) -> str:
        """Return what a reader of the table has to know."""
        return (
            f"Search: {self.search_cells} cells of {self.search_channels} channels, {self.search_epochs} "
            f"epochs (ENAS: {self.enas_epochs}) of batch {self.search_batch}. Final training: {self.cells} "
            f"cells of {self.channels} channels, {self.epochs} epochs of batch {self.batch}."
        )


SCALES = {
    "quick": Scale(
        limit=400,
        num_nodes=4,
        search_cells=3,
        search_channels=4,
        search_batch=16,
        search_epochs=2,
        order="darts-1",
        enas_epochs=2,
        controller_steps=8,
        candidates=4,
        cells=3,
        channels=8,
        batch=32,
        epochs=3,
        drop_path=0.0,
        cutout_px=0,
        auxiliary=False,
        figure_cells=3,
        figure_channels=8,
        figure_epochs=6,
    ),
    "cpu": Scale(
        limit=2000,
        num_nodes=5,
        search_cells=5,
        search_channels=8,
        search_batch=32,
        search_epochs=4,
        order="darts-1",
        enas_epochs=10,
        controller_steps=50,
        candidates=10,
        cells=5,
        channels=12,
        batch=64,
        epochs=15,
        drop_path=0.0,
        cutout_px=0,
        auxiliary=False,
        figure_cells=5,
        figure_channels=8,
        figure_epochs=30,
    ),
    "paper": Scale(
        limit=None,
        num_nodes=6,
        search_cells=8,
        search_channels=16,
        search_batch=64,
        search_epochs=50,
        order="darts-2",
        enas_epochs=150,
        controller_steps=300,
        candidates=10,
        cells=20,
        channels=36,
        batch=96,
        epochs=600,
        drop_path=0.2,
        cutout_px=16,
        auxiliary=True,
        figure_cells=8,
        figure_channels=36,
        figure_epochs=350,
    ),
}
