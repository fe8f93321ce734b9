"""The tuner without a page: traits are set as its controls would, and the sources of its figure are read."""

from __future__ import annotations

import dataclasses
import html
import threading
import time

import numpy as np
import pytest
from specanom.widgets.tuner.tuner import LimeTuner

import specanom as sa
from specanom.errors import ArgumentError


@pytest.fixture(scope="module")
def sample() -> sa.SpectrumSet:
    return sa.Preprocessor().fit_transform(sa.surveys.mock(n=80, seed=1))


@pytest.fixture(scope="module")
def scorer(sample: sa.SpectrumSet) -> sa.Scorer:
    return sa.Scorer(sa.PCAModel(6).fit(sample), "chi2_ivar")


@pytest.fixture
def tuner(sample, scorer) -> LimeTuner:
    return LimeTuner(sa.Explainer(scorer, sa.Uniform(20)), sample[0], sample=sample)


def change(tuner: LimeTuner, **settings) -> None:
    tuner.settings = tuner.settings.replace(**settings)


def column(tuner: LimeTuner, source: str, name: str) -> np.ndarray:
    return np.asarray(tuner.pane.find(source).data[name])


def test_the_figure_follows_a_setting(tuner, sample, scorer):
    change(tuner, count=31, factor=0.7)
    wanted = sa.Explainer(scorer, sa.Uniform(31), perturbation=sa.Scale(0.7)).explain(sample[0])
    assert np.array_equal(column(tuner, "weights", "weight"), wanted.weights)
    assert np.array_equal(column(tuner, "weights", "low"), wanted.interval[:, 0])
    assert column(tuner, "tint", "alpha").max() == 0.5
    assert tuner.error is None
    assert np.array_equal(tuner.result.explain(sample[0]).weights, wanted.weights)


def test_a_control_does_what_its_trait_does(tuner):
    tuner.controls.fields["count"].control.value = 25
    assert tuner.explanation.n_segments == 25
    change(tuner, count=40)
    assert tuner.controls.fields["count"].control.value == 40


def test_whiskers_become_a_band_when_there_are_many_segments(tuner):
    def drawn():
        band, whiskers, bars = (tuner.live.bars.select_one({"name": name}) for name in ("band", "whiskers", "bars"))
        return band.visible, whiskers.visible, bars.glyph.line_color

    assert drawn()[:2] == (False, True)
    tuner.settings = tuner.settings.replace(count=400, n_samples=300)
    tuner.wait()
    assert drawn() == (True, False, "color")  # seams in the colour of the paper would hide bars this narrow
    tuner.settings = tuner.settings.replace(count=40, n_samples=300)
    tuner.wait()
    assert drawn()[:2] == (False, True)
    assert drawn()[2] != "color"


def test_only_data_change_and_flux_is_not_sent_again(tuner):
    tuner.pane._told = True
    sent = []
    tuner.pane._outbox._send = lambda head, buffers: sent.append(sum(map(len, buffers)))
    models = set(tuner.pane.root.references())
    flux = tuner.pane.find("flux").data["y"]
    change(tuner, kernel_width=0.5)
    change(tuner, count=77)
    assert set(tuner.pane.root.references()) == models
    assert tuner.pane.find("flux").data["y"] is flux
    assert len(sent) == 2
    assert max(sent) < 20_000


def test_another_spectrum_by_id_and_by_step(tuner, sample):
    change(tuner, count=15)
    tuner.selected = sample[3].id
    assert tuner.explanation.id == sample[3].id
    np.testing.assert_array_equal(column(tuner, "flux", "y")[sample[3].valid], sample[3].flux[sample[3].valid])
    tuner.step(1)
    assert (tuner.selected, tuner.explanation.id) == (sample[4].id,) * 2
    assert tuner.explanation.n_segments == 15
    tuner.step(-100)
    assert tuner.selected == sample[4].id


def test_no_gap_stands_before_the_name_of_the_field_of_ids(tuner):
    bar = tuner._bars()[0]
    field = next(one for one in bar.children if getattr(one, "description", "") == "Spectrum")
    assert field.style.description_width == "auto"  # by default a name is set at the end of 80 pixels


def test_an_unknown_id_is_refused_and_the_old_one_stays(tuner, sample):
    tuner.selected = "<img src=x onerror=alert(1)>"
    assert "<img" not in tuner._box.value
    assert tuner.selected == sample[0].id
    assert tuner.error is not None


def test_what_is_refused_keeps_the_last_good_figure_greyed(tuner):
    before = column(tuner, "weights", "weight").copy()
    change(tuner, count=100_000)
    tuner.wait()
    assert tuner.stale
    assert all(veil.visible for veil in tuner.live._veils)
    assert isinstance(tuner.error, ArgumentError)
    assert "segments" in html.unescape(tuner._box.value)
    assert np.array_equal(column(tuner, "weights", "weight"), before)
    change(tuner, count=20)
    assert not tuner.stale
    assert tuner.error is None


def test_a_score_that_raises_is_told_and_the_widget_lives_on(sample):
    broken = [False]

    def odd(flux):
        if broken[0]:
            raise RuntimeError("no <b>disk</b> left")
        return ((flux - 1.0) ** 2).mean(axis=1)

    tuner = LimeTuner(sa.Explainer(odd, sa.Uniform(10), method=sa.Lime(50)), sample[0])
    broken[0] = True
    change(tuner, count=12)
    assert "no &lt;b&gt;disk&lt;/b&gt; left" in tuner._box.value
    assert tuner.explanation.n_segments == 10
    broken[0] = False
    change(tuner, count=13)
    assert (tuner.error, tuner.explanation.n_segments) == (None, 13)


def test_slow_methods_work_in_the_background_and_the_newest_wins(sample):
    asked = []

    def odd(flux):
        asked.append(len(flux))
        time.sleep(0.002)
        return ((flux - 1.0) ** 2).mean(axis=1)

    tuner = LimeTuner(sa.Explainer(odd, sa.Uniform(8), method=sa.Lime(50)), sample[0])
    change(tuner, n_samples=20_000)
    for n in (20_100, 20_200, 20_300):
        change(tuner, n_samples=n)
    assert tuner.stale
    assert len(tuner.jobs) == 1
    assert tuner.wait(30.0)
    assert tuner.explanation.n_samples == 20_300
    assert not tuner.stale


def test_a_quick_answer_is_not_overtaken_by_a_slow_one(tuner):
    change(tuner, n_samples=30_000)
    change(tuner, n_samples=500)
    tuner.wait()
    assert (tuner.explanation.n_samples, tuner.stale) == (500, False)


def test_dragging_an_edge_cuts_by_hand_and_undo_goes_back(tuner):
    tuner.editing = True
    edges = tuner.edges
    assert np.allclose(column(tuner, "edges", "x"), edges)
    for place in np.linspace(edges[4], edges[4] + 12.0, 5):
        tuner.live.edges.drag.data = {"index": [4], "x": [place], "count": [1], "done": [0]}
    tuner.live.edges.drag.data = {"index": [4], "x": [edges[4] + 15.0], "count": [2], "done": [1]}
    assert tuner.settings.segmentation == "boundaries"
    assert edges[4] + 13.0 < tuner.edges[4] < edges[4] + 17.0
    assert tuner.explanation.n_segments == 20
    np.testing.assert_allclose(column(tuner, "edges", "x"), tuner.edges)
    tuner.live.edges.drag.data = {"index": [4], "x": [0.0], "count": [3], "done": [2]}
    assert len(tuner.edges) == 18
    tuner.add_edge(edges[4])
    assert len(tuner.edges) == 19
    tuner.undo()
    tuner.undo()
    assert tuner.settings.segmentation == "boundaries"
    tuner.undo()  # the whole movement
    assert (tuner.settings, tuner.edges) == (tuner.start, edges)


def test_copies_are_those_the_method_scored(tuner):
    tuner.copies = True
    assert tuner.live.neighbours.panel.visible
    np.testing.assert_array_equal(column(tuner, "fill", "y"), tuner._session.problem.fill)
    scores = [float(text.split()[-1]) for text in column(tuner, "copy scores", "text")]
    assert len(scores) == 5
    assert scores == sorted(scores)
    change(tuner, method="split")
    assert len(column(tuner, "copies", "x")) == 0
    tuner.copies = False
    assert not tuner.live.neighbours.panel.visible


def test_pins_stand_side_by_side_swap_and_follow_the_spectrum(tuner, sample):
    tuner.pin()
    change(tuner, count=30, perturbation="blur")
    tuner.pin()
    assert [pin.title for pin in tuner.pins] == ["as given", "K = 30, blur, blur sigma = 20"]
    assert "30 segments" in tuner.pins[1]._caption.value
    assert len(tuner.panes) == 3
    tuner._swap(tuner.pins[0])
    assert tuner.settings == tuner.start
    assert tuner.pins[0].explanation.n_segments == 30
    tuner._restore(tuner.pins[1])
    assert tuner.explanation.n_segments == 30
    tuner.step(1)
    assert tuner.wait()
    assert {pin.explanation.id for pin in tuner.pins} == {sample[1].id}
    for _ in range(5):
        tuner.pin()
    assert len(tuner.pins) == 4
    tuner.board.unpin(tuner.pins[0])
    assert (len(tuner.pins), len(tuner.panes)) == (3, 4)


def test_a_layout_of_the_paper_is_pinned_at_once(tuner):
    tuner.show_layout("Fig. 7")
    tuner.wait()
    assert [pin.settings.factor for pin in tuner.pins] == [0.6, 0.9, 1.2]
    assert all(pin.explanation.n_samples == 5000 for pin in tuner.pins)
    assert tuner.settings.preset == "paper"
    tuner.show_layout("Fig. 99")
    assert isinstance(tuner.error, ArgumentError)


def test_scores_of_the_paper_raw_and_calibrated(tuner, sample, scorer):
    assert {"chi2_ivar", "mse", "chi2_filtered_trimmed", "mse_cal", "chi2_ivar_cal"} <= set(tuner.scores.names)
    change(tuner, score="mse_cal")
    assert tuner.wait(60.0)
    made = sa.Scorer.paper(scorer.model)["mse"].calibrate(sample)
    assert tuner.explanation.score == pytest.approx(float(made(sample[0])[0]), rel=1e-6)


def test_the_code_makes_the_same_explanation(tuner, sample, scorer):
    change(tuner, score="mse_filtered", count=33, perturbation="flat", level=1.1, seed=4)
    tuner.wait()
    names = {"score": scorer, "sample": sample}
    exec(tuner.to_code(), names)
    assert np.array_equal(names["explanation"].weights, tuner.explanation.weights)


def test_weights_per_angstrom(tuner):
    tuner.density = True
    np.testing.assert_allclose(column(tuner, "weights", "weight"), tuner.explanation.per_angstrom())


def test_a_page_is_saved_with_its_state_and_hostile_ids_stay_text(sample, scorer, tmp_path):
    hostile = sample[0].replace(id="<img src=x onerror=alert(1)>$$x$$")
    tuner = LimeTuner(sa.Explainer(scorer, sa.Uniform(10)), hostile)
    tuner.pin()
    page = tuner.save_html(tmp_path / "page.html").read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page
    assert "sa.Uniform(10)" in html.unescape(page)
    assert "<img src=x" not in tuner.readout.value
    assert "$$x$$" not in tuner.live.spectrum.figure.title.text


def test_colours_follow_the_theme(tuner):
    tuner.theme = "dark"
    assert tuner.live.theme == "dark"
    change(tuner, count=18)
    from specanom.plots.palette import DARK
    assert set(column(tuner, "weights", "color")) <= {DARK.vermilion, DARK.blue}


def test_keys(tuner, sample):
    keys = tuner.shortcuts()
    keys["ArrowRight"][1]()
    assert tuner.selected == sample[1].id
    keys["ArrowLeft"][1]()
    assert tuner.selected == sample[0].id
    keys["e"][1]()
    assert tuner.editing
    change(tuner, count=9)
    keys["r"][1]()
    assert tuner.settings == tuner.start
    keys["u"][1]()
    assert tuner.settings.count == 9


def test_settings_are_pinned_only_with_their_own_explanation(tuner):
    change(tuner, method="shap", exact=True, count=60)  # refused
    assert tuner.stale
    tuner.pin()
    assert tuner.pins == ()
    assert "no explanation yet" in tuner.said
    change(tuner, method="occlusion")
    tuner.pin()
    assert tuner.pins[0].explanation.n_segments == tuner.pins[0].settings.count == 60


def test_an_explanation_of_a_pin_that_was_swapped_meanwhile_is_dropped(tuner):
    tuner.pin()
    pin, made = tuner.pins[0], tuner._pins_again(print, lambda: False)
    change(tuner, count=31)
    tuner._swap(pin)
    tuner.board.renew(made)
    assert pin.settings.count == pin.explanation.n_segments == 31


def test_a_score_that_takes_the_place_of_another_is_calibrated_anew(tuner, scorer):
    old = tuner.scores["chi2_ivar_cal"]
    tuner.take_score(dataclasses.replace(scorer, trim=0.2))
    assert tuner.scores["chi2_ivar_cal"].scorer.trim == 0.2 != old.scorer.trim


def test_a_score_calibrated_with_other_spectra_keeps_its_calibration(sample, scorer):
    score = scorer.calibrate(sample[:40])
    tuner = LimeTuner(sa.Explainer(score, sa.Uniform(10)), sample[50], sample=sample)
    assert tuner.result.score is score
    assert tuner.explanation.score == pytest.approx(float(score(sample[50])[0]), rel=1e-6)
    assert tuner.scores.code(tuner.settings.score) == "score"


def test_a_spectrum_that_takes_long_is_explained_in_the_background(sample, scorer):
    slow, broken = threading.Event(), [False]

    def odd(flux):
        if threading.current_thread() is not threading.main_thread():
            slow.wait(20.0)
            if broken[0]:
                raise RuntimeError("no disk")
        return ((flux - 1.0) ** 2).mean(axis=1)

    tuner = LimeTuner(sa.Explainer(odd, sa.Uniform(8), method=sa.Lime(20_000)), sample[0], sample=sample)
    tuner._pace.slow = lambda settings, _pixels: settings.n_samples >= 20_000  # on any machine
    tuner.pin()
    tuner.selected = sample.ids[3]
    assert (tuner.spectrum.id, tuner.explanation.id, tuner.stale) == (sample.ids[3], sample.ids[0], True)
    assert len(tuner.jobs) == 1
    tuner.step(1)  # the newest wins
    assert (tuner.selected, len(tuner.jobs)) == (sample.ids[4], 1)
    slow.set()
    assert tuner.wait()
    assert (tuner.explanation.id, tuner.stale, tuner.error) == (sample.ids[4], False, None)
    assert tuner.pins[0].explanation.id == sample.ids[4]
    shown = column(tuner, "flux", "y")
    np.testing.assert_array_equal(shown[np.isfinite(shown)], sample[4].flux[np.isfinite(shown)])

    slow.clear()
    tuner.selected = sample.ids[5]
    change(tuner, n_samples=100)  # quick settings while it is on its way: of the spectrum that was chosen
    assert (tuner.explanation.id, tuner.explanation.n_samples) == (sample.ids[5], 100)
    slow.set()
    assert tuner.wait()
    assert (tuner.explanation.id, tuner.explanation.n_samples, tuner.stale) == (sample.ids[5], 100, False)

    change(tuner, n_samples=20_000)
    assert tuner.wait()
    broken[0] = True
    tuner.selected = sample.ids[6]
    assert tuner.wait()
    assert isinstance(tuner.error, RuntimeError)
    assert (tuner.selected, tuner.spectrum.id, tuner.stale) == (sample.ids[5], sample.ids[5], False)


def test_spectra_of_one_name_are_gone_through_row_by_row(sample, scorer):
    ids = ["a", "b", "a", "b", "c"]
    few = sa.SpectrumSet(sample.wave, sample.flux[:5], sample.ivar[:5], sample.table.iloc[:5].assign(id=ids))
    tuner = LimeTuner(sa.Explainer(scorer, sa.Uniform(10)), few[0], sample=few)
    seen = [tuner.spectrum]
    for _ in range(6):
        tuner.step(1)
        seen.append(tuner.spectrum)
    assert [one.id for one in seen] == [*ids, "c", "c"]
    assert [one.flux[0] for one in seen[:5]] == [few[row].flux[0] for row in range(5)]
    for _ in range(2):
        tuner.step(-1)
    names = {"score": scorer, "sample": few}
    exec(tuner.to_code(), names)
    assert np.array_equal(names["explanation"].weights, tuner.explanation.weights)
    assert tuner.spectrum.flux[0] == few[2].flux[0]
