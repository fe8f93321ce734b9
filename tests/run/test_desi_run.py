"""A run on a simulated DESI survey, from files to report and explorer."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from specanom.widgets.runs import FinishedRun

import specanom as sa
from specanom.run import pipeline
from specanom.run.cli import DONE, main
from specanom.run.nightly import score_new
from specanom.triage.catalogue import Catalogue

from .conftest import execute_here

pytestmark = [pytest.mark.slow, pytest.mark.notebook, pytest.mark.xdist_group("run")]
SMALL = {"n": 190, "seed": 3, "epochs": 2, "folds": 2, "top": 4, "samples": 200, "segments": 20, "neighbours": 2,
         "quasars": "qso-1.5-2.5", "rank_by": "mse_filtered"}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("desi") / "run"
    pairs = [part for name, value in SMALL.items() for part in ("-p", f"{name}={value}")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pipeline, "_papermill", execute_here)
        assert main(["run", "--survey", "mock_desi", "--run-dir", str(folder), *pairs]) == DONE
    return folder


def test_quasars_of_a_simulated_desi_survey_end_in_a_catalogue_of_its_ids(run: Path) -> None:
    made = Catalogue.read(run / "catalogue.parquet").table
    truth = pd.read_parquet(run / "truth.parquet")
    assert set(made["id"]) <= set(truth["id"])
    assert made["id"].str.fullmatch(r"3963\d+").all()
    assert set(made["class"]) == {"QSO"}
    page = (run / "explorer" / "index.html").read_text(encoding="utf-8")
    assert "<title>" in page
    assert (run / "report.html").stat().st_size > 100_000
    assert json.loads((run / "source.json").read_text())["survey"] == "desi"


def test_filtered_scores_of_a_run_of_quasars_leave_out_their_broad_lines(run: Path, tmp_path: Path) -> None:
    table = pd.read_parquet(run / "scores.parquet")
    sample, model = sa.SpectrumSet.open(run / "sample.zarr"), sa.models.load(run / "model")
    broad = sa.Scorer(model, "mse", velocity=2500.0, lines="quasar")
    np.testing.assert_allclose(table["mse_filtered"], broad(sample), rtol=1e-9)
    assert not np.allclose(table["mse_filtered"], sa.Scorer(model, "mse", velocity=250.0)(sample))
    opened = FinishedRun.open(run)
    assert (opened.explained.lines, opened.explained.velocity) == ("quasar", 2500.0)
    again = opened.explainer.explain(sample.by_id(opened.explanations.ids[0]))
    np.testing.assert_allclose(again.weights, opened.explanations[0].weights, rtol=1e-5, atol=1e-9)
    night = score_new(run, str(run / "raw"), out=tmp_path).table
    pd.testing.assert_frame_equal(night, table, rtol=1e-9, check_dtype=False)


def test_every_digit_of_every_explained_id_is_in_report_and_explorer(run: Path) -> None:
    explained = set(sa.ExplanationSet.open(run / "explanations.zarr").ids)
    known = set(pd.read_parquet(run / "truth.parquet")["id"])
    assert explained <= known
    assert all(int(float(id)) != int(id) for id in explained if int(id) % 8), "a float would lose the last digits"
    data = "".join(path.read_text(encoding="utf-8") for path in sorted((run / "explorer" / "data").glob("*.js")))
    for page in ((run / "report.html").read_text(encoding="utf-8"), data):
        found = set(re.findall(r"(?<![\d.])-?3\.?963\d{7,}(?:e\+?\d+)?", page))
        assert explained <= found
        assert found <= known, "none was rounded"
    assert not re.search(r"[\[:,]\s*3963\d{13}\s*[\],}]", data), "text, never a number"
    scores = pd.read_parquet(run / "scores.parquet")
    assert set(scores["id"]) <= known
    for end in ("parquet", "fits", "vot", "ecsv"):
        for path in run.glob(f"catalogue.{end}"):
            assert set(Catalogue.read(path).table["id"]) == set(scores["id"])
