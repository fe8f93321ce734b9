"""What lies at a path: the files of spectra, or why there are none; a folder of a run, or of something else."""

from __future__ import annotations

import contextlib
import glob
import re
from collections.abc import Iterator
from pathlib import Path

from ..errors import ArgumentError, DataError, message
from ..surveys.finding import find_files, meant

OF_A_RUN = re.compile(r"manifest\.json|source\.json|stages|raw|\.lock-\d+|.*\.[0-9a-f]{8}\.part")
"""Names of which a run leaves one at the least, however early it was killed."""
HARMLESS = re.compile(r"\..*|lost\+found|.*\.(log|out|err|txt|jsonl|toml|ya?ml)", re.IGNORECASE)
"""Names that may be there before a run: of systems, logs of schedulers, settings and labels for it."""


def check_run_dir(folder: Path) -> None:
    """Make sure that a folder may become a run's: it is new, empty, or a run's already, however far that came.

    Raises
    ------
    ArgumentError
        When something else is in it, among which a run would be lost.
    DataError
        When it may not be read.
    """
    with readable(folder):
        names = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
    foreign = [name for name in names if not HARMLESS.fullmatch(name)]
    if foreign and not any(OF_A_RUN.fullmatch(name) for name in names):
        some = ", ".join(foreign[:3]) + (f" and {len(foreign) - 3} more" if len(foreign) > 3 else "")
        raise ArgumentError(message("run_dir", expected="a new or empty folder, or that of a run",
                                    got=f"{folder}, which holds {some}", hint=f"--run-dir {folder / 'run'}"))


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
