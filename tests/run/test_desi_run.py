"""A run on a simulated DESI survey, from files to report and explorer."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from specanom.run.cli import DONE, main
from specanom.triage.catalogue import Catalogue

pytestmark = [pytest.mark.slow, pytest.mark.notebook, pytest.mark.xdist_group("run")]
SMALL = {"n": 190, "seed": 3, "epochs": 2, "folds": 2, "top": 4, "samples": 200, "segments": 20, "neighbours": 2,
         "quasars": "qso-1.5-2.5"}


def test_quasars_of_a_simulated_desi_survey_end_in_a_catalogue_of_its_ids(tmp_path: Path) -> None:
    pairs = [part for name, value in SMALL.items() for part in ("-p", f"{name}={value}")]
    assert main(["run", "--survey", "mock_desi", "--run-dir", str(tmp_path / "run"), *pairs]) == DONE
    made = Catalogue.read(tmp_path / "run" / "catalogue.parquet").table
    truth = pd.read_parquet(tmp_path / "run" / "truth.parquet")
    assert set(made["id"]) <= set(truth["id"])
    assert made["id"].str.fullmatch(r"3963\d+").all()
    assert set(made["class"]) == {"QSO"}
    page = (tmp_path / "run" / "explorer" / "index.html").read_text(encoding="utf-8")
    assert "<title>" in page
    assert (tmp_path / "run" / "report.html").stat().st_size > 100_000
    assert json.loads((tmp_path / "run" / "source.json").read_text())["survey"] == "desi"
