"""VOTables of strangers: an attribute of a few digits can promise any number of rows, or cells of any width."""

from __future__ import annotations

import io
import math
from typing import Any
from xml.parsers import expat

from .texts import ALIKE

SPARE, TIMES = 64 << 20, 16
"""Bytes that the tables of a document may take in memory: so many, and these for each byte of it."""
FIELDS, AT_ONCE = 20_000, 512
"""Columns, and the rows that astropy takes memory for when the first one comes."""
_WIDTH = {"boolean": 1, "bit": 1, "unsignedByte": 1, "short": 2, "int": 4, "long": 8, "char": 1, "unicodeChar": 4,
          "float": 4, "double": 8, "floatComplex": 8, "doubleComplex": 16}


def check_votable(raw: bytes) -> None:
    """Raise unless a VOTable is about as large as the tables it makes, and all of it is in the document.

    Raises
    ------
    ValueError
        When it is no XML, has entities of its own, points to other files or places, is packed within, or has rows,
        columns or cells that it cannot hold, or rows or cells of nothing, which have no end.
    """
    made = _Sizes(SPARE + TIMES * len(raw))
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = made.start
    parser.EntityDeclHandler = made.entity
    try:
        parser.ParseFile(io.BytesIO(raw))
    except expat.ExpatError as exc:
        raise ValueError(f"no XML: {exc}") from exc
    made.close()


class _Sizes:
    """Adds up what the tables of a document take."""

    def __init__(self, most: int) -> None:
        self.most, self.total, self.fields = most, 0, 0
        self.width, self.rows = 0, 0
        self.names: set[str] = set()
        self.alike = 0

    def start(self, name: str, given: dict[str, str]) -> None:
        """Take an element into account."""
        tag = name.rpartition(" ")[2]
        if tag == "TABLE":
            self.close()
            self.rows = _whole(given.get("nrows", "0"))
            self._check()
        elif tag in ("FIELD", "PARAM"):
            self.fields += 1
            self._name(given)
            width = _WIDTH.get(given.get("datatype", ""), 8) * _count(given.get("arraysize", ""))
            self.width += width if tag == "FIELD" else 0
            self.total += width if tag == "PARAM" else 0
            self._check()
        elif tag == "TR":
            self.rows += 1
            self._check()
        elif tag == "STREAM" and ("href" in given or given.get("encoding", "base64") != "base64"):
            raise ValueError("data that are elsewhere, or packed")
        elif tag in ("BINARY", "BINARY2") and not self.width:
            raise ValueError("rows of nothing, of which any number are in no bytes")

    def entity(self, name: str, *_: Any) -> None:
        """Refuse what stands for something else."""
        raise ValueError(f"an entity of its own: {name[:40]}")

    def close(self) -> None:
        """End a table."""
        self.total += self.width * max(self.rows, AT_ONCE)
        self.width = self.rows = self.alike = 0
        self.names.clear()
        self._check()

    def _name(self, given: dict[str, str]) -> None:
        """Count columns that are called like others: each is renamed by going through all of them."""
        name = given.get("ID", given.get("name", ""))
        self.alike += name in self.names
        self.names.add(name)
        if self.alike > ALIKE:
            raise ValueError(f"more than {ALIKE:,} columns are called like others")

    def _check(self) -> None:
        size = self.total + self.width * max(self.rows, AT_ONCE)
        if self.fields > FIELDS or size > self.most or self.rows > self.most:
            raise ValueError(f"{self.fields:,} columns and {self.rows:,} rows, {size:,} bytes: more than it can hold")


def _count(size: str) -> int:
    """Return how many values a cell has at least."""
    axes = [_whole(axis) for axis in size.split("x") if not axis.strip().endswith("*") and axis.strip()]
    if 0 in axes and "x" in size:
        raise ValueError(f"cells of nothing: {size[:40]}")
    return math.prod(axes)


def _whole(text: str) -> int:
    if len(text) > 20:
        raise ValueError(f"a size of {len(text)} digits")
    return max(int(text), 0)
