"""Where a run takes its spectra from."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from .. import surveys
from ..errors import ArgumentError, choice, message
from .manifest import key, listing

SURVEYS = ("mock", "sdss", "auto")


def open_survey(survey: str, path: str, *, n: int, seed: int, target: str | None, preset: str | None = None) -> Any:
    """Return the Survey a run works on: the simulated one, or the files at `path`."""
    if choice("survey", survey, SURVEYS) == "mock":
        if path:
            raise ArgumentError(message("path", expected="none for the simulated survey", got=repr(path),
                                        hint="--survey sdss reads files"))
        return surveys.mock(n=n, seed=seed)
    if not path:
        raise ArgumentError(message("path", expected="a folder, file or pattern of spectra", got="nothing",
                                    hint="--path FOLDER, or --survey mock"))
    return surveys.read(path, survey=survey, target=target, preset=preset)


def truth_of(survey: str, path: str, opened: Any) -> pd.DataFrame | None:
    """Return the table of known anomalies: the simulation's own, or ``truth.csv`` beside the files; else None."""
    if survey == "mock":
        found: pd.DataFrame = opened.truth
        return found
    beside = Path(path) / "truth.csv"
    if not beside.is_file():
        return None
    table = pd.read_csv(beside, keep_default_na=False)
    if not {"plate", "mjd", "fiber", "kind"} <= set(table.columns):
        return None
    if "id" not in table:
        table.insert(0, "id", [f"{p:04d}-{m}-{f:04d}" for p, m, f in zip(table["plate"], table["mjd"], table["fiber"],
                                                                         strict=True)])
    return table


def inputs_of(settings: Mapping[str, Any]) -> str:
    """Return a hash of what a run reads: the seed of a simulation, or names, sizes and times of files."""
    if settings["survey"] == "mock" or not settings["path"]:
        return key({"mock": settings["survey"]})
    path = Path(settings["path"])
    files = [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else sorted(path.parent.glob(path.name))
    return listing(files)
