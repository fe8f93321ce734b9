"""The scores of a run by name: the eight of the paper and the two recommended; which column is which score."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import choice
from ..lines import FILTER_KMS
from .scorer import VARIANTS, Scorer

if TYPE_CHECKING:
    import pandas as pd

PAPER_SCORES = tuple(f"{metric}{suffix}" for metric in ("mse", "chi2") for suffix, _, _ in VARIANTS)
RECOMMENDED = ("chi2_ivar", "multiscale")
CALIBRATED = "_cal"
RANK = "_rank"
FEWEST = 20
"""Below this many spectra there are no like ones to calibrate against."""


def line_filter(
    sample: Any, *, lines: str | None = "", velocity: float = 0.0, preset: str | None = None
) -> tuple[str, float]:
    """Return which lines the filtered scores of a run leave out, and within how many km/s of them.

    This is the one place that decides it, for notebooks, the nightly job and dashboards alike.

    Parameters
    ----------
    sample : SpectrumSet or None
        What is scored. Samples that were made as quasars (``target="qso"``, which the presets ``qso-…`` set), or of
        which most objects of known class are quasars, are scored without the broad lines of quasars; others, and
        None, without the lines of galaxies.
    lines : {"", "vacuum", "quasar", "paper"} or None
        Lines that are left out; ``""`` for those of the sample, or the published ones under ``preset="paper"``. None
        is what runs did that could not be told: those of galaxies, whatever the sample.
    velocity : float
        Half width in km/s; 0 for the usual one of these lines: 250, or 2,500 of quasars.
    preset : None or "paper"
        As for :class:`.Scorer`.

    Raises
    ------
    ArgumentError
        For lines of another name.
    """
    if lines is None or (not lines and preset == "paper"):
        lines = "paper" if preset == "paper" else "vacuum"
    elif not lines:
        lines = "quasar" if sample is not None and _of_quasars(sample) else "vacuum"
    usual = FILTER_KMS[choice("lines", lines, FILTER_KMS)]
    return lines, velocity or usual


def _of_quasars(sample: Any) -> bool:
    asked = sample.provenance.get("preprocess", {}).get("target")
    asked = [asked] if isinstance(asked, str) else list(asked or ())
    if asked:
        return all(str(one).lower() == "qso" for one in asked)
    classes = sample.table["class"].fillna("").astype(str).str.upper() if "class" in sample.table else None
    return classes is not None and bool((classes == "QSO").sum() > 0.5 * (classes != "").sum())


def scorers_of(model: Any, sample: Any = None, *, lines: str | None = "", velocity: float = 0.0, trim: float = 0.03,
               preset: str | None = None) -> dict[str, Any]:
    """Return every scorer of a run by name: the eight of the paper, ``chi2_ivar`` and ``multiscale``.

    Parameters
    ----------
    model : Model
        What reconstructs.
    sample, lines, velocity, preset
        See :func:`line_filter`.
    trim : float
        Share of the pixels that trimmed scores leave out.
    """
    lines, velocity = line_filter(sample, lines=lines, velocity=velocity, preset=preset)
    eight = Scorer.paper(model, preset, velocity=velocity, trim=trim, lines=lines)
    return {**eight, **{name: Scorer(model, name, lines=lines) for name in RECOMMENDED}}


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
