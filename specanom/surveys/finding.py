"""Finds the files of a survey in folders, globs and lists; a pipe is not opened, and a file is taken once."""

from __future__ import annotations

import glob
import os
from collections.abc import Iterable, Iterator
from typing import Any

from ..errors import DataError, message, nearest
from ..foreign.fits_bytes import MAGIC, open_regular

SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fit.gz", ".fts.gz")
TABLES = (".csv", ".ecsv", ".parquet", ".pq")


def find_files(path: Any) -> list[str]:
    """Return the files of a folder (searched through), a glob, a file, or a list of any of these, in order.

    In folders and globs only files are taken that end as FITS files do, or begin as they do; hidden files and
    unfinished downloads (``.part``) are left out. Links are followed, out of the folder too: each file is taken once,
    however many links lead to it, and links in a circle end. Spectra in CSV, ECSV or Parquet have to be named, since
    most such tables beside spectra are catalogues.

    Raises
    ------
    DataError
        When there is nothing at `path`, or no FITS file in it.
    """
    if isinstance(path, (str, os.PathLike)):
        return _expand(os.fspath(path))
    if isinstance(path, Iterable) and not isinstance(path, bytes):
        found = [file for one in path for file in _expand(os.fspath(one))]
        if found:
            return found
    raise DataError(message("path", expected="a folder, a glob, a file, or a list of these", got=repr(path)))


def _expand(path: str) -> list[str]:
    path = os.path.expanduser(path)
    if os.path.isdir(path):
        found = _once(file for file in _walk(path) if is_fits_name(file) or has_magic(file))
    elif os.path.exists(path):
        return [path]
    elif glob.has_magic(path):
        matches = sorted(glob.glob(path, recursive=True))
        found = _once(file for one in matches for file in (_walk(one) if os.path.isdir(one) else [one])
                      if is_fits_name(file) or has_magic(file))
    else:
        raise DataError(message("path", expected="an existing folder, glob or file", got=repr(path),
                                hint=meant(path) or "check the spelling; folders are searched through"))
    if not found:
        tables = [name for name in os.listdir(path) if name.endswith(TABLES)] if os.path.isdir(path) else []
        hint = (f"tables of spectra are named one by one: read({os.path.join(path, min(tables))!r})" if tables else
                "specanom.surveys.archive.download gets SDSS spectra, specanom.surveys.mock simulates a survey")
        got = f"an empty folder, {path!r}" if os.path.isdir(path) and not os.listdir(path) else f"none in {path!r}"
        raise DataError(message("path", expected="FITS files", got=got, hint=hint))
    return found


def meant(path: str) -> str:
    """Return which folder or file that is there may have been meant by one that is not; "" when none is near."""
    parent, name = os.path.split(os.path.abspath(path))
    while not os.path.isdir(parent) and parent != os.path.dirname(parent):
        parent, name = os.path.split(parent)
    try:
        near = nearest(name, os.listdir(parent))
    except OSError:
        return ""
    return f"did you mean {os.path.join(parent, near)}?" if near else ""


def _walk(folder: str) -> Iterator[str]:
    """Yield the files of a folder and those below, a file before the links to it that are beside it."""
    seen: set[str] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(root)
        if real in seen:
            folders[:] = []
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (os.path.join(root, name) for name in sorted(files)
                    if not name.startswith(".") and not name.endswith(".part"))


def _once(paths: Iterable[str]) -> list[str]:
    """Return files without the links to others among them, and of several links to one file the first."""
    given = list(paths)
    links = {path: os.path.realpath(path) for path in given if os.path.islink(path)}
    if not links:
        return given
    taken = {os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))
             for path in given if path not in links}
    found = []
    for path in given:
        if path in links:
            if links[path] in taken:
                continue
            taken.add(links[path])
        found.append(path)
    return found


def is_fits_name(path: str) -> bool:
    """Tell whether a file is called like a FITS file."""
    return path.lower().endswith(SUFFIXES)


def has_magic(path: str) -> bool:
    """Tell whether a regular file begins as FITS files do."""
    try:
        handle, _ = open_regular(path)
    except (OSError, DataError):
        return False
    try:
        return os.read(handle, len(MAGIC)) == MAGIC
    except OSError:
        return False
    finally:
        os.close(handle)
