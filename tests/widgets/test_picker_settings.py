"""Which scorer the picker's state means, and the scores it keeps by setting."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from specanom.widgets.picker import ScorePicker
from specanom.widgets.picker.axes import Scale, count_place, log_ticks
from specanom.widgets.picker.book import ScoreBook
from specanom.widgets.picker.given import align
from specanom.widgets.picker.rows import keys_of
from specanom.widgets.picker.settings import Family, code_of, key_of
from specanom.widgets.picker.words import count_words, standing_html, threshold_of

import specanom as sa
from specanom.errors import ArgumentError, DataError
from specanom.scores import METRICS, Scorer, ranks
from specanom.spectrumset import SpectrumSet
from tests.widgets.pickers import Flat, make


class Counted:
    """A model that counts how many spectra it has been asked to reconstruct."""

    def __init__(self, wave: np.ndarray) -> None:
        self.wave, self.asked = wave, 0

    def reconstruct(self, flux, ids=None):
        self.asked += len(flux)
        return np.ones_like(flux)


@pytest.fixture
def sample() -> SpectrumSet:
    rng = np.random.default_rng(1)
    wave = np.linspace(4000.0, 7000.0, 300)
    table = pd.DataFrame({"id": [f"s{i:03d}" for i in range(90)], "z": rng.uniform(0, 0.3, 90),
                          "snr": rng.uniform(5, 30, 90)})
    return SpectrumSet(wave, rng.normal(1.0, 0.1, (90, 300)), np.full((90, 300), 100.0), table)


@pytest.fixture
def model(sample: SpectrumSet) -> Counted:
    return Counted(sample.wave)


@pytest.mark.parametrize("metric", METRICS)
def test_any_metric_is_reached_from_any_other_and_its_code_makes_equal_scores(metric, sample, model):
    family = Family(Scorer(model, "chi2", delta=0.01, preset="paper"))
    made = family.scorer(metric, velocity=300.0, trim=0.05, lines=("Ha", "Hb"))
    space = {"model": model, "sample": sample}
    exec(code_of(made, calibrated=False), space)
    np.testing.assert_array_equal(space["scores"], made(sample))
    assert space["scorer"].name == made.name
    assert key_of(space["scorer"]) == key_of(made)


def test_settings_that_cannot_matter_do_not_tell_scores_apart(model):
    family = Family(Scorer(model, "mse"))
    assert key_of(family.scorer("mse", lines="paper")) == key_of(family.scorer("mse", lines="vacuum"))
    assert key_of(family.scorer("mse", velocity=250.0, lines="paper")) != key_of(family.scorer("mse", velocity=250.0))
    assert key_of(Scorer(model, "mse", delta=0.1)) == key_of(Scorer(model, "mse"))
    assert key_of(Scorer(model, "chi2", delta=0.1)) != key_of(Scorer(model, "chi2"))


def test_names_of_a_run_mean_its_scorers_and_other_settings_get_names_of_their_own(model):
    family = Family(Scorer(model, "mse"))
    named = family.named("chi2_filtered_trimmed")
    assert (named.metric, named.velocity, named.trim) == ("chi2", 250.0, 0.03)
    assert family.named("chi2_ivar").metric == "chi2_ivar"
    assert family.named("latent_0") is None
    names = {family.label(family.scorer("mse", velocity=v, trim=t, lines=lines)) for v in (250.0, 400.0)
             for t in (0.0, 0.03, 0.1) for lines in ("vacuum", "paper", ("Ha",), ("Ha", "Hb"))}
    assert len(names) == 24
    assert all(name.isidentifier() for name in names)


def test_given_columns_are_used_without_reconstructing_the_sample(sample, model):
    scorer = Scorer(model, "mse")
    table = sa.scores.table({"mse": scorer}, sample)
    model.asked = 0
    book = ScoreBook(scorer, sample, table.sample(frac=1.0, random_state=3))
    assert book.check(scorer, calibrated=False)
    np.testing.assert_array_equal(book.values(scorer, calibrated=False), table["mse"])
    assert model.asked == 3


def test_a_column_made_with_other_settings_is_found_out_and_dropped(sample, model):
    scorer = Scorer(model, "mse")
    wrong = pd.DataFrame({"id": sample.ids, "mse": np.linspace(1, 2, len(sample))})
    book = ScoreBook(scorer, sample, wrong)
    assert not book.check(scorer, calibrated=False)
    assert book.values(scorer, calibrated=False) is None
    raw = scorer(sample)
    stale = pd.DataFrame({"id": sample.ids, "mse": raw, "mse_cal": np.linspace(0, 1, len(sample))})
    book = ScoreBook(scorer, sample, stale)
    assert not book.check(scorer, calibrated=True)
    assert book.values(scorer, calibrated=True) is None
    np.testing.assert_array_equal(book.values(scorer, calibrated=False), raw)


def test_several_scores_take_one_pass_and_can_be_cancelled(sample, model):
    book = ScoreBook(Scorer(model, "mse"), sample)
    scorers = [book.family.scorer(name) for name in ("mse", "mad", "chi2_ivar")]
    shares: list[float] = []
    found = book.obtain(scorers, calibrated=True, progress=shares.append)
    assert model.asked == len(sample)
    assert shares[-1] == 1.0
    book.keep(found)
    for scorer in scorers:
        np.testing.assert_allclose(book.values(scorer, calibrated=True), scorer.calibrate(sample)(sample))
    other = book.family.scorer("cosine")
    assert book.obtain([other], calibrated=False, cancelled=lambda: True) is None
    assert book.values(other, calibrated=False) is None


def test_calibrating_known_scores_reads_no_spectrum(sample, model):
    class Unread(SpectrumSet):
        def blocks(self, n: int = 1024):
            raise AssertionError("read")

    unread = Unread(sample.wave, sample.flux, sample.ivar, sample.table)
    made = Scorer(model, "mse").calibrate(unread, values=np.linspace(1, 2, len(sample)))
    assert made.reference.shape == (len(sample),)


def test_rows_of_a_table_are_matched_by_id_and_occurrence():
    table = pd.DataFrame({"id": ["b", "a", "b"], "mse": [1.0, 2.0, 3.0], "bin": [1, 2, 3]})
    found = align(table, ["a", "b", "c", "b"])
    np.testing.assert_array_equal(found["mse"], [2.0, 1.0, np.nan, 3.0])
    assert list(found["id"]) == ["a", "b", "c", "b"]
    with pytest.raises(ArgumentError, match="id"):
        align(table.drop(columns="id"), ["a"])
    with pytest.raises(DataError, match="ids of the sample"):
        align(table, ["x", "y"])


def test_keys_tell_equal_and_empty_ids_apart():
    assert keys_of(["a", "a #2", "a", ""]) == ["a", "a #2", "a #3", "#4"]
    assert len(set(keys_of(["x"] * 50 + [""] * 50))) == 100


def test_scores_are_drawn_on_a_logarithmic_axis_only_when_all_are_positive():
    assert Scale.of(np.array([0.1, 10.0, np.nan])).log
    assert not Scale.of(np.array([0.0, 10.0])).log
    assert Scale(True).value(float(Scale(True).place(np.array(7.0)))) == pytest.approx(7.0)
    assert log_ticks(-0.1, 0.2)  # less than a decade has ticks too
    assert list(count_place([0, 9])) == [0.0, 1.0]


def test_what_stands_out_is_counted_without_spectra_that_have_no_score():
    values = np.array([1.0, 2.0, 3.0, np.nan])
    at = threshold_of(values, 50.0)
    assert count_words(values, at) == "1 of 3 above 2"
    html = standing_html(values, at, {"<b>": np.ones(4, bool), "other": np.zeros(4, bool)})
    assert "&lt;b&gt;" in html
    assert "1 without a score" in html
    assert np.isnan(threshold_of(np.full(3, np.nan), 99.0))


@settings(max_examples=12, deadline=None)
@given(metric=st.sampled_from(["mse", "chi2", "chi2_ivar", "mad"]), trim=st.sampled_from([0.0, 0.03, 0.1]),
       velocity=st.sampled_from([None, 250.0, 800.0]), n=st.integers(30, 90))
def test_calibrated_columns_are_the_scores_of_the_calibrated_scorer(metric, trim, velocity, n):
    sample = make(n)
    scorer = Scorer(Flat(sample.wave), metric, trim=trim, velocity=velocity)
    book = ScoreBook(scorer, sample)
    mine = book.family.scorer(metric, trim=trim, velocity=velocity)
    book.keep(book.obtain([mine], calibrated=True))
    calibrated = scorer.calibrate(sample)
    np.testing.assert_allclose(book.values(mine, calibrated=True), calibrated(sample), rtol=1e-6)
    np.testing.assert_allclose(book.raw(mine), scorer(sample), rtol=1e-10)
    rank = ranks(book.values(mine, calibrated=True), sample.ids)
    assert rank.tolist() == ranks(calibrated.reference, sample.ids).tolist()


def test_a_scorer_calibrated_with_other_spectra_keeps_its_calibration_until_it_is_taken_back(tmp_path):
    others, sample = make(300, snr=np.linspace(5, 30, 300)), make(120)
    scorer = Scorer(Flat(sample.wave), "mad").calibrate(others, neighbours=70)
    picker = ScorePicker(scorer, sample, labels=tmp_path / "labels.jsonl")
    values = dict(zip(sample.ids, scorer(sample), strict=True))
    shown = picker.table.view()
    np.testing.assert_allclose(shown["score"], [values[id] for id in shown["id"]])
    assert picker.result is scorer
    assert "300" in dict(picker.facts())["score"]
    names = {"model": scorer.scorer.model, "sample": sample, "reference": others}
    exec(picker.to_code(), names)
    np.testing.assert_allclose(names["scores"], scorer(sample))

    picker.metric = "mse"  # nothing was given for this one: the sample is what there is
    np.testing.assert_allclose(picker.result(sample), Scorer(Flat(sample.wave), "mse").calibrate(
        sample, neighbours=70)(sample))
    assert "calibrate(sample, neighbours=70)" in picker.to_code()

    picker.metric, picker.as_given = "mad", False
    here = scorer.scorer.calibrate(sample, neighbours=70)(sample)
    values = dict(zip(sample.ids, here, strict=True))
    shown = picker.table.view()
    np.testing.assert_allclose(shown["score"], [values[id] for id in shown["id"]])
    np.testing.assert_allclose(picker.result(sample), here)
    picker.as_given = True
    assert picker.result is scorer
    assert picker.error is None


def test_a_column_given_that_another_calibration_made_is_computed_anew():
    others, sample = make(300, snr=np.linspace(5, 30, 300)), make(120)
    raw = Scorer(Flat(sample.wave), "mad")
    scorer, here = raw.calibrate(others), raw.calibrate(sample)
    table = pd.DataFrame({"id": sample.ids, "mad": raw(sample), "mad_cal": here(sample)})
    book = ScoreBook(scorer, sample, table)
    assert not book.check(raw, calibrated=True)
    assert ScoreBook(here, sample, table).check(raw, calibrated=True)
