"""The score picker's scores, figures and comparisons, driven by its traits."""

from __future__ import annotations

import threading

import numpy as np
import pandas as pd
import pytest
from specanom.widgets.picker import ScorePicker

from specanom.scores import CalibratedScorer, Scorer, ranks, table
from specanom.spectrumset import SpectrumSet
from tests.widgets.pickers import Flat, make, pick


@pytest.fixture
def picker(tmp_path) -> ScorePicker:
    return pick(make(), tmp_path)


def executed(picker: ScorePicker) -> dict:
    space = {"model": picker.book.family.base.model, "sample": picker.sample}
    exec(picker.to_code(), space)
    return space


def test_it_opens_with_the_oddest_spectrum_and_all_metrics_compared(picker):
    oddest = picker.sample.ids[int(np.argmax(picker.scorer(picker.sample)))]
    assert picker.selected == oddest == picker.table.selected == picker.marks.target
    assert picker.table.view()["id"].iloc[0] == oddest
    assert picker.error is None
    assert picker.figures.overlap.names[:3] == ["mse", "chi2", "chi2_ivar"]
    flux = picker.spectrum.pane.find("flux").data
    np.testing.assert_allclose(flux["y"], picker.sample.by_id(oddest).flux, rtol=1e-6)
    np.testing.assert_allclose(flux["reconstruction"], 1.0)


@pytest.mark.parametrize("state", [
    {"metric": "chi2_ivar"}, {"metric": "multiscale", "calibrated": True}, {"trim": 0.05, "calibrated": True},
    {"filtered": True, "velocity": 700.0, "lines": "paper"},
    {"filtered": True, "lines": "chosen", "chosen_lines": ("Ha", "OIII5008"), "metric": "lp"},
    {"filtered": True, "lines": "chosen", "chosen_lines": ()},
])
def test_the_state_its_result_and_its_code_make_the_same_scores(picker, state):
    for name, value in state.items():
        setattr(picker, name, value)
    assert picker.wait()
    space = executed(picker)
    np.testing.assert_allclose(picker.table.view().sort_values("id")["score"], space["scores"])
    np.testing.assert_allclose(picker.result(picker.sample), space["scores"])
    assert isinstance(picker.result, CalibratedScorer) == picker.calibrated
    view = picker.table.view()
    assert list(view["rank"]) == list(range(1, len(view) + 1))
    drawn = sum(np.sum(source.data["count"]) for source in picker.figures.histogram.bars.values())
    assert drawn == len(picker.sample)


def test_a_calibrated_scorer_with_a_line_list_of_its_own_is_where_it_begins(tmp_path):
    sample = make()
    scorer = Scorer(Flat(sample.wave), "mad", velocity=400.0, lines=("Hb", "Ha"), trim=0.1).calibrate(sample)
    picker = ScorePicker(scorer, sample, labels=tmp_path / "labels.jsonl")
    assert (picker.metric, picker.velocity, picker.lines, picker.trim) == ("mad", 400.0, "chosen", 0.1)
    assert picker.chosen_lines == ("Hb", "Ha")
    assert picker.label == "mad_filtered_trimmed_cal"
    np.testing.assert_allclose(picker.result(sample), scorer(sample))


def test_a_known_score_comes_back_without_asking_the_model(picker):
    picker.metric = "cosine"
    model = picker.book.family.base.model
    before = model.asked
    picker.metric = "mse"
    picker.metric = "cosine"
    assert model.asked == before


def test_opening_many_spectra_with_their_scores_does_bounded_work(tmp_path):
    sample = make(100_000 // 50)
    repeated = SpectrumSet(sample.wave, np.tile(sample.flux, (50, 1)), table=pd.concat([sample.table] * 50).assign(
        id=[f"s{i:06d}" for i in range(100_000)], bin=np.arange(100_000) % 4))
    model = Flat(sample.wave)
    scores = pd.DataFrame({"id": repeated.ids, "mse": np.tile(Scorer(model, "mse")(sample.flux), 50),
                           "mad": np.tile(Scorer(model, "mad")(sample.flux), 50)})
    model.asked = 0
    picker = ScorePicker(Scorer(model, "mse"), repeated, scores=scores, labels=tmp_path / "labels.jsonl")
    assert model.asked <= 5  # a few to check the column, one to look at
    assert not picker.jobs
    assert picker.table.shown == 100_000
    assert len(picker.figures.histogram.bars) == 4
    points = picker.figures.scatters["snr"]
    assert len(points.points.data["x"]) < 20_000
    assert len(points.cells.data["density"]) > 0
    picker.metric = "mad"
    assert model.asked <= 8


def test_many_spectra_without_scores_are_scored_in_the_background_and_can_be_cancelled(tmp_path):
    sample = make(3000)
    picker = ScorePicker(Scorer(Flat(sample.wave), "mse"), sample, labels=tmp_path / "labels.jsonl")
    assert picker.wait()
    np.testing.assert_allclose(picker.table.view()["score"].max(), Scorer(Flat(sample.wave), "mse")(sample).max())
    assert picker.table.view()["id"].iloc[0] == picker.selected


def test_a_score_that_is_ready_before_the_first_spectrum_is_drawn_puts_the_oddest_in_focus(tmp_path, monkeypatch):
    show = ScorePicker._show_focus

    def slowly(picker: ScorePicker) -> None:
        show(picker)
        if threading.current_thread() is threading.main_thread():
            for job in picker.jobs:
                job.wait(1.0)

    monkeypatch.setattr(ScorePicker, "_show_focus", slowly)
    picker = pick(make(3000), tmp_path)
    assert picker.selected == picker.table.view()["id"].iloc[0]


def test_the_last_of_many_settings_wins(tmp_path):
    picker = pick(make(3000), tmp_path)
    picker.filtered = True
    for velocity in (300.0, 500.0, 700.0, 900.0):
        picker.velocity = velocity
    assert picker.wait()
    np.testing.assert_allclose(picker.table.view().sort_values("id")["score"], executed(picker)["scores"])
    assert picker.figures.histogram.root.title.text.startswith("mse_filtered900")


def test_an_exception_in_a_score_is_shown_and_the_dashboard_lives_on(picker):
    model = picker.book.family.base.model
    shown = picker.table.view()["score"].to_numpy()
    picker.book._batches, model.broken = None, True
    picker.trim = 0.07
    assert picker.wait()
    assert isinstance(picker.error, RuntimeError)
    assert "&lt;gone&gt;" in picker._box.value
    np.testing.assert_array_equal(picker.table.view()["score"], shown)
    model.broken = False
    picker.trim = 0.08
    assert picker.wait()
    assert picker.error is None
    np.testing.assert_allclose(picker.table.view().sort_values("id")["score"], executed(picker)["scores"])


def test_a_metric_that_needs_noise_says_so_where_there_is_none(tmp_path):
    sample = make().replace(ivar=None)
    picker = pick(sample, tmp_path)
    assert "chi2_ivar" not in picker.compared
    picker.metric = "chi2_ivar"
    assert picker.wait()
    assert "ivar" in str(picker.error)
    picker.metric = "mad"
    assert picker.error is None


def test_taps_choose_a_spectrum_a_percentile_and_what_two_lists_share(picker):
    scatter = picker.figures.scatters["z"]
    scatter.on_tap(7)
    assert picker.selected == picker.sample.ids[7]
    assert scatter.ring.data["x"][0] == pytest.approx(picker.sample.table["z"][7])
    picker.figures.histogram.on_tap(float(np.median(picker._values)))
    assert picker.percentile == pytest.approx(50.0, abs=1.0)
    assert "60 of 120 above" in picker._standing.value
    picker.top = 10
    picker.figures.overlap.on_tap("mse", "mad")
    shared = picker.figures.overlap.cells.data
    text = next(t for t, a, b in zip(shared["text"], shared["first"], shared["second"], strict=True)
                if (a, b) == ("mse", "mad"))
    assert picker.table.shown == int(text)
    picker.figures.overlap.on_tap("mse", "mad")
    assert picker.table.shown == 120


def test_the_overlap_is_that_of_the_top_lists(picker):
    picker.top = 15
    data = picker.figures.overlap.cells.data
    counts = dict(zip(zip(data["first"], data["second"], strict=True), data["text"], strict=True))
    known = table([picker.book.family.scorer(name) for name in ("mse", "lp")], picker.sample)
    lists = [set(np.array(known["id"])[np.argsort(-known[name])[:15]]) for name in ("mse", "lp")]
    assert counts["mse", "lp"] == str(len(lists[0] & lists[1]))
    assert counts["mse", "mse"] == "15"


def test_a_score_that_is_kept_is_ranked_beside_the_others(picker):
    picker.filtered = True
    picker.velocity = 600.0
    picker.pin()
    picker.filtered = False
    assert picker.wait()
    assert "mse_filtered600" in picker.compared
    kept = picker.book.family.scorer("mse", velocity=600.0)
    view = picker.table.view().sort_values("id")
    np.testing.assert_array_equal(view["mse_filtered600_rank"], ranks(kept(picker.sample), picker.sample.ids))
    picker.compared = ("mad",)
    assert [name for name in picker.table.view() if name.endswith("_rank")] == ["mad_rank"]
    picker.compared = ("nothing",)
    assert "nothing" in str(picker.error)
