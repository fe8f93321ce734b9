"""Grid search: a row per combination, judged on spectra that were not trained on."""

from __future__ import annotations

import numpy as np
import pytest

from specanom import ArgumentError, SpectrumSet, VAEModel
from specanom.models import grid_search


def test_each_combination_is_a_row_and_width_pays(sample: SpectrumSet) -> None:
    base = VAEModel(4, hidden=(32, 16, 16), max_steps=40, folds=2)
    table = grid_search(sample, {"n_latent": [1, 4], "alpha": [0.0, 0.9]}, model=base)
    assert table[["n_latent", "alpha"]].to_numpy().tolist() == [[1, 0], [1, 0.9], [4, 0], [4, 0.9]]
    assert (table["steps"] == 40).all()
    assert table["mse"].iloc[2] < 0.5 * table["mse"].iloc[0]
    alone = VAEModel(4, hidden=(32, 16, 16), max_steps=40, folds=2).fit(sample)
    mse = np.median(np.square(sample.flux - alone.reconstruct(sample)).astype("f8").mean(1))
    assert table["mse"].iloc[2] == pytest.approx(mse, rel=1e-5)
    assert table["chi2"].notna().all()


def test_without_ivar_there_is_no_chi2(flux: np.ndarray) -> None:
    table = grid_search(flux, {"hidden": [(8,)]}, model=VAEModel(2, max_steps=5, folds=1))
    assert table["chi2"].isna().all()


def test_unknown_settings_are_refused(flux: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="lam"):
        grid_search(flux, {"lamda": [1.0]})
    with pytest.raises(ArgumentError, match="list of values"):
        grid_search(flux, {"weight": "none"})
