"""JSON of strangers, and what opening a file leads to."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, DataError, MissingDependency, SpecanomError, message
from ..visible import visible

MOST = 256 * 2**20
"""Bytes of a JSON file, unless a reader says less."""
_TOLD = 300  # characters of the reason another package gave


def regular(path: str | Path) -> int:
    """Return the size of a file; links are followed, but not to a device or a pipe, which never end.

    Raises
    ------
    OSError
        When it is not there, or not a file.
    """
    found = os.stat(path)
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f"{visible(str(path))} is no file")
    return found.st_size


def read_json(path: str | Path, what: str, *, most: int = MOST, hint: str = "") -> Any:
    """Read a JSON file.

    Parameters
    ----------
    path : path-like
    what : str
        What is expected there, for the error.
    most : int
        Bytes; a larger file is not read.
    hint : str
        What to try, for the error.

    Raises
    ------
    DataError
        When it is missing, no file, too large, not UTF-8, not JSON, nested too deep, or has a key twice.
    """
    try:
        size = regular(path)
        if size > most:
            raise ValueError(f"{size} bytes, more than {most}")
        with open(path, "rb") as file:
            text = file.read(most + 1).decode("utf-8")
        return parse_json(text)
    except (OSError, ValueError, RecursionError) as exc:
        raise DataError(message("path", expected=what, got=f"{visible(str(path))} ({told(exc)})", hint=hint)) from exc


def parse_json(text: str | bytes) -> Any:
    """Return what JSON says.

    Raises
    ------
    ValueError
        When it is no JSON, nested too deep, or has a key twice: another program might have read the other one.
    """
    try:
        return json.loads(text, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("brackets within brackets without end") from None


@contextmanager
def damaged(path: str | Path, what: str, *, hint: str = "") -> Iterator[None]:
    """Turn what a damaged or forged file leads to into a DataError that names it.

    Parameters
    ----------
    path : path-like
        The file or folder.
    what : str
        What is expected there.
    hint : str
        What to try.

    Raises
    ------
    DataError
        For every exception inside, save those of specanom about data and missing packages, which say it already.
    """
    try:
        yield
    except ArgumentError as exc:
        raise DataError(message("path", expected=what, got=f"{visible(str(path))} ({exc})", hint=hint)) from exc
    except (SpecanomError, MissingDependency):
        raise
    except Exception as exc:  # readers of other packages raise whatever a forged file leads them to
        raise DataError(message("path", expected=what, got=f"{visible(str(path))} ({told(exc)})", hint=hint)) from exc


def told(exc: BaseException) -> str:
    """Return what an exception says, short, with nothing in it that acts on a terminal."""
    if isinstance(exc, FileNotFoundError):
        return "not there"
    text = visible(" ".join(str(exc).split()))
    return f"{type(exc).__name__}: {text[:_TOLD]}{'…' * (len(text) > _TOLD)}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"the key {twice[:60]!r} twice")
    return made
