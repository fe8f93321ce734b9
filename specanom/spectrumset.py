"""Many spectra on one wavelength grid, and the table of what is known of their objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from html import escape
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ArgumentError, DataError, GridError, ShapeError, choice, message
from .face import opener
from .ids import id_texts, numbered
from .quantities import angstrom, as_quantity, backwards, check_angstrom, per_angstrom
from .seeds import content_hash
from .slips import OF_SET, WITHOUT_FLUX, slip
from .spectrum import FRAMES, SCALES, Spectrum, as_wavelength, finite_noise
from .store import ARRAYS, SpectrumWriter, StoredRows, as_rows, joined, open_store, precision_of

if TYPE_CHECKING:
    import pandas as pd

INTEGER_COLUMNS = ("plate", "mjd", "fiber")
AT_ONCE = 256  # spectra of a set on disk that are read together when one after the other is asked for


class SpectrumSet:
    """Spectra on one grid: arrays of shape ``(n, p)`` and a table with one row each.

    Plain arrays are welcome. Arrays are read-only; a set opened from disk reads them when they are first touched,
    and :meth:`blocks` and slices read only their own rows.

    Parameters
    ----------
    wave : (p,) array or Quantity
        Vacuum wavelengths, Å unless a unit says otherwise; a Quantity may run either way, as for :class:`Spectrum`.
    flux : (n, p) array or Quantity
        Flux per Å; NaN marks a missing pixel. A Quantity is converted as for :class:`Spectrum`.
    ivar : (n, p) array or Quantity, optional
        Inverse variance in the units of `flux`; 0 where missing or imputed; infinite values become 0, and a warning
        tells how many; None when the noise is not known.
    table : DataFrame, optional
        One row per spectrum. `id` is text; without it, ids are hashes of the content (equal rows stay).
    mask : (n, p) array of int, optional
        The survey's mask bits.
    imputed : (n, p) bool array, optional
        Pixels filled in by preprocessing.
    frame, scale : str
        ``"rest"`` or ``"observed"``; ``"normalised"`` or ``"flux"``.
    provenance : mapping, optional
        How the set came about.

    Examples
    --------
    >>> import numpy as np
    >>> sample = SpectrumSet(np.arange(4000, 4005), np.ones((3, 5)))
    >>> sample
    SpectrumSet: 3 spectra x 5 pixels, 4000–4004 Å rest, normalised
    >>> len(sample[:2])
    2
    """

    def __init__(
        self,
        wave: ArrayLike,
        flux: ArrayLike | StoredRows | None = None,
        ivar: ArrayLike | StoredRows | None = None,
        table: pd.DataFrame | None = None,
        *,
        mask: ArrayLike | StoredRows | None = None,
        imputed: ArrayLike | StoredRows | None = None,
        frame: str = "rest",
        scale: str = "normalised",
        provenance: Mapping[str, Any] | None = None,
    ) -> None:
        if flux is None:
            raise ArgumentError(message("flux", expected="an (n, p) array beside wave", got="none", hint=WITHOUT_FLUX))
        values, falling = angstrom(wave)
        if falling:
            values = values[::-1]
            flux, ivar, mask, imputed = (backwards(value) for value in (flux, ivar, mask, imputed))
        self._wave = as_wavelength(values)
        check_angstrom(self._wave, given=as_quantity(wave) is not None, level=3)
        flux, ivar, _ = per_angstrom(flux, ivar, self._wave)
        self.frame = choice("frame", frame, FRAMES)
        self.scale = choice("scale", scale, SCALES)
        self.provenance: Mapping[str, Any] = MappingProxyType(dict(provenance or {}))
        self.precision = precision_of(self.provenance)  # "full", or "rounded" by its store
        given = {"flux": flux, "ivar": ivar, "mask": mask, "imputed": imputed}
        self._arrays = {name: as_rows(name, value) for name, value in given.items()}
        if isinstance(self._arrays["ivar"], np.ndarray):
            self._arrays["ivar"] = finite_noise(self._arrays["ivar"])
        shape = self._arrays["flux"].shape  # type: ignore[union-attr]
        for name, value in self._arrays.items():
            if value is not None and (value.shape != shape or value.shape[1:] != self._wave.shape):
                raise ShapeError(message(name, expected=f"shape (n, {self._wave.size}), equal for all arrays",
                                         got=f"shape {value.shape}"))
        self._table = self._make_table(table, shape[0])

    if not TYPE_CHECKING:  # which would take any attribute for granted

        def __getattr__(self, name):
            raise slip(self, name, OF_SET, keys=self.__dict__.get("_table", ()), where=".table")

    def _make_table(self, table: pd.DataFrame | None, n: int) -> pd.DataFrame:
        import pandas as pd

        if table is None:
            table = pd.DataFrame(index=range(n))
        if len(table) != n:
            raise ShapeError(message("table", expected=f"{n} rows, one a spectrum", got=f"{len(table)} rows"))
        made = table.reset_index(drop=True).copy()
        if "id" not in made:
            made.insert(0, "id", [content_hash(self._wave, row) for row in self.flux])
        made["id"] = pd.Series(id_texts(made["id"], "table['id']"), dtype=object)
        for name in INTEGER_COLUMNS:
            if name in made and not made[name].isna().any():
                made[name] = made[name].astype(np.int64)
        return made

    # -- what is in it ---------------------------------------------------------------------------------------------

    @property
    def wave(self) -> NDArray[np.float64]:
        """Vacuum wavelengths, Å, shape ``(p,)``."""
        return self._wave

    @property
    def flux(self) -> NDArray[np.float32]:
        """Flux, shape ``(n, p)``."""
        flux = self._array("flux")
        assert flux is not None
        return flux

    @property
    def ivar(self) -> NDArray[np.float32] | None:
        """Inverse variance, shape ``(n, p)``, or None."""
        return self._array("ivar")

    @property
    def mask(self) -> NDArray[np.uint32] | None:
        """Mask bits of the survey, shape ``(n, p)``, or None."""
        return self._array("mask")

    @property
    def imputed(self) -> NDArray[np.bool_] | None:
        """Pixels filled in by preprocessing, shape ``(n, p)``, or None."""
        return self._array("imputed")

    def _array(self, name: str) -> NDArray[Any] | None:
        value = self._arrays[name]
        if isinstance(value, StoredRows):
            value = self._arrays[name] = value.load()
        return value

    def rows(self, name: str, which: NDArray[np.intp] | None = None) -> NDArray[Any] | StoredRows | None:
        """Return some rows of an array, all when not told which: neither copied nor read from disk now."""
        value = self._arrays[name]
        if value is None or which is None:
            return value
        return value[which] if isinstance(value, StoredRows) else StoredRows(value, which)

    @property
    def table(self) -> pd.DataFrame:
        """What is known of each object, one row a spectrum; `id` is text."""
        return self._table

    @property
    def ids(self) -> list[str]:
        """The ids, in order."""
        return [str(id) for id in self._table["id"]]

    @property
    def shape(self) -> tuple[int, int]:
        """``(n, p)``, without reading anything."""
        n, p = self._arrays["flux"].shape  # type: ignore[union-attr]
        return int(n), int(p)

    @property
    def grid_id(self) -> str:
        """A hash of the wavelengths; equal for sets on the same grid."""
        return content_hash(self._wave)

    def __len__(self) -> int:
        return self.shape[0]

    # -- parts of it -----------------------------------------------------------------------------------------------

    @overload
    def __getitem__(self, key: int | np.integer[Any]) -> Spectrum: ...
    @overload
    def __getitem__(self, key: slice | Sequence[int] | NDArray[Any]) -> SpectrumSet: ...
    def __getitem__(self, key: Any) -> Spectrum | SpectrumSet:
        if isinstance(key, (int, np.integer)):
            return self._spectrum(int(key))
        rows = key if isinstance(key, slice) else np.asarray(numbered(key, self._table))
        if isinstance(rows, np.ndarray) and rows.dtype == bool:
            if rows.shape != (len(self),):
                raise ShapeError(message("mask", expected=f"shape ({len(self)},)", got=f"shape {rows.shape}"))
            rows = np.flatnonzero(rows)
        table = self._table.iloc[rows]
        return self.replace(table=table, **{k: None if v is None else v[rows] for k, v in self._arrays.items()})

    def _spectrum(self, index: int) -> Spectrum:
        n = len(self)
        if not -n <= index < n:
            raise IndexError(message("index", expected=f"a row of {n} spectra", got=index))
        index %= n
        return self._made({name: self._table[name].iloc[index] for name in self._table.columns}, index)

    def _made(self, row: Mapping[Any, Any], index: int) -> Spectrum:
        rows: dict[str, Any] = {name: value.row(index) if isinstance(value, StoredRows) else None if value is None
                                else np.asarray(value[index]) for name, value in self._arrays.items()}
        z = row.get("z")
        return Spectrum(self._wave, rows["flux"], rows["ivar"], rows["mask"], z=None if z is None else float(z),
                        id=str(row["id"]), frame=self.frame, scale=self.scale, imputed=rows["imputed"],
                        meta={k: v.item() if isinstance(v, np.generic) else v for k, v in row.items() if k != "id"})

    def __iter__(self) -> Iterator[Spectrum]:
        for block in self.blocks(AT_ONCE):
            for name in block._arrays:
                block._array(name)  # a set on disk is read many rows at a time: one by one is 20 times slower
            for index, row in enumerate(block._table.to_dict("records")):
                yield block._made(row, index)

    def blocks(self, n: int = 1024) -> Iterator[SpectrumSet]:
        """Yield the set in blocks of at most `n` rows; a set on disk is read block by block and not kept."""
        for start in range(0, len(self), n):
            yield self[start : start + n]

    def by_id(self, id: str) -> Spectrum:
        """Return the first spectrum called `id`.

        Raises
        ------
        DataError
            When there is none.
        """
        if (found := np.flatnonzero(self._table["id"].to_numpy() == str(id))).size:
            return self._spectrum(int(found[0]))
        raise DataError(message("id", expected="an id of this set", got=repr(id), hint=f"{self.ids[:3]}, …"))

    def select(self, ids: Sequence[str]) -> SpectrumSet:
        """Return the spectra called `ids`, in that order (the first of each id).

        Raises
        ------
        DataError
            When one is not there.
        """
        rows: dict[str, int] = {}
        for row, id in enumerate(self.ids):
            rows.setdefault(id, row)
        unknown = [id for id in ids if str(id) not in rows]
        if unknown:
            others = f"{len(unknown)} others, first {unknown[0]!r}"
            raise DataError(message("ids", expected="ids of this set", got=others, hint=f"{self.ids[:3]}, …"))
        return self[np.array([rows[str(id)] for id in ids], dtype=np.intp)]

    def replace(self, **fields: Any) -> SpectrumSet:
        """Return a copy with other values for the named constructor arguments."""
        return SpectrumSet(**{**self._fields(), **fields})

    def __reduce__(self) -> tuple[Any, ...]:
        # Read-only mappings cannot be pickled, and arrays come back writable: worker processes build it anew.
        return partial(SpectrumSet, **self._fields()), ()

    def _fields(self) -> dict[str, Any]:
        return dict(self._arrays, wave=self._wave, table=self._table, frame=self.frame, scale=self.scale,
                    provenance=dict(self.provenance))

    @classmethod
    def concatenate(cls, sets: Sequence[SpectrumSet]) -> SpectrumSet:
        """Join sets on the same grid, frame and scale.

        An array that only some of them have is filled in for the others: `ivar` with NaN (the noise is not known; 0
        where imputed), `mask` with 0, `imputed` with False.

        Raises
        ------
        GridError
            When grid, frame or scale differ.
        """
        import pandas as pd

        if not sets:
            raise DataError(message("sets", expected="at least one SpectrumSet", got="none"))
        first = sets[0]
        for other in sets[1:]:
            if (other.grid_id, other.frame, other.scale) != (first.grid_id, first.frame, first.scale):
                raise GridError(message("sets", expected="one grid, frame and scale", got="several",
                                        hint="bring them to one grid with a fitted Preprocessor"))
        return first.replace(table=pd.concat([one.table for one in sets], ignore_index=True), **joined(sets))

    # -- on disk ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path, *, overwrite: bool = True, precision: str = "full") -> Path:
        """Write the set as a sharded Zarr v3 group with a manifest; returns the path.

        Parameters
        ----------
        path : path-like
            Folder to make. It appears when it is whole.
        overwrite : bool
            Whether a set that is there already may be replaced. Anything else that is there never is.
        precision : {"full", "rounded"}
            ``"rounded"`` keeps 12 bits of flux and 7 of ivar (:mod:`specanom.rounding`), in about half of the space.

        Raises
        ------
        DataError
            When something other than a saved set or an empty folder is at `path`.
        """
        arrays = [name for name in ARRAYS if self._arrays[name] is not None]
        with SpectrumWriter(path, self._wave, arrays, frame=self.frame, scale=self.scale, overwrite=overwrite,
                            provenance=self.provenance, precision=precision) as writer:
            for block in self.blocks():
                writer.append(block.table, {name: getattr(block, name) for name in arrays})
        return Path(path)

    @classmethod
    def open(cls, path: str | Path) -> SpectrumSet:
        """Open a saved set; arrays are read when they are touched.

        Raises
        ------
        DataError
            When there is no finished set of a known version at `path`.
        """
        return cls(**open_store(path))

    # -- showing it ------------------------------------------------------------------------------------------------

    def plot(self, **options: Any) -> Any:
        """Return a bokeh figure of the set; see :func:`specanom.plots.sample`."""
        return opener("plot sample")(self, **options)

    def __repr__(self) -> str:
        n, p = self.shape
        span = f"{self._wave[0]:.0f}–{self._wave[-1]:.0f} Å {self.frame}"
        kept = self.scale if self.precision == "full" else f"{self.scale}, {self.precision}"
        return f"SpectrumSet: {n} spectra x {p} pixels, {span}, {kept}"

    def _repr_html_(self) -> str:
        shown = [c for c in ("id", "z", "snr", "class", "plate", "mjd", "fiber") if c in self._table]
        return f"<p>{escape(repr(self))}</p>{self._table[shown].head(8).to_html(index=False)}"
