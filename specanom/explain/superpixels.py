"""How an image is cut without looking at it: a grid, or a map that exists already. :class:`Slic` looks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, ShapeError, message
from .segments import numbered


@dataclass(frozen=True)
class Grid:
    """Rectangles of an image, `rows` × `columns` of them, whose sides differ by at most one pixel."""

    rows: int = 8
    columns: int = 8
    uses_flux: ClassVar[bool] = False

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise ArgumentError(message(name, expected="a whole number of at least 1", got=repr(value)))

    def __call__(self, flux: NDArray[Any], wave: None = None) -> NDArray[np.intp]:
        """Return ids, shape ``(h, w)``, row by row from pixel (0, 0)."""
        shape = np.shape(flux)
        if len(shape) not in (2, 3):
            raise ShapeError(message("image", expected="shape (h, w) or (h, w, c)", got=f"shape {shape}",
                                     hint="Uniform(77) for spectra"))
        if self.rows > shape[0] or self.columns > shape[1]:
            raise ArgumentError(message("rows, columns", expected=f"at most {shape[0]} and {shape[1]}, one a pixel",
                                        got=f"{self.rows} and {self.columns}"))
        row = np.arange(shape[0]) * self.rows // shape[0]
        column = np.arange(shape[1]) * self.columns // shape[1]
        ids: NDArray[np.intp] = (row[:, None] * self.columns + column[None, :]).astype(np.intp)
        return ids


@dataclass(frozen=True)
class Given:
    """Segments that exist already: a segmentation map of sources, e.g. of photutils or SExtractor, or ids of pixels.

    Parameters
    ----------
    ids : (h, w) or (p,) int array
        One number a segment; they need neither begin at 0 nor be contiguous. What a map leaves as background is one
        segment.
    """

    ids: Any
    uses_flux: ClassVar[bool] = False

    def __post_init__(self) -> None:
        ids = np.array(self.ids)
        if ids.size == 0 or not np.issubdtype(ids.dtype, np.integer):
            raise ArgumentError(message("ids", expected="an array of whole numbers", got=f"{ids.dtype} {ids.shape}"))
        ids.flags.writeable = False
        object.__setattr__(self, "ids", ids)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Given) and np.array_equal(self.ids, other.ids)

    def __hash__(self) -> int:
        return hash((self.ids.shape, self.ids.tobytes()))

    def __call__(self, flux: NDArray[Any], wave: NDArray[np.float64] | None = None) -> NDArray[np.intp]:
        """Return ids 0…K−1, in the order in which they first appear."""
        return numbered(self.ids)

    def __repr__(self) -> str:
        return f"Given({np.unique(self.ids).size} segments of {' × '.join(map(str, self.ids.shape))} pixels)"
