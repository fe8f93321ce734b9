"""Tables at hand as matchers: a catalogue in memory or in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import KW_ONLY, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...errors import ArgumentError, message
from ...ids import EXACT, id_texts
from .degrees import SPELT_OUT
from .found import Access, Found
from .nearest import DIRECTIONS, coordinates, pairs_within, shift_chance
from .placing import placed, rows_of
from .positions import J2000, Positions
from .reading import frame_of, read_table
from .sky import covered
from .votables import check_columns, check_roles, kept, numbers, role, texts

if TYPE_CHECKING:
    import pandas as pd

Doubles = NDArray[np.float64]

STEP = 0.1
"""Years: objects are moved together when their epochs differ by less."""
LARGEST = 3600.0


@dataclass(frozen=True, eq=False)
class LocalTable:
    """A catalogue at hand: infrared, X-ray, radio, somebody's list of lenses.

    Attributes
    ----------
    table : DataFrame, astropy Table or path
        Rows with positions in ICRS: degrees, the unit that a column of astropy tells, sexagesimal text (a right
        ascension in hours, ``"10:03:09.4"`` or ``"10 03 09.4"``), or a column of SkyCoord. A path ends in ``.parquet``,
        ``.csv``, ``.ecsv``, ``.vot``, ``.fits`` or ``.fits.gz``. Rows without a position that can be
        read are left out with a warning, and counted; a table without one such position is refused. So are names, and
        columns called an id, that are floats which have lost digits.
    radius : float
        Arcsec.
    service : str
        What it is called in tables; the name of the file when empty.
    columns : tuple of str
        More columns to hand on: magnitudes, fluxes, flags.
    names : mapping
        Columns by role, where they have no usual name: ``{"ra": "RAJ2000", "name": "4XMM", "z": "zph"}``. Roles are
        ra, dec, name, type, z, pmra, pmdec (mas/yr, pmra with cos δ) and epoch.
    epoch : float
        Julian year of the table's positions where it has no such column: 2016 for Gaia DR3. With pmra and pmdec, its
        positions are moved to the epoch of each object, to within 0.05 yr.
    cells : int
        When above 0, the sky is cut into HEALPix cells of this nside, and an object in whose cell and the eight around
        it the table has no row is not_checked, not uncatalogued: for tables that hold a part of the sky.

    Examples
    --------
    >>> import pandas as pd
    >>> xray = pd.DataFrame({"ra": [10.0], "dec": [0.0], "name": ["X1"], "flux": [1e-14]})
    >>> LocalTable(xray, 5.0, service="X-ray", columns=("flux",))
    LocalTable 'X-ray': 1 row, 5"
    """

    table: Any
    radius: float
    _: KW_ONLY
    service: str = ""
    columns: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    epoch: float = J2000
    cells: int = 0

    def __post_init__(self) -> None:
        check_radius(self.radius, LARGEST)
        check_roles(self.names)
        if isinstance(self.columns, str):
            raise ArgumentError(message("columns", expected="a list of columns", got=repr(self.columns),
                                        hint=f"columns=[{self.columns!r}]"))
        if self.cells and (self.cells < 1 or self.cells & (self.cells - 1)):
            raise ArgumentError(message("cells", expected="a power of two, or 0 for the whole sky", got=self.cells))
        stem = Path(self.table).stem if isinstance(self.table, (str, Path)) else "table"
        rows = read_table(Path(self.table)) if isinstance(self.table, (str, Path)) else frame_of(self.table)
        object.__setattr__(self, "table", rows)
        object.__setattr__(self, "columns", tuple(self.columns))
        object.__setattr__(self, "service", self.service or stem)
        check_columns(list(rows.columns), self.columns)
        for what in ("ra", "dec"):
            if self._column(what) is None:
                raise ArgumentError(message("table", expected=f"a column of {what}", got=", ".join(rows.columns[:20]),
                                            hint=f"names={{{what!r}: …}} says which it is"))
        rows = placed(rows, {what: str(self._column(what)) for what in SPELT_OUT}, self.service)
        object.__setattr__(self, "table", rows)
        name = self._column("name")
        if name is not None and rows[name].dtype.kind == "f":
            object.__setattr__(self, "table", rows.assign(**{name: id_texts(rows[name], f"column {name}")}))
        for column in self.columns:
            _check_digits(rows[column], column)
        if self._moves and self._column("pmdec") is None:
            raise ArgumentError(message("table", expected="pmdec beside pmra", got="pmra alone"))

    def _column(self, what: str) -> str | None:
        return role(list(self.table.columns), what, self.names)

    @property
    def without(self) -> int:
        """Rows of the table without a position that can be read."""
        ra, dec = (self.table[self._column(what)].to_numpy() for what in SPELT_OUT)
        return int((np.isnan(ra) | np.isnan(dec)).sum())

    @property
    def _moves(self) -> bool:
        return self._column("pmra") is not None

    def __call__(self, positions: Positions, access: Access = Access(), /) -> Found:  # noqa: B008 - frozen
        """Return what the table holds around positions; the chance of a match is counted at shifted positions."""
        ra, dec = (self.table[self._column(what)].to_numpy() for what in SPELT_OUT)
        good = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
        outside: dict[int, str] = {}
        if self.cells:
            inside = covered(positions.ra, positions.dec, ra[good], dec[good], nside=self.cells)
            outside = dict.fromkeys(np.flatnonzero(~inside).tolist(), f"outside the sky of {self.service}")
        checked = np.setdiff1d(np.arange(len(positions)), list(outside))
        i, j, separation, chance = self._pairs(positions[checked], ra[good], dec[good], good)
        how = f"positions shifted in {DIRECTIONS} directions"
        lost = f"{self.without:,} of {rows_of(len(self.table))} of the table have no position" if self.without else ""
        return Found(self._rows(checked[i], good[j], separation, ra, dec), unchecked=outside, chance=chance,
                     chance_from=how if len(checked) else "", note=lost)

    def _pairs(self, at: Positions, ra: Doubles, dec: Doubles, good: NDArray[np.intp]) -> tuple[Any, Any, Any, float]:
        """Match objects of like epoch together, against the table as it was then."""
        then = np.round(at.epoch / STEP) * STEP if self._moves else np.full(len(at), self.epoch)
        parts, chances = [], []
        for year in np.unique(then):
            rows = np.flatnonzero(then == year)
            here, there = coordinates(at.ra[rows], at.dec[rows]), self._at(float(year), ra, dec, good)
            i, j, separation = pairs_within(here, there, self.radius)
            parts.append((rows[i], j, separation))
            chances.append(rows.size * shift_chance(here, there, self.radius))
        if not parts:
            empty = np.empty(0, np.intp)
            return empty, empty, np.empty(0), float("nan")
        i, j, separation = (np.concatenate(arrays) for arrays in zip(*parts, strict=True))
        return i, j, separation, sum(chances) / len(at)

    def _at(self, year: float, ra: Doubles, dec: Doubles, good: NDArray[np.intp]) -> Any:
        if not self._moves:
            return coordinates(ra, dec)
        across, up = (np.nan_to_num(numbers(self.table[self._column(what)].to_numpy())[good])
                      for what in ("pmra", "pmdec"))
        column = self._column("epoch")
        since = numbers(self.table[column].to_numpy())[good] if column else np.full(ra.size, self.epoch)
        return moved(ra, dec, across, up, years=np.nan_to_num(year - since))

    def _rows(self, i: Any, j: Any, separation: Doubles, ra: Doubles, dec: Doubles) -> pd.DataFrame:
        import pandas as pd

        picked = self.table.iloc[j]
        name, kind, z = (self._column(what) for what in ("name", "type", "z"))
        made = pd.DataFrame({
            "row": i, "separation": separation,
            "name": texts(picked[name].to_numpy()) if name else "", "type": texts(picked[kind].to_numpy()) if kind
            else "", "z": numbers(picked[z].to_numpy()) if z else np.nan, "ra": ra[j], "dec": dec[j],
        })
        wanted = [column for column in self.columns if column not in made]
        return made.assign(**{column: kept(self.table[column].to_numpy())[j] for column in wanted})

    def __repr__(self) -> str:
        lost = f", {self.without:,} of them without a position" if self.without else ""
        return f"LocalTable {self.service!r}: {rows_of(len(self.table))}{lost}, {self.radius:g}\""


def moved(ra: Doubles, dec: Doubles, pmra: Doubles, pmdec: Doubles, *, years: Doubles) -> Any:
    """Return positions after some years of proper motion, on the great circle; exact at the poles.

    Parameters
    ----------
    ra, dec : (m,) float64
        Degrees.
    pmra, pmdec : (m,) float64
        mas/yr, pmra with cos δ.
    years : (m,) float64
    """
    from astropy import units as u

    size = np.hypot(pmra, pmdec) * years
    angle = np.arctan2(pmra, pmdec)
    return coordinates(ra, dec).directional_offset_by(angle * u.rad, size * u.mas)


def check_radius(radius: float, most: float) -> None:
    """Raise unless a radius is above 0 and no more than `most` arcsec."""
    if not 0 < radius <= most:
        raise ArgumentError(message("radius", expected=f"above 0 and up to {most:g} arcsec", got=radius))


def _check_digits(values: pd.Series, column: str) -> None:
    """Raise when a column that is called an id has floats that may have lost digits."""
    if values.dtype.kind == "f" and column.lower().endswith("id"):
        id_texts(values[np.isfinite(values) & (values.abs() >= EXACT)], f"column {column}")
