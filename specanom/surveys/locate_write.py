"""Writes where spectra lie and what is known of them as Parquet tables, in a stream: a survey need not fit in memory.

Comparing text is what takes time in a search, so ids are searched by 96 bits of their BLAKE2 hash, by which the table
is sorted: one id is in one row group, and of a thousand only the hashes are read of the rest.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from ..errors import DataError, message
from ..folders import part_of, put_in_place, writable, write_json
from ..foreign import believed, damaged
from .blocks import COLUMNS
from .database import database
from .desi import DesiSource
from .sdss import SpecSource
from .sdss_image import ImageSource
from .sdss_plate import PlateSource
from .survey import Entry, Log, Source, Survey
from .tables import TableSource

FORM, VERSION = "specanom spectrum index", 2
"""Version 1 held places alone."""
KNOWN = {"z": float, "z_err": float, "z_noqso": float, "zwarning": int, "class": str, "subclass": str, "objtype": str,
         "snr": float, "ebv": float, "deltachi2": float, "ra": float, "dec": float, "specobjid": str}
"""What files beside the spectra, or a catalogue, may have told of an object. What a user keeps of a catalogue is beside
these in ``more``, as JSON."""
SPECTRA, FILES, KNOWLEDGE = "spectra.parquet", "files.parquet", "known.parquet"
PLACES = ("key", "check", "id", "file", "row")
"""Columns of ``spectra.parquet``; the others are in ``known.parquet``, which looking up places need not open."""
BATCH = 65_536
"""Spectra held at a time."""
GROUP = 20_000
"""Rows of a row group."""
HDUS = ((PlateSource, 0), (SpecSource, 1), (ImageSource, 0), (TableSource, -1))
Left = tuple[str, str, str]
WRITE = "a simulated survey has to be written first: survey.write(folder)"
TRIES = {
    "no file": WRITE,
    "no redshift": "put the redrock or spZbest files beside the spectra, or name a catalogue of redshifts "
                   "(catalogue=FILE)",
    "no pipeline class": "a column class (GALAXY, QSO or STAR) in your table says what each is; target=None takes all, "
                         "in a run -p target=any",
}
"""Words of the reasons for which all were left out → what to try."""


def keys_of(ids: Iterable[str]) -> tuple[list[int], list[int]]:
    """Return 64 and another 32 bits of the hash of each id."""
    digests = [hashlib.blake2b(id.encode("utf-8", "surrogatepass"), digest_size=12).digest() for id in ids]
    return ([int.from_bytes(one[:8], "little") for one in digests],
            [int.from_bytes(one[8:], "little") for one in digests])


def _nothing(log: Log) -> dict[str, str]:
    """Say why a survey has no spectrum to index, the commonest reasons first, and what to try."""
    counts = Counter(one.reason for one in log.skipped).most_common(3)
    reasons = "; ".join(f"{count} left out: {reason}" for reason, count in counts)
    if not counts:
        return {"got": "none", "hint": WRITE}
    tried = (hint for words, hint in TRIES.items() if any(words in reason for reason, _ in counts))
    return {"got": f"none ({reasons})", "hint": next(tried, "other files, or looser cuts")}


def write_index(survey: Survey, path: Path, root: Path | None) -> list[Left]:
    """Write the index of a survey; returns what was left out: (id, path, reason).

    Raises
    ------
    DataError
        When there is nothing to index, a file is not below `root`, or something else is at `path`.
    """
    writable(path, FORM)
    part = part_of(path)
    part.mkdir(parents=True)
    writing = _Writing(survey, part)
    try:
        top = _common(writing.run(), root)
        _sort(part, len(str(top).rstrip(os.sep)) + 2)
        write_json(part / "manifest.json", {"format": FORM, "version": VERSION, "name": survey.name, "root": str(top),
                                            "near": _relative(top, path), "spectra": writing.count})
        put_in_place(part, path, FORM)
    finally:
        if part.exists():
            for one in part.iterdir():
                one.unlink()
            part.rmdir()
    return [(one.id, one.path, one.reason) for one in writing.log.skipped]


class _Writing:
    """Goes through a survey and writes its places as they come."""

    def __init__(self, survey: Survey, folder: Path) -> None:
        self.survey, self.folder, self.log = survey, folder, Log()
        self.count = 0

    def run(self) -> set[str]:
        """Write, with absolute paths; returns the folders of the files."""
        import pyarrow as pa
        from pyarrow import parquet

        kinds = {float: pa.float64(), int: pa.int64(), str: pa.string()}
        spectra = pa.schema([("key", pa.uint64()), ("check", pa.uint32()), ("id", pa.string()), ("file", pa.int32()),
                             ("row", pa.int32()), *((name, kinds[kind]) for name, kind in KNOWN.items()),
                             ("more", pa.string())])
        files = pa.schema([("file", pa.int32()), ("survey", pa.string()), ("path", pa.string()), ("hdu", pa.int32()),
                           ("size", pa.int64()), ("mtime", pa.int64())])
        folders: set[str] = set()
        with (parquet.ParquetWriter(self.folder / f"loose-{SPECTRA}", spectra) as first,
              parquet.ParquetWriter(self.folder / f"loose-{FILES}", files) as second):
            for rows, places in self._batches():
                folders |= {os.path.dirname(one[2]) for one in places}
                keys, checks = keys_of(row[0] for row in rows)
                columns = [keys, checks, *([list(column) for column in zip(*rows, strict=True)])]
                first.write_table(pa.table(columns, schema=spectra))
                second.write_table(pa.table([list(column) for column in zip(*places, strict=True)], schema=files))
                self.count += len(rows)
        if not self.count:
            raise DataError(message("survey", expected="at least one spectrum in a file", **_nothing(self.log)))
        return folders

    def _batches(self) -> Iterator[tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]]:
        rows: list[tuple[Any, ...]] = []
        places: list[tuple[Any, ...]] = []
        number = 0
        for source, entries in self._sources():
            try:
                state = os.stat(source.path)
            except OSError as exc:
                for entry in entries:
                    self.log.skip(source.path, f"no file: {exc.strerror}", str(entry.meta["id"]))
                continue
            places.append((number, str(entries[0].meta.get("survey", self.survey.name)), os.path.abspath(source.path),
                           _hdu(source), state.st_size, state.st_mtime_ns))
            rows += [(str(entry.meta["id"]), number, int(entry.row), *_known(entry.meta)) for entry in entries]
            number += 1
            if len(rows) >= BATCH:
                yield rows, places
                rows, places = [], []
        if rows:
            yield rows, places

    def _sources(self) -> Iterator[tuple[Source, list[Entry]]]:
        """Yield each source with the objects that the survey's gate lets through."""
        for source in self.survey._sources(self.log):
            try:
                entries = list(self.survey._select(source, self.log))
            except (DataError, OSError) as exc:
                self.log.skip(source.path, str(exc))
                continue
            if entries:
                yield source, entries


def _known(meta: Mapping[str, Any]) -> Iterator[Any]:
    for name, kind in KNOWN.items():
        yield kind(meta[name])
    more = {name: value for name, value in meta.items() if name not in COLUMNS}
    yield json.dumps(more) if more else None


def _hdu(source: Source) -> int:
    """Return the HDU whose row is told: of the flux, or of the targets where the flux is in several; −1 for none."""
    inner: Any = source
    while hasattr(inner, "_source"):
        inner = inner._source
    if isinstance(inner, DesiSource):
        first = inner.file.hdu(1)
        return 1 if first is not None and first.kind == "BINTABLE" else -1
    return next((hdu for kind, hdu in HDUS if isinstance(inner, kind)), -1)


def _common(folders: set[str], root: Path | None) -> Path:
    top = Path(os.path.commonpath(sorted(folders)))
    if root is None:
        return top
    given = Path(os.path.abspath(root))
    if not top.is_relative_to(given):
        raise DataError(message("root", expected="a folder that all files are below", got=f"{given}",
                                hint=f"{top}, or leave it out"))
    return given


def _relative(top: Path, folder: Path) -> str:
    """Return `top` as seen from the index; empty where there is no such way, as between drives."""
    try:
        return Path(os.path.relpath(top, os.path.abspath(folder))).as_posix()
    except ValueError:
        return ""


def _sort(folder: Path, cut: int) -> None:
    """Sort the spectra by key, on disk where memory is short; paths become relative: they lose what is before `cut`."""
    path = f"substr(path, {cut})"
    if os.sep != "/":
        path = f"replace({path}, '{os.sep}', '/')"
    with database() as base:
        places = ", ".join(f'"{name}"' for name in PLACES)
        for name, of, what in ((SPECTRA, SPECTRA, f"{places} FROM {{}} ORDER BY key"),
                               (KNOWLEDGE, SPECTRA, '* EXCLUDE ("id", "file", "row") FROM {} ORDER BY key'),
                               (FILES, FILES, f"* REPLACE ({path} AS path) FROM {{}}")):
            base.execute(f"COPY (SELECT {what.format(read_of(folder / f'loose-{of}'))}) TO {quoted(folder / name)} "
                         f"(FORMAT parquet, COMPRESSION snappy, ROW_GROUP_SIZE {GROUP})")
    for name in (SPECTRA, FILES):
        (folder / f"loose-{name}").unlink()


def read_of(path: Path) -> str:
    """Return what DuckDB calls a Parquet file."""
    return f"read_parquet({quoted(path)})"


def checked_of(path: Path) -> str:
    """Return what DuckDB calls a Parquet file that may be anybody's, once its counts were held against its size.

    Raises
    ------
    DataError
        When it is not there, no Parquet, or claims more than it can hold.
    """
    with damaged(path, "a table of an index", hint="build it again"):
        state = os.stat(path)
        _check(os.path.abspath(path), state.st_size, state.st_mtime_ns)
    return read_of(path)


@lru_cache(maxsize=64)
def _check(path: str, size: int, time: int) -> None:
    """Check a file once in the state that it is in: tasks by the thousand look into the same index."""
    believed(path, long_texts=False)


def quoted(path: Path) -> str:
    """Return a path as a text of SQL."""
    return "'" + str(path).replace("'", "''") + "'"
