"""Where a run takes its spectra from, and what is known of them beforehand."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from .. import surveys
from ..errors import ArgumentError, DataError, choice, message
from ..store import write_json
from .folder import RunFolder
from .manifest import key, listing, versions

SURVEYS = ("mock", "sdss", "auto")
RAW = "raw"
"""Folder of a run with the files that it simulated or downloaded itself."""
BESIDE = ("truth.csv", "manifest.json")
"""Files in it that are no spectra."""


@dataclass(frozen=True)
class Source:
    """Files that a run reads.

    Attributes
    ----------
    path, survey : str
        What :func:`specanom.read` is given. On disk a path inside the run folder is relative to it, so that the folder
        can be moved.
    files : int
        How many files there are.
    anomalies : int
        Known anomalies; 0 when nothing is known.
    outputs : list of str
        Products of the stage, relative to the run folder.
    """

    path: str
    survey: str
    files: int = 0
    anomalies: int = 0
    outputs: list[str] = field(default_factory=list)

    @classmethod
    def load(cls, run: RunFolder) -> Source:
        """Read what ``01_acquire`` left."""
        told = json.loads(run.need("source.json", "01_acquire").read_text(encoding="utf-8"))
        return cls(**{**told, "path": str(run / told["path"])})  # an absolute path stays what it is

    def save(self, run: RunFolder) -> None:
        """Write ``source.json``."""
        path = RAW if self.path == str(run / RAW) else os.path.abspath(self.path)
        run.path.mkdir(parents=True, exist_ok=True)
        write_json(run / "source.json", {**asdict(self), "path": path})


def acquire(run: RunFolder, *, survey: str, path: str, n: int, seed: int, download: int = 0) -> Source:
    """Make the files of a run available and note where they are.

    Parameters
    ----------
    run : RunFolder
        Simulated and downloaded files go to its folder ``raw``.
    survey : {"mock", "sdss", "auto"}
        ``"mock"`` simulates; the others read files.
    path : str
        Folder, file or pattern; empty to simulate or download.
    n, seed : int
        Fibres and seed of a simulation.
    download : int
        Galaxies of the paper's sample to fetch from the SDSS archive.

    Returns
    -------
    Source

    Raises
    ------
    ArgumentError
        When the arguments contradict each other.
    DataError
        When there are no files.
    """
    choice("survey", survey, SURVEYS)
    if survey == "mock":
        if path:
            raise ArgumentError(message("path", expected="none for the simulated survey", got=repr(path),
                                        hint="--survey sdss reads files"))
        _note_raw(run, {"survey": survey, "n": n, "seed": seed, "specanom": versions()["specanom"]}, afresh=True)
        surveys.mock(n=n, seed=seed).write(run / RAW, layout="plate")
        path, survey = str(run / RAW), "sdss"
    elif download:
        table = surveys.archive.query(limit=download)
        _note_raw(run, {"download": True}, afresh=False)
        surveys.archive.download(table, run / RAW)
        path, survey = path or str(run / RAW), "sdss"
    elif not path:
        raise ArgumentError(message("path", expected="a folder, file or pattern of spectra", got="nothing",
                                    hint="--path FOLDER, or --survey mock"))
    truth = truth_beside(path)
    outputs = ["source.json", *([RAW] if path == str(run / RAW) else [])]
    if truth is not None:
        run.write(truth, "truth")
        outputs.append("truth.parquet")
    anomalies = 0 if truth is None else int((truth["kind"] != "").sum())
    source = Source(path, survey, len(files_of(path)), anomalies, outputs)
    if not source.files:
        raise DataError(message("path", expected="a folder, file or pattern of spectra", got=f"no file at {path}"))
    source.save(run)
    return source


def _note_raw(run: RunFolder, made_of: Mapping[str, Any], *, afresh: bool) -> None:
    """Say in the folder of raw files what they come from, and clear away files of another origin."""
    folder = run / RAW
    note = folder / "manifest.json"
    if folder.exists() and (afresh or not note.exists() or json.loads(note.read_text(encoding="utf-8")) != made_of):
        shutil.rmtree(folder)
    folder.mkdir(parents=True, exist_ok=True)
    write_json(note, made_of)


def truth_beside(path: str) -> pd.DataFrame | None:
    """Return the table ``truth.csv`` of known anomalies beside the files, with `id` and `kind`; None without one."""
    beside = Path(path) / "truth.csv"
    if not beside.is_file():
        return None
    table = pd.read_csv(beside, keep_default_na=False, dtype={"id": str})
    if not {"plate", "mjd", "fiber", "kind"} <= set(table.columns):
        return None
    if "id" not in table:
        names = zip(table["plate"], table["mjd"], table["fiber"], strict=True)
        table.insert(0, "id", [f"{plate:04d}-{mjd}-{fiber:04d}" for plate, mjd, fiber in names])
    return table


def files_of(path: str) -> list[Path]:
    """Return the files that a path or pattern stands for."""
    there = Path(path)
    if there.is_dir():
        return [p for p in there.rglob("*") if p.is_file() and p.name not in BESIDE]
    return [there] if there.is_file() else sorted(there.parent.glob(there.name))


def inputs_of(settings: Mapping[str, Any]) -> str:
    """Return a hash of what a run reads from outside: names, sizes and times of its files."""
    if settings["survey"] == "mock" or not settings["path"]:
        return key({"inside": settings["survey"]})
    return listing(files_of(str(settings["path"])))
