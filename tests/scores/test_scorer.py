"""The Scorer: three switches, the published preset, and the same answer however it is asked."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError, GridError, ShapeError
from specanom.lines import line_mask
from specanom.models import PCAModel
from specanom.scores import METRICS, Scorer, ScoreWarning
from specanom.spectrumset import SpectrumSet

EIGHT = ["mse", "mse_filtered", "mse_trimmed", "mse_filtered_trimmed",
         "chi2", "chi2_filtered", "chi2_trimmed", "chi2_filtered_trimmed"]


def slow_eight(sample, model, *, published):
    """The eight scores spectrum by spectrum: filter, trim, mean, by sorting; right or as published."""
    made = {name: [] for name in EIGHT}
    inside = line_mask(sample.wave, 250, "paper" if published else "vacuum")
    for s in sample:
        x = s.flux.astype(np.float64)
        y = model.bind(s.id)(s.flux[None])[0].astype(np.float64)
        for name in EIGHT:
            keep = ~inside if "filtered" in name else np.ones(len(x), bool)
            if not published:
                keep = keep & ~s.imputed
            r2 = (x - y)[keep] ** 2
            weight = np.ones(keep.sum())
            if name.startswith("chi2"):
                weight = 1 / (x[keep] + 1e-3) if published else 1 / (np.abs(x[keep]) + 1e-3)
            terms = weight * r2
            if name.endswith("trimmed"):
                order = np.argsort(r2 if published else terms, kind="stable")
                terms = terms[order[: int(np.floor(0.97 * len(terms) + 1e-9))]]
            with np.errstate(invalid="ignore"):
                made[name].append(np.sqrt(terms.sum()) if published else terms.mean())
    return made


@pytest.mark.parametrize("preset", [None, "paper"])
def test_the_eight_equal_a_slow_reference(sample, model, preset):
    scorers = Scorer.paper(model, preset)
    assert list(scorers) == EIGHT == [one.name for one in scorers.values()]
    want = slow_eight(sample, model, published=preset == "paper")
    for name, scorer in scorers.items():
        got = scorer(sample)
        assert got.dtype == np.float64
        np.testing.assert_allclose(got, want[name], rtol=2e-6, err_msg=name)


def test_the_preset_switches_everything_at_once_and_what_is_given_stays(model):
    paper = Scorer(model, "chi2", preset="paper")
    assert (paper.lines, paper.weight, paper.norm, paper.trim_by, paper.ignore_imputed, paper.nan) == (
        "paper", "signed", "l2", "residual", False, "first")
    right = Scorer(model, "chi2")
    assert (right.lines, right.weight, right.norm, right.trim_by, right.ignore_imputed, right.nan) == (
        "vacuum", "flux", "mean", "weighted", True, "last")
    mixed = Scorer(model, "chi2", preset="paper", weight="flux", ignore_imputed=True)
    assert (mixed.weight, mixed.ignore_imputed, mixed.norm) == ("flux", True, "l2")
    assert Scorer(model, "cosine", preset="paper").norm == "mean"
    assert replace(mixed, trim=0.5).weight == "flux"


def test_imputed_pixels_do_not_count_unless_as_published(sample, model):
    flux = sample.flux.copy()
    flux[sample.imputed] += 0  # values under imputed pixels, the reconstruction kept fixed below
    fixed = model.reconstruct(sample.flux, sample.ids)
    frozen = replace_model(model, fixed)
    wild = np.where(sample.imputed, 50.0, flux).astype("f4")
    other = sample.replace(flux=wild)
    for metric in METRICS:
        scorer = Scorer(frozen, metric)
        np.testing.assert_array_equal(scorer(other), scorer(sample))
    counted = Scorer(frozen, "mse", ignore_imputed=False)
    assert (counted(other) > counted(sample)).all()


def replace_model(model, fixed):
    """A model that returns `fixed` whatever it is given."""
    other = type(model)(model.wave)
    other.reconstruct = lambda flux, ids=None: fixed[: len(flux)]
    return other


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_the_block_size_never_matters(sample, model, metric):
    scorer = Scorer(model, metric, velocity=300, trim=0.05)
    whole = scorer(sample)
    for size in (1, 7, 33, 64):
        np.testing.assert_array_equal(scorer(sample, block_size=size), whole)


@settings(max_examples=10)
@given(seed=st.integers(0, 2**31))
def test_permuting_spectra_permutes_scores(sample, smoother, seed):
    order = np.random.default_rng(seed).permutation(len(sample))
    for scorer in Scorer.paper(smoother(sample.wave)).values():
        np.testing.assert_array_equal(scorer(sample[order]), scorer(sample)[order])


def test_a_spectrum_a_list_and_a_set_agree(sample, model):
    scorer = Scorer(model, "chi2_ivar", velocity=250, trim=0.03)
    whole = scorer(sample)
    np.testing.assert_array_equal(scorer(sample[5]), whole[5:6])
    np.testing.assert_array_equal(scorer(list(sample[:9])), whole[:9])
    assert scorer(sample[:0]).shape == (0,)


def test_an_array_has_no_ids_no_noise_and_no_imputed_pixels(sample, model):
    flux = np.asarray(sample.flux)
    reference = model.bind(None)(flux).astype(np.float64)
    np.testing.assert_allclose(Scorer(model)(flux), ((flux - reference) ** 2).mean(axis=1), rtol=1e-6)
    np.testing.assert_array_equal(Scorer(model)(flux[0]), Scorer(model)(flux)[:1])
    np.testing.assert_array_equal(Scorer(model, velocity=200)(flux[:3].tolist()), Scorer(model, velocity=200)(flux[:3]))
    for metric in ("chi2_ivar", "multiscale"):
        with pytest.raises(DataError, match="inverse variance"):
            Scorer(model, metric)(flux)


@pytest.mark.parametrize("metric", sorted(METRICS))
@pytest.mark.parametrize("preset", [None, "paper"])
def test_bound_to_a_spectrum_it_scores_that_spectrum_the_same(sample, model, metric, preset):
    scorer = Scorer(model, metric, velocity=250, trim=0.03, preset=preset)
    for row in (0, 3):
        bound = scorer.bind(sample[row])
        copies = np.stack([sample.flux[row], sample.flux[row] * 0.9])
        got = bound(copies)
        assert got.shape == (2,)
        assert got.dtype == np.float64
        np.testing.assert_allclose(got[0], scorer(sample[row])[0], rtol=1e-10)


def test_a_bound_score_tells_evaluators_what_they_need(sample, model):
    s = sample[1]
    bound = Scorer(model, "chi2_ivar", velocity=250, trim=0.03).bind(s)
    np.testing.assert_array_equal(bound.keep, ~line_mask(s.wave, 250) & ~s.imputed & (s.ivar > 0))
    np.testing.assert_array_equal(bound.weights, s.ivar.astype(np.float64))
    assert (bound.metric, bound.squared, bound.weighting, bound.trim, bound.norm) == (
        "chi2_ivar", True, "ivar", 0.03, "mean")
    assert (bound.id, bound.link, bound.name) == (s.id, None, "chi2_ivar_filtered_trimmed")
    r = s.flux - bound.reconstruct(s.flux[None])[0]
    plain = Scorer(model).bind(s)
    assert plain.weights is None
    assert plain(s.flux[None])[0] == pytest.approx(np.mean(r[~s.imputed].astype(float) ** 2), rel=1e-6)
    assert Scorer(model, "chi2", weight="reconstruction").bind(s).weighting == "reconstruction"
    assert not Scorer(model, "cosine").bind(s).squared


def test_a_bound_score_uses_the_network_of_its_fold(sample, model):
    folds = {model.factor(id) for id in sample.ids}
    assert len(folds) == 2
    scorer = Scorer(model)
    whole = scorer(sample)
    for row in range(6):
        assert scorer.bind(sample[row])(sample.flux[row][None])[0] == pytest.approx(whole[row], rel=1e-12)


def test_a_spectrum_of_which_nothing_can_be_used_gets_nan(sample, model):
    imputed = np.array(sample.imputed)
    imputed[4] = True
    with pytest.warns(ScoreWarning, match="1 of 80 spectra have no score: s004"):
        got = Scorer(model)(sample.replace(imputed=imputed))
    assert np.isnan(got[4])
    with pytest.warns(ScoreWarning, match="s004"):
        assert np.isnan(Scorer(model)(sample.replace(imputed=imputed)[4])).all()
    assert np.isfinite(np.delete(got, 4)).all()


def test_a_model_that_overflows_does_not_win(sample, model):
    made = np.array(model.reconstruct(sample.flux, sample.ids))
    made[2] = np.inf
    with pytest.warns(ScoreWarning, match="s002"):
        assert np.isnan(Scorer(replace_model(model, made))(sample)[2])


def test_wrong_calls_raise_at_once(sample, model, smoother):
    with pytest.raises(ArgumentError, match="did you mean 'chi2_ivar'"):
        Scorer(model, "chi2ivar")
    with pytest.raises(ArgumentError, match="preset"):
        Scorer(model, preset="published")
    with pytest.raises(ArgumentError, match="velocity"):
        Scorer(model, velocity=-250)
    with pytest.raises(ArgumentError, match="lines"):
        Scorer(model, velocity=250, lines="air")
    with pytest.raises(ArgumentError, match="trim"):
        Scorer(model, trim=3)
    with pytest.raises(ArgumentError, match="block_size"):
        Scorer(model)(sample, block_size=0)
    shifted = SpectrumSet(sample.wave + 5, sample.flux)
    with pytest.raises(GridError, match="Preprocessor"):
        Scorer(model)(shifted)
    with pytest.raises(ShapeError, match="300 pixels"):
        Scorer(model)(sample.flux[:, :200])
    with pytest.raises(ShapeError, match=r"\(n, p\)"):
        Scorer(model)(np.ones((2, 3, 4)))
    with pytest.raises(DataError, match="array of numbers"):
        Scorer(model)("sample.zarr")
    with pytest.raises(GridError, match="rest frame"):
        Scorer(model, velocity=250)(sample.replace(frame="observed"))
    with pytest.raises(ArgumentError, match="wavelengths"):
        Scorer(smoother(None), velocity=250)(sample.flux)
    short = replace_model(model, np.ones((2, 300)))
    with pytest.raises(ShapeError, match="reconstruct"):
        Scorer(short)(sample)


def test_spectra_on_several_grids_are_refused(sample, model):
    other = sample[1].replace(wave=np.asarray(sample.wave) + 3)
    with pytest.raises(GridError, match="one grid"):
        Scorer(model)([sample[0], other])


def test_says_what_it_is(model):
    text = repr(Scorer(model, "mse", velocity=250, trim=0.03))
    assert text == "Scorer 'mse_filtered_trimmed': mse, without lines ±250 km/s (vacuum), trimmed 3%, of Smoother"


def test_scores_as_many_blocks_in_threads_and_survives_pickling(sample, model):
    from specanom.scores.evaluate import evaluate

    scorer = Scorer(model, "mse", trim=0.1)
    np.testing.assert_array_equal(evaluate([scorer], sample, block_size=9, executor="threads:2")[0], scorer(sample))
    scorer2 = Scorer(PCAModel(2), "mse", name="x")
    assert pickle.loads(pickle.dumps(scorer2)).name == "x"  # noqa: S301
