"""Whether new spectra have drifted."""

from __future__ import annotations

import numpy as np
import pandas as pd

from specanom.run.nightly import drift_of


def scores(n: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"mse": rng.gamma(3, 1, n) + shift, "chi2_ivar": rng.gamma(9, 1, n), "snr": rng.uniform(4, 30, n)})


def test_like_spectra_have_not_drifted() -> None:
    drift = drift_of(scores(2000, 0), scores(300, 1))
    assert list(drift["quantity"]) == ["mse", "chi2_ivar", "snr"]
    assert not drift["drifted"].any()


def test_a_shift_is_found_where_it_is() -> None:
    drift = drift_of(scores(2000, 0), scores(300, 1, shift=2.0)).set_index("quantity")
    assert drift.loc["mse", "drifted"]
    assert not drift.loc["chi2_ivar", "drifted"]
    assert drift.loc["mse", "median new"] - drift.loc["mse", "median run"] > 1.5


def test_a_tiny_shift_of_very_many_spectra_is_no_drift() -> None:
    drift = drift_of(scores(50_000, 0), scores(50_000, 1, shift=0.1)).set_index("quantity")
    assert drift.loc["mse", "p"] < 1e-3
    assert not drift.loc["mse", "drifted"]


def test_a_night_of_one_spectrum_or_none_is_no_drift() -> None:
    assert not drift_of(scores(500, 0), scores(1, 1))["drifted"].any()
    assert drift_of(scores(500, 0), scores(0, 1)).empty
