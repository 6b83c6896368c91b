"""The `perlin` defect style: a blob cut out of Perlin noise, filled with an augmented texture.

Source: [D] Sec. 5.2.2; DRAEM's data loader.
Differs from the source: a frame that is not square takes the middle of a square of noise as long as its
longer side, so that the blobs keep their shape and a rotation leaves no empty ends; on gray frames the
texture is gray too, unless `keep_gray` is off.
"""

from dataclasses import KW_ONLY, dataclass

import cv2
import numpy as np

from inspector.errors import RecipeError
from search.defects.augment import augment_texture, rotate
from search.defects.colour import is_gray, without_colour
from search.defects.noise import draw_gradients, perlin_noise
from search.defects.style import Defective, Frame, Mask
from search.defects.textures import TextureSource


@dataclass(frozen=True)
class PerlinDefects:
    """Draws a Perlin-shaped defect onto a good frame of any size.

    Args:
        textures: Where the fill of a defect comes from.
        blend_max: The frame shines through by b, uniform in 0..blend_max.
        max_scale_exponent: The noise has 2^k cells an axis, k uniform in 0..max_scale_exponent.
        threshold: Noise (-1..1) above this is defect. Higher: smaller, rarer blobs.
        rotate_noise: Rotate the noise by U(-90, 90) degrees, so that blobs do not follow the grid.
        num_augmentations: How many of the ten augmentations a texture gets.
        keep_gray: Turn the texture gray on a gray frame. A gray camera never shows a colour, so a coloured
            defect would teach the network to look for colour alone.

    Raises:
        RecipeError: a value is out of its range.
    """

    textures: TextureSource
    _: KW_ONLY
    blend_max: float = 0.8
    max_scale_exponent: int = 5
    threshold: float = 0.5
    rotate_noise: bool = True
    num_augmentations: int = 3
    keep_gray: bool = True

    def __post_init__(self) -> None:
        for name, low, high in (
            ("blend_max", 0.0, 1.0),
            ("max_scale_exponent", 0, 10),
            ("threshold", 0.0, 1.0),
            ("num_augmentations", 0, 10),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                raise RecipeError(
                    f"{name} of the perlin defects is {value}; choose a value from {low} to {high}"
                )

    def __call__(self, frame: Frame, rng: np.random.Generator) -> Defective:
        """Return a new frame and its mask; where the mask is empty, the frame is a copy of the given one."""
        mask = self.draw_mask(frame.shape[:2], rng)
        if not mask.any():
            return Defective(frame.copy(), mask)
        texture = self.textures.sample(rng, mask.shape)
        texture = augment_texture(texture, rng, num_operations=self.num_augmentations)
        if self.keep_gray and is_gray(frame):
            texture = without_colour(texture)
        return Defective(blend(frame, texture, mask, share=rng.uniform(0.0, self.blend_max)), mask)

    def draw_mask(self, shape_hw: tuple[int, int], rng: np.random.Generator) -> Mask:
        """Return the shape of one defect, possibly empty."""
        cells_y, cells_x = 2 ** rng.integers(0, self.max_scale_exponent + 1, size=2)
        longer = max(shape_hw)
        noise = perlin_noise(draw_gradients(rng, (int(cells_y), int(cells_x))), (longer, longer))
        degrees = rng.uniform(-90.0, 90.0) if self.rotate_noise else 0.0
        if degrees or noise.shape != shape_hw:
            noise = rotate(noise, degrees, shape_hw=shape_hw, border=cv2.BORDER_CONSTANT)
        return (noise > self.threshold).astype(np.uint8)


def blend(frame: Frame, texture: Frame, mask: Mask, *, share: float) -> Frame:
    """Return (1 - M) I + M ((1 - b) A + b I), with b = share, rounded to the nearest level.

    Args:
        texture: A, of the size of `frame`.
        share: b in 0..1, how much of the frame shines through; 0 shows the texture alone.
    """
    mixed = cv2.addWeighted(texture, 1.0 - share, frame, share, 0.0)
    result = frame.copy()
    cv2.copyTo(mixed, mask, result)
    return result
