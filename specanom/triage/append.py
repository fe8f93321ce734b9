"""Append to a file so that what was appended is on disk, whole lines from several processes unmixed."""

from __future__ import annotations

import os
from pathlib import Path


def append(path: Path, line: bytes) -> None:
    """Append a line that ends in a line break, in one write, and wait until it is on disk.

    A file whose last line is torn gets a line break first. The file and its folder are made when they are not there.

    Raises
    ------
    OSError
        When it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o666)
    try:
        end = os.lseek(file, 0, os.SEEK_END)
        if end and _byte_at(file, end - 1) != b"\n":
            line = b"\n" + line
        while line:  # one write, unless the disk takes less; the next one then says why
            line = line[os.write(file, line):]
        os.fsync(file)
    finally:
        os.close(file)
    if new:
        _sync(path.parent)


def _byte_at(file: int, place: int) -> bytes:
    os.lseek(file, place, os.SEEK_SET)  # where O_APPEND writes does not depend on it
    return os.read(file, 1)


def _sync(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be synchronised there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
