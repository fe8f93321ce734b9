"""A knowledge base on disk: a folder of JSON, npy and Parquet with a manifest; nothing is pickled.

``manifest.json`` names every file with its size and hash. Files are read when they are first needed, and checked then.
"""

from __future__ import annotations

import hashlib
import shutil
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from ..folders import part_of, put_in_place, writable, write_json
from ..foreign import (
    Flag,
    ListOf,
    MapOf,
    Maybe,
    Number,
    Record,
    Text,
    Whole,
    check,
    open_npy,
    read_arrays,
    read_json,
    read_table,
)
from .approximate import KINDS, Approximate, Recall, read_approximate
from .backends import Backend, exact_backend
from .entries import Entries, Skipped

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "specanom knowledge base"
VERSION = 1
VECTORS, NAMES, ABOUT, ARRAYS, GRAPH = "vectors.npy", "names.parquet", "metadata.parquet", "arrays.npz", "index.faiss"
_COUNT = Whole(0, 2**40)
_FILE = Record({"bytes": _COUNT, "hash": Text(64)})
_FORM = Record({
    "format": Text(), "version": Whole(),
    "settings": Record({
        "n": Whole(1, 2**40), "d": Whole(1, 2**24), "kind": Text(among=("exact", *KINDS)), "encoder": Maybe(Text()),
        "tau": Number(0), "given_tau": Flag(), "labelled": _COUNT, "classes": _COUNT,
        "skipped": ListOf(Record({"id": Text(), "reason": Text()})),
        "recall": Maybe(Record({"value": Number(open=True), "k": _COUNT, "queries": _COUNT, "effort": _COUNT}))}),
    "files": MapOf(_FILE, most=5, keys=(VECTORS, NAMES, ABOUT, ARRAYS, GRAPH))})


@dataclass(frozen=True)
class Settings:
    """What a knowledge base is, without its rows.

    Attributes
    ----------
    n, d : int
        Vectors and dimensions.
    kind : {"exact", "hnsw", "ivf"}
    encoder : str or None
    tau : float
    given_tau : bool
        Whether τ was chosen rather than measured.
    labelled, classes : int
        Members with a label, and different labels.
    skipped : tuple of Skipped
    recall : Recall or None
        Of an approximate index.
    """

    n: int
    d: int
    kind: str
    encoder: str | None
    tau: float
    given_tau: bool
    labelled: int
    classes: int
    skipped: tuple[Skipped, ...] = ()
    recall: Recall | None = None


class Origin(Protocol):
    """Where the rows of a knowledge base and its index come from."""

    @property
    def entries(self) -> Entries:
        """The rows, in the order they were given."""
        ...

    @property
    def own(self) -> NDArray[np.float64] | None:
        """Distances of members to their own neighbours, when they were measured."""
        ...

    def backend(self, vectors: NDArray[Any]) -> Backend:
        """Return what searches `vectors`: those of the entries in the order of their ids."""
        ...


@dataclass(eq=False)
class Memory:
    """Rows in memory, and an approximate index when there is one."""

    entries: Entries
    own: NDArray[np.float64] | None = None
    approximate: Approximate | None = None

    def backend(self, vectors: NDArray[Any]) -> Backend:
        """Return the approximate index, or an exact one made now."""
        return exact_backend(vectors) if self.approximate is None else self.approximate


class Folder:
    """Rows of a saved knowledge base, read when they are first asked for."""

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path, self._manifest = path, manifest

    @cached_property
    def entries(self) -> Entries:
        """The rows; vectors stay on disk and are mapped into memory."""
        import pandas as pd

        n, d = self._manifest["settings"]["n"], self._manifest["settings"]["d"]
        names, about = self._table(NAMES), self._table(ABOUT)
        if not len(about.columns):  # Parquet keeps no rows of a table without columns
            about = pd.DataFrame(index=range(n))
        vectors = self._opened(VECTORS)
        if vectors.dtype.kind != "f" or vectors.shape != (n, d) or len(names) != n or len(about) != n:
            raise _corrupt(self.path, f"{n} x {d} vectors were promised, {vectors.shape} are there")
        return Entries(vectors, names["id"].to_numpy(dtype=object), names["label"].to_numpy(dtype=object), about)

    @cached_property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        try:
            stored = read_arrays(self._checked(ARRAYS), "arrays of a knowledge base")
            own, n = stored.get("own"), self._manifest["settings"]["n"]
            if own is not None and (own.dtype.kind != "f" or own.ndim != 2 or len(own) > n):
                raise DataError(f"own is {own.dtype} of shape {own.shape}")
        except DataError as exc:
            raise _corrupt(self.path, f"{ARRAYS}: {exc}") from exc
        return stored

    def _opened(self, name: str) -> NDArray[Any]:
        try:
            return open_npy(self._checked(name), "vectors of a knowledge base", mapped=True)
        except DataError as exc:
            raise _corrupt(self.path, f"{name}: {exc}") from exc

    @property
    def own(self) -> NDArray[np.float64] | None:
        """Distances of members to their own neighbours, when they were measured before saving."""
        return self._arrays.get("own")

    def backend(self, vectors: NDArray[Any]) -> Backend:
        """Return the index that was saved, or an exact one made now."""
        state = self._manifest["settings"]
        if state["kind"] == "exact":
            return exact_backend(vectors)
        try:
            found = read_approximate(self._checked(GRAPH), self._arrays["rows"], self._arrays["centre"],
                                     kind=state["kind"], recall=Recall(**state["recall"]))
        except (KeyError, ValueError, RuntimeError, OSError) as exc:
            raise exc if isinstance(exc, DataError) else _corrupt(self.path, f"{GRAPH}: {exc}") from exc
        if (found.rows.size, found.centre.size) != (state["n"], state["d"]):
            raise _corrupt(self.path, f"{GRAPH} is of {found.rows.size} x {found.centre.size} vectors")
        return found

    def _table(self, name: str) -> pd.DataFrame:
        path = self._checked(name)
        try:
            return read_table(path, "a table of a knowledge base", needed=("id", "label") if name == NAMES else ())
        except DataError as exc:
            raise _corrupt(self.path, f"{name}: {exc}") from exc

    def _checked(self, name: str) -> Path:
        """Return the path of a file whose hash is that of the manifest."""
        path = self.path / name
        if _digest(path) != self._manifest["files"][name]["hash"]:
            raise _corrupt(self.path, f"{name} is not what was saved")
        return path


def _digest(path: Path) -> str:
    try:
        with open(path, "rb") as handle:
            return hashlib.file_digest(handle, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
    except OSError as exc:
        raise _corrupt(path.parent, f"{path.name}: {exc}") from exc


def _corrupt(path: Path, why: str) -> DataError:
    return DataError(message("path", expected="a whole knowledge base", got=f"{path}, which is damaged ({why})",
                             hint="copy the folder again, or build and save it again"))


def write(path: str | Path, settings: Settings, entries: Entries, *, backend: Backend,
          own: NDArray[np.float64]) -> Path:
    """Write a folder beside its place and put it there when it is whole; returns its path.

    Of an exact `backend` nothing is written: making it again is quicker than reading it.

    Raises
    ------
    DataError
        When something else is there, or a column of the metadata cannot be written to Parquet.
    """
    folder = writable(path, FORMAT)
    part = part_of(folder)
    part.mkdir(parents=True)
    try:
        _write_files(part, entries, backend if isinstance(backend, Approximate) else None, own)
        files = {one.name: {"bytes": one.stat().st_size, "hash": _digest(one)} for one in sorted(part.iterdir())}
        state = {**asdict(settings), "recall": None if settings.recall is None else settings.recall.state()}
        write_json(part / "manifest.json", {"format": FORMAT, "version": VERSION, "settings": state, "files": files})
        put_in_place(part, folder, FORMAT)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


def _write_files(part: Path, entries: Entries, backend: Approximate | None, own: NDArray[np.float64]) -> None:
    import pandas as pd

    np.save(part / VECTORS, entries.vectors, allow_pickle=False)
    pd.DataFrame({"id": entries.ids, "label": entries.labels}, dtype=object).to_parquet(part / NAMES)
    try:
        entries.metadata.to_parquet(part / ABOUT)
    except Exception as exc:
        raise DataError(message("metadata", expected="columns of one type each, which Parquet can hold", got=str(exc),
                                hint="turn that column into text or numbers")) from exc
    arrays: dict[str, NDArray[Any]] = {"own": own}
    if backend is not None:
        backend.write(part / GRAPH)
        arrays |= {"rows": backend.rows, "centre": backend.centre}
    np.savez(part / ARRAYS, allow_pickle=False, **arrays)


def read(path: str | Path) -> tuple[Settings, Folder]:
    """Open a folder that :func:`write` made; only its manifest is read, and the sizes of its files.

    Raises
    ------
    DataError
        When it is no knowledge base, of a newer format, or not whole.
    """
    folder = Path(path)
    manifest = read_json(folder / "manifest.json", "a folder written by KnowledgeBase.save")
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        got = manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__
        raise DataError(message("path", expected=f"a folder of format {FORMAT!r}", got=f"{path}, which holds {got!r}"))
    if manifest.get("version") != VERSION:
        raise DataError(message("path", expected=f"version {VERSION} of {FORMAT!r}", got=manifest.get("version"),
                                hint="a newer specanom wrote it: update specanom, or build the base again"))
    try:
        check(manifest, _FORM, folder / "manifest.json")
        settings = _settings(manifest["settings"])
        sizes = {name: int(one["bytes"]) for name, one in manifest["files"].items()}
        _check_files(manifest["files"], settings.kind)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise _corrupt(folder, f"manifest.json: {exc}") from exc
    for name, size in sizes.items():
        there = folder / name
        if not there.is_file() or there.stat().st_size != size:
            raise _corrupt(folder, f"{name} is missing or has another size")
    return settings, Folder(folder, manifest)


def _settings(state: dict[str, Any]) -> Settings:
    """Return what a manifest says; raises ValueError, KeyError or TypeError where it says it not."""
    skipped = tuple(Skipped(**one) for one in state["skipped"])
    recall = None if state["recall"] is None else Recall(**state["recall"])
    made = Settings(**{**state, "skipped": skipped, "recall": recall})
    if made.kind not in ("exact", *KINDS) or (made.recall is None) != (made.kind == "exact"):
        raise ValueError(f"an index {made.kind!r} with recall {made.recall}")
    if made.n < 1 or made.d < 1 or not made.tau > 0:
        raise ValueError(f"{made.n} x {made.d} vectors, tau {made.tau}")
    return made


def _check_files(files: dict[str, Any], kind: str) -> None:
    """Raise ValueError or KeyError unless every file of a base of this kind is told with its hash."""
    for name in (VECTORS, NAMES, ABOUT, ARRAYS, *([] if kind == "exact" else [GRAPH])):
        if not isinstance(files[name]["hash"], str):
            raise ValueError(f"the hash of {name} is {files[name]['hash']!r}")
