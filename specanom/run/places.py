"""What lies at a path of spectra: its files, or why there are none."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Iterator
from pathlib import Path

from ..errors import DataError, message
from ..surveys.finding import find_files, meant


def files_of(path: str) -> list[Path]:
    """Return the files that :func:`specanom.read` opens at a path or pattern.

    Raises
    ------
    DataError
        When there are none.
    """
    there = Path(path).expanduser()
    with readable(there):
        empty = there.is_dir() and not any(there.iterdir())
        if not glob.has_magic(path) and (empty or not there.exists()):
            raise DataError(message("path", expected="a folder, file or pattern of spectra",
                                    got=f"no file at {path}" + ", an empty folder" * empty,
                                    hint="" if empty else meant(str(there))))
        return [Path(file) for file in find_files(path)]


@contextlib.contextmanager
def readable(path: Path) -> Iterator[None]:
    """Say of what this user may not read that it is so.

    Raises
    ------
    DataError
        In place of the error of the system.
    """
    try:
        yield
    except PermissionError as exc:
        raise DataError(message("path", expected="files that you may read", got=f"{exc.strerror}: {exc.filename}",
                                hint=f"ls -l {path}")) from exc
