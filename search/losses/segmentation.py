"""The loss of a detector: L2 and SSIM on the reconstruction, focal or a robust loss on the score.

Source: [D] Eq. 5.3; SSIM: Wang et al. (2004); focal: Lin et al. (2017).
Differs from the source: 1 - SSIM where the text prints SSIM, which would reward dissimilarity.

Shape letters:  B batch   C channels   H, W rows, columns
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from search.losses.named import class_loss

FOCAL = "focal"
SSIM_WINDOW = 11
SSIM_SIGMA = 1.5
SSIM_C1 = 0.01**2  # for values in 0..1
SSIM_C2 = 0.03**2


@dataclass(frozen=True)
class LossWeights:
    """The weights of [D] Eq. 5.3, and gamma and alpha of the focal loss.

    Args:
        segmentation: `focal`, or a loss of search/losses/named.py in its place, with its weight and alpha.
    """

    l2: float = 1.0
    ssim: float = 1.0
    focal: float = 1.0
    focal_gamma: float = 2.0
    focal_alpha: float | None = None
    segmentation: str = FOCAL


@dataclass(frozen=True)
class LossTerms:
    """The three terms before weighting, and their weighted sum, each a scalar tensor.

    `focal` is the term of the score, whichever loss it is.
    """

    total: Tensor
    l2: Tensor
    ssim: Tensor
    focal: Tensor


def detector_loss(
    reconstruction: Tensor | None, logits: Tensor, target: Tensor, mask: Tensor, weights: LossWeights
) -> LossTerms:
    """Return the loss of one batch, computed in float32 whatever the network's precision.

    Args:
        reconstruction: (B, 3, H, W); None for a segmenter that stands alone, whose loss is that of the score.
        logits: (B, 1, H, W).
        target: (B, 3, H, W), the images without their defects.
        mask: (B, 1, H, W) float, 1 where a pixel is defective.
    """
    focal = score_loss(logits.float(), mask, weights)
    if reconstruction is None:
        none = torch.zeros_like(focal)
        return LossTerms(total=weights.focal * focal, l2=none, ssim=none, focal=focal)
    reconstruction = reconstruction.float()
    l2 = F.mse_loss(reconstruction, target)
    ssim = 1.0 - structural_similarity(reconstruction, target)
    total = weights.l2 * l2 + weights.ssim * ssim + weights.focal * focal
    return LossTerms(total=total, l2=l2, ssim=ssim, focal=focal)


def score_loss(logits: Tensor, mask: Tensor, weights: LossWeights) -> Tensor:
    """Return the mean loss of the pixels' scores, before weighting."""
    alpha = weights.focal_alpha
    if weights.segmentation == FOCAL:
        return focal_loss(logits, mask, gamma=weights.focal_gamma, alpha=alpha)
    return _weigh_defects(class_loss(weights.segmentation).of_pixels(logits, mask), mask, alpha).mean()


def focal_loss(logits: Tensor, mask: Tensor, *, gamma: float, alpha: float | None = None) -> Tensor:
    """Return the mean of -alpha_t (1 - p_t)^gamma log p_t.

    Args:
        alpha: Weight of defective pixels, 1 - alpha that of good ones; None weighs both 1.
    """
    cross_entropy = F.binary_cross_entropy_with_logits(logits, mask, reduction="none")
    p_t = torch.exp(-cross_entropy)
    # 0 ** gamma has no finite slope for gamma below 1.
    loss = (1.0 - p_t).clamp_min(1e-12) ** gamma * cross_entropy
    return _weigh_defects(loss, mask, alpha).mean()


def _weigh_defects(loss: Tensor, mask: Tensor, alpha: float | None) -> Tensor:
    return loss if alpha is None else loss * torch.where(mask > 0.5, alpha, 1.0 - alpha)


def structural_similarity(x: Tensor, y: Tensor) -> Tensor:
    """Return the mean SSIM of two batches (B, C, H, W) with values in 0..1; 1 when they are equal."""
    channels = x.shape[1]
    moments = _blur(torch.cat([x, y, x * x, y * y, x * y], dim=1))
    mean_x, mean_y, mean_xx, mean_yy, mean_xy = torch.split(moments, channels, dim=1)
    covariance = mean_xy - mean_x * mean_y
    variances = mean_xx - mean_x * mean_x + mean_yy - mean_y * mean_y
    luminance = (2 * mean_x * mean_y + SSIM_C1) / (mean_x * mean_x + mean_y * mean_y + SSIM_C1)
    contrast_structure = (2 * covariance + SSIM_C2) / (variances + SSIM_C2)
    similarity: Tensor = (luminance * contrast_structure).mean()
    return similarity


def _blur(x: Tensor) -> Tensor:
    """Filter with the Gaussian window, valid part only, one axis after the other.

    Along an axis the window is a banded matrix, and a matrix product is several times faster on a CPU than a
    depthwise convolution, backward above all.
    """
    rows = _window_matrix(x.shape[-2], x)
    columns = _window_matrix(x.shape[-1], x)
    return rows @ (x.contiguous() @ columns.T)


def _window_matrix(length: int, like: Tensor) -> Tensor:
    """Return the banded matrix (length - 10, length) that filters one axis with the Gaussian window."""
    offsets = torch.arange(SSIM_WINDOW, dtype=like.dtype, device=like.device) - SSIM_WINDOW // 2
    window = torch.exp(-(offsets**2) / (2 * SSIM_SIGMA**2))
    window = window / window.sum()
    num_out = length - SSIM_WINDOW + 1
    matrix = torch.zeros(num_out, length, dtype=like.dtype, device=like.device)
    index = torch.arange(num_out, device=like.device)
    for tap in range(SSIM_WINDOW):
        matrix[index, index + tap] = window[tap]
    return matrix
