"""A tutorial as a file: its cells, and the solution of its exercise."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat

FOLDER = Path(__file__).resolve().parents[2] / "tutorials"
FOLDED = re.compile(r"<details>\s*<summary>Solution</summary>(.*?)</details>", flags=re.S)
PYTHON = re.compile(r"^```python\n(.*?)^```", flags=re.S | re.M)


def tutorials() -> list[Path]:
    """Return the notebooks of all tutorials, in their order."""
    return sorted(FOLDER.glob("[0-9][0-9]_*.ipynb"))


def read(path: Path) -> Any:
    """Return a notebook of format 4."""
    return nbformat.read(path, as_version=4)


def solution_of(book: Any) -> str:
    """Return the code of the folded solutions, in their order."""
    texts = [cell.source for cell in book.cells if cell.cell_type == "markdown"]
    folded = [part for text in texts for part in FOLDED.findall(text)]
    return "\n".join(code for part in folded for code in PYTHON.findall(part))


def with_solution(path: Path, target: Path) -> Path:
    """Write the notebook to `target` with the solution as its last cell, and return the target."""
    book = read(path)
    book.cells.append(nbformat.v4.new_code_cell(solution_of(book)))
    nbformat.write(book, target)
    return target


def execute(source: Path, target: Path, parameters: dict[str, Any]) -> Any:
    """Execute a notebook where tutorials lie, as JupyterLab would, and return it with its outputs."""
    import papermill

    papermill.execute_notebook(str(source), str(target), parameters=parameters, kernel_name="python3", cwd=str(FOLDER),
                               progress_bar=False, log_output=False)
    return read(target)
