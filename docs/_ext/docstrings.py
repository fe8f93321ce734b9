"""Docstrings are written to be read as text too: what Sphinx reads differently is turned into what it understands."""

from __future__ import annotations

import re
from typing import Any

from sphinx.application import Sphinx

ARRAY = re.compile(r"~?numpy\.ndarray\[tuple\[~?typing\.Any, \.\.\.\], ~?numpy\.dtype\[~?(?:[\w.]+\.)?(\w+)\]\]")
_LIKE = r"~?(?:numpy\._typing\.)?(?:_array_like\.|_nested_sequence\.)?"
ARRAY_LIKE = re.compile(
    rf"{_LIKE}_Buffer \| {_LIKE}_SupportsArray\[.*?\]\] \| {_LIKE}_NestedSequence\[{_LIKE}_SupportsArray\[.*?\]\]\]"
    rf" \| complex \| bytes \| str \| {_LIKE}_NestedSequence\[complex \| bytes \| str\]")
BARS = re.compile(r"\|(?=[^\s|])([^|`]*[^\s|`])\|")
RULE = re.compile(r"^=+(?:  =+)+$")


def shorter(text: str | None) -> str | None:
    """Return a signature with arrays as they are written in the code."""
    return text and ARRAY_LIKE.sub("ArrayLike", ARRAY.sub(r"NDArray[~numpy.\1]", text))


def absolute_values(line: str) -> str:
    """Return a line in which ``|x|`` outside literals is an absolute value, and not the name of a substitution."""
    parts = re.split(r"(``.*?``)", line)
    return "".join(part if part.startswith("``") else BARS.sub(r"\\|\1\\|", part) for part in parts)


def wider(lines: list[str]) -> list[str]:
    """Return the lines with their tables laid so that the first column holds its longest entry."""
    result: list[str] = []
    table: list[str] = []
    for line in [*lines, ""]:
        if table and not line.strip():
            result += laid(table)
            table = []
        if table or RULE.match(line):
            table.append(line)
        else:
            result.append(line)
    return result


def laid(table: list[str]) -> list[str]:
    """Return a simple table of two columns whose first is wide enough; any other as it is."""
    if len(table[0].split()) != 2:
        return table
    cells = [("", row.strip()) if row[0] == " " else (*re.split(r" {2,}", row, maxsplit=1), "")[:2] for row in table]
    first, second = (max(len(cell[column]) for cell in cells if cell[0][:2] != "==") for column in (0, 1))
    rule = f"{'=' * first}  {'=' * second}"
    return [rule if cell[0][:2] == "==" else f"{cell[0]:<{first}}  {cell[1]}" for cell in cells]


def docstring(app: Sphinx, what: str, name: str, obj: Any, options: Any, lines: list[str]) -> None:
    """Mend a docstring where it stands."""
    code = False
    for index, line in enumerate(lines):
        code = line.lstrip().startswith(">>>") or (code and bool(line.strip()))
        if not code:
            lines[index] = absolute_values(line)
    lines[:] = wider(lines)


def signature(app: Sphinx, what: str, name: str, obj: Any, options: Any, given: str, back: str) -> tuple[Any, Any]:
    """Return a signature and what it gives back, shortened."""
    return shorter(given), shorter(back)


def setup(app: Sphinx) -> dict[str, bool]:
    """Mend after numpydoc."""
    app.connect("autodoc-process-docstring", docstring, priority=900)
    app.connect("autodoc-process-signature", signature, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
