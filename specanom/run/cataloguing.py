"""The catalogue of a run: its tables as parts, thresholds from its false alarms, provenance from its manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, choice, message
from ..scores import named
from ..scores.false_alarms import Null
from ..scores.named import CALIBRATED
from ..triage import LabelLog
from ..triage.catalogue import Catalogue, Column, Parts, Tiers, explanation_table
from ..triage.catalogue.columns import describe
from .again import WHERE
from .content import Content
from .folder import RunFolder
from .kin import SPACES, heard
from .manifest import Manifest, key
from .matching import LABELS
from .scoring import compared_with

if TYPE_CHECKING:
    import pandas as pd

FILES = {"shares": "shares", "residuals": "residuals", "clusters": "clusters", "kin": "kin", "votes": "votes",
         "matches": "matches", "latents": "rarities"}
"""Part → table of the run folder, each taken when it is there."""
OPTIONAL = (*FILES, "labels", "more")
GOLD, SILVER = 1.0, 10.0
"""Ordinary spectra expected above the thresholds, in the whole sample."""
HIGHEST = 1e6
FEWEST = 3
"""Scores below which nothing can be said of false alarms: the thresholds are then those of :class:`Tiers`."""


def catalogue_of(run_dir: str | Path, *, tiers: Tiers | None = None,
                 parts: Mapping[str, pd.DataFrame] | None = None) -> Catalogue:
    """Make the catalogue of a run that was scored; what later stages and people added is taken along.

    Parameters
    ----------
    run_dir : path-like
        A run folder. ``labels.jsonl`` and the tables ``shares``, ``residuals``, ``kin``, ``votes``, ``rarities`` and
        ``matches`` (``.parquet``) are taken when they are there.
    tiers : Tiers, optional
        Thresholds; when not given, those above which 1 (gold) and 10 (silver) ordinary spectra are expected. Of fewer
        than 20 spectra no tiers are then given.
    parts : mapping, optional
        Part → table, instead of those of the folder; see :class:`specanom.triage.catalogue.Parts`.

    Raises
    ------
    DataError
        When the run was not scored, or a part lacks its columns.
    ArgumentError
        For a part that is unknown.
    """
    content = Content(RunFolder(run_dir))
    made = parts_of(content.run)
    for name in parts or {}:
        choice("parts", name, OPTIONAL)
    made = replace(made, **dict(parts or {}))
    if tiers is None and made.scores is not None:
        tiers = _tiers_of_run(made.scores, calibrated(content.column, made.scores))
    return Catalogue.of(made, tiers=tiers, provenance=provenance_of(content.manifest), columns=_of_few(made.scores))


def _of_few(scores: pd.DataFrame | None) -> dict[str, Column]:
    """Return what the calibrated scores mean where spectra are too few for a calibration by S/N and redshift."""
    if scores is None or len(scores) >= named.FEWEST:
        return {}
    every = [describe(name, "scores") for name in map(str, scores) if name.endswith(CALIBRATED)]
    return {one.name: one._replace(description=one.description.replace(compared_with(named.FEWEST),
                                                                      compared_with(len(scores)))) for one in every}


def _tiers_of_run(scores: pd.DataFrame, column: str) -> Tiers:
    """Return the thresholds of a run, and why no tiers are given where its scores say nothing of false alarms."""
    if len(scores) >= named.FEWEST:
        some = np.isfinite(scores[column].to_numpy(np.float64)).sum() >= FEWEST
        return tiers_of(scores, column) if some else Tiers(column)
    why = (f"calibrated scores of fewer than {named.FEWEST} spectra, here {len(scores)}, are in excess of "
           f"{compared_with(len(scores))}, which says nothing of false alarms")
    return Tiers(column, refused=why)


def parts_of(run: RunFolder) -> Parts:
    """Return the parts that a run folder has."""
    optional: dict[str, Any] = {}
    for part, name in FILES.items():
        if (run / f"{name}.parquet").exists():
            optional[part] = run.table(name)
    optional |= near_parts(run)
    told = run.tables("clusters")
    if "clusters" in optional and told is not None and "story" in told:
        optional["stories"] = told[["cluster", "story"]]
    content = Content(run)
    if (run / "explanations.zarr").is_dir():
        optional["explanations"] = explanation_table(content.explanations.replace(flux=None))
    if (run / LABELS).exists():
        optional["labels"] = LabelLog(run / LABELS).to_frame()
    return Parts(content.objects.table, content.scores, **optional)


def near_parts(run: RunFolder) -> dict[str, pd.DataFrame]:
    """Return kin by looks and votes as inspectors' words change them; empty before the kin of a run are known."""
    if not all((run / f"{name}.parquet").exists() for name in ("kin", "votes")):
        return {}
    kin, votes = heard(run.table("kin"), run.table("votes"), LabelLog(run / LABELS))
    return {"kin": kin[kin["space"] == SPACES[0]], "votes": votes}


def calibrated(column: str, scores: pd.DataFrame) -> str:
    """Return the calibrated column of a score, or the column itself when it has none."""
    name = column.removesuffix(CALIBRATED) + CALIBRATED
    return name if name in scores else column


def tiers_of(scores: pd.DataFrame, column: str, *, gold: float = GOLD, silver: float = SILVER) -> Tiers:
    """Return the thresholds above which so many ordinary spectra are expected.

    Parameters
    ----------
    scores : DataFrame
        Of the whole sample.
    column : str
        A calibrated score.
    gold, silver : float
        Ordinary spectra expected above each, by the curve of :class:`specanom.scores.false_alarms.Null`, which errs
        on the high side.

    Raises
    ------
    ArgumentError
        When they are not positive, or gold asks for more than silver.
    DataError
        When fewer than three spectra have the score.
    """
    if not 0 < gold <= silver:
        raise ArgumentError(message("gold, silver", expected="0 < gold ≤ silver", got=f"{gold} and {silver}"))
    values = scores[column].to_numpy(np.float64)
    values = values[np.isfinite(values)]
    if values.size < FEWEST:
        raise DataError(message("scores", expected=f"at least {FEWEST} spectra with a score", got=values.size))
    null = Null.of(values)
    thresholds = [_threshold(null, values, one) for one in (gold, silver)]
    return Tiers(column, gold=thresholds[0], silver=thresholds[1], expected={"gold": gold, "silver": silver})


def _threshold(null: Null, values: NDArray[np.float64], expected: float) -> float:
    """Return the lowest threshold, to two decimals, above which no more than `expected` are."""
    low, high = float(null.centre), float(null.centre + 1.0)
    share = expected / values.size
    while float(null.survival(np.array(high))) > share and high < HIGHEST:
        low, high = high, high + 2 * (high - float(null.centre))
    for _ in range(60):
        middle = 0.5 * (low + high)
        low, high = (middle, high) if float(null.survival(np.array(middle))) > share else (low, middle)
    return float(np.ceil(100 * high) / 100)


def provenance_of(manifest: Manifest) -> dict[str, str]:
    """Return what a run was: name, versions, hashes of its parameters and model, and the day it was scored.

    Where and how it worked is not told: it changes none of the results.
    """
    parameters = {name: value for name, value in manifest.parameters.items() if name not in WHERE}
    scored = manifest.stage("04_score")
    told = {"run": manifest.folder.resolve().name, "parameters": key(parameters)[:12],
            "model": str(manifest.stage("03_train").get("outputs", {}).get("model", ""))[:12],
            "specanom": str(manifest.content.get("versions", {}).get("specanom", ""))}
    if "started" in scored:
        told["scored"] = datetime.fromtimestamp(float(scored["started"]), UTC).date().isoformat()
    return {name: value for name, value in told.items() if value}
