"""The residual of each arm is the weighted mean of its good pixels, in the observed frame."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from specanom.errors import ArgumentError, DataError
from specanom.scores import ArmScorer, Scorer, arm_residuals
from specanom.spectrumset import SpectrumSet

WAVE = np.linspace(2400.0, 3300.0, 181)  # rest frame: 4800–6600, 7200–9900 Å at redshifts 1 and 2


class Flat:
    """Reconstructs everything as one."""

    wave = WAVE

    def reconstruct(self, flux: Any, ids: Sequence[str] | None = None) -> NDArray[np.float32]:
        return np.ones_like(np.asarray(flux), dtype=np.float32)

    def bind(self, id: str | None) -> Any:
        return self.reconstruct


def make(n: int = 60, seed: int = 1, **columns: Any) -> SpectrumSet:
    rng = np.random.default_rng(seed)
    sigma = 1 / np.exp(rng.normal(2.0, 0.4, (n, 1))) * rng.uniform(0.7, 1.4, (n, WAVE.size))
    table = pd.DataFrame({"id": [f"q{k:03d}" for k in range(n)], "z": rng.uniform(1.0, 2.0, n),
                          "snr": 1 / np.median(sigma, axis=1), "instrument": "DESI"})
    for name, values in columns.items():
        table[name] = values
    flux = 1 + sigma * rng.standard_normal(sigma.shape)
    return SpectrumSet(WAVE, flux.astype("f4"), (sigma**-2).astype("f4"), table)


def test_residuals_are_means_over_the_pixels_between_the_joins() -> None:
    sample = make(n=30)
    made = arm_residuals(Flat(), sample, percentiles=False)
    assert list(made) == ["id", "chi2_b", "chi2_r", "chi2_z", "chi2_total", "n_b", "n_r", "n_z", "n_total"]
    for row, z in enumerate(sample.table["z"]):
        seen = WAVE * (1 + z)
        terms = sample.ivar[row].astype(float) * (sample.flux[row].astype(float) - 1) ** 2
        for arm, inside in {"b": seen < 5780, "r": (seen >= 5780) & (seen < 7570), "z": seen >= 7570,
                            "total": seen > 0}.items():
            assert made.loc[row, f"n_{arm}"] == inside.sum()
            if inside.any():
                assert made.loc[row, f"chi2_{arm}"] == pytest.approx(terms[inside].mean(), rel=1e-9)
            else:
                assert np.isnan(made.loc[row, f"chi2_{arm}"])
    assert made["chi2_total"].mean() == pytest.approx(1.0, abs=0.05)


def test_a_pixel_at_a_join_belongs_to_the_redder_arm() -> None:
    wave = np.array([5779.2, 5780.0, 7569.2, 7570.0])
    table = pd.DataFrame({"id": ["a"], "z": [0.0], "instrument": ["DESI"]})
    one = SpectrumSet(wave, np.array([[2, 3, 4, 5]], "f4"), np.ones((1, 4), "f4"), table)
    model = Flat()
    model.wave = wave  # type: ignore[misc]
    made = arm_residuals(model, one, percentiles=False).iloc[0]
    assert (made["n_b"], made["n_r"], made["n_z"]) == (1, 2, 1)
    assert (made["chi2_b"], made["chi2_r"], made["chi2_z"]) == (1.0, (4 + 9) / 2, 16.0)
    assert made["chi2_total"] == (1 + 4 + 9 + 16) / 4


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000))
def test_arms_weighted_by_their_pixels_make_the_total(seed: int) -> None:
    made = arm_residuals(Flat(), make(n=8, seed=seed), percentiles=False)
    total = sum(made[f"n_{arm}"] * made[f"chi2_{arm}"].fillna(0.0) for arm in "brz")
    np.testing.assert_allclose(total, made["chi2_total"] * made["n_total"], rtol=1e-9)
    assert (made[["n_b", "n_r", "n_z"]].sum(axis=1) == made["n_total"]).all()


def test_bad_and_imputed_pixels_do_not_count() -> None:
    sample = make(n=20)
    flux, ivar = sample.flux.copy(), sample.ivar.copy()
    imputed = np.zeros(sample.shape, bool)
    flux[:, 3], ivar[:, 3] = 1e6, 0
    flux[:, 90], imputed[:, 90] = -1e6, True
    flux[0, 170] = np.nan
    spoilt = sample.replace(flux=flux, ivar=ivar, imputed=imputed)
    made = arm_residuals(Flat(), spoilt, percentiles=False)
    assert (made["n_total"] == [178] + [179] * 19).all()
    assert made["chi2_total"].between(0.6, 1.5).all()


def test_an_arm_without_a_good_pixel_is_unknown_and_the_others_stay() -> None:
    sample = make(n=24, z=1.4)  # 5760–7920 Å: all three
    ivar = sample.ivar.copy()
    ivar[:, WAVE * 2.4 >= 7570] = 0
    made = arm_residuals(Flat(), sample.replace(ivar=ivar))
    assert made["chi2_z"].isna().all()
    assert made["percentile_z"].isna().all()
    assert (made["n_z"] == 0).all()
    assert made[["chi2_b", "chi2_r", "percentile_r", "percentile_total"]].notna().all().all()


def test_instruments_have_their_own_arms_and_unknown_ones_none() -> None:
    sample = make(n=4, z=[1.0, 1.0, 1.0, np.nan], instrument=["SDSS", "BOSS", "other", "DESI"])
    made = arm_residuals(Flat(), sample, percentiles=False)
    seen = WAVE * 2
    assert made["n_b"].tolist() == [(seen < 6000).sum(), (seen < 6100).sum(), 0, 0]
    assert made["n_r"].tolist() == [(seen >= 6000).sum(), (seen >= 6100).sum(), 0, 0]
    assert made["chi2_total"].notna().all()
    only = arm_residuals(Flat(), make(n=3, z=1.0, instrument="SDSS"), percentiles=False)
    assert [name for name in only if name.startswith("chi2")] == ["chi2_b", "chi2_r", "chi2_total"]


def test_observed_spectra_need_no_redshift() -> None:
    sample = make(n=3, z=np.nan).replace(frame="observed")
    wave = np.linspace(3600, 9800, WAVE.size)
    model = Flat()
    model.wave = wave  # type: ignore[misc]
    made = arm_residuals(model, sample.replace(wave=wave), percentiles=False)
    assert (made["n_b"] == (wave < 5780).sum()).all()


def test_percentiles_are_of_spectra_of_like_signal_to_noise() -> None:
    """A model that misses a fiftieth everywhere: raw residuals follow the S/N, percentiles do not."""
    sample = make(n=400, seed=3)
    flux = sample.flux.copy() + 0.05
    arm = (WAVE[None, :] * (1 + sample.table["z"].to_numpy()[:, None]) < 7570) & (
        WAVE[None, :] * (1 + sample.table["z"].to_numpy()[:, None]) >= 5780)
    flux[7] += 0.5 * arm[7]
    made = arm_residuals(Flat(), sample.replace(flux=flux))
    rank = {name: made[name].rank().corr(sample.table["snr"].rank()) for name in ("chi2_total", "percentile_total")}
    assert rank["chi2_total"] > 0.3
    assert abs(rank["percentile_total"]) < 0.15
    assert made.loc[7, "percentile_r"] > 99
    assert made["percentile_total"].between(0, 100).all()


def test_an_arm_is_a_score_that_can_be_bound_and_calibrated() -> None:
    sample = make(n=60)
    scorer = ArmScorer(Flat(), "r")
    values = scorer(sample)
    table = arm_residuals(Flat(), sample)
    np.testing.assert_allclose(values, table["chi2_r"])
    seen = int(np.flatnonzero(table["n_r"] > 5)[0])
    bound = scorer.bind(sample[seen])
    assert float(bound(sample.flux[seen][None])[0]) == pytest.approx(values[seen], rel=1e-6)
    assert bound.name == "chi2_r"
    np.testing.assert_allclose(scorer.calibrate(sample).percentile(sample), table["percentile_r"])
    whole = ArmScorer(Flat())(sample)
    np.testing.assert_allclose(whole, Scorer(Flat(), "chi2_ivar")(sample), rtol=1e-6)


def test_wrong_calls_raise() -> None:
    sample = make(n=30)
    with pytest.raises(ArgumentError, match="arm"):
        ArmScorer(Flat(), "blue")
    with pytest.raises(DataError, match="inverse variance"):
        arm_residuals(Flat(), sample.replace(ivar=None))
    with pytest.raises(DataError, match="instrument"):
        arm_residuals(Flat(), sample.replace(table=sample.table.drop(columns="instrument")))
    with pytest.raises(DataError, match="at least 20"):
        arm_residuals(Flat(), sample[:5])
