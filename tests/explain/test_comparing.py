"""All methods in one table, with the noise floor of each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import ArgumentError, DataError
from specanom.explain.attribution import Attribution
from specanom.explain.comparing import compare
from specanom.explain.comparison import SHUFFLED, averaged

P, K = 120, 12
WAVE = np.linspace(4000.0, 5000.0, P)
FLAT = sa.Flat(1.0)


def odd(flux: np.ndarray) -> np.ndarray:
    return ((flux.astype(np.float64) - 1.0) ** 2).sum(axis=1)


@dataclass(frozen=True)
class Exact:
    """The true parts of `odd` with a fill of 1, times a factor."""

    factor: float = 1.0

    def __call__(self, evaluator: Any, *, seed: int) -> Attribution:
        weights = self.factor * evaluator.energy()
        ends = evaluator.scores(np.stack([np.ones(K, np.uint8), np.zeros(K, np.uint8)]))
        return Attribution(weights, np.full((K, 2), np.nan), float(ends[1]), float(ends[0]), 1.0, 1.0, 2, "none")


@dataclass(frozen=True)
class Blind:
    """Weights that know nothing of the spectrum."""

    def __call__(self, evaluator: Any, *, seed: int) -> Attribution:
        weights = np.random.default_rng(seed).random(K)
        return Attribution(weights, np.full((K, 2), np.nan), 0.0, 0.0, 0.0, 1.0, 0, "none")


def _sample(n: int = 12) -> sa.SpectrumSet:
    rng = np.random.default_rng(5)
    flux = 1 + 0.02 * rng.standard_normal((n, P))
    for i in range(n):
        flux[i, 10 * (i % K) : 10 * (i % K) + 10] += 0.5
    table = pd.DataFrame({"id": [f"s{i}" for i in range(n)], "z": 0.1})
    return sa.SpectrumSet(WAVE, flux.astype(np.float32), np.full((n, P), 2500.0), table)


def _truth(n: int = 12) -> dict[str, str]:
    return {f"s{i}": f"{WAVE[10 * (i % K)]:.3f}-{WAVE[10 * (i % K) + 9]:.3f}" for i in range(n)}


@pytest.fixture(scope="module")
def made():
    base = sa.Explainer(odd, sa.Uniform(K), perturbation=FLAT, method=Exact())
    return compare({"exact": base, "LIME": sa.Lime(300), "blind": Blind()}, _sample(), _truth())


def test_exact_weights_reach_what_can_be_reached(made) -> None:
    row = made.table.loc["exact"]
    assert row["n"] == 12
    assert row["infidelity"] == pytest.approx(0.0, abs=1e-9)
    assert row["completeness"] == pytest.approx(0.0, abs=1e-6)
    assert row["pointing"] == row["pointing_pixel"] == row["roc"] == row["precision"] == 1.0
    # One of 12 segments makes all of the score: it is gone after the first step.
    assert row["deletion"] == pytest.approx(0.5 / K, abs=0.01)
    assert row["insertion"] == pytest.approx(1 - 0.5 / K, abs=0.01)


def test_lime_agrees_with_the_exact_weights_and_blind_ones_with_their_floor(made) -> None:
    table = made.table
    assert table.loc["LIME", "pointing"] == 1.0
    assert table.loc["LIME", "infidelity"] < 0.05
    assert table.loc["LIME", "r2"] > 0.9
    assert (table.loc[["exact", "LIME"], "seconds"] > 0).all()
    for measure in ("pointing", "roc"):
        value, lo, hi = made.difference("blind", "blind" + SHUFFLED, measure)
        assert lo <= value <= hi
        assert lo < 0.1
        assert hi > -0.1


def test_the_floor_of_good_weights_is_what_chance_gives(made) -> None:
    floor = made.table.loc["exact" + SHUFFLED]
    assert floor["roc"] == pytest.approx(0.5, abs=0.08)
    assert floor["pointing"] == pytest.approx(1 / K, abs=0.08)
    assert floor["deletion"] == pytest.approx(0.5, abs=0.1)
    assert np.isnan(floor["seconds"])
    gain, lo, hi = made.difference("exact", "exact" + SHUFFLED, "roc")
    assert 0.3 < lo <= gain <= hi <= 0.6


def test_the_floor_keeps_the_sum_of_the_weights(made) -> None:
    assert made.table.loc["exact" + SHUFFLED, "completeness"] == pytest.approx(made.table.loc["exact", "completeness"])


def test_sensitivity_is_small_for_steady_weights_and_0_for_constant_ones(made) -> None:
    assert 0 < made.table.loc["exact", "sensitivity"] < 0.2
    assert made.table.loc["blind", "sensitivity"] == 0.0
    assert made.table.loc["exact" + SHUFFLED, "sensitivity"] > 0.5


def test_intervals_hold_the_average(made) -> None:
    for measure in made.measures:
        known = made.table[measure].notna()
        assert (made.lower[measure][known] <= made.table[measure][known]).all()
        assert (made.upper[measure][known] >= made.table[measure][known]).all()


def test_weights_of_another_unit_are_faithful_up_to_a_factor() -> None:
    base = sa.Explainer(odd, sa.Uniform(K), perturbation=FLAT, method=Exact(7.0))
    made = compare([base, Exact()], _sample(2), shuffles=0, sensitivity=0)
    assert made.methods == ("Exact", "Exact (2)")
    assert made.table.loc["Exact", "infidelity"] == pytest.approx(36.0)
    assert made.table.loc["Exact", "infidelity_scaled"] == pytest.approx(0.0, abs=1e-9)
    assert list(made.table.index) == ["Exact", "Exact (2)"]
    assert "roc" not in made.table
    assert "sensitivity" not in made.table


def test_the_same_seed_gives_the_same_table() -> None:
    base = sa.Explainer(odd, sa.Uniform(K), perturbation=FLAT, method=sa.Lime(200))
    first, second = (compare([base], _sample(3), _truth(3)) for _ in range(2))
    pd.testing.assert_frame_equal(first.table.drop(columns="seconds"), second.table.drop(columns="seconds"))


def test_groups_have_a_row_each_and_spectra_without_one_are_left_out(made) -> None:
    kinds = {f"s{i}": "even" if i % 2 == 0 else "odd" for i in range(10)}
    table = made.grouped(kinds, "pointing")
    assert table["n"].to_dict() == {"even": 5, "odd": 5}
    assert (table["exact"] == 1.0).all()
    with pytest.raises(DataError, match="groups"):
        made.grouped({}, "pointing")
    with pytest.raises(ArgumentError, match="pointing"):
        made.grouped(kinds, "pointin")


def test_curves_start_and_end_where_they_must(made) -> None:
    gone = made.curves.query("method == 'exact' and kind == 'deletion' and not shuffled")
    assert gone["value"].iloc[0] == 1.0
    assert gone["value"].iloc[-1] == pytest.approx(0.0)
    assert (gone["lower"] <= gone["value"]).all()


def test_a_spectrum_that_cannot_be_explained_is_listed_not_lost() -> None:
    sample = _sample(3)
    flux = sample.flux.copy()
    flux[1, 0] = np.nan
    base = sa.Explainer(odd, sa.Uniform(K), perturbation=FLAT, method=Exact())
    made = compare([base], sample.replace(flux=flux), sensitivity=0)
    assert made.table.loc["Exact", "n"] == 2
    assert [(name, id) for name, id, _ in made.skipped] == [("Exact", "s1")]
    assert "1 skipped" in repr(made)
    assert "1 explanations skipped" in made._repr_html_()
    with pytest.raises(DataError, match="at least one spectrum"):
        compare([base], sample.replace(flux=np.full_like(flux, np.nan)))


def test_a_method_that_cannot_explain_the_score_is_listed_and_the_others_are_compared() -> None:
    explainer = sa.Explainer(odd, sa.Uniform(K), perturbation=FLAT, method=Exact())
    made = compare([explainer, sa.IntegratedGradients()], _sample(2), shuffles=0, sensitivity=0)
    assert made.methods == ("Exact",)
    assert [name for name, _, _ in made.skipped] == ["IntegratedGradients"] * 2
    assert [id for _, id, _ in made.skipped] == ["s0", "s1"]


def test_no_explainer_is_refused() -> None:
    with pytest.raises(ArgumentError, match="at least one Explainer"):
        compare([sa.Lime()], _sample(2))


def test_a_truth_of_other_spectra_is_refused() -> None:
    base = sa.Explainer(odd, sa.Uniform(K), perturbation=FLAT, method=Exact())
    with pytest.raises(DataError, match="truth: expected intervals of at least one spectrum"):
        compare([base], _sample(2), {"another": "4000-4100"})


def test_names_are_escaped_in_html() -> None:
    base = sa.Explainer(odd, sa.Uniform(K), perturbation=FLAT, method=Exact())
    page = compare({"<b>": base}, _sample(2), sensitivity=0, shuffles=1)._repr_html_()
    assert "<b>" not in page
    assert "&lt;b&gt;, shuffled" in page


def test_bootstrap_by_hand() -> None:
    value, lo, hi = averaged(np.array([[1.0, np.nan, 3.0], [1.0, np.nan, np.nan], [1.0, np.nan, 5.0]]), "mean")
    assert value[0] == lo[0] == hi[0] == 1.0
    assert np.isnan([value[1], lo[1], hi[1]]).all()
    assert value[2] == 4.0
    assert (lo[2], hi[2]) == (3.0, 5.0)
    rng = np.random.default_rng(0)
    _, low, high = averaged(rng.normal(size=(400, 1)), "mean")
    assert high[0] - low[0] == pytest.approx(2 * 1.96 / 20, rel=0.15)  # 2 × 1.96 σ/√n
