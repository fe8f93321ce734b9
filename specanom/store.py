"""Spectra on disk: a Zarr v3 group in shards, a Parquet table, and a manifest that says what is there.

A file system can lose the end of a write: an array that was cut short still opens and shows fill values. So the
manifest is the only truth on what exists. It is written last, by rename, and without it nothing is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .errors import DataError, ShapeError, choice, message
from .folders import FolderWriter, part_of, put_in_place, writable, write_json
from .foreign import Anything, ListOf, MapOf, Record, Text, Whole, check, open_arrays, read_json, read_table
from .rounding import BITS, PRECISION, PRECISIONS, as_stored
from .seeds import content_hash, file_hash

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "specanom spectra"
VERSION = 1
SHARD = 4096  # rows of one shard: what one task writes
CHUNK = 64  # rows of one chunk: what reading a single spectrum costs
ARRAYS: dict[str, type[np.generic]] = {
    "flux": np.float32, "ivar": np.float32, "mask": np.uint32, "imputed": np.bool_
}
WHAT = "a finished set of spectra (a folder with manifest.json)"
KINDS = {"wave": "f", "flux": "f", "ivar": "f", "mask": "u", "imputed": "b"}
FORM = Record({
    "format": Text(), "version": Whole(), "frame": Text(among=("rest", "observed")), "scale": Text(200),
    "arrays": ListOf(Text(among=tuple(ARRAYS)), least=1, most=len(ARRAYS)), "rows": Whole(0, 2**40), "wave": Text(100),
    "shards": ListOf(Record({"rows": Whole(0, 2**40), "blake2": MapOf(Text(100), keys=tuple(ARRAYS))}, more=True)),
    "provenance": MapOf(Anything(), most=1000)}, more=True)
"""What the manifest of a set says."""
_FILL: dict[str, float | int | bool] = {"flux": float("nan"), "ivar": 0.0, "mask": 0, "imputed": False}


def lacking(name: str, imputed: NDArray[np.bool_]) -> NDArray[Any]:
    """Return what stands in rows that have no array `name` among rows that have one.

    Parameters
    ----------
    name : {"ivar", "mask", "imputed"}
        The array.
    imputed : (n, p) bool array
        The pixels of those rows that were filled in.

    Returns
    -------
    (n, p) array
        Of `ivar` NaN, which is unknown, and 0 where imputed; of `mask` 0, no bits.
    """
    if name == "imputed":
        return imputed
    if name == "mask":
        return np.zeros(imputed.shape, dtype=np.uint32)
    return np.where(imputed, np.float32(0), np.float32(np.nan))


def joined(sets: Sequence[Any]) -> dict[str, NDArray[Any] | None]:
    """Return each array of several sets of spectra as one; None where none of them has it, see :func:`lacking`."""
    made: dict[str, NDArray[Any] | None] = {}
    for name in ARRAYS:
        parts = [getattr(one, name) for one in sets]
        if all(part is None for part in parts):
            made[name] = None
            continue
        made[name] = np.concatenate([
            lacking(name, np.zeros(one.shape, bool) if one.imputed is None else one.imputed)
            if part is None else part for part, one in zip(parts, sets, strict=True)])
    return made


class StoredRows:
    """Some rows of an array on disk or in memory, taken when :meth:`load` is called."""

    def __init__(self, array: Any, rows: slice | NDArray[np.intp] | None = None) -> None:
        self._array = array
        self._dtype = np.dtype(array.dtype)
        self._rows = np.arange(array.shape[0])[slice(None) if rows is None else rows]
        self.shape = (len(self._rows), *array.shape[1:])
        self._near: tuple[int, NDArray[Any]] = (0, np.empty((0, *array.shape[1:]), self._dtype))

    def __getitem__(self, key: Any) -> StoredRows:
        return StoredRows(self._array, self._rows[key])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        return self.load().astype(dtype or self._dtype, copy=False)

    def __reduce__(self) -> tuple[Any, ...]:
        # A few rows of a large array in memory do not take all of it along to another process or to disk.
        if isinstance(self._array, np.ndarray):
            return StoredRows, (self.load(),)
        return StoredRows, (self._array, self._rows)

    def row(self, index: int) -> NDArray[Any]:
        """Return one row. The chunk on disk that it lies in is kept: its neighbours are often asked for next."""
        wanted = int(self._rows[index])
        start, held = self._near
        if not start <= wanted < start + len(held):
            chunks = getattr(self._array, "chunks", None)
            step = min(int(chunks[0]), CHUNK) if chunks else 1
            start = wanted // step * step
            held = np.asarray(self._array[start : start + step])
            self._near = start, held
        values: NDArray[Any] = held[wanted - start].copy()  # a view would keep the whole chunk in memory
        values.flags.writeable = False
        return values

    def load(self) -> NDArray[Any]:
        """Read the rows, read-only."""
        rows = self._rows
        if rows.size and np.array_equal(rows, np.arange(rows[0], rows[0] + rows.size)):
            values = np.asarray(self._array[rows[0] : rows[0] + rows.size])
        else:
            wanted, back = np.unique(rows, return_inverse=True)
            picked = getattr(self._array, "oindex", self._array)
            values = np.asarray(picked[wanted])[back] if rows.size else np.empty(self.shape, self._dtype)
        values.flags.writeable = False
        return values


def as_rows(name: str, value: Any) -> NDArray[Any] | StoredRows | None:
    """Return an array of a set, checked, read-only and of its dtype; what is still on disk stays there."""
    if value is None or isinstance(value, StoredRows):
        return value
    array = np.asarray(value)
    if array.ndim != 2:
        raise ShapeError(message(name, expected="an (n, p) array", got=f"shape {array.shape}",
                                 hint="one spectrum is Spectrum(wave, flux), or flux[None, :]"))
    view = array.astype(ARRAYS[name], copy=False).view()
    view.flags.writeable = False
    return view


def told_of(provenance: Mapping[str, Any] | None, precision: str) -> dict[str, Any]:
    """Return the provenance of a set that is stored with some precision; what is rounded already stays so."""
    told = dict(provenance or {})
    return told if precision == "full" else {**told, PRECISION: {"stored": precision, "bits": dict(BITS)}}


def precision_of(provenance: Mapping[str, Any]) -> str:
    """Return how exactly a set of some provenance is stored: ``"full"`` or ``"rounded"``."""
    return str(provenance.get(PRECISION, {}).get("stored", "full"))


def create_group(path: Path, wave: NDArray[np.float64], provenance: Mapping[str, Any]) -> Any:
    """Make the Zarr group of a set with its wavelengths; its attributes say when arrays are rounded."""
    import zarr

    told = {PRECISION: provenance[PRECISION]} if PRECISION in provenance else {}
    group = zarr.create_group(store=str(path), attributes=told)
    group.create_array("wave", data=wave)
    return group


def create_array(group: Any, name: str, shape: tuple[int, int]) -> Any:
    """Make one of the arrays of a set in a Zarr group: in shards, without values yet."""
    from zarr.codecs import BloscCodec

    return group.create_array(name, shape=shape, dtype=np.dtype(ARRAYS[name]), fill_value=_FILL[name],
                              chunks=(CHUNK, shape[1]), shards=(SHARD, shape[1]),
                              compressors=BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle"))


class SpectrumWriter(FolderWriter):
    """Writes spectra in blocks; whole shards only, and the set appears when it is finished.

    Parameters
    ----------
    path : path-like
        Folder to make.
    wave : (p,) array
        Vacuum Å.
    arrays : sequence of str
        Which of flux, ivar, mask, imputed are written.
    frame, scale : str
        As in :class:`SpectrumSet`.
    overwrite : bool
        Whether a finished set at `path` may be replaced.
    provenance : mapping, optional
        Kept in the manifest; must be JSON.
    precision : {"full", "rounded"}
        Whether flux and ivar are rounded to a few bits, see :mod:`.rounding`.

    Raises
    ------
    DataError
        When something other than saved spectra or an empty folder is at `path`.

    Notes
    -----
    Everything goes to a folder beside `path` first and is renamed on :meth:`close`; leaving the ``with`` block by
    an exception removes it.
    """

    def __init__(
        self,
        path: str | Path,
        wave: NDArray[np.float64],
        arrays: Sequence[str] = ("flux", "ivar"),
        *,
        frame: str = "rest",
        scale: str = "normalised",
        overwrite: bool = True,
        provenance: Mapping[str, Any] | None = None,
        precision: str = "full",
    ) -> None:
        self.path = Path(path)
        self._precision = choice(PRECISION, precision, PRECISIONS)
        self._folder = writable(path, FORMAT, overwrite=overwrite)
        self._part = part_of(self._folder)
        self._wave = np.asarray(wave, dtype=np.float64)
        self._tables: list[pd.DataFrame] = []
        self._waiting: dict[str, list[NDArray[Any]]] = {name: [] for name in arrays}
        self._rows = 0
        self._shards: list[dict[str, Any]] = []
        told = told_of(provenance, precision)
        self._head = {"format": FORMAT, "version": VERSION, "frame": frame, "scale": scale, "arrays": list(arrays),
                      "provenance": told}
        with self._beginning():
            self._group = self._create(list(arrays), told)

    def _create(self, arrays: list[str], told: Mapping[str, Any]) -> Any:
        self._part.parent.mkdir(parents=True, exist_ok=True)
        group = create_group(self._part, self._wave, told)
        for name in arrays:
            create_array(group, name, (0, self._wave.size))
        return group

    def append(self, table: pd.DataFrame, arrays: Mapping[str, NDArray[Any] | None]) -> None:
        """Add rows: a table with their ids, and each array of shape ``(n, p)``."""
        for name, waiting in self._waiting.items():
            values = arrays.get(name)
            if values is None or values.shape != (len(table), self._wave.size):
                raise ShapeError(message(name, expected=f"shape ({len(table)}, {self._wave.size})",
                                         got="nothing" if values is None else f"shape {values.shape}"))
            waiting.append(np.asarray(values, dtype=ARRAYS[name]))
        self._tables.append(table)
        self._rows += len(table)
        while self._rows - SHARD * len(self._shards) >= SHARD:
            self._write_shard(SHARD)

    def join_tables(self, join: Callable[[list[pd.DataFrame]], pd.DataFrame]) -> None:
        """Have the tables that were added joined by `join`, and not simply one below the other."""
        if self._tables:
            self._tables = [join(self._tables)]

    def _write_shard(self, rows: int) -> None:
        start = SHARD * len(self._shards)
        hashes = {}
        for name, waiting in self._waiting.items():
            joined = np.concatenate(waiting)
            values, rest = as_stored(name, joined[:rows], self._precision), joined[rows:]
            self._waiting[name] = [rest] if len(rest) else []
            array = self._group[name]
            array.resize((start + rows, self._wave.size))
            array[start : start + rows] = values
            hashes[name] = content_hash(values)
        self._shards.append({"rows": rows, "blake2": hashes})

    def close(self) -> Path:
        """Write what is left, the table and the manifest, and put the set in its place."""
        import pandas as pd

        left = self._rows - SHARD * len(self._shards)
        if left:
            self._write_shard(left)
        table = pd.concat(self._tables, ignore_index=True) if self._tables else pd.DataFrame({"id": []})
        table.to_parquet(self._part / "table.parquet", index=False)
        manifest = self._head | {"rows": self._rows, "table": file_hash(self._part / "table.parquet"),
                                 "wave": content_hash(self._wave), "shards": self._shards}
        write_json(self._part / "manifest.json", manifest)
        put_in_place(self._part, self._folder, FORMAT)
        return self.path


def open_store(path: str | Path) -> dict[str, Any]:
    """Return the constructor arguments of the SpectrumSet saved at `path`; its arrays as :class:`StoredRows`.

    Raises
    ------
    DataError
        When there is no manifest (nothing there, or the write did not finish), when it is of another version, or
        when the arrays are not what it says.
    """
    folder = Path(path)
    manifest = read_json(folder / "manifest.json", WHAT, hint="write it again with .save()")
    if not isinstance(manifest, dict):
        check(manifest, FORM, folder / "manifest.json")
    if manifest.get("format") != FORMAT or manifest.get("version") != VERSION:
        raise DataError(message("path", expected=f"{FORMAT!r} of version {VERSION}",
                                got=f"{manifest.get('format')!r} of version {manifest.get('version')}",
                                hint="make it again with this version of specanom"))
    check(manifest, FORM, folder / "manifest.json")
    names = ("wave", *manifest["arrays"])
    group: Any = open_arrays(folder, WHAT, arrays=names, filled=("wave", "flux"), kinds=KINDS)
    if group["wave"].ndim != 1:
        raise DataError(message("path", expected="one row of wavelengths", got=f"{group['wave'].shape} in {folder}"))
    wave = np.asarray(group["wave"][:])
    arrays = {name: StoredRows(group[name]) for name in manifest["arrays"]}
    expected = (manifest["rows"], wave.size)
    for name, rows in arrays.items():
        if rows.shape != expected:
            raise DataError(message("path", expected=f"{name} of shape {expected} as the manifest says",
                                    got=f"shape {rows.shape} in {folder}", hint="write it again with .save()"))
    if content_hash(wave) != manifest["wave"]:
        raise DataError(message("path", expected="the wavelengths of the manifest", got=f"others in {folder}",
                                hint="write it again with .save()"))
    table = read_table(folder / "table.parquet", WHAT, needed=("id",))
    if len(table) != manifest["rows"]:
        raise DataError(message("path", expected=f"{manifest['rows']} rows as the manifest says",
                                got=f"{len(table)} in the table of {folder}", hint="write it again with .save()"))
    return {"wave": wave, **arrays, "table": table, "frame": manifest["frame"], "scale": manifest["scale"],
            "provenance": manifest["provenance"]}
