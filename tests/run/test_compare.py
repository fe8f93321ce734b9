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
    assert "the runs agree" in capsys.readouterr().out


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
