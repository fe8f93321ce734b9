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
from ..scores.false_alarms import Null
from ..scores.named import CALIBRATED
from ..triage import LabelLog
from ..triage.catalogue import Catalogue, Parts, Tiers, explanation_table
from .content import Content
from .folder import RunFolder
from .manifest import Manifest, key

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
        Thresholds; when not given, those above which 1 (gold) and 10 (silver) ordinary spectra are expected.
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
        column = calibrated(content.column, made.scores)
        many = int(np.isfinite(made.scores[column].to_numpy(np.float64)).sum()) >= FEWEST
        tiers = tiers_of(made.scores, column) if many else Tiers(column)
    return Catalogue.of(made, tiers=tiers, provenance=provenance_of(content.manifest))


def parts_of(run: RunFolder) -> Parts:
    """Return the parts that a run folder has."""
    optional: dict[str, Any] = {}
    for part, name in FILES.items():
        if (run / f"{name}.parquet").exists():
            optional[part] = run.table(name)
    told = run.tables("clusters")
    if "clusters" in optional and told is not None and "story" in told:
        optional["stories"] = told[["cluster", "story"]]
    content = Content(run)
    if (run / "explanations.zarr").is_dir():
        optional["explanations"] = explanation_table(content.explanations.replace(flux=None))
    if (run / "labels.jsonl").exists():
        optional["labels"] = LabelLog(run / "labels.jsonl").to_frame()
    return Parts(content.sample.table, content.scores, **optional)


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
    """Return what a run was: name, versions, hashes of its parameters and model, and the day it was scored."""
    parameters = {name: value for name, value in manifest.parameters.items() if name != "run_dir"}
    scored = manifest.stage("04_score")
    told = {"run": manifest.folder.resolve().name, "parameters": key(parameters)[:12],
            "model": str(manifest.stage("03_train").get("outputs", {}).get("model", ""))[:12],
            "specanom": str(manifest.content.get("versions", {}).get("specanom", ""))}
    if "started" in scored:
        told["scored"] = datetime.fromtimestamp(float(scored["started"]), UTC).date().isoformat()
    return {name: value for name, value in told.items() if value}
