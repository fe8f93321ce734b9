"""Tables in text of strangers: CSV and the header of ECSV.

A table in memory is a rectangle: a header of many names and rows of one cell each make a small file a large table. And
the header of ECSV is YAML, in which a few lines that refer to each other stand for as much as one likes.
"""

from __future__ import annotations

import csv
import threading
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .reading import regular

COLUMNS, ALIKE = 20_000, 500
"""Columns of a table, and those called as another is: pandas looks for a free name through all that are taken."""
LONGEST_LINE = 4 << 20
SPARE_CELLS, CELLS = 1_000_000, 2
"""Cells that a table may have: so many, and these for each byte of its file; a cell takes a byte, its comma."""
HEADER = 1 << 20
DEPTH = 40
_PIECE = 1 << 20
_ONE_AT_A_TIME = threading.Lock()


def check_csv(path: str | Path, *, comment: str = "") -> None:
    """Raise unless a CSV file is about as large as the table that it makes.

    Parameters
    ----------
    path : path-like
    comment : str
        What lines begin with that are passed over; "" for none.

    Raises
    ------
    OSError, ValueError
        When it is no file, has more columns than tables have, or hundreds of one name, a line that does not end, a row
        longer than its header, or so few cells in many rows that the table would be far larger than its file.
    """
    size = regular(path)
    with open(path, encoding="utf-8-sig", errors="replace", newline="") as file:
        held = filter(None, csv.reader(_lines(file, comment)))
        columns = _check_names(next(held, []))
        first = len(next(held, []))
    if first > columns:
        raise ValueError(f"a row of {first:,} cells under {columns:,} names of columns")
    rows = _count(path)
    if columns * rows > SPARE_CELLS + CELLS * size:
        raise ValueError(f"{rows:,} rows of {columns:,} columns in {size:,} bytes: most rows are short")


def _check_names(names: list[str]) -> int:
    """Return how many columns a table has; raise when these are too many, or too many are called like others."""
    if len(names) > COLUMNS:
        raise ValueError(f"{len(names):,} columns: at most {COLUMNS:,} are read")
    named = [name for name in names if name]            # a blank one is called by its place
    if (alike := len(named) - len(set(named))) > ALIKE:
        raise ValueError(f"{alike:,} columns are called like others: at most {ALIKE:,} are read")
    return len(names)


def _lines(file: Any, comment: str) -> Iterator[str]:
    """Yield the lines of a file that are no comments; none is longer than lines are, nor are those of one row."""
    total = 0
    while line := file.readline(LONGEST_LINE):
        total += len(line)
        if total > 2 * LONGEST_LINE or len(line) >= LONGEST_LINE:
            raise ValueError(f"a line of more than {LONGEST_LINE >> 20} MiB")
        if not (comment and line.startswith(comment)) and line.strip():
            yield line
        else:
            total -= len(line)


def _count(path: str | Path) -> int:
    """Return how many lines a file has, whatever ends them."""
    count = 0
    with open(path, "rb") as file:
        while piece := file.read(_PIECE):
            returns = piece.count(b"\r")
            count += piece.count(b"\n") + (returns - piece.count(b"\r\n") if returns else 0)
    return count + 1


def check_ecsv(path: str | Path, *, most: int = HEADER) -> None:
    """Raise unless the YAML in the header of an ECSV file is no larger than it is written.

    A node that is referred to counts wherever it is: honest files refer to units.

    Raises
    ------
    OSError, ValueError
        When it is no file, or the header is longer than `most` bytes, nested too deep, no YAML, or stands for more
        nodes than it has characters.
    """
    regular(path)
    check_yaml("\n".join(line for line in _header(path, most) if not line.startswith("%ECSV ")))


def read_ecsv(path: str | Path, *, most: int = HEADER) -> Any:
    """Return the astropy table of an ECSV file, without a warning for each type in its header that astropy asks about.

    Raises
    ------
    OSError, ValueError
        As :func:`check_ecsv`, and whatever a damaged file leads astropy to.
    """
    from astropy.table import Table

    check_ecsv(path, most=most)
    with _ONE_AT_A_TIME, warnings.catch_warnings():     # which filters hold for is the process
        warnings.simplefilter("ignore")
        return Table.read(path, format="ascii.ecsv")


def check_yaml(text: str) -> None:
    """Raise unless YAML is no larger than it is written, wherever astropy keeps it.

    Raises
    ------
    ValueError
        As :func:`check_ecsv`.
    """
    import yaml  # type: ignore[import-untyped]

    try:
        _check_events(yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)), len(text))
    except yaml.YAMLError as exc:
        raise ValueError(f"its header is no YAML: {exc}") from exc


def _header(path: str | Path, most: int) -> Iterator[str]:
    """Yield the lines of a header as astropy takes them."""
    total = 0
    with open(path, encoding="utf-8-sig", errors="replace") as file:
        while piece := file.readline(LONGEST_LINE):
            total += len(piece)
            if total > most:
                raise ValueError(f"a header of more than {most:,} characters")
            for line in filter(None, map(str.strip, piece.splitlines())):
                if not line.startswith("#"):
                    return
                yield line[1:].removeprefix(" ")


def _check_events(events: Iterator[Any], most: int) -> None:
    """Add up the nodes of YAML, each as large as what it refers to."""
    import yaml

    sizes: dict[str, int] = {}
    open_: list[list[Any]] = [["", 0]]      # anchor and nodes of each that is not yet closed
    for event in events:
        anchor, size = getattr(event, "anchor", None), 1
        if isinstance(event, yaml.CollectionStartEvent):
            open_.append([anchor, 1])
            if len(open_) > DEPTH:
                raise ValueError(f"a header nested more than {DEPTH} deep")
            continue
        if isinstance(event, yaml.CollectionEndEvent):
            anchor, size = open_.pop()
        elif isinstance(event, yaml.AliasEvent):
            if anchor not in sizes:
                raise ValueError(f"a header that refers to {str(anchor)[:40]!r}, which is not there before")
            anchor, size = None, sizes[str(anchor)]
        elif not isinstance(event, yaml.ScalarEvent):
            continue
        if anchor:
            sizes[str(anchor)] = size
        open_[-1][1] += size
        if open_[-1][1] > most:
            raise ValueError("a header that stands for more than it is long")
