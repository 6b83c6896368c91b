"""What a photo looks like cell by cell: filter responses of each cell, against those around it; no training.

Source: filter banks as in textons: differences of Gaussians and oriented gradients.
Differs from the source: no textons; each response is also compared with its row, its column and the whole
photo, since a line along the part, a shadow or another exposure is not what makes a photo suspicious.

Shape letters:  H, W rows, columns of cells   F features
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

WORKING_PX = 256  # the longer side of a photo when it is looked at
CELL_PX = 8
SPOT_SIGMAS = (1.0, 2.0, 4.0, 8.0)
EDGE_SIGMAS = (1.0, 2.0, 4.0)
NUM_ORIENTATIONS = 4
SHADE_SIGMA = 24.0  # of the working size: slower changes are light, not part
MIN_CONTRAST = 0.02
BORDER_REACH = (1.0, 3.0)  # cells

Frame = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float32]


def working_frame(frame: Frame, *, cell_px: int = CELL_PX) -> Frame:
    """Return a frame (H, W, 3) with its longer side at the working size and no side below two cells."""
    height, width = frame.shape[:2]
    scale = WORKING_PX / max(height, width)
    size = (max(2 * cell_px, round(width * scale)), max(2 * cell_px, round(height * scale)))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))


def cell_features(frame: Frame, *, cell_px: int = CELL_PX) -> Array:
    """Return the features of each whole cell of a working frame: float32 (H, W, F)."""
    response = _responses(np.asarray(cv2.cvtColor(frame, cv2.COLOR_BGR2GRAY), np.uint8))
    mean, most = per_cell(response, cell_px).mean(axis=(1, 3)), per_cell(response, cell_px).max(axis=(1, 3))
    return _in_context(_squeezed(mean), _squeezed(most))


def per_cell(values: Array, cell_px: int) -> Array:
    """Return values (rows, columns, ...) as a view (H, cell_px, W, cell_px, ...) of whole cells."""
    height, width = values.shape[0] // cell_px, values.shape[1] // cell_px
    whole = values[: height * cell_px, : width * cell_px]
    return whole.reshape(height, cell_px, width, cell_px, *values.shape[2:])


def _responses(gray: Frame) -> Array:
    light = np.log(gray.astype(np.float32) / 255.0 + 0.05)
    plain = light - cv2.GaussianBlur(light, (0, 0), SHADE_SIGMA)
    plain /= max(1.4826 * float(np.median(np.abs(plain))), MIN_CONTRAST)
    planes = [plain, np.abs(cv2.GaussianBlur(plain, (0, 0), 4.0))]
    for sigma in SPOT_SIGMAS:
        spot = cv2.GaussianBlur(plain, (0, 0), sigma) - cv2.GaussianBlur(plain, (0, 0), 1.6 * sigma)
        planes += [np.maximum(spot, 0.0), np.maximum(-spot, 0.0)]
    for sigma in EDGE_SIGMAS:
        smooth = cv2.GaussianBlur(plain, (0, 0), sigma)
        along_x, along_y = (cv2.Sobel(smooth, cv2.CV_32F, *axis) * sigma for axis in ((1, 0), (0, 1)))
        for number in range(NUM_ORIENTATIONS):
            angle = np.pi * number / NUM_ORIENTATIONS
            planes.append(np.abs(along_x * np.cos(angle) + along_y * np.sin(angle)))
    return np.stack(planes, axis=-1).astype(np.float32)


def _squeezed(x: Array) -> Array:
    """Bring strong responses near the others, keeping the sign."""
    return np.asarray(np.sign(x) * np.log1p(4.0 * np.abs(x)), np.float32)


def _in_context(mean: Array, most: Array) -> Array:
    both = np.concatenate([mean, most], axis=-1)
    middle = np.median(both.reshape(-1, both.shape[-1]), axis=0)
    around = cv2.blur(mean, (3, 3)) - middle[: mean.shape[-1]]
    from_row = mean - np.median(mean, axis=1, keepdims=True)
    from_column = mean - np.median(mean, axis=0, keepdims=True)
    parts = [both - middle, around, from_row, from_column, _border(mean.shape[0], mean.shape[1])]
    return np.concatenate(parts, axis=-1).astype(np.float32)


def _border(height: int, width: int) -> Array:
    """(H, W, 4): how near each cell is to the border of the photo, to any and to the sides or ends alone."""
    rows, columns = np.mgrid[:height, :width].astype(np.float32)
    end, side = np.minimum(rows, height - 1 - rows), np.minimum(columns, width - 1 - columns)
    nearest = np.minimum(end, side)
    near, far = BORDER_REACH
    exponents = np.stack([-nearest / near, -nearest / far, -side / near, -end / near], axis=-1)
    return np.asarray(np.exp(exponents), np.float32)
