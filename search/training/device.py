"""Where and how precisely a network is trained.

Lightning Fabric does the placing, the autocasting and the backward pass; here is only the choice.
"""

from __future__ import annotations

from typing import Literal

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.strategy import Strategy
from torch import nn

from inspector.errors import RecipeError
from search.recipe import ComputeRecipe


def make_fabric(
    recipe: ComputeRecipe, *, devices: int = 1, strategy: Strategy | Literal["auto"] = "auto"
) -> Fabric:
    """Return a Fabric on the recipe's accelerator in its precision; errors as in `resolve`."""
    accelerator, precision = resolve(recipe)
    return Fabric(
        accelerator=accelerator,
        devices=devices,
        strategy=strategy,
        precision="bf16-mixed" if precision == "bf16" else "32-true",
    )


def resolve(recipe: ComputeRecipe) -> tuple[str, str]:
    """Return the accelerator (`cpu`, `cuda`) and precision (`fp32`, `bf16`) that the recipe means here.

    Raises:
        RecipeError: the recipe wants a CUDA device, and there is none.
    """
    accelerator = recipe.accelerator
    if accelerator == "auto":
        accelerator = "cuda" if torch.cuda.is_available() else "cpu"
    elif accelerator == "cuda" and not torch.cuda.is_available():
        raise RecipeError(
            "compute.accelerator is cuda, but PyTorch finds no CUDA device on this machine; "
            "choose cpu or auto, or install the driver and a PyTorch built for CUDA"
        )
    return accelerator, choose_precision(recipe.precision, accelerator=accelerator)


def choose_precision(wanted: str, *, accelerator: str) -> str:
    """Return `fp32` or `bf16`; `auto` takes bf16 only where the hardware multiplies it.

    A CPU without AVX512-BF16 or AMX emulates bf16, tens of times slower than fp32
    (benchmarks/precision).
    """
    if wanted != "auto":
        return wanted
    if accelerator == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported() else "fp32"
    return "bf16" if cpu_multiplies_bf16() else "fp32"


def cpu_multiplies_bf16() -> bool:
    """Return whether this CPU has AVX512-BF16 or AMX instructions."""
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def for_convolutions(net: nn.Module) -> nn.Module:
    """Lay the weights out channels-last, which convolutions on CPUs and tensor cores prefer."""
    return net.to(memory_format=torch.channels_last)
