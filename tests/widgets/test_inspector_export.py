"""Labels are exported beside the marks, wherever the kernel runs, and the button says where."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

import specanom as sa


@pytest.fixture(scope="module")
def inspector(tmp_path_factory):
    sample = sa.Preprocessor(grid=(3600, 7400, 400)).fit_transform(sa.surveys.mock(n=40, seed=1))
    explainer = sa.Explainer(sa.Scorer(sa.PCAModel(4).fit(sample), "chi2_ivar"), sa.Uniform(12), method=sa.Lime(100))
    explanations = explainer.explain_many(sample[:12])
    clusters = sa.ExplanationClusterer(2, bootstrap=0).fit(explanations)
    folder = tmp_path_factory.mktemp("run $x$ <b>")
    return clusters.inspect(sample, explanations=explanations, labels=folder / "labels.jsonl")


def test_an_export_lies_beside_the_marks_and_not_where_the_kernel_runs(inspector, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    inspector._export()
    written = inspector.book.marks.path.parent / "cluster-labels.csv"
    assert len(pd.read_csv(written)) == 12
    assert list(tmp_path.iterdir()) == []


def test_names_and_marks_of_clusters_take_room_when_there_are_some(inspector):
    def hidden():
        return {"name", "marks"} & set(inspector.overview.hidden)

    assert hidden() == {"name", "marks"}
    inspector.name, inspector.scope = "broad", "focus"
    assert hidden() == {"marks"}
    inspector.mark("physical")
    assert hidden() == set()
    inspector.overview.hidden = (*inspector.overview.hidden, "marks")
    inspector.mark("hybrid")
    assert hidden() == {"marks"}, "what one hides stays hidden"
    inspector.mark("")
    inspector.name = ""
    assert hidden() == {"name", "marks"}


def test_it_says_under_the_note_what_becomes_of_it(inspector):
    said = inspector.panel.noted
    assert said.value == ""
    inspector.note = "faint <b>"
    assert "the note goes with it" in said.value
    inspector.note = ""
    assert said.value == ""
    inspector.scope, inspector.note = "member", "faint <b>"
    inspector.mark("physical")
    assert "note saved" in said.value
    assert inspector.book.marks.current()[inspector.selected].note == "faint <b>"
    inspector.mark("")
    assert inspector.error is None


def test_a_whole_path_is_taken_as_it_is(inspector, tmp_path):
    inspector.file = str(tmp_path / "mine.parquet")
    inspector._export()
    assert len(pd.read_parquet(tmp_path / "mine.parquet")) == 12


def test_the_panel_says_where_as_text(inspector):
    inspector.file = "cluster-labels.csv"
    inspector._export()
    told = inspector.panel.exported.value
    assert "&lt;b&gt;" in told
    assert "<b>" not in told
    assert Path(inspector.file).name in told
