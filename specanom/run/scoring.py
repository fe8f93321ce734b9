"""The scores of a run: the eight, the two recommended ones, raw, calibrated and ranked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from .. import scores
from ..scores.named import CALIBRATED, FEWEST, RANK

TOP = 100
"""Spectra that a run explains when nothing else is asked."""
PAPER_SHARE, PAPER_LEAST = 0.01, 30
"""The published share of the best bin, and the fewest that clusters can be made of."""
LATENT = "latent_"
"""How the columns of latent coordinates begin."""
NAN_FIRST = "nan_first"
"""Attribute of a table that names the columns in which NaN is the oddest, as published; Parquet keeps it."""


@dataclass(frozen=True)
class PlainExcess:
    """The logarithm of a score in robust standard deviations above the median of all: the calibration of a few."""

    centre: float
    width: float

    @classmethod
    def of(cls, raw: Any) -> PlainExcess:
        """Measure it on the ``(n,)`` raw scores of a sample."""
        values = cls._log(raw)
        values = values[np.isfinite(values)]
        centre = float(np.median(values)) if values.size else 0.0
        width = 1.4826 * float(np.median(np.abs(values - centre))) if values.size else 0.0
        return cls(centre, width or 1.0)

    @staticmethod
    def _log(raw: Any) -> Any:
        return np.log(np.maximum(np.asarray(raw, dtype=np.float64), np.finfo(np.float64).tiny))

    def of_raw(self, raw: Any, snr: Any = None, z: Any = None, ids: Sequence[str] | None = None) -> Any:
        """Return the calibrated values of raw ones; the other arguments are those of a CalibratedScorer, not needed."""
        return (self._log(raw) - self.centre) / self.width


def compared_with(spectra: int) -> str:
    """Return what the calibrated scores of a run of so many spectra are in excess of."""
    return "spectra of like S/N and redshift" if spectra >= FEWEST else "the median of the few spectra"


def calibrations(scorers: Mapping[str, Any], reference: pd.DataFrame) -> dict[str, Any]:
    """Return what turns each raw score into a calibrated one.

    Parameters
    ----------
    scorers : mapping
        Name → scorer.
    reference : DataFrame
        id, snr, z and the raw scores of the spectra that are compared with.
    """
    if len(reference) < FEWEST:
        return {name: PlainExcess.of(reference[name]) for name in scorers}
    return scores.calibrate_from_table(scorers, reference)


def score_table(
    scorers: Mapping[str, Any], sample: Any, reference: pd.DataFrame | None = None, *, raw: pd.DataFrame | None = None
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Score a sample in every way.

    Parameters
    ----------
    scorers : mapping
        Name → scorer.
    sample : SpectrumSet
        What is scored.
    reference : DataFrame, optional
        A table as this function makes it, of the spectra that the calibration takes as ordinary; the sample itself when
        not given.

    raw : DataFrame, optional
        The raw scores by id, when they are known already. Spectra that it lacks have none.

    Returns
    -------
    table : DataFrame
        id, z, snr, bin; each score raw, calibrated (``NAME_cal``) and as a rank by its calibrated value (``NAME_rank``,
        1 is the oddest, NaN last, ties by id); ``combined_cal`` is the largest of the calibrated ones.
        ``attrs["nan_first"]`` names the raw scores in which NaN is the oddest (``preset="paper"``).
    calibrated : dict
        Name → calibrated scorer.
    """
    raw = scores.table(scorers, sample) if raw is None else _of_sample(raw, sample, ["id", *scorers])
    known = [c for c in ("z", "snr", "bin", "plate", "mjd", "fiber", "ra", "dec") if c in sample.table]
    table = pd.concat([raw[["id"]], sample.table[known].reset_index(drop=True), raw.drop(columns="id")], axis=1)
    table.attrs[NAN_FIRST] = raw.attrs[NAN_FIRST]  # concat forgets it
    calibrated = calibrations(scorers, table if reference is None else reference)
    snr, z, ids = np.asarray(sample.table["snr"]), np.asarray(sample.table["z"]), sample.ids
    for name, values in _in_excess(calibrated, raw, snr, z, ids).items():
        table[name + CALIBRATED] = values
    table["combined" + CALIBRATED] = table[[name + CALIBRATED for name in scorers]].max(axis=1)
    for name in [*scorers, "combined"]:
        table[name + RANK] = scores.ranks(table[name + CALIBRATED], ids)
    return table, calibrated


def _in_excess(calibrated: Mapping[str, Any], raw: pd.DataFrame, snr: Any, z: Any, ids: Sequence[str]
               ) -> dict[str, Any]:
    if all(isinstance(one, scores.CalibratedScorer) for one in calibrated.values()):
        return scores.calibrated_values(calibrated, raw, snr, z, ids)
    return {name: one.of_raw(raw[name], snr, z, ids) for name, one in calibrated.items()}


def top_ids(table: pd.DataFrame, column: str, top: int) -> list[str]:
    """Return the ids of the `top` highest values of a column.

    Spectra without a value are not among them, unless the table says that NaN comes first, as in published scores.
    """
    return scores.top(table, top, [column])[column]


def oddest_ids(table: pd.DataFrame, column: str, top: int, preset: str | None = None) -> list[str]:
    """Return the ids of the spectra that a run explains, the oddest first.

    Parameters
    ----------
    table : DataFrame
        Scores, with `bin`.
    column : str
        What ranks.
    top : int
        How many; 0 for 100, or under ``preset="paper"`` for 1 % of the bin of the highest S/N (but at least 30).
    preset : str or None
        ``"paper"``: the bin of the highest S/N alone, as all published results.
    """
    if preset == "paper":
        table = table[table["bin"] == table["bin"].max()]
        top = top or max(PAPER_LEAST, round(PAPER_SHARE * len(table)))
    return top_ids(table, column, top or TOP)


def latents_of(model: Any, sample: Any) -> pd.DataFrame:
    """Return the reference model's latent coordinates of a sample: id, ``latent_0`` …"""
    latents = np.asarray(model.encode(sample))
    return pd.DataFrame({"id": sample.ids, **{f"{LATENT}{i}": latents[:, i] for i in range(latents.shape[1])}})


def add_latents(table: pd.DataFrame, latents: pd.DataFrame) -> pd.DataFrame:
    """Return the table with the latent coordinates that another table has of its spectra."""
    found = _of_sample(latents, table["id"], [name for name in latents.columns.astype(str) if name.startswith(LATENT)])
    made = pd.concat([table, found.set_index(table.index)], axis=1)
    made.attrs.update(table.attrs)
    return made


def _of_sample(table: pd.DataFrame, sample: Any, columns: Sequence[str]) -> pd.DataFrame:
    """Return columns of a table in the order of a sample, NaN for spectra that it lacks."""
    ids = pd.Index(getattr(sample, "ids", sample), name="id")
    made = table.set_index("id", drop=False).reindex(ids)
    made["id"] = ids
    made = made[list(columns)].reset_index(drop=True)
    made.attrs.update(table.attrs)
    return made


def add_percentile(table: pd.DataFrame, column: str, reference: pd.DataFrame | None = None) -> pd.DataFrame:
    """Return the table with ``percentile``: the percentage of a sample that is less odd by `column`.

    Parameters
    ----------
    table : DataFrame
        Scores.
    column : str
        What ranks.
    reference : DataFrame, optional
        The scores of the sample that is compared with; the table itself when not given. Spectra as odd as the one
        that is asked for count half, those without a score do not; a spectrum without a score has no percentile.
    """
    known = np.sort((table if reference is None else reference)[column].dropna().to_numpy(dtype=np.float64))
    values = table[column].to_numpy(dtype=np.float64)
    below, upto = (np.searchsorted(known, values, side=side) for side in ("left", "right"))
    share = 50.0 * (below + upto) / max(known.size, 1)
    return table.assign(percentile=np.where(np.isnan(values), np.nan, share))
