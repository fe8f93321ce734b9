"""Dividing objects into bins: by what a column says, by its quantiles, or by where they are on the sky."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import ArgumentError, choice, message
from ..crossmatch.sky import cells_of

if TYPE_CHECKING:
    import pandas as pd

SKY = "sky"
NAMED = ("plate", "fiber", "petal", "tile", "healpix", "mjd", "zwarning", "specobjid")
"""Whole numbers that are names; a negative one is not known."""
FEW = 20
"""A column of whole numbers with no more different values is taken for names too."""
NOWHERE = -1


@dataclass(frozen=True, eq=False)
class Binned:
    """Which bin each object is in.

    Attributes
    ----------
    kind : str
        "names", "numbers" or "sky".
    places : (n,) int array
        Number of the bin; −1 where it is not known.
    columns : dict
        One value a bin: ``bin`` (text), ``value``, ``low``, ``high``; on the sky ``cell``, ``ra`` and ``dec`` too.
    """

    kind: str
    places: NDArray[np.intp]
    columns: dict[str, Any]

    def __len__(self) -> int:
        return len(self.columns["bin"])


def binned(table: pd.DataFrame, by: str, *, bins: int, nside: int) -> Binned:
    """Divide the objects of a table.

    Parameters
    ----------
    table : DataFrame
    by : str
        A column, or ``"sky"`` for HEALPix cells of ``ra`` and ``dec``.
    bins : int
        Into how many bins of like size a column of numbers is divided.
    nside : int
        Of the cells, a power of two.

    Raises
    ------
    ArgumentError
        When the table lacks the column.
    """
    if by == SKY:
        missing = [name for name in ("ra", "dec") if name not in table.columns]
        if missing:
            raise ArgumentError(message("by", expected="a table with ra and dec for the sky",
                                        got=f"no {', '.join(missing)}"))
        return _sky(table["ra"].to_numpy(np.float64), table["dec"].to_numpy(np.float64), nside)
    choice("by", by, [*map(str, table.columns), SKY])
    column = table[by]
    whole = column.dtype.kind in "iu"
    if column.dtype.kind not in "iufc" or by in NAMED or (whole and column.nunique() <= FEW):
        return _names(column, named=by in NAMED)
    return of_edges(column.to_numpy(np.float64), _edges(column.to_numpy(np.float64), bins))


def of_edges(values: ArrayLike, edges: ArrayLike) -> Binned:
    """Divide numbers at `edges`, ``(b + 1,)``; the last bin holds its upper edge, and what is outside is not known."""
    number, border = np.asarray(values, dtype=np.float64), np.asarray(edges, dtype=np.float64)
    if border.size < 2:
        nothing: dict[str, Any] = {name: np.empty(0) for name in ("value", "low", "high")}
        return Binned("numbers", np.full(number.shape, NOWHERE), {"bin": [], **nothing})
    places = np.searchsorted(border, number, side="right") - 1
    places = np.where(number == border[-1], border.size - 2, places)
    inside = np.isfinite(number) & (places >= 0) & (places < border.size - 1)
    low, high = border[:-1], border[1:]
    names = [f"{a:.4g}–{b:.4g}" for a, b in zip(low, high, strict=True)]
    return Binned("numbers", np.where(inside, places, NOWHERE), {"bin": names, "value": (low + high) / 2, "low": low,
                                                                 "high": high})


def _edges(values: NDArray[np.float64], bins: int) -> NDArray[np.float64]:
    if bins < 1:
        raise ArgumentError(message("bins", expected="at least 1", got=bins))
    good = values[np.isfinite(values)]
    if not good.size:
        return np.empty(0)
    edges = np.unique(np.quantile(good, np.linspace(0, 1, bins + 1)))
    return edges if edges.size > 1 else np.array([edges[0], edges[0] + 1.0])


def _names(column: pd.Series[Any], *, named: bool) -> Binned:
    import pandas as pd

    known = column.notna().to_numpy(dtype=bool)
    if named and column.dtype.kind in "if":
        known = known & (column.fillna(NOWHERE).to_numpy(np.float64) >= 0)
    elif column.dtype.kind not in "iufb":
        known = known & (column.astype(str).to_numpy() != "")
    codes, values = pd.factorize(column[known], sort=True)
    places = np.full(len(column), NOWHERE, dtype=np.intp)
    places[known] = codes
    numeric = column.dtype.kind in "iuf"
    spots = np.asarray(values, dtype=np.float64) if numeric else np.arange(len(values), dtype=np.float64)
    texts = [f"{int(value)}" if numeric and float(value).is_integer() else str(value) for value in values]
    edge = np.full(len(texts), np.nan)
    return Binned("names", places, {"bin": texts, "value": spots, "low": edge, "high": edge})


def _sky(ra: NDArray[np.float64], dec: NDArray[np.float64], nside: int) -> Binned:
    from astropy_healpix import HEALPix

    if nside < 1 or nside & (nside - 1):
        raise ArgumentError(message("nside", expected="a power of two", got=nside))
    known = np.isfinite(ra) & np.isfinite(dec) & (np.abs(dec) <= 90)
    cells, codes = np.unique(cells_of(ra[known], dec[known], nside), return_inverse=True)
    places = np.full(ra.shape, NOWHERE, dtype=np.intp)
    places[known] = codes
    lon, lat = HEALPix(nside=nside, order="nested").healpix_to_lonlat(cells)
    edge = np.full(cells.size, np.nan)
    names = [f"{a:.1f}{d:+.1f}" for a, d in zip(lon.deg, lat.deg, strict=True)]
    return Binned(SKY, places, {"bin": names, "value": cells.astype(np.float64), "low": edge, "high": edge,
                                "cell": cells, "ra": lon.deg, "dec": lat.deg})
