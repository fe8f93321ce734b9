"""What a run can be told."""

from __future__ import annotations

import nbformat
import pytest

from specanom.errors import ArgumentError
from specanom.run.parameters import STAGES, check, known, notebook, of_stage, parse


def test_every_stage_has_typed_and_commented_parameters() -> None:
    for stage in STAGES:
        parameters = of_stage(stage)
        assert "run_dir" in parameters
        for one in parameters.values():
            assert one.kind in {"int", "float", "str"}, (stage, one)
            assert one.help, (stage, one.name)
            assert isinstance(one.default, {"int": int, "float": float, "str": str}[one.kind])


def test_a_parameter_means_the_same_in_every_notebook() -> None:
    seen: dict[str, tuple[str, object, str]] = {}
    for stage in STAGES:
        for name, one in of_stage(stage).items():
            assert seen.setdefault(name, (one.kind, one.default, name)) == (one.kind, one.default, name), (stage, name)


def test_the_parameters_of_the_contract_exist() -> None:
    assert {"n", "seed", "epochs", "bins", "segments", "samples", "top", "rank_by", "folds"} <= set(known())


def test_texts_become_typed_values() -> None:
    typed = {"n": 2000, "min_snr": 5.0, "rank_by": "mse", "top": 10}
    assert parse(["n=2000", "min_snr=5", "rank_by=mse", "top=1e1"]) == typed
    assert check({"n": "3k"}) == {"n": 3000}


@pytest.mark.parametrize(("pair", "words"), [("segmnts=3", "did you mean 'segments'"), ("n=many", "type int"),
                                             ("n=2.5", "type int"), ("n", "name=value")])
def test_wrong_parameters_say_what_is_wrong(pair: str, words: str) -> None:
    with pytest.raises(ArgumentError, match=words):
        parse([pair])


@pytest.mark.parametrize("stage", STAGES)
def test_notebooks_are_committed_without_outputs(stage: str) -> None:
    cells = nbformat.read(notebook(stage), as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert code
    assert all(not cell.outputs and cell.execution_count is None for cell in code)
    assert sum("parameters" in cell.metadata.get("tags", []) for cell in code) == 1
