"""A knowledge base on disk: a folder of JSON, npy and Parquet with a manifest; nothing is pickled.

``manifest.json`` names every file with its size and hash. Files are read when they are first needed, and checked then.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from ..folders import part_of, put_in_place, writable, write_json
from .approximate import KINDS, Approximate, Recall, read_approximate
from .backends import Backend, exact_backend
from .entries import Entries, Skipped

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "specanom knowledge base"
VERSION = 1
_TYPES: dict[str, Any] = {"n": int, "d": int, "kind": str, "encoder": (str, type(None)), "tau": (int, float),
                          "given_tau": bool, "labelled": int, "classes": int}
VECTORS, NAMES, ABOUT, ARRAYS, GRAPH = "vectors.npy", "names.parquet", "metadata.parquet", "arrays.npz", "index.faiss"


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


class Source(Protocol):
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
        vectors = _loaded(self._checked(VECTORS), mmap_mode="r")
        if vectors.shape != (n, d) or len(names) != n or len(about) != n:
            raise _corrupt(self.path, f"{n} x {d} vectors were promised, {vectors.shape} are there")
        return Entries(vectors, names["id"].to_numpy(dtype=object), names["label"].to_numpy(dtype=object), about)

    @cached_property
    def _arrays(self) -> dict[str, NDArray[Any]]:
        stored = _loaded(self._checked(ARRAYS))
        with stored:
            return {name: stored[name] for name in stored.files}

    @property
    def own(self) -> NDArray[np.float64] | None:
        """Distances of members to their own neighbours, when they were measured before saving."""
        return self._arrays.get("own")

    def backend(self, vectors: NDArray[Any]) -> Backend:
        """Return the index that was saved, or an exact one made now."""
        state = self._manifest["settings"]
        if state["kind"] == "exact":
            return exact_backend(vectors)
        return read_approximate(self._checked(GRAPH), self._arrays["rows"], self._arrays["centre"],
                                kind=state["kind"], recall=Recall(**state["recall"]))

    def _table(self, name: str) -> pd.DataFrame:
        import pandas as pd

        path = self._checked(name)
        try:
            return pd.read_parquet(path)
        except Exception as exc:
            raise _corrupt(self.path, f"{name}: {exc}") from exc

    def _checked(self, name: str) -> Path:
        """Return the path of a file whose hash is that of the manifest."""
        path = self.path / name
        if _digest(path) != self._manifest["files"][name]["hash"]:
            raise _corrupt(self.path, f"{name} is not what was saved")
        return path


def _loaded(path: Path, **options: Any) -> Any:
    try:
        return np.load(path, allow_pickle=False, **options)
    except (OSError, ValueError, EOFError) as exc:
        raise _corrupt(path.parent, f"{path.name}: {exc}") from exc


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
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as exc:
        raise DataError(message("path", expected="a folder written by KnowledgeBase.save",
                                got=f"{path} ({exc})")) from exc
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        got = manifest.get("format") if isinstance(manifest, dict) else type(manifest).__name__
        raise DataError(message("path", expected=f"a folder of format {FORMAT!r}", got=f"{path}, which holds {got!r}"))
    if manifest.get("version") != VERSION:
        raise DataError(message("path", expected=f"version {VERSION} of {FORMAT!r}", got=manifest.get("version"),
                                hint="a newer specanom wrote it: update specanom, or build the base again"))
    try:
        settings = _settings(manifest["settings"])
        sizes = {name: int(one["bytes"]) for name, one in manifest["files"].items()}
        _check_files(manifest["files"], settings.kind)
    except (KeyError, TypeError, ValueError, AttributeError) as exc:
        raise _corrupt(folder, f"manifest.json: {type(exc).__name__} {exc}") from exc
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
    for name, kinds in _TYPES.items():
        if not isinstance(getattr(made, name), kinds):
            raise ValueError(f"{name} is {getattr(made, name)!r}")
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
