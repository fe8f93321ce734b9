"""Every tutorial runs from top to bottom with the solution of its exercise, and is kept without outputs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.tutorials.lesson import execute, read, solution_of, tutorials, with_solution

REDUCED = json.loads(Path(__file__).with_name("reduced.json").read_text())
BOOKS = tutorials()
every = pytest.mark.parametrize("path", BOOKS, ids=lambda path: path.stem)


@pytest.mark.slow
@every
def test_it_runs_whole_with_its_solution(path: Path, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    beside = set(path.parent.rglob("*"))
    source = with_solution(path, tmp_path / "with_solution.ipynb")
    done = execute(source, tmp_path / path.name, REDUCED.get(path.name, {}))
    outputs = [output for cell in done.cells if cell.cell_type == "code" for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert any(output.output_type in ("display_data", "execute_result") for output in outputs), "shows nothing"
    assert set(path.parent.rglob("*")) == beside, "leaves files beside the tutorial"


@every
def test_it_is_kept_without_outputs(path: Path) -> None:
    book = read(path)
    code = [cell for cell in book.cells if cell.cell_type == "code"]
    assert not [cell.outputs for cell in code if cell.outputs]
    assert {cell.execution_count for cell in code} == {None}
    assert book.metadata.kernelspec.name == "python3"


@every
def test_it_begins_with_what_is_learnt_and_ends_with_an_exercise(path: Path) -> None:
    texts = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    assert texts[0].startswith("# ")
    assert any("Exercise" in text for text in texts[-2:])
    code = solution_of(read(path))
    assert code.strip(), "no folded solution with a block of Python"
    compile(code, str(path), "exec")


@every
def test_papermill_knows_its_parameters(path: Path) -> None:
    import papermill

    known = papermill.inspect_notebook(str(path))
    assert known, "no cell with the tag parameters"
    assert all(one["help"] for one in known.values()), "a parameter without a comment"
    assert set(REDUCED.get(path.name, {})) <= set(known)


@every
def test_it_uses_the_public_face_only(path: Path) -> None:
    code = "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code") + solution_of(read(path))
    assert "specanom.run." not in code
    assert " import _" not in code


def test_reduced_parameters_belong_to_tutorials() -> None:
    assert set(REDUCED) <= {path.name for path in BOOKS}
