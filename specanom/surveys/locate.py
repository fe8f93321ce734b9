"""Where each spectrum lies: an index from id to file, HDU and row, so that any id opens at once."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import DataError, message
from ..foreign import Anything, Maybe, Record, Text, Whole, check, damaged, parse_json, read_json
from ..ids import id_texts
from ..spectrum import Spectrum
from .blocks import Pixels
from .database import database
from .files import Opener, Sidecar
from .locate_write import FILES, FORM, KNOWLEDGE, KNOWN, SPECTRA, VERSION, checked_of, keys_of, write_index
from .reading import informed, read, read_known
from .survey import GROUP, Entry, Log, Source, Survey

if TYPE_CHECKING:
    import pandas as pd

STATES = OK, TOUCHED, CHANGED, GONE, UNKNOWN = "ok", "touched", "changed", "no file", "unknown"
"""As when it was indexed · of the same size, written at another time, as a copy is · of another size · not there ·
an id the index does not have."""
WHAT = "an index written by SpectrumIndex.build"
TOLD = Record({"format": Anything(), "version": Whole(1, 2**31), "name": Text(), "root": Text(), "near": Maybe(Text()),
               "spectra": Whole(0, 2**48)}, more=True)
_REASONS = {UNKNOWN: "not in the index", GONE: "no file: it was moved or deleted since it was indexed"}


class SpectrumIndex:
    """An index id → file, HDU, row: a folder of Parquet tables that DuckDB looks into.

    It keeps what the survey knew of each object from files beside the spectra or from a catalogue, redshift and class
    first, so that a spectrum that is opened by its id is the one that was indexed. An index of an older version opens
    too; redshifts are then those that lie beside the file.

    Paths in it are relative to a root, so that a folder of spectra may move: it is found again where it was, or beside
    the index as it was beside it, or where `root` says.

    Attributes
    ----------
    path : Path
        The index.
    root : Path
        Folder that the paths are relative to.
    name : str
        Of the survey.
    skipped : list of (id, path, reason)
        What was left out when it was built; empty for one that was opened.

    Examples
    --------
    >>> index = SpectrumIndex.build("spectra/", "spectra/index")        # doctest: +SKIP
    >>> index.read("0266-51602-0001").plot()                                    # doctest: +SKIP
    """

    _threads: int | None = None
    """Cores that look ids up; all when None."""

    def __init__(self, path: str | Path, *, root: str | Path | None = None) -> None:
        self.path = Path(os.path.abspath(path))
        told = _told(self.path)
        self.name: str = told["name"]
        self._count = int(told["spectra"])
        self._knows = int(told["version"]) >= 2
        self.skipped: list[tuple[str, str, str]] = []
        self._base: Any = None
        self.root = self._find(told) if root is None else _given(root)

    @classmethod
    def build(cls, survey: Any, path: str | Path, *, root: str | Path | None = None) -> SpectrumIndex:
        """Go through a survey, without reading its pixels, and write where each spectrum lies.

        Parameters
        ----------
        survey : Survey or path-like or list
            A survey (its gate decides what is indexed, its first copy of an id counts), or what
            :func:`specanom.read` takes.
        path : path-like
            The folder to write; an index that is there is replaced when the new one is whole.
        root : path-like, optional
            Folder the paths are relative to; the lowest that holds all files when not given.

        Raises
        ------
        DataError
            When there is no spectrum in a file, or a file is not below `root`.
        """
        whole = survey if isinstance(survey, Survey) else read(survey)
        path = Path(os.path.abspath(path))
        skipped = write_index(whole, path, None if root is None else Path(root))
        made = cls(path)
        made.skipped = skipped
        return made

    @classmethod
    def open(cls, path: str | Path, *, root: str | Path | None = None) -> SpectrumIndex:
        """Open what :meth:`build` wrote.

        Parameters
        ----------
        path : path-like
        root : path-like, optional
            Where the files are now.

        Raises
        ------
        DataError
            When there is no index at `path`, or `root` is no folder.
        """
        return cls(path, root=root)

    # -- looking up ------------------------------------------------------------------------------------------------

    def locate(self, ids: Any) -> pd.DataFrame:
        """Return where spectra lie, one row an id, in the order asked.

        Parameters
        ----------
        ids : str or iterable of str
            Text; integers are taken digit by digit.

        Returns
        -------
        DataFrame
            ``id``, ``survey``, ``path`` (absolute), ``hdu`` (that has the row: of the flux, of DESI of the
            targets; −1 where there is none),
            ``row`` (from 0, of the objects of the file), ``state``: ``"ok"``, ``"touched"`` (same size, written at
            another time), ``"changed"`` (another size), ``"no file"`` or ``"unknown"``.

        Raises
        ------
        DataError
            For an id that is a float of more digits than those keep.
        """
        import pandas as pd

        texts = _texts(ids)
        with damaged(self.path, WHAT), self._cursor() as base:
            base.register("asked", _asked(texts))
            found = base.execute(
                "SELECT f.survey, f.path, f.hdu, s.\"row\", f.size, f.mtime FROM asked AS a "
                "LEFT JOIN spectra AS s ON s.key = a.key AND s.\"check\" = a.\"check\" "
                "LEFT JOIN files AS f ON f.file = s.file ORDER BY a.place").df()
        found.insert(0, "id", pd.Series(texts, dtype="str"))
        known = found["path"].notna().to_numpy()
        root = str(self.root)
        found["path"] = [os.path.join(root, path) if there else ""
                         for path, there in zip(found["path"], known, strict=True)]
        found["survey"] = found["survey"].fillna("")
        for name in ("hdu", "row"):
            found[name] = found[name].fillna(-1).astype("int64")
        state = _States()
        found["state"] = [state(*one) if there else UNKNOWN for *one, there in
                          zip(found["path"], found["size"], found["mtime"], known, strict=True)]
        made: pd.DataFrame = found[["id", "survey", "path", "hdu", "row", "state"]]
        return made

    def __contains__(self, id: object) -> bool:
        return bool((self.locate([id])["state"] != UNKNOWN).all())

    def __len__(self) -> int:
        return self._count

    def ids(self, n: int | None = None) -> list[str]:
        """Return `n` ids, or all, in the order of the index, which is that of no sky and no survey."""
        limit = "" if n is None else f" LIMIT {int(n)}"
        with self._cursor() as base:
            return [row[0] for row in base.execute(f"SELECT id FROM spectra{limit}").fetchall()]

    # -- reading ---------------------------------------------------------------------------------------------------

    def read(self, id: str) -> Spectrum:
        """Read a spectrum.

        It is looked for by its id in the file, so that one that was written to since gives it too. Redshift, class,
        flags and the columns that were kept of a catalogue are those of the survey that was indexed.

        Raises
        ------
        DataError
            When the index does not know the id, its file is gone, or the file no longer holds it.
        """
        place = self.locate(id).iloc[0]
        state, path, name = str(place["state"]), str(place["path"]), str(place["id"])
        if state == UNKNOWN:
            raise DataError(message("id", expected=f"one of the {len(self)} ids of {self.path.name}", got=repr(name),
                                    hint=f"{', '.join(self.ids(3))}, …"))
        if state == GONE:
            raise DataError(message("id", expected=f"a file at {path}", got="none",
                                    hint="SpectrumIndex.open(path, root=…) where the files are now"))
        try:
            return read_known(path, None, name, known=self._known([name]).get(name, {}))
        except DataError as exc:
            if state == OK:
                raise
            raise DataError(message("id", expected=f"{name} in {path}, as when it was indexed", got=str(exc),
                                    hint="SpectrumIndex.build again")) from exc

    def read_many(self, ids: Iterable[str]) -> Survey:
        """Return the spectra of some ids as a Survey: each file is opened once, its objects in its order.

        What cannot be read is in its ``.skipped``, with the reason; a Preprocessor takes it like any survey. What is
        known of the objects is as :meth:`read` gives it.
        """
        places = self.locate(ids).drop_duplicates("id")
        known = self._known(places["id"].tolist())

        def sources(log: Log) -> Iterator[Source]:
            for one in places[places["state"].isin((UNKNOWN, GONE))].itertuples():
                log.skip(str(one.path), _REASONS[str(one.state)], str(one.id))
            there = places[~places["state"].isin((UNKNOWN, GONE))]
            for path, rows in there.groupby("path", sort=False):
                wanted = [str(id) for id in rows["id"]]
                try:
                    yield Picked(Opener([str(path)]).open(str(path)), wanted, log, known=known)
                except (DataError, OSError, Sidecar) as exc:
                    for id in wanted:
                        log.skip(str(path), f"not readable: {exc}", id)

        return Survey(sources, name=self.name)

    def _known(self, ids: Sequence[str]) -> dict[str, dict[str, Any]]:
        """Return what the survey knew of some objects, by id; nothing where the index is of the first version."""
        if not self._knows:
            return {}
        with damaged(self.path, WHAT), self._cursor() as base:
            base.register("asked", _asked(ids))
            columns = ", ".join(f's."{name}"' for name in KNOWN)
            found = base.execute(f'SELECT a.place, {columns}, s.more FROM asked AS a JOIN known AS s '
                                 'ON s.key = a.key AND s."check" = a."check"').fetchall()
        return {ids[place]: {**dict(zip(KNOWN, values, strict=True)), **(parse_json(more) if more else {})}
                for place, *values, more in found}

    def _find(self, told: Mapping[str, Any]) -> Path:
        """Return where the files are: as the index lies beside them, or where they were."""
        with damaged(self.path, WHAT), self._cursor() as base:
            first = base.execute("SELECT path FROM files LIMIT 1").fetchone()
        was = Path(told["root"])
        beside = Path(os.path.normpath(self.path / told["near"])) if told["near"] else was
        return beside if first is not None and (beside / first[0]).exists() else was

    def _cursor(self) -> Any:
        if self._base is None:
            self._base = database(self._threads)
            self._base.execute("SET parquet_metadata_cache = true")
            self._base.execute(f"CREATE VIEW spectra AS SELECT * FROM {checked_of(self.path / SPECTRA)}")
            if self._knows:
                self._base.execute(f"CREATE VIEW known AS SELECT * FROM {checked_of(self.path / KNOWLEDGE)}")
            self._base.execute(f"CREATE VIEW files AS SELECT * FROM {checked_of(self.path / FILES)}")
        return self._base.cursor()

    def __repr__(self) -> str:
        return f"SpectrumIndex {self.path.name!r}: {len(self)} spectra of {self.name} in {self.root}"


class Picked:
    """A source of which only some objects are wanted.

    Parameters
    ----------
    source : Source
    ids : sequence of str
    log : Log
        Where ids are noted that the file does not have.
    known : mapping
        Id → what is known of it from elsewhere.
    """

    def __init__(self, source: Source, ids: Sequence[str], log: Log, *,
                 known: Mapping[str, Mapping[str, Any]]) -> None:
        self._source, self.path = source, source.path
        self.together: int = getattr(source, "together", GROUP)
        wanted = set(ids)
        held: dict[str, Entry] = {}
        for entry in source.entries():
            if (id := str(entry.meta["id"])) in wanted:
                held.setdefault(id, informed(entry, known.get(id, {})))
        self._entries = list(held.values())
        for id in ids:
            if id not in held:
                log.skip(self.path, "no longer in the file: it was written to since it was indexed", id)

    def entries(self) -> Sequence[Entry]:
        """See :class:`.survey.Source`."""
        return self._entries

    def pixels(self, rows: Sequence[int]) -> Pixels:
        """See :class:`.survey.Source`."""
        return self._source.pixels(rows)

    def details(self, row: int) -> Mapping[str, Any]:
        """See :class:`.survey.Source`."""
        return self._source.details(row)


def _asked(ids: Sequence[str]) -> pd.DataFrame:
    """Return the table that is joined with the index: place, key and check of each id."""
    import pandas as pd

    keys, checks = keys_of(ids)
    return pd.DataFrame({"place": range(len(ids)), "key": pd.Series(keys, dtype="uint64"),
                         "check": pd.Series(checks, dtype="uint32")})


class _States:
    """Tells how files are now; asks for each once."""

    def __init__(self) -> None:
        self._seen: dict[str, os.stat_result | None] = {}

    def __call__(self, path: str, size: float, mtime: float) -> str:
        if path not in self._seen:
            try:
                self._seen[path] = os.stat(path)
            except OSError:
                self._seen[path] = None
        now = self._seen[path]
        if now is None:
            return GONE
        if now.st_size != size:
            return CHANGED
        return OK if now.st_mtime_ns == mtime else TOUCHED


def _texts(ids: Any) -> list[str]:
    many = isinstance(ids, Iterable) and not isinstance(ids, (str, bytes))
    return id_texts(ids if many else [ids], "ids")


def _told(path: Path) -> dict[str, Any]:
    """Return what an index says of itself."""
    told: dict[str, Any] = read_json(path / "manifest.json", WHAT)
    check(told, TOLD, path / "manifest.json")
    kind, version = told.get("format"), told.get("version", 0)
    if kind != FORM or version not in range(1, VERSION + 1) or (version > 1 and not (path / KNOWLEDGE).is_file()):
        raise DataError(message("path", expected=f"{FORM!r} of version 1 to {VERSION}, whole",
                                got=f"{kind!r} of version {version}", hint="build it again"))
    return told


def _given(root: str | Path) -> Path:
    folder = Path(os.path.abspath(os.path.expanduser(root)))
    if not folder.is_dir():
        raise DataError(message("root", expected="the folder of the files", got=f"no folder at {folder}"))
    return folder
