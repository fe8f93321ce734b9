"""The filtered scores of a run leave out the lines of what it is about: galaxies or quasars."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import ArgumentError
from specanom.lines import line_mask
from specanom.scores.named import line_filter, scorers_of

GALAXIES = np.linspace(3500.0, 7500.0, 400)
QUASARS = 10.0 ** np.arange(np.log10(1440.0), np.log10(2807.0), 1e-3)
FILTERED = ("mse_filtered", "mse_filtered_trimmed", "chi2_filtered", "chi2_filtered_trimmed")


def sample_of(wave, *, target=None, classes=("GALAXY",) * 24, seed=1) -> sa.SpectrumSet:
    rng = np.random.default_rng(seed)
    n = len(classes)
    flux = 1.0 + 0.1 * rng.normal(size=(n, wave.size))
    table = pd.DataFrame({"id": [str(i) for i in range(n)], "class": list(classes), "z": rng.uniform(0.1, 0.4, n),
                          "snr": rng.uniform(5, 20, n)})
    return sa.SpectrumSet(wave, flux, table=table, ivar=np.full(flux.shape, 100.0), frame="rest",
                          provenance={"preprocess": {"target": target}})


@pytest.fixture
def galaxies() -> sa.SpectrumSet:
    return sample_of(GALAXIES)


@pytest.fixture
def quasars() -> sa.SpectrumSet:
    return sample_of(QUASARS, target="qso", classes=("QSO",) * 24)


def kept(scorer, sample):
    from specanom.scores.rows import batches

    return scorer.kept(next(batches(sample)))


def test_a_quasar_sample_is_scored_without_the_broad_lines_of_quasars(quasars) -> None:
    scorers = scorers_of(sa.PCAModel(2).fit(quasars), quasars)
    expected = ~line_mask(quasars.wave, 2500.0, "quasar")
    assert 0.3 < expected.mean() < 0.9
    for name in FILTERED:
        np.testing.assert_array_equal(kept(scorers[name], quasars), expected)
        bound = scorers[name].bind(quasars[0])
        np.testing.assert_array_equal(bound.keep, expected)  # what is explained
    for name in ("mse", "chi2_trimmed", "chi2_ivar", "multiscale"):
        assert kept(scorers[name], quasars).all()


def test_scores_of_galaxies_are_what_they_were_to_the_bit(galaxies) -> None:
    model = sa.PCAModel(2).fit(galaxies)
    before = {**sa.Scorer.paper(model), "chi2_ivar": sa.Scorer(model, "chi2_ivar"),
              "multiscale": sa.Scorer(model, "multiscale")}
    now = scorers_of(model, galaxies)
    assert list(now) == list(before)
    for name, scorer in before.items():
        np.testing.assert_array_equal(now[name](galaxies), scorer(galaxies))
    published = scorers_of(model, galaxies, preset="paper")
    for name, scorer in sa.Scorer.paper(model, "paper").items():
        np.testing.assert_array_equal(published[name](galaxies), scorer(galaxies))


@pytest.mark.parametrize(("given", "expected"), [
    ({}, ("quasar", 2500.0)), ({"velocity": 4000.0}, ("quasar", 4000.0)), ({"lines": "vacuum"}, ("vacuum", 250.0)),
    ({"lines": "vacuum", "velocity": 300.0}, ("vacuum", 300.0)), ({"preset": "paper"}, ("paper", 250.0)),
    ({"preset": "paper", "lines": "quasar"}, ("quasar", 2500.0)),
    ({"lines": None, "velocity": 250.0}, ("vacuum", 250.0)),
    ({"lines": None, "velocity": 250.0, "preset": "paper"}, ("paper", 250.0))])
def test_what_is_given_wins(quasars, given, expected) -> None:
    assert line_filter(quasars, **given) == expected
    scorer = scorers_of(sa.PCAModel(2).fit(quasars), quasars, **given)["mse_filtered"]
    assert (scorer.lines, scorer.velocity) == expected


@pytest.mark.parametrize(("target", "classes", "lines"), [
    ("qso", ("GALAXY",) * 3, "quasar"),  # what was done says more than what the pipeline thought
    (["QSO"], ("QSO",) * 3, "quasar"), ("galaxy", ("QSO",) * 3, "vacuum"),
    (None, ("QSO", "QSO", "GALAXY"), "quasar"), (None, ("QSO", "GALAXY", "GALAXY"), "vacuum"),
    (None, ("", "", ""), "vacuum"), (None, ("", "qso", ""), "quasar")])
def test_what_a_sample_is_about_is_what_was_asked_for_or_most_of_it(target, classes, lines) -> None:
    assert line_filter(sample_of(GALAXIES, target=target, classes=classes))[0] == lines


def test_without_a_sample_or_classes_lines_are_those_of_galaxies() -> None:
    assert line_filter(None) == ("vacuum", 250.0)
    assert line_filter(sa.SpectrumSet(GALAXIES, np.ones((2, GALAXIES.size)))) == ("vacuum", 250.0)


def test_lines_that_nobody_knows_are_refused(galaxies) -> None:
    with pytest.raises(ArgumentError, match="did you mean 'quasar'"):
        line_filter(galaxies, lines="quasars")
