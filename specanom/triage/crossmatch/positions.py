"""Positions of a table as a matcher takes them, and which of them cannot be looked up."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ArgumentError, message
from ...ids import id_texts
from .degrees import SPELT_OUT, degrees, unread

if TYPE_CHECKING:
    import pandas as pd

Doubles = NDArray[np.float64]

J2000 = 2000.0
EPOCHS = ("epoch", "ref_epoch")
"""Columns that are taken for the epoch of the positions."""


@dataclass(frozen=True, eq=False)
class Positions:
    """Where objects are; all of them can be looked up.

    Attributes
    ----------
    ids : tuple of str
        One an object.
    ra, dec : (n,) float64
        ICRS degrees, 0 ≤ ra < 360, finite.
    epoch : (n,) float64
        Julian years at which the positions hold.
    """

    ids: tuple[str, ...]
    ra: Doubles
    dec: Doubles
    epoch: Doubles

    def __post_init__(self) -> None:
        for name in ("ra", "dec", "epoch"):
            view = np.asarray(getattr(self, name), dtype=np.float64).view()
            view.flags.writeable = False
            object.__setattr__(self, name, view)

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, rows: Any) -> Positions:
        """Return the positions of some rows: a slice, a mask or row numbers."""
        kept = np.arange(len(self))[rows]
        return Positions(tuple(self.ids[row] for row in kept), self.ra[kept], self.dec[kept], self.epoch[kept])

    def __repr__(self) -> str:
        return f"Positions: {len(self):,} objects"


def positions_of(table: pd.DataFrame, epoch: float | str | None) -> tuple[Positions, dict[str, str]]:
    """Return the positions of the objects of a table, and why the others have none.

    Parameters
    ----------
    table : DataFrame
        With ``id``, ``ra`` and ``dec`` (ICRS; degrees, or sexagesimal text, of a right ascension in hours). An id that
        comes again is looked up once, where it is first.
    epoch : float, str or None
        Julian year of all positions, the column that holds it, or None: a column ``epoch`` or ``ref_epoch`` where
        there is one, else 2000.

    Returns
    -------
    positions : Positions
    without : dict of str
        Reason by id, for those that cannot be looked up.

    Raises
    ------
    ArgumentError
        When a column is missing.
    DataError
        When ids are floats that have lost digits.
    """
    missing = [name for name in ("id", "ra", "dec") if name not in table.columns]
    if missing:
        raise ArgumentError(message("table", expected="columns id, ra and dec", got=f"no {', '.join(missing)}",
                                    hint="sample.table of a SpectrumSet has them"))
    first = table.assign(id=id_texts(table["id"], "id")).drop_duplicates("id")
    ids = first["id"].tolist()
    written = {what: first[what].to_numpy() for what in SPELT_OUT}
    ra, dec = (degrees(values, what) for what, values in written.items())
    years = _epochs(first, epoch)
    lost = {**unread(written["dec"], dec, "dec"), **unread(written["ra"], ra, "ra")}
    lost |= {row: "no id" for row, id in enumerate(ids) if not id}
    without = {ids[row]: why for row, why in sorted(lost.items())}
    kept = np.setdiff1d(np.arange(len(ids)), list(lost)).astype(np.intp)
    return Positions(tuple(ids[row] for row in kept), np.mod(ra[kept], 360.0), dec[kept], years[kept]), without


def _numbers(table: pd.DataFrame, name: str) -> Doubles:
    import pandas as pd

    return np.asarray(pd.to_numeric(table[name], errors="coerce"), dtype=np.float64)


def _epochs(table: pd.DataFrame, epoch: float | str | None) -> Doubles:
    if epoch is None:
        epoch = next((name for name in EPOCHS if name in table.columns), J2000)
    if isinstance(epoch, str):
        if epoch not in table.columns:
            raise ArgumentError(message("epoch", expected="a Julian year or a column of the table", got=repr(epoch)))
        years = _numbers(table, epoch)
    else:
        years = np.full(len(table), float(epoch))
    years = np.where(np.isfinite(years), years, J2000)
    strange = (years < 1900.0) | (years > 2100.0)
    if strange.any():
        raise ArgumentError(message("epoch", expected="Julian years from 1900 to 2100", got=f"{years[strange][0]:g}",
                                    hint="a modified Julian date becomes 2000 + (mjd − 51544.5)/365.25"))
    return years
