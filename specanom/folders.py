"""Folders and files that appear whole or not at all: written beside their place, put there by a rename."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import uuid
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from .disk import beside, disk_error, is_full, replace, sync, sync_all, telling
from .errors import ArgumentError, DataError, message
from .foreign import read_json

FILES = (".fits", ".fit", ".gz", ".csv", ".ecsv", ".parquet", ".h5", ".hdf5", ".npy", ".npz", ".pkl", ".pickle", ".pt",
         ".pth", ".json", ".txt", ".asdf", ".vot")
"""Ends of names of files, which folders are not called: whoever gives one means another format."""


def writable(path: str | Path, form: str, *, overwrite: bool = True) -> Path:
    """Return the folder that may be written for `path`, links followed; raise before any work is done for nothing.

    Parameters
    ----------
    path : path-like
        Where something is to be saved.
    form : str
        The ``format`` of its manifest.
    overwrite : bool
        Whether what was saved there before may be replaced.

    Raises
    ------
    ArgumentError
        For a name that ends as those of files do, ``"x.fits"``.
    DataError
        When something is there that is neither an empty folder nor holds a manifest of that format (of any version),
        or when anything is and `overwrite` is False.
    """
    folder = Path(os.path.realpath(path))
    if not folder.exists():
        if folder.suffix.lower() in FILES:
            raise ArgumentError(message("path", expected=f"the name of a folder for {form}", got=f"{str(path)!r}, a "
                                        "file's name", hint=f"{str(Path(path).with_suffix('.zarr'))!r}"))
        return folder
    if not overwrite:
        raise DataError(message("path", expected="a new folder", got=f"{path}, which exists", hint="overwrite=True"))
    if folder.is_dir():
        if not any(folder.iterdir()):
            return folder
        try:
            manifest = read_json(folder / "manifest.json", f"saved {form}")
        except DataError:
            manifest = None
        if isinstance(manifest, dict) and manifest.get("format") == form:
            return folder
    raise DataError(message("path", expected=f"a new path, an empty folder, or saved {form} to replace",
                            got=f"{path}, which holds something else", hint="another path, or move what is there"))


def product(run: Path, name: str, *, stage: str) -> Path:
    """Return the path of a product of a run, or say which stage makes it.

    Raises
    ------
    DataError
        When it is not there.
    """
    path = run / name
    if not path.exists():
        raise DataError(message("run_dir", expected=f"{name} from stage {stage}", got=f"no {path}",
                                hint=f"run {stage} first, or all of it with specanom run --run-dir {run}"))
    return path


def part_of(folder: Path) -> Path:
    """Return the name, beside `folder`, of what is being written and will take its place."""
    return folder.with_name(f"{folder.name}.{uuid.uuid4().hex[:8]}.part")


def put_in_place(part: Path, folder: Path, form: str) -> None:
    """Rename `part` to `folder`; what was there goes aside first and is deleted last, so one of them is always whole.

    Raises
    ------
    DataError
        When something that may not be replaced has appeared there, see :func:`writable`.
    """
    writable(folder, form)
    swap(part, folder)


def swap(part: Path, folder: Path) -> None:
    """Rename `part` to `folder` once all of it is on the disk, whatever is there; see :func:`put_in_place`."""
    with telling(folder):
        sync_all(part)
        old = _aside(folder, part.with_suffix(".old")) if folder.exists() else None
        try:
            replace(part, folder)
        except BaseException:
            if old is not None:
                replace(old, folder)
            raise
        sync(folder.parent)
    if old is not None:
        shutil.rmtree(old, ignore_errors=True)


def _aside(folder: Path, old: Path) -> Path | None:
    """Rename what is there; where that cannot be, as of the lower layer of an overlay, delete it."""
    try:
        replace(folder, old)
    except OSError as exc:
        if exc.errno != errno.EXDEV:
            raise
        shutil.rmtree(folder)
        return None
    return old


class FolderWriter(ABC):
    """Writes a folder beside its place and puts it there when all is well; after an error nothing is left."""

    _part: Path

    @abstractmethod
    def close(self) -> Path:
        """Finish the folder and return its path."""

    def _release(self) -> None:  # noqa: B027 - most have no file open
        """Let go of open files."""

    @contextlib.contextmanager
    def _beginning(self) -> Iterator[None]:
        """Make the first files, or leave nothing."""
        try:
            with telling(self._part):
                yield
        except BaseException:
            self._drop()
            raise

    def _drop(self) -> None:
        if self._part.exists():
            shutil.rmtree(self._part, ignore_errors=True)

    def _mine(self, error: BaseException) -> bool:
        """Say whether an error is one of writing here, not of reading what was to be written."""
        return is_full(error) or str(self._part) in str(getattr(error, "filename", ""))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        told = disk_error(error, self._part) if error is not None and self._mine(error) else None
        try:
            if kind is None:
                with telling(self._part):
                    self.close()
        finally:
            with contextlib.suppress(OSError):  # what was to be written last is lost with the rest
                self._release()
            self._drop()
        if told is not None and told is not error:
            raise told from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON so that `path` holds either the old or the new content, never a part of it."""
    write_text(path, json.dumps(content, indent=1, ensure_ascii=False, default=_plain))


def write_text(path: Path, text: str) -> None:
    """Write text so that `path` holds either the old or the new content, never a part of it."""
    write_whole(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Let `write` make a file beside `path`, then put it there: old content or new, after a power cut too.

    Parameters
    ----------
    path : Path
        Its folder must exist.
    write : callable
        Takes the path to write to.

    Raises
    ------
    DiskError
        When the disk is full, read-only or over a quota, or when it will not rename.
    """
    part = beside(path)
    try:
        with telling(path):
            write(part)
            sync(part)
            replace(part, path)
            sync(path.parent)
    finally:
        with contextlib.suppress(OSError):  # a disk that has become read-only, say
            part.unlink(missing_ok=True)


def move_whole(source: Path, path: Path) -> None:
    """Move a file or a folder to `path`, on the same file system, once all of it is on the disk."""
    with telling(path):
        sync_all(source)
        if path.is_dir():
            shutil.rmtree(path)
        replace(source, path)
        sync(path.parent)


def _plain(value: Any) -> Any:
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
