"""What differs between two runs."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from specanom.errors import DataError
from specanom.run.cli import DIFFERS, DONE, NO_DATA, main
from specanom.run.compare import compare_runs
from specanom.run.folder import RunFolder
from specanom.run.manifest import Manifest


def make(folder, *, n: int = 30, seed: int = 0, parameters: dict | None = None):
    rng = np.random.default_rng(seed)
    values = rng.normal(size=n)
    run = RunFolder(folder)
    ranks = pd.Series(-values).rank().astype(int)
    run.write(pd.DataFrame({"id": [f"{i:02d}" for i in range(n)], "mse": values, "mse_cal": values, "mse_rank": ranks}),
              "scores")
    run.write(pd.DataFrame({"id": [f"{i:02d}" for i in range(10)], "cluster": rng.integers(0, 2, 10)}), "clusters")
    Manifest(run.path).write(parameters={"n": n, "run_dir": str(folder), **(parameters or {})})
    return folder


def test_a_run_agrees_with_itself(tmp_path, capsys) -> None:
    a, b = make(tmp_path / "a"), make(tmp_path / "b")
    compared = compare_runs(a, b)
    assert compared.same
    assert compared.parameters == {}  # the folder itself is no difference
    assert main(["compare", str(a), str(b)]) == DONE
    said = capsys.readouterr().out
    assert "values: the same in all 2 results" in said
    assert "the runs agree, with the same values" in said


def test_results_of_other_values_are_named_though_they_rank_alike(tmp_path, capsys) -> None:
    a, b = make(tmp_path / "a"), make(tmp_path / "b")
    table = pd.read_parquet(b / "scores.parquet")
    RunFolder(b).write(table.assign(mse=np.nextafter(table["mse"], 9)), "scores")
    RunFolder(a).write(table, "tables/quality")
    np.save(a / "more.npy", 1)  # no result
    for name in (a, b):
        (name / "model").mkdir()
        np.save(name / "model" / "weights.npy", np.arange(3) + (name == b))
    compared = compare_runs(a, b)
    assert compared.same
    assert not compared.identical
    assert compared.results == {"clusters.parquet": "same", "model": "other", "scores.parquet": "other",
                                "tables/quality.parquet": "first"}
    assert main(["compare", str(a), str(b), "--tables"]) == DONE
    said = capsys.readouterr().out.splitlines()
    assert said[-1] == "the runs agree"
    place = said.index("values: the same in 1 of 3 results")
    assert said[place + 1 : place + 3] == ["  other values: scores.parquet",
                                           "  only in the first: tables/quality.parquet"]


def test_other_parameters_ranks_and_clusters_are_named(tmp_path, capsys) -> None:
    a, b = make(tmp_path / "a"), make(tmp_path / "b", seed=1, parameters={"seed": 1})
    compared = compare_runs(a, b)
    assert compared.parameters == {"seed": (None, 1)}
    assert compared.ranks["mse"]["spearman"] < 0.9
    assert compared.clusters["adjusted Rand index"] < 1
    assert main(["compare", str(a), str(b), "--json"]) == DIFFERS
    assert json.loads(capsys.readouterr().out)["same"] is False


def test_fewer_spectra_are_counted(tmp_path) -> None:
    compared = compare_runs(make(tmp_path / "a"), make(tmp_path / "b", n=25))
    assert compared.spectra == {"first": 30, "second": 25, "both": 25}
    assert not compared.same


def test_an_unfinished_run_says_which_stage_is_missing(tmp_path, capsys) -> None:
    a = make(tmp_path / "a")
    (tmp_path / "b").mkdir()
    with pytest.raises(DataError, match="04_score"):
        compare_runs(a, tmp_path / "b")
    assert main(["compare", str(a), str(tmp_path / "b")]) == NO_DATA
    assert "04_score" in capsys.readouterr().err


def test_runs_that_ended_after_scoring_are_compared_without_clusters(tmp_path, capsys) -> None:
    a, b, c = make(tmp_path / "a"), make(tmp_path / "b"), make(tmp_path / "c")
    for name in (a, b):
        (name / "clusters.parquet").unlink()
    assert compare_runs(a, b).clusters == {}
    assert main(["compare", str(a), str(b)]) == DONE
    assert "clusters:" not in capsys.readouterr().out
    with pytest.raises(DataError, match="06_clusters"):  # one of them may not be done yet
        compare_runs(a, c)
