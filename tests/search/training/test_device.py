"""Where a network is trained: what the machine lacks is said in one sentence."""

from __future__ import annotations

import pytest
import torch

from inspector.errors import RecipeError
from search.recipe import ComputeRecipe
from search.training.device import make_fabric


def test_a_recipe_that_wants_cuda_on_a_machine_without_it_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # Fabric's own error was a RuntimeError, which ended the command in a traceback.
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RecipeError, match=r"compute\.accelerator is cuda, but PyTorch finds no CUDA device"):
        make_fabric(ComputeRecipe(accelerator="cuda"))
