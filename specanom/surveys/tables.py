"""Spectra in tables: CSV, ECSV and Parquet, long (a pixel a row) or wide (a spectrum a row)."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..foreign import believed, check_csv, read_ecsv
from ..foreign.fits_bytes import open_regular
from ..ids import id_texts
from ..quantities import per_angstrom
from .blocks import Pixels
from .columns import blank_meta
from .grids import from_wavelength
from .sdss import ERROR_NAMES, IVAR_NAMES, MASK_NAMES, WAVE_NAMES, ivar_of, one_of
from .survey import GROUP, Entry

if TYPE_CHECKING:
    import pandas as pd

SUFFIXES = (".csv", ".ecsv", ".parquet", ".pq")
MANY = 20          # columns named by a number that make a table wide
INTEGERS = ("plate", "mjd", "fiber", "zwarning", "petal", "tile", "healpix")
TEXTS = ("id", "targetid", "specobjid")         # names of up to 20 digits, of which a float keeps 16


class TableSource:
    """The spectra of a table.

    A long table has columns ``wave`` (or ``wavelength``, ``loglam``) and ``flux``, and may have ``ivar`` or ``err``,
    ``mask``, ``id`` (or ``targetid``) and any column of a block's table; without ``id`` it is one spectrum, and rows
    whose id is blank are left out and listed. A wide table has a row for each spectrum and a column for each
    wavelength, named by it in Å; its other columns are what is known of the objects, and a blank id is made of the
    file's name and the row. Names of columns may be in capitals; ids are text, digit by digit. Wavelengths are vacuum
    Å and fluxes per Å unless the units in an ECSV file say otherwise; numbers without a unit that look like nm or µm
    are refused.

    Parameters
    ----------
    path : str
        The file.

    Raises
    ------
    DataError
        When it cannot be read, is neither long nor wide, has no row with an id, or has ids that are floats of more
        digits than these keep.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        table = read_table(path)
        self._unit = str(table.attrs.get("unit", ""))
        if table.empty:
            raise DataError("the table has no rows")
        table = with_text_ids(table)
        lower = {name.lower() for name in table.columns}
        blank = table["id"] == "" if "id" in table else None
        self._without_id, self._unnamed = 0, frozenset[int]()
        try:
            if "flux" in lower and one_of(dict.fromkeys(lower), WAVE_NAMES):
                if blank is not None:
                    self._without_id = int(blank.sum())
                    table = table[~blank]
                self._spectra = _long(table.rename(columns=str.lower), path)
            else:
                self._unnamed = frozenset() if blank is None else frozenset(np.flatnonzero(blank).tolist())
                self._spectra = _wide(table, path)
        except (TypeError, ValueError) as exc:
            raise exc if isinstance(exc, DataError) else DataError(f"a value is no number: {exc}") from exc
        if not self._spectra:
            raise DataError("no row of the table has an id")
        waves = [wave for _, wave, _, _, _ in self._spectra]
        same = all(one is waves[0] or np.array_equal(one, waves[0]) for one in waves[1:])
        self.together = GROUP if same else 1       # rows that may be read at a time: those on one grid

    def entries(self) -> list[Entry]:
        """Return every spectrum of the table."""
        found = []
        for row, (meta, _, _, ivar, _) in enumerate(self._spectra):
            notes = [] if ivar is not None else ["no inverse variance: the noise is not known"]
            if row in self._unnamed:
                notes.append("no id: called by its row")
            found.append(Entry(row, meta, tuple(notes)))
        if self._without_id:
            lost = f"no id: {self._without_id} rows of the table"
            found.append(Entry(len(found), _meta({}, self.path, len(found)), (), lost))
        return found

    def pixels(self, rows: Sequence[int]) -> Pixels:
        """Return the pixels of some spectra on one grid."""
        if self._without_id and len(self._spectra) in rows:
            raise DataError(f"{self._without_id} rows of the table have no id: which spectra they are of is not known")
        picked = [self._spectra[row] for row in rows]
        wave, start = from_wavelength(picked[0][1], self._unit)
        return Pixels(wave, start, np.stack([one[2] for one in picked]), _stacked([one[3] for one in picked]),
                      _stacked([one[4] for one in picked]), {})

    def details(self, row: int) -> dict[str, Any]:
        """Nothing more is known."""
        return {}


def _stacked(rows: list[Any]) -> NDArray[Any] | None:
    return None if any(row is None for row in rows) else np.stack(rows)


_Row = tuple[dict[str, Any], NDArray[np.float64], NDArray[np.float64], Any, Any]


def is_table_name(path: str) -> bool:
    """Tell whether a file is called like a table that may hold spectra."""
    return path.lower().endswith(SUFFIXES)


def read_table(path: str) -> pd.DataFrame:
    """Read CSV, ECSV or Parquet; ids are text, and wavelengths with a unit are turned into Å."""
    import pandas as pd

    handle, _ = open_regular(path)
    os.close(handle)
    try:
        if path.lower().endswith(".ecsv"):
            return _ecsv(path)
        if path.lower().endswith(".csv"):
            check_csv(path, comment="#")
            names = [name for name in pd.read_csv(path, comment="#", nrows=0).columns if _is_text(name)]
            return pd.read_csv(path, comment="#", dtype=dict.fromkeys(names, str))
        return _parquet(path)
    except DataError:
        raise
    except Exception as exc:                        # each reader has errors of its own for damaged files
        raise DataError(f"not readable as a table: {type(exc).__name__}: {exc}") from exc


def _ecsv(path: str) -> pd.DataFrame:
    from astropy import units

    table = read_ecsv(path)
    if wrong := [name for name in table.colnames if table[name].dtype.kind == "c"]:
        raise DataError(f"column {wrong[0]} is of complex numbers")
    told = ""
    for name in table.colnames:
        unit = table[name].unit
        if name.lower() in WAVE_NAMES and unit is not None and unit.is_equivalent(units.AA):
            table[name] = (np.asarray(table[name]) * unit).to_value(units.AA)
            told = "angstrom"
    _convert_flux(table)
    frame: pd.DataFrame = table.to_pandas()
    frame.attrs["unit"] = told
    return frame


def _convert_flux(table: Any) -> None:
    """Turn flux, noise and errors with a unit into the survey's unit, in place; without one they stay."""
    named = {name.strip().lower(): name for name in table.colnames}
    wave_name = one_of(named, WAVE_NAMES)
    if "flux" not in named or not wave_name:
        return
    wave = np.asarray(table[named[wave_name]], np.float64)
    wave = 10.0**wave if wave_name == "loglam" else wave
    flux = named["flux"]
    ivar, error = (named.get(one_of(named, options), "") for options in (IVAR_NAMES, ERROR_NAMES))
    if error:
        table[error].unit = table[error].unit or table[flux].unit
        table[error] = per_angstrom(table[error], None, wave)[0]
    if ivar:
        table[flux], table[ivar], _ = per_angstrom(table[flux], table[ivar], wave)
    else:
        table[flux] = per_angstrom(table[flux], None, wave)[0]


def _parquet(path: str) -> pd.DataFrame:
    """Read Parquet; pandas would turn a column of integers with blanks into floats, which lose digits of ids."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetFile

    believed(path)
    table = ParquetFile(path).read()
    for i, name in enumerate(table.column_names):
        if _is_text(name) and pa.types.is_integer(table.column(i).type):
            table = table.set_column(i, name, table.column(i).cast(pa.string()))
    frame: pd.DataFrame = table.to_pandas(ignore_metadata=True)
    return frame[[name for name in frame.columns if not name.startswith("__index_level_")]]


def _is_text(name: object) -> bool:
    return str(name).strip().lower() in TEXTS


def with_text_ids(table: pd.DataFrame) -> pd.DataFrame:
    """Return the table with its ids as text, "" where blank, in a column ``id`` if it has any."""
    import pandas as pd

    table = table.rename(columns={name: str(name).strip() for name in table.columns})
    table = table.rename(columns={name: name.lower() for name in table.columns if _is_text(name)})
    if "id" not in table and "targetid" in table:
        table = table.rename(columns={"targetid": "id"})
    if not table.columns.is_unique:
        twice = ", ".join(sorted(set(table.columns[table.columns.duplicated()])))
        raise DataError(f"several columns are called {twice}")
    for name in TEXTS:
        if name in table:
            table[name] = pd.Series(id_texts(table[name]), index=table.index, dtype=object)
    return table


def _long(table: pd.DataFrame, path: str) -> list[_Row]:
    import pandas as pd

    names = dict.fromkeys(table.columns)
    codes, ids = pd.factorize(table["id"]) if "id" in table else (np.zeros(len(table), np.intp), [None])
    if len(ids) > 1 and 2 * len(ids) > len(table):
        raise DataError(f"{len(ids):,} ids in {len(table):,} rows: a spectrum has a row for each pixel")
    wave_name, mask_name = one_of(names, WAVE_NAMES), one_of(names, MASK_NAMES)
    wave = table[wave_name].to_numpy(np.float64)
    wave = 10.0**wave if wave_name == "loglam" else wave
    order = np.lexsort((wave, codes))
    parts = np.split(order, np.searchsorted(codes[order], np.arange(1, len(ids))))
    flux, ivar = table["flux"].to_numpy(np.float64), _ivar_of(table, names)
    mask = table[mask_name].to_numpy(np.int64) if mask_name else None
    first = table.iloc[[int(part.min()) for part in parts]]
    made = []
    for row, (id, part, known) in enumerate(zip(ids, parts, first.to_dict("records"), strict=True)):
        meta = _meta({str(key): value for key, value in known.items()}, path, row)
        meta["id"] = _stem(path) if id is None else str(id)
        made.append((meta, wave[part], flux[part], None if ivar is None else ivar[part],
                     None if mask is None else mask[part]))
    return made


def _ivar_of(table: pd.DataFrame, names: dict[str, Any]) -> NDArray[np.float64] | None:
    ivar, error = one_of(names, IVAR_NAMES), one_of(names, ERROR_NAMES)
    if ivar:
        return table[ivar].to_numpy(np.float64)
    return ivar_of(table[error].to_numpy(np.float64)) if error else None


def _wide(table: pd.DataFrame, path: str) -> list[_Row]:
    numbers = {name: float(name) for name in table.columns if _is_number(name)}
    if len(numbers) < MANY:
        raise DataError(f"no spectra: a table needs columns wave and flux, or {MANY} or more columns named by a "
                        f"wavelength; it has {', '.join(map(str, table.columns[:6]))}")
    names = sorted(numbers, key=numbers.__getitem__)
    wave = np.array([numbers[name] for name in names])
    flux = table[names].to_numpy(np.float64)
    made = []
    for row, known in enumerate(table[[name for name in table.columns if name not in numbers]].to_dict("records")):
        meta = _meta({str(key).lower(): value for key, value in known.items()}, path, row)
        meta["id"] = meta["id"] or f"{_stem(path)}-{row}"
        made.append((meta, wave, flux[row], None, None))
    return made


def _meta(known: dict[str, Any], path: str, row: int) -> dict[str, Any]:
    """Return meta with what the table knows; whole numbers and text stay what they are."""
    meta = blank_meta(path, row)
    meta["survey"], meta["instrument"] = "table", ""
    for key, value in known.items():
        if key in meta and key not in ("path", "row") and value is not None and value == value:
            kind = int if key in INTEGERS else type(meta[key])
            try:
                meta[key] = kind(value)
            except (TypeError, ValueError):
                raise DataError(f"column {key}: {value!r} is no {kind.__name__}") from None
    return meta


def _is_number(name: str) -> bool:
    try:
        return 10 < float(name) < 1e7
    except ValueError:
        return False


def _stem(path: str) -> str:
    return os.path.basename(path).rpartition(".")[0]
