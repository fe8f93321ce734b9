"""Dashboards that open a run of quasars score as the run did: without the broad lines of the ultraviolet."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from specanom.widgets.picker.picker import ScorePicker
from specanom.widgets.runs import FinishedRun

import specanom as sa
from tests.widgets.finished import finish


@pytest.fixture(scope="module")
def quasars() -> sa.SpectrumSet:
    survey = sa.surveys.mock_desi(n=150, seed=2)
    return sa.Preprocessor(preset="qso-1.5-2.5").fit_transform(survey)


@pytest.fixture(scope="module")
def run(quasars, tmp_path_factory) -> FinishedRun:
    folder = finish(tmp_path_factory.mktemp("runs") / "quasars", quasars, filter_lines="", velocity=0.0,
                    rank_by="mse_filtered")
    return FinishedRun.open(folder)


def test_a_run_of_quasars_is_opened_with_their_lines(run) -> None:
    broad = sa.Scorer(run.model, "mse", velocity=2500.0, lines="quasar")
    np.testing.assert_allclose(run.scorers["mse_filtered"](run.sample), broad(run.sample), rtol=1e-12)
    np.testing.assert_allclose(run.scorers["mse_filtered"](run.sample), run.scores["mse_filtered"], rtol=1e-6)
    assert (run.explained.lines, run.explained.velocity) == ("quasar", 2500.0)
    names: dict[str, object] = {}
    exec(run.code(), names)
    assert (names["score"].lines, names["score"].velocity) == ("quasar", 2500.0)


def test_the_picker_of_a_run_of_quasars_filters_their_lines(run) -> None:
    for first in (run.explained, run.scorers["chi2_ivar"]):
        picker = ScorePicker(first, run.sample, scores=run.scores)
        picker.metric, picker.filtered = "chi2", True
        assert (picker.lines, picker.velocity) == ("quasar", 2500.0)
        assert (picker.scorer.lines, picker.scorer.velocity) == ("quasar", 2500.0)
        picker.close()


def test_a_run_that_could_not_be_told_its_lines_is_opened_as_it_was_made(quasars, tmp_path: Path) -> None:
    run = FinishedRun.open(finish(tmp_path / "old", quasars, velocity=250.0))
    assert (run.scorers["mse_filtered"].lines, run.scorers["mse_filtered"].velocity) == ("vacuum", 250.0)
