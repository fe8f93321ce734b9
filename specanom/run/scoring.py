"""The scores of a run: the eight, the two recommended ones, raw, calibrated and ranked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from .. import scores
from ..errors import choice

RECOMMENDED = ("chi2_ivar", "multiscale")
CALIBRATED = "_cal"
RANK = "_rank"


def scorers_of(model: Any, *, velocity: float = 250.0, trim: float = 0.03, preset: str | None = None) -> dict[str, Any]:
    """Return every scorer of a run by name: the eight of the paper, ``chi2_ivar`` and ``multiscale``."""
    eight = scores.Scorer.paper(model, preset, velocity=velocity, trim=trim)
    return {**eight, **{name: scores.Scorer(model, name) for name in RECOMMENDED}}


def score_table(scorers: Mapping[str, Any], sample: Any) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Score a sample in every way.

    Parameters
    ----------
    scorers : mapping
        Name → scorer.
    sample : SpectrumSet
        What is scored, and what the calibration takes as ordinary.

    Returns
    -------
    table : DataFrame
        id, z, snr, bin; each score raw, calibrated (``NAME_cal``) and as a rank by its calibrated value (``NAME_rank``,
        1 is the oddest, NaN last, ties by id); ``combined_cal`` is the largest of the calibrated ones.
    calibrated : dict
        Name → calibrated scorer.
    """
    raw = scores.table(scorers, sample)
    calibrated = scores.calibrate_all(scorers, sample, values={name: raw[name] for name in scorers})
    known = [c for c in ("z", "snr", "bin", "plate", "mjd", "fiber", "ra", "dec") if c in sample.table]
    table = pd.concat([raw[["id"]], sample.table[known].reset_index(drop=True), raw.drop(columns="id")], axis=1)
    snr, z, ids = np.asarray(sample.table["snr"]), np.asarray(sample.table["z"]), sample.ids
    for name in scorers:
        table[name + CALIBRATED] = calibrated[name].of_raw(raw[name], snr, z, ids)
    table["combined" + CALIBRATED] = table[[name + CALIBRATED for name in scorers]].max(axis=1)
    for name in [*scorers, "combined"]:
        table[name + RANK] = scores.ranks(table[name + CALIBRATED], ids)
    return table, calibrated


def ranking_column(rank_by: str | None, preset: str | None, table: pd.DataFrame) -> str:
    """Return the column that picks the top.

    Calibrated ``chi2_ivar``, or raw ``mse`` under ``preset="paper"``, or as asked: the name of a score means its
    calibrated values, ``NAME_raw`` its raw ones.
    """
    if not rank_by:
        return "mse" if preset == "paper" else "chi2_ivar" + CALIBRATED
    names = [str(c).removesuffix(CALIBRATED) for c in table.columns if str(c).endswith(CALIBRATED)]
    raws = {f"{name}_raw": name for name in names if name in table.columns}
    calibrated = {name: name + CALIBRATED for name in names}
    columns = {**{c: c for c in calibrated.values()}, **calibrated, **raws}
    return columns[choice("rank_by", rank_by, columns)]


def top_ids(table: pd.DataFrame, column: str, top: int) -> list[str]:
    """Return the ids of the `top` highest values of a column; spectra without a value are never among them."""
    return scores.top(table, top, [column])[column]


def scorer_of_column(column: str, scorers: Mapping[str, Any]) -> Any:
    """Return the scorer behind a column, which explanations are made for.

    A calibrated score is a smooth monotone map of the raw one at the spectrum's own S/N and redshift, so the raw score
    is explained: its parts add up.
    """
    name = column.removesuffix(CALIBRATED)
    if name == "combined":
        return scorers["chi2_ivar"]  # the largest of many has no residual of its own
    return scorers[choice("rank_by", name, scorers)]


def add_latents(table: pd.DataFrame, model: Any, sample: Any) -> pd.DataFrame:
    """Return the table with the reference model's latent coordinates, ``latent_0`` …"""
    latents = np.asarray(model.encode(sample))
    columns = {f"latent_{i}": latents[:, i] for i in range(latents.shape[1])}
    return pd.concat([table, pd.DataFrame(columns, index=table.index)], axis=1)
