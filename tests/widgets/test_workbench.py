"""The workbench opens a run as it was made, and what is in focus on one page is in focus on all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from specanom.widgets import Workbench
from specanom.widgets.runs import FinishedRun

import specanom as sa
from specanom.errors import DataError
from specanom.triage import LabelLog
from tests.widgets.finished import PARAMETERS, linked, small_run

MADE_BY = {"sample.zarr": "02_preprocess", "model": "03_train", "scores.parquet": "04_score",
           "explanations.zarr": "05_explain", "lines.parquet": "05_explain", "clusters": "06_clusters"}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    """A run folder with all that the workbench needs, made as the notebooks make it."""
    return small_run(tmp_path_factory)


@pytest.fixture
def folder(finished, tmp_path) -> Path:
    """The run, with a place of its own for labels."""
    return linked(finished, tmp_path / "run")


@pytest.fixture(scope="module")
def opened(finished, tmp_path_factory) -> Workbench:
    """The run opened by its name alone, from the folder it lies in; the kernel is elsewhere since."""
    place = linked(finished, tmp_path_factory.mktemp("opened") / "run").parent
    with contextlib.chdir(place):
        return Workbench.open("run")


@pytest.fixture
def bench(opened) -> Workbench:
    opened.page, opened.eager = "picker", False
    opened.selected = ""
    opened.selected = explained(opened)[0]
    assert opened.error is None
    return opened


def explained(bench: Workbench) -> tuple[str, ...]:
    return bench.inspector.clusterer.ids_


# -- a run -------------------------------------------------------------------------------------------------------------


def test_a_run_is_opened_with_its_own_settings(finished) -> None:
    run = FinishedRun.open(finished)
    assert run.column == "chi2_ivar_cal"
    assert run.ranking.name == "chi2_ivar_cal"
    assert (run.explainer.segments, run.explainer.seed) == (sa.Uniform(30), 3)
    assert run.scorers["mse_filtered_trimmed"].velocity == 200.0
    np.testing.assert_allclose(run.ranking(run.sample), run.scores["chi2_ivar_cal"], rtol=1e-6)
    again = run.explainer.explain(run.sample.by_id(run.explanations.ids[0]))
    np.testing.assert_allclose(again.weights, run.explanations[0].weights, rtol=1e-5, atol=1e-9)


def test_a_run_is_code(finished) -> None:
    names: dict[str, object] = {}
    exec(FinishedRun.open(finished).code(), names)
    assert names["score"].name == "chi2_ivar"
    assert len(names["explanations"]) == 12


@pytest.mark.parametrize("missing", MADE_BY)
def test_what_is_missing_is_named_with_its_stage(folder, missing) -> None:
    (folder / missing).unlink()
    with pytest.raises(DataError, match=missing) as caught:
        Workbench.open(folder)
    assert MADE_BY[missing] in str(caught.value)


def test_what_is_no_run_is_said(tmp_path, folder) -> None:
    with pytest.raises(DataError, match="no folder"):
        Workbench.open(tmp_path / "nowhere")
    with pytest.raises(DataError, match="specanom run"):
        Workbench.open(tmp_path)
    (folder / "manifest.json").unlink()
    (folder / "manifest.json").write_text("{")
    with pytest.raises(DataError, match="a readable"):
        Workbench.open(folder)


def test_a_run_made_by_hand_has_the_parameters_of_its_stages(folder) -> None:
    (folder / "manifest.json").unlink()
    (folder / "stages").mkdir()
    (folder / "stages" / "04_score.json").write_text(json.dumps({"parameters": PARAMETERS}))
    (folder / "stages" / "05_explain.json").write_text(json.dumps({"parameters": {"segments": 20}}))
    assert FinishedRun(folder).explainer.segments == sa.Uniform(20)


def test_another_ranking_of_the_run_is_opened(folder) -> None:
    (folder / "manifest.json").unlink()
    told = {"format": "specanom run", "parameters": PARAMETERS | {"rank_by": "mse_raw"}}
    (folder / "manifest.json").write_text(json.dumps(told))
    run = FinishedRun(folder)
    assert (run.column, run.ranking.name, run.explained.name) == ("mse", "mse", "mse")


# -- linked ------------------------------------------------------------------------------------------------------------


def test_a_choice_on_one_page_is_a_choice_on_all(bench) -> None:
    first, second, third = explained(bench)[1:4]
    bench.picker.selected = first
    bench.page = "tuner"
    assert (bench.selected, bench.tuner.selected, bench.tuner.explanation.id) == (first, first, first)
    bench.tuner.selected = second
    bench.page = "inspector"
    assert bench.inspector.selected == second
    bench.inspector.selected = third
    bench.page = "picker"
    assert bench.picker.selected == bench.picker.table.selected == third


def test_eager_pages_follow_at_once(bench) -> None:
    bench.eager = True
    bench.picker.selected = explained(bench)[5]
    assert bench.tuner.selected == bench.inspector.selected == explained(bench)[5]


def test_a_spectrum_without_explanation_leaves_the_clusters_as_they_are(bench) -> None:
    bench.page = "inspector"
    before = bench.inspector.selected
    other = next(id for id in bench.picker.sample.ids if id not in explained(bench))
    bench.selected = other
    assert bench.inspector.selected == before
    assert "not explained" in bench._focus.value
    bench.page = "picker"
    assert bench.picker.selected == other


def test_setting_it_from_anywhere_moves_what_is_shown(bench) -> None:
    bench.selected = explained(bench)[2]
    assert bench.picker.selected == explained(bench)[2]
    bench.follow()
    assert bench.tuner.selected == bench.inspector.selected == explained(bench)[2]


def test_a_score_is_handed_to_the_tuner(bench) -> None:
    bench.picker.metric = "mad"
    bench.picker.calibrated = False
    bench.hand_score()
    assert bench.error is None
    assert (bench.page, bench.tuner.settings.score) == ("tuner", "mad")
    assert bench.tuner.result.score.metric == "mad"
    assert bench.tuner.explanation.settings["score"] == "mad"
    assert bench.tuner.explanation.id == bench.selected


def test_of_a_calibrated_score_the_one_under_it_is_explained(bench) -> None:
    bench.picker.metric = "mse"
    bench.picker.calibrated = True
    bench.hand_score()
    assert bench.tuner.explanation.settings["score"] == "mse"
    assert "its parts add up" in bench.said
    assert "score = scorer.scorer" in bench.to_code()


def test_themes_are_one(bench) -> None:
    bench.theme = "dark"
    assert [part.theme for part in (bench.picker, bench.tuner, bench.inspector)] == ["dark"] * 3
    bench.picker.theme = "auto"
    assert bench.theme == bench.tuner.theme == "auto"


# -- labels ------------------------------------------------------------------------------------------------------------


def test_labels_of_all_pages_are_one_table(bench, tmp_path) -> None:
    first, second = explained(bench)[:2]
    bench.selected = first
    bench.picker.marks.mark("interesting")
    bench.page = "labels"
    assert bench.labels.table.view()["id"].tolist() == [first]
    bench.labels.selected = first
    bench.labels.marks.mark("known")
    assert bench.labels.table.view()["label"].tolist() == ["known"]
    assert bench.labels._said.value.count("<li>") == 2
    LabelLog(bench.run.labels).add(second, "artefact", note="<img src=x onerror=alert(1)>", author="bob")
    bench.labels.refresh()
    assert set(bench.labels.table.view()["author"]) == {"bob", bench.labels.marks.author}
    bench.labels.selected = second
    assert "<img" not in bench.labels._said.value
    bench.labels.path = str(tmp_path / "labels.parquet")
    bench.labels.children[-1].children[-1].click()
    assert len(pd.read_parquet(tmp_path / "labels.parquet")) == 2
    assert "labels.parquet" in bench.said
    assert len(bench.result.labels) == 2


def test_labels_and_their_export_lie_beside_the_run_wherever_the_kernel_is(bench, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    log = bench.labels.labels.path
    folder = log.parent
    assert (log.is_absolute(), (folder / "manifest.json").exists()) == (True, True)
    assert bench.inspector.book.marks.path == bench.run.labels == log
    bench.labels.path = "labels.csv"
    assert bench.labels.path == str(folder / "labels.csv")
    assert str(log) in bench.labels._count.value
    first = bench.selected
    bench.picker.marks.mark("interesting")
    bench.labels.path = "mine.csv"
    assert bench.labels.path == str(folder / "mine.csv"), "shown as it is written"
    bench.labels.children[-1].children[-1].click()
    assert bench.error is None
    assert first in (folder / "mine.csv").read_text()
    assert str(folder / "mine.csv") in bench.said
    assert list(tmp_path.iterdir()) == []
    bench.picker.marks.mark("")
    (folder / "mine.csv").unlink()


def test_a_failed_export_is_said(bench, tmp_path) -> None:
    bench.labels.path = str(tmp_path / "labels.xlsx")
    bench.labels.children[-1].children[-1].click()
    assert "csv" in str(bench.error)


def test_a_choice_in_the_labels_is_a_choice_on_all(bench) -> None:
    LabelLog(bench.run.labels).add(explained(bench)[4], "known")
    bench.page = "labels"
    bench.labels.table.selected = explained(bench)[4]
    bench.page = "picker"
    assert bench.picker.selected == explained(bench)[4]


# -- what comes out ----------------------------------------------------------------------------------------------------


def test_the_code_makes_what_is_shown(bench) -> None:
    bench.picker.metric = "chi2_ivar"
    bench.picker.calibrated = True
    bench.hand_score()
    names: dict[str, object] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(bench.to_code(), names)
    assert names["explanation"].id == bench.selected
    np.testing.assert_allclose(names["explanation"].weights, bench.tuner.explanation.weights, rtol=1e-5, atol=1e-9)
    assert names["clusters"].n_clusters_ == bench.inspector.clusterer.n_clusters_
    assert bench.to_code().count("import specanom as sa\n") == 1


def test_the_result_is_score_explainer_and_labels(bench) -> None:
    made = bench.result
    assert made.scorer.name == bench.picker.result.name
    assert made.explainer.segments == sa.Uniform(30)
    assert {"id", "label", "author"} <= set(made.labels.columns)


def test_the_page_saved_holds_all(bench, tmp_path) -> None:
    text = bench.save_html(tmp_path / "bench.html").read_text(encoding="utf-8")
    assert "https://" not in text.split("<body")[0]
    for word in ("Scores: score", "Explanation: grade", "Clusters: clusters", "Labels of all", "import specanom as sa"):
        assert word in text
    assert os.path.getsize(tmp_path / "bench.html") < 15e6


def test_closing_it_closes_all(folder) -> None:
    bench = Workbench.open(folder)
    assert bench.picker.comm is not None
    bench.close()
    assert bench.picker.comm is None


def test_a_mark_given_on_one_page_is_seen_on_the_others(bench) -> None:
    id = explained(bench)[3]
    bench.selected = id
    bench.page = "tuner"
    bench.mark("known")
    assert LabelLog(bench.run.labels).current()[id].label == "known"
    bench.page = "picker"
    assert bench.picker.marks.present() == "known"
    assert bench.picker.table.view().set_index("id").loc[id, "mark"] == "known"
    bench.picker.marks.toggle("known")
    bench.page = "labels"
    assert id not in set(bench.labels.table.view()["id"])


def test_a_mark_given_among_the_clusters_is_seen_in_the_table_of_scores(bench):
    id = explained(bench)[1]
    bench.page = "inspector"
    bench.selected = id
    bench.inspector.scope = "member"
    bench.inspector.mark("hybrid")
    bench.page = "picker"
    assert bench.picker.table.view().set_index("id")["mark"][id] == "hybrid"
    assert "hybrid" in bench.picker.marks._state.value or bench.picker.marks.target != id


def test_code_begins_with_a_score_that_was_handed_on_and_only_where_it_is_explained(folder):
    bench = Workbench.open(folder)
    given = bench.tuner.settings.score
    for metric in ("mad", "lp"):
        bench.picker.metric = metric
        assert bench.picker.wait()
        bench.hand_score()
    for score, made in ((given, []), ("mad", ["mad"]), ("lp", [])):  # the one that is picked stands in the code before
        bench.tuner.settings = bench.tuner.settings.replace(score=score)
        assert bench.tuner.wait()
        assert bench.error is None
        before = bench.to_code().partition("# -- the explanation")[2].partition("explainer = ")[0]
        assert re.findall(r"Scorer\(model, '(\w+)'", before) == made
        assert ("\nscore = scorer" in before) == (score != given)
