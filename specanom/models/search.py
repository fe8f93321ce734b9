"""Fits a model for each combination of settings and tells how well it does on spectra it has not seen."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd

from ..errors import ArgumentError, choice, message
from ..parallel.progress import shown
from .inputs import Rows, read_rows
from .settings import Training
from .vae import VAEModel

_OWN = ("n_latent", "hidden", "max_steps", "max_epochs", "folds", "seed")
_TRAINING = tuple(field.name for field in fields(Training))


def grid_search(
    sample: Any, grid: Mapping[str, Sequence[Any]], *, model: VAEModel | None = None, progress: bool = False
) -> pd.DataFrame:
    """Fit one cross-fitted VAE per combination of `grid` and return what each reaches on unseen spectra.

    Parameters
    ----------
    sample : SpectrumSet or (n, p) array
        As for :meth:`VAEModel.fit`.
    grid : mapping
        Names of arguments of :class:`VAEModel` (n_latent, hidden, max_steps, max_epochs, folds, seed) or of
        :class:`Training` (alpha, lam, learning_rate, …), each with the values to try.
    model : VAEModel, optional
        Everything that `grid` does not name; two folds by default. It is not fitted.
    progress : bool
        Show a bar over the combinations.

    Returns
    -------
    DataFrame
        One row per combination: its values; `mse`, the median over spectra of the mean squared residual, and `chi2`,
        the same by inverse variance (NaN without ivar), both of cross-fitted reconstructions; `mse_p95`, the 95th
        percentile; `kld` and `mmd` at the best step of the reference network; `steps` it took; `seconds`.

    Raises
    ------
    ArgumentError
        For a name that is no setting, or an empty list of values.

    Examples
    --------
    >>> flux = np.random.default_rng(0).normal(1, 0.1, (60, 30)).astype("f4")
    >>> small = VAEModel(2, hidden=(8,), max_steps=50, folds=2)
    >>> grid_search(flux, {"alpha": [0.0, 0.5], "hidden": [(8,), (16,)]}, model=small)[["alpha", "hidden"]]
       alpha hidden
    0    0.0   (8,)
    1    0.0  (16,)
    2    0.5   (8,)
    3    0.5  (16,)
    """
    base = (model or VAEModel(folds=2)).settings()
    for name, values in grid.items():
        choice("grid", name, (*_OWN, *_TRAINING))
        if isinstance(values, str) or not len(values):
            raise ArgumentError(message(f"grid[{name!r}]", expected="a list of values", got=repr(values)))
    rows = read_rows("sample", sample)
    table = []
    combinations = [dict(zip(grid, values, strict=True)) for values in itertools.product(*grid.values())]
    for chosen in shown(combinations, "grid search" if progress else "", len(combinations), unit="models"):
        training = {**base["training"], **{k: v for k, v in chosen.items() if k in _TRAINING}}
        own = {k: v for k, v in chosen.items() if k in _OWN}
        table.append({**chosen, **_try(VAEModel.from_settings({**base, **own, "training": training}), sample, rows)})
    return pd.DataFrame(table)


def _try(model: VAEModel, sample: Any, rows: Rows) -> dict[str, float]:
    start = time.perf_counter()
    model.fit(sample)
    seconds = time.perf_counter() - start
    squares = (rows.flux - model.reconstruct(sample)).astype(np.float64) ** 2
    mse = squares.mean(axis=1)
    chi2 = np.full(len(mse), np.nan)
    if rows.ivar is not None:
        good = (rows.ivar > 0).sum(axis=1)
        chi2 = np.where(good > 0, (squares * rows.ivar).sum(axis=1) / np.maximum(good, 1), np.nan)
    best = model.history[(model.history["fold"] == "reference") & model.history["best"]].iloc[-1]
    return {"mse": float(np.median(mse)), "mse_p95": float(np.percentile(mse, 95)),
            "chi2": float(np.nanmedian(chi2)) if np.isfinite(chi2).any() else float("nan"),
            "kld": float(best["kld"]), "mmd": float(best["mmd"]),
            "steps": float(model.history["step"].max()), "seconds": seconds}
