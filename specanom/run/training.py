"""Models of a run: one, or one a bin of S/N."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .. import models
from ..errors import DataError, message
from ..models.folds import fold_count, make_folds
from ..seeds import content_hash

FEWEST = 8
"""Spectra that a network is trained on at least."""
PER_NUMBER = 3
"""Spectra for each latent number at least: with fewer, a model writes down its sample instead of describing it."""


def fit_by_bin(
    make: Callable[[], Any], sample: Any, *, progress: bool = False, checkpoint: Path | None = None,
    scratch: Path | None = None,
) -> Any:
    """Fit one model, or one a bin where the sample has several.

    Parameters
    ----------
    make : callable
        Returns a new, unfitted model.
    sample : SpectrumSet
        At rest and normalised, with a column ``bin``.
    progress : bool
        Whether bars are shown.
    checkpoint : Path, optional
        Folder for how far a network has come, for models that take one: a fit that was stopped goes on from there.
    scratch : Path, optional
        Folder for a copy of a sample that is larger than memory, see :func:`scratch_for`.
    """
    if sample.table["bin"].nunique() > 1:
        return models.BinnedModel.fit(make, sample, progress=progress, checkpoint=checkpoint, scratch=scratch)
    given = {"checkpoint": checkpoint, "scratch": scratch}
    return make().fit(sample, progress=progress, **{name: path for name, path in given.items() if path is not None})


def scratch_for(sample: Any, work: Path, wanted: str = "") -> Path | None:
    """Return the folder for a copy of a sample that is too large for memory; None when it is not.

    Parameters
    ----------
    sample : SpectrumSet
        Still on disk.
    work : Path
        Folder of the stage, where the copy is by default.
    wanted : str
        Another folder, for example on a fast local disk; the copy is in a folder of its own in it. With one given
        there is a copy in any case.
    """
    if wanted:
        return Path(wanted).absolute() / f"specanom-{content_hash(str(work.absolute()))}"
    return work / "scratch" if models.outgrows_memory(sample) else None


def refit(fitted: Any, sample: Any, more: int) -> Any:
    """Return a model of the same settings as `fitted`, fitted to the same sample with a seed that is `more` higher."""
    one = next(iter(fitted.models.values())) if isinstance(fitted, models.BinnedModel) else fitted
    told = one.settings()
    seed = told["seed"] + more
    folds = affordable(sample, 1, told["folds"], seed=seed)[1]  # the folds of another seed may be smaller
    return fit_by_bin(lambda: type(one).from_settings({**told, "seed": seed, "folds": folds}), sample)


def affordable(sample: Any, n_latent: int, folds: int | str, *, seed: int = 0) -> tuple[int, int | str]:
    """Return how many latent numbers and folds a sample can bear: those asked for, unless it is very small.

    Parameters
    ----------
    sample : SpectrumSet
        With a column ``bin``; each bin has a model of its own.
    n_latent : int
        Asked for. No more than a third of the spectra that a network is trained on are given.
    folds : int or "auto"
        Asked for. Where the other folds hold fewer than eight spectra there is one network, which has seen what it
        judges.
    seed : int
        Of the models: it decides the folds.

    Raises
    ------
    DataError
        When a bin has fewer than eight spectra.
    """
    names, of_row = np.asarray(sample.ids, dtype=object), sample.table["bin"].to_numpy()
    bins = [names[of_row == bin].tolist() for bin in np.unique(of_row)]
    fewest = min((len(ids) for ids in bins), default=0)
    if fewest < FEWEST:
        raise DataError(message("sample", expected=f"at least {FEWEST} usable spectra for each model",
                                got=f"{fewest} in {'a bin of S/N' if len(bins) > 1 else 'all'}",
                                hint="give more files, or look in tables/waterfall.parquet why spectra were dropped"))
    smallest = min(_smallest(ids, folds, seed) for ids in bins)
    if smallest < FEWEST:
        folds, smallest = 1, fewest
    return min(n_latent, smallest // PER_NUMBER), folds


def _smallest(ids: Sequence[str], folds: int | str, seed: int) -> int:
    """Return how many spectra the network with the fewest is trained on."""
    count = fold_count(folds, len(ids))
    if count == 1:
        return len(ids)
    known, _ = make_folds(ids, np.arange(len(ids), dtype=np.float32)[:, None], count, seed=seed)
    return len(ids) - int(np.bincount(known.id_folds, minlength=count).max())
