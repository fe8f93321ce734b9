"""The inspector of clusters, by its traits and its data sources."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
from specanom.widgets.base.words import in_html
from specanom.widgets.inspector import ClusterInspector
from specanom.widgets.inspector.colouring import CHOICES

from specanom.cluster import ExplanationClusterer
from specanom.errors import NotFittedError, ShapeError

from .inspected import HOSTILE, N, parts


def points(opened) -> dict:
    return opened.map_pane.find("points").data


def test_it_opens_on_the_first_cluster_with_its_means_and_members(opened, given):
    clusterer, sample, _ = given
    rows = np.flatnonzero(clusterer.labels_ == 0)
    np.testing.assert_allclose(opened.means_pane.find("mean").data["mean"], sample.flux[rows].mean(axis=0), rtol=1e-5)
    assert opened.table.shown == rows.size
    assert opened.selected in [sample.ids[i] for i in rows]
    assert opened.k == 3
    assert (points(opened)["x"][clusterer.labels_ == -1] != points(opened)["x"][clusterer.labels_ == -1]).all()


@pytest.mark.parametrize("rows", [[0], [1, 4, 9], list(range(N))])
def test_means_of_a_selection_are_those_of_numpy(opened, given, rows):
    clusterer, sample, _ = given
    opened.atlas.source.selected.indices = rows
    mean = opened.means_pane.find("mean").data
    np.testing.assert_allclose(mean["mean"], sample.flux[rows].mean(axis=0), rtol=1e-5)
    np.testing.assert_allclose(mean["low"], np.percentile(sample.flux[rows], 16, axis=0), rtol=1e-4)
    np.testing.assert_allclose(mean["high"], np.percentile(sample.flux[rows], 84, axis=0), rtol=1e-4)
    weights = opened.means_pane.find("mean weights").data
    np.testing.assert_allclose(weights["mean"], clusterer.features_.rows[rows].mean(axis=0), rtol=1e-5)
    assert opened.selection == tuple(sample.ids[i] for i in rows)
    assert opened.table.shown == len(rows)
    assert f"{len(rows)} selected" in opened.averages.flux.title.text


def test_one_selection_everywhere(opened):
    opened.selection = ("s9", "s20", "not there")
    assert opened.atlas.source.selected.indices == [9, 20]
    assert sorted(opened.table.view()["id"]) == ["s20", "s9"]
    opened.clear()
    assert opened.atlas.source.selected.indices == []
    assert opened.selection == ()
    opened.listed = "all"
    opened.table.chosen = ("s6", "s8")
    assert opened.atlas.source.selected.indices == [6, 8]
    assert opened.table.shown == N


@pytest.mark.parametrize("by", list(CHOICES))
def test_points_are_coloured_by_each_column_and_the_unknown_are_counted(opened, by):
    opened.colour = by
    values = points(opened)["value"]
    unknown = {"cluster": 2, "z": 1, "bpt": N // 3}.get(by, 0)
    assert np.isnan(values).sum() == unknown
    assert (f"{unknown} is not known" in opened.atlas.note.text) == bool(unknown)
    assert opened.atlas.bar.title == CHOICES[by]
    if by in ("score", "z", "snr"):
        np.testing.assert_allclose(values, getattr(opened.members, by).astype(np.float32))
        assert opened.atlas.mapper.low < np.nanmedian(values) < opened.atlas.mapper.high
    assert set(opened.atlas.ticker.ticks) == set(opened.atlas.bar.major_label_overrides)


@pytest.mark.parametrize("k", [2, 5])
def test_the_status_line_tells_of_the_new_clusters_when_k_changes(opened, k):
    opened.cluster = 2
    opened.mark("artefact")
    assert "artefact" in opened.said
    opened.k = k
    assert "artefact" not in opened.said
    assert f"{k} clusters" in opened.said
    assert in_html(opened.focus_title) in opened.said
    said = opened.said
    opened.k = k
    assert opened.said == said


def test_names_stay_with_their_members_when_k_changes(opened):
    members = set(opened.members.ids[opened.rows_of(opened.cluster)])
    opened.name = "red sky"
    opened.k = 5
    called = opened.result
    assert {id for id, name in zip(called["id"], called["cluster_name"], strict=True) if name} <= members
    assert "red sky" in opened.names.values()
    opened.k = 3
    called = opened.result
    assert set(called.loc[called["cluster_name"] == "red sky", "id"]) == members
    assert "red sky" in {v: t for t, v in opened.panel.picker.options}[opened.cluster]


def test_names_and_marks_outlive_the_kernel(given, opened, tmp_path):
    opened.name = "<b>sky</b>"
    opened.note = "see plate 9002"
    opened.mark("artefact")
    again = ClusterInspector(given[0], given[1], lines=given[2], labels=tmp_path / "labels.jsonl")
    assert again.names == {0: "<b>sky</b>"}
    pd.testing.assert_frame_equal(again.result, opened.result)
    assert set(again.result.loc[again.result["cluster"] == 0, "mark"]) == {"artefact"}
    assert "<b>sky" not in again.story.value
    again.close()


def test_marks_go_to_the_cluster_the_selection_or_the_member(opened, tmp_path):
    opened.mark("physical")
    assert (opened.result["mark"] == "physical").sum() == opened.rows_of(0).size
    opened.selection = ("s9", "s20")
    opened.mark("hybrid")
    opened.scope = "member"
    opened.selected = "s20"
    opened.mark("artefact")
    marks = opened.result.set_index("id")["mark"]
    assert (marks["s9"], marks["s20"]) == ("hybrid", "artefact")
    opened.mark("")
    assert opened.result.set_index("id")["mark"]["s20"] == ""
    lines = (tmp_path / "labels.jsonl").read_text().splitlines()
    assert [json.loads(line)["label"] for line in lines[-2:]] == ["artefact", ""]
    assert opened.table.view().set_index("id")["mark"]["s9"] == "hybrid"


def test_a_mark_on_a_cluster_keeps_what_was_said_of_one_member(opened):
    id = str(opened.members.ids[opened.rows_of(0)[0]])
    opened.book.marks.add(id, "interesting", note="two peaks", source="score picker")
    opened.mark("artefact")
    marked = opened.result.set_index("id").loc[opened.members.ids[opened.rows_of(0)]]
    assert tuple(marked.loc[id, ["mark", "note"]]) == ("interesting", "two peaks")
    assert (marked["mark"] == "artefact").sum() == len(marked) - 1
    assert "1 keep what you said" in opened.said
    opened.scope, opened.selected = "member", id
    opened.mark("hybrid")
    assert tuple(opened.result.set_index("id").loc[id, ["mark", "note"]]) == ("hybrid", "two peaks")


@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_labels_come_back_from_the_export(opened, tmp_path, ending):
    opened.name = "=1+1"
    opened.mark("artefact")
    opened.file = str(tmp_path / f"out{ending}")
    opened._export()
    read = pd.read_parquet if ending == ".parquet" else (lambda path: pd.read_csv(path, keep_default_na=False))
    table = read(opened.file)
    assert list(table.columns) == ["id", "cluster", "cluster_name", "mark", "note"]
    if ending == ".csv":
        assert set(table["cluster_name"]) == {"", "'=1+1"}
        assert "'=cmd()|' /C calc'!A0" in set(table["id"])
        table = table.apply(lambda column: column.str.removeprefix("'") if column.name != "cluster" else column)
    assert table.astype(str).equals(opened.result.astype(str))
    assert not list(tmp_path.glob("*.part"))


def test_an_export_of_another_kind_says_what_can_be_written(opened, tmp_path):
    opened.file = str(tmp_path / "labels.txt")
    opened._export()
    assert ".parquet" in str(opened.error)
    opened.file = str(tmp_path / "labels.csv")
    opened._export()


def test_more_clusters_than_rows_are_refused_and_all_stays(opened):
    opened.k = 400
    assert "at least 400" in str(opened.error)
    assert (opened.k, opened.clusterer.n_clusters_) == (3, 3)
    opened.k = 2
    assert opened.error is None
    assert opened.counting._marks[0].location == 2


def test_hostile_ids_stay_text(opened):
    opened.selection = HOSTILE
    shown = points(opened)["id"]
    assert not any("$$" in id or "\\[" in id for id in shown)
    for id in HOSTILE:
        opened.selected = id
        assert "$$" not in opened.member.live.flux.title.text
    assert "<img" not in opened.story.value + opened.ratios.value
    assert set(opened.table.view()["id"]) == set(HOSTILE)


def test_the_observed_frame_shifts_members_and_member(opened, given):
    before = opened.means_pane.find("mean").data["x"]
    opened.frame = "observed"
    after = opened.means_pane.find("mean").data["x"]
    assert after[-1] > 1.1 * before[-1]
    assert "observed frame" in opened.averages.weights.xaxis.axis_label
    assert len(opened.means_pane.find("sky").data["x0"]) > 0
    assert opened.member.live.view.axis.frame == "observed"
    assert "7 without" not in opened.averages.flux.title.text
    opened.shortcuts()["o"][1]()
    assert opened.frame == "rest"


def test_in_the_observed_frame_it_is_the_median_and_says_so(opened, given):
    clusterer, _, _ = given
    title, entry = opened.averages.flux.title, opened.averages.flux.legend[0].items[0]
    rows = np.flatnonzero(clusterer.labels_ == 0)
    assert "mean of" in title.text
    opened.frame = "observed"
    band = opened.means.spectrum(rows, "observed")
    np.testing.assert_allclose(opened.means_pane.find("mean").data["mean"], band.median, rtol=1e-6)
    assert not np.allclose(band.median, band.mean, equal_nan=True)
    assert "median of" in title.text
    assert entry.label.value == "median"
    assert any("median" in row for tool in opened.averages.flux.hover for row in tool.tooltips)
    beside = opened.means_pane.find("cluster means").data["ys"]
    drawn = opened.means.medians(clusterer.labels_, 3, "observed")
    assert [np.nanmax(one) for one in beside] == pytest.approx(np.nanmax(drawn, axis=1), rel=1e-6)
    opened.frame = "rest"
    assert (entry.label.value, "mean of" in title.text) == ("mean", True)


def test_means_of_other_clusters_are_drawn_only_when_asked_for(given, tmp_path):
    assert ClusterInspector.compare.default_value is False
    clusterer, sample, lines = given
    made = ClusterInspector(clusterer, sample, lines=lines, labels=tmp_path / "labels.jsonl")
    assert len(made.means_pane.find("cluster means").data["xs"]) == 0
    assert len(made.means_pane.find("cluster weights").data["xs"]) == 0
    made.close()


def test_the_means_of_all_clusters_stand_beside(opened):
    beside = opened.means_pane.find("cluster means")
    assert len(beside.data["xs"]) == 3
    opened.compare = False
    assert len(beside.data["xs"]) == 0


def test_every_cluster_is_in_sight_and_its_row_tells_what_its_columns_do_not(opened):
    for k in (3, 6):
        opened.k = k
        assert opened.overview.height >= 32 + 28 * k
        opened.cluster = k - 1
        story = opened.overview.view()["story"].iloc[k - 1]
        assert "median z" not in story
        assert not story.startswith("sits on")
        assert all(part in opened.story.value for part in story.split("; "))
    assert "z" not in opened.overview.hidden


def test_stability_of_every_k_is_found_in_the_background(opened):
    assert opened.curves_pane.find("stability").data["k"].tolist() == [3]
    opened.find_stability()
    assert opened.wait(60)
    data = opened.curves_pane.find("stability").data
    assert data["k"].tolist() == [2, 3, 4, 5, 6]
    assert np.nanargmax(data["y"]) in (0, 1)


def test_line_ratios_are_medians_with_the_middle_68_percent_and_the_table_says_so(opened, given):
    clusterer, sample, lines = given
    ratios = lines["N2"].to_numpy()[np.flatnonzero(clusterer.labels_ == 0)]
    low, middle, high = np.nanpercentile(ratios, [16, 50, 84])
    assert f"{middle:.2f} [{low:.2f} – {high:.2f}] ({np.isfinite(ratios).sum()})" in opened.ratios.value
    assert f"{middle:.2f}" == f"{clusterer.summary(sample, lines)[0].ratios.loc['N2', 'median']:.2f}"
    assert "median, 16–84 percentile range" in opened.ratios.value
    assert clusterer.summary(sample, lines)[0].story in opened.story.value


def test_keys_move_through_members_and_clusters(opened):
    first = opened.selected
    keys = opened.shortcuts()
    keys["ArrowDown"][1]()
    assert opened.selected != first
    assert opened.selected == opened.table.view()["id"].iloc[1]
    keys["]"][1]()
    assert opened.cluster == 1
    assert opened.panel.picker.value == 1
    keys["["][1]()
    keys["["][1]()
    assert opened.cluster == 2
    keys["2"][1]()
    assert set(opened.result.loc[opened.result["cluster"] == 2, "mark"]) == {"artefact"}


def test_a_member_of_another_cluster_brings_its_cluster_along(opened, given):
    other = np.flatnonzero(given[0].labels_ == 2)[3]
    opened.selected = given[1].ids[other]
    assert opened.cluster == 2
    assert opened.table.selected == given[1].ids[other]
    opened.selected = "not explained"
    assert "not explained" in opened.said
    assert opened.cluster == 2


def test_the_code_makes_the_same_clusters_and_names(opened, given):
    opened.k = 4
    opened.name = "it's \"odd\""
    opened.mark("hybrid")
    explanations = type("Explained", (), {"weights": given[0].features_.rows, "ids": list(given[0].ids_)})()
    space: dict = {"explanations": explanations}
    exec(opened.to_code(), space)
    want = opened.result.reset_index(drop=True)
    pd.testing.assert_frame_equal(space["labels"][list(want.columns)], want, check_dtype=False)


def test_a_page_holds_figures_tables_and_code(opened, tmp_path):
    opened.name = "<script>alert(1)</script>"
    text = opened.save_html(tmp_path / "page.html").read_text(encoding="utf-8")
    assert "<script>alert(1)" not in text
    assert "ExplanationClusterer(3" in text
    assert "<img src=x" not in text


def test_colours_follow_the_theme(opened):
    light = opened.atlas.mapper.palette
    opened.theme = "dark"
    assert opened.atlas.mapper.palette != light
    assert opened.map_pane.theme == "dark"
    opened.colour = "z"
    opened.theme = "light"


def test_wrong_parts_are_refused(given, tmp_path):
    clusterer, sample, _ = given
    with pytest.raises(NotFittedError):
        ClusterInspector(ExplanationClusterer(), sample)
    with pytest.raises(ShapeError, match="none of them"):
        ClusterInspector(clusterer, sample.replace(table=sample.table.assign(id=[f"x{i}" for i in range(N)])))


def test_of_quasars_the_inspector_says_why_there_is_no_probability_of_an_artefact() -> None:
    clusterer, sample, lines = parts()
    context = clusterer.features_.context.assign(artefact=np.nan, untold="not calibrated <for> quasars")
    clusterer.features_ = dataclasses.replace(clusterer.features_, context=context)
    shown = ClusterInspector(clusterer, sample, lines=lines)
    assert "artefact: not calibrated &lt;for&gt; quasars" in shown.panel.focus.value
    assert "nan" not in shown.panel.focus.value
