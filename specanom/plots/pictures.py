"""Geometry and brightness of pictures: arrays to what a screen shows. No bokeh, nothing scientific."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..errors import choice

STRETCHES = ("asinh", "linear")
SOFTENING = 3.0
"""Sky noise above which the asinh stretch turns from linear to logarithmic."""


def brightness(image: NDArray[np.floating], stretch: str, *, like: NDArray[np.floating] | None = None
               ) -> NDArray[np.float64]:
    """Return values 0–1 to show, shape ``(h, w)`` or ``(h, w, 3)``.

    Parameters
    ----------
    image : (h, w) or (h, w, c) array
        Three channels are red, green and blue in this order; of any other number the mean is shown.
    stretch : {"asinh", "linear"}
        ``"asinh"`` shows faint structure and cores at once, with the colours kept (Lupton et al. 2004, PASP 116,
        133); ``"linear"`` is for photographs.
    like : array, optional
        The image that sets black and white, so that several can be compared; by default the image itself.
    """
    choice("stretch", stretch, STRETCHES)
    values, model = _shown(image), _shown(image if like is None else like)
    grey = model if model.ndim == 2 else model.mean(axis=2)
    sky = float(np.median(grey))
    noise = 1.4826 * float(np.median(np.abs(grey - sky)))
    high = float(np.percentile(grey, 99.7)) if stretch == "asinh" else float(grey.max())
    low = float(grey.min()) if stretch == "linear" else max(sky - 2.0 * noise, float(grey.min()))
    if not high > low:
        return np.full(values.shape, 0.5)
    if stretch == "linear":
        return np.asarray(np.clip((values - low) / (high - low), 0.0, 1.0))
    soft = max(SOFTENING * noise, 1e-3 * (high - low))
    total = values if values.ndim == 2 else values.mean(axis=2)
    above = np.maximum(total - low, 0.0)
    level = np.arcsinh(above / soft) / np.arcsinh((high - low) / soft)
    if values.ndim == 2:
        return np.asarray(np.clip(level, 0.0, 1.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(above > 0, level / above, 0.0)
    made = np.maximum(values - low, 0.0) * scale[:, :, None]
    return np.asarray(made / np.maximum(made.max(axis=2, keepdims=True), 1.0))


def _shown(image: NDArray[np.floating]) -> NDArray[np.float64]:
    values = np.asarray(image, dtype=np.float64)
    return values if values.ndim == 2 or values.shape[2] == 3 else values.mean(axis=2)


def rgba(levels: NDArray[np.float64], paper: str | None = None, keep: NDArray[np.bool_] | None = None
         ) -> NDArray[np.uint32]:
    """Return levels 0–1 as packed colours, shape ``(h, w)``; `paper` where `keep` is false."""
    colours = levels if levels.ndim == 3 else np.repeat(levels[:, :, None], 3, axis=2)
    packed = np.full((*levels.shape[:2], 4), 255, dtype=np.uint8)
    packed[:, :, :3] = np.round(255 * colours)
    if keep is not None and paper is not None:
        packed[~keep, :3] = [int(paper[i : i + 2], 16) for i in (1, 3, 5)]
    return packed.view(np.uint32)[:, :, 0]


def borders(ids: NDArray[np.integer]) -> dict[str, NDArray[np.float64]]:
    """Return the line segments between pixels of different ids, in pixel coordinates: ``x0, y0, x1, y1``.

    The centre of pixel (row, column) is at x = column, y = row. Segments in one line are joined.
    """
    column, low, high = _runs((ids[:, 1:] != ids[:, :-1]).T)
    row, left, right = _runs(ids[1:, :] != ids[:-1, :])
    return {"x0": np.concatenate([column + 0.5, left - 0.5]), "x1": np.concatenate([column + 0.5, right - 0.5]),
            "y0": np.concatenate([low - 0.5, row + 0.5]), "y1": np.concatenate([high - 0.5, row + 0.5])}


def _runs(flags: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp], NDArray[np.intp]]:
    """Return row, start and stop of each run of True in the rows of an array."""
    padded = np.zeros((flags.shape[0], flags.shape[1] + 2), dtype=np.int8)
    padded[:, 1:-1] = flags
    change = np.diff(padded, axis=1)
    row, start = np.nonzero(change == 1)
    return row, start, np.nonzero(change == -1)[1]
