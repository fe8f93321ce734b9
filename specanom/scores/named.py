"""The scores of a run by name: the eight of the paper and the two recommended; which column is which score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import choice
from .scorer import VARIANTS, Scorer

if TYPE_CHECKING:
    import pandas as pd

PAPER_SCORES = tuple(f"{metric}{suffix}" for metric in ("mse", "chi2") for suffix, _, _ in VARIANTS)
RECOMMENDED = ("chi2_ivar", "multiscale")
CALIBRATED = "_cal"
RANK = "_rank"
FEWEST = 20
"""Below this many spectra there are no like ones to calibrate against."""


def scorers_of(model: Any, *, velocity: float = 250.0, trim: float = 0.03, preset: str | None = None) -> dict[str, Any]:
    """Return every scorer of a run by name: the eight of the paper, ``chi2_ivar`` and ``multiscale``."""
    eight = Scorer.paper(model, preset, velocity=velocity, trim=trim)
    return {**eight, **{name: Scorer(model, name) for name in RECOMMENDED}}


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


def scorer_of_column(column: str, scorers: Mapping[str, Any]) -> Any:
    """Return the scorer behind a column, which explanations are made for.

    A calibrated score is a smooth monotone map of the raw one at the spectrum's own S/N and redshift, so the raw score
    is explained: its parts add up.
    """
    name = column.removesuffix(CALIBRATED)
    if name == "combined":
        return scorers["chi2_ivar"]  # the largest of many has no residual of its own
    return scorers[choice("rank_by", name, scorers)]
