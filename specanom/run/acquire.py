"""Where a run takes its spectra from, and what is known of them beforehand."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import pandas as pd

from .. import surveys
from ..errors import ArgumentError, DataError, choice, message
from ..folders import write_json
from ..foreign import ListOf, Place, Record, Text, Whole, check, check_csv, damaged, read_json
from ..surveys import Survey
from ..surveys.desi_releases import check_columns
from .folder import RunFolder
from .manifest import key, listing, versions
from .places import files_of, readable

SURVEYS = ("mock", "mock_desi", "sdss", "desi", "auto")
_SOURCE = Record({"path": Text(4096), "survey": Text(100)},
                 {"files": Whole(0), "anomalies": Whole(0), "outputs": ListOf(Place(), most=1000),
                  "catalogue": Text(4096), "columns": Text(10_000)})
SIMULATED = {"mock": "sdss", "mock_desi": "desi"}
"""Simulated survey → as what its files are read."""
ANY = "any"
"""As a target of a run: every astronomical object, of whatever class or none."""
RAW = "raw"
"""Folder of a run with the files that it simulated or downloaded itself."""
TRUTH = "truth.csv"
"""Table of known anomalies beside spectra."""
DOWNLOADED: dict[str, Any] = {"download": True}
"""What the note in ``raw`` says of a download."""


@dataclass(frozen=True)
class Files:
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
    catalogue, columns : str
        A file of redshifts that are taken instead of those beside the spectra, and the columns that are kept or called
        otherwise; empty for none.
    """

    path: str
    survey: str
    files: int = 0
    anomalies: int = 0
    outputs: list[str] = field(default_factory=list)
    catalogue: str = ""
    columns: str = ""

    def read(self, **options: Any) -> Survey:
        """Open the survey lazily, with its catalogue of redshifts; options are those of :func:`specanom.read`.

        The target may be called ``"any"``, too, as parameters of runs call it.
        """
        if options.get("target") == ANY:
            options["target"] = None
        return surveys.read(self.path, self.survey, catalogue=self.catalogue or None, columns=self.columns or None,
                            **options)

    def with_redshifts(self, run: RunFolder, *, catalogue: str, columns: str) -> Files:
        """Return the same files with a catalogue of redshifts, and columns that are kept; ``source.json`` says so.

        Raises
        ------
        DataError
            When there is no such file.
        ArgumentError
            For columns that cannot be meant.
        """
        check_columns(columns)
        if catalogue and catalogue_file(catalogue) is None:
            raise DataError(message("catalogue", expected="a file of redshifts", got=f"no file at {catalogue}"))
        made = replace(self, catalogue=catalogue, columns=columns)
        made.save(run)
        return made

    @classmethod
    def load(cls, run: RunFolder) -> Files:
        """Read what ``01_acquire`` left."""
        place = run.need("source.json", "01_acquire")
        told = read_json(place, "what 01_acquire left", most=2**20)
        check(told, _SOURCE, place)
        return cls(**{**told, "path": str(run / told["path"])})  # an absolute path stays what it is

    def save(self, run: RunFolder) -> None:
        """Write ``source.json``."""
        path = RAW if self.path == str(run / RAW) else os.path.abspath(os.path.expanduser(self.path))
        run.path.mkdir(parents=True, exist_ok=True)
        catalogue = os.path.abspath(os.path.expanduser(self.catalogue)) if self.catalogue else ""
        write_json(run / "source.json", {**asdict(self), "path": path, "catalogue": catalogue})


def acquire(run: RunFolder, *, survey: str, path: str, n: int, seed: int, download: int = 0) -> Files:
    """Make the files of a run available and note where they are.

    Parameters
    ----------
    run : RunFolder
        Simulated and downloaded files go to its folder ``raw``.
    survey : {"mock", "mock_desi", "sdss", "desi", "auto"}
        ``"mock"`` and ``"mock_desi"`` simulate; the others read files.
    path : str
        Folder, file or pattern; empty to simulate or download.
    n, seed : int
        Fibres and seed of a simulation.
    download : int
        Galaxies of the paper's sample to fetch from the SDSS archive.

    Returns
    -------
    Files

    Raises
    ------
    ArgumentError
        When the arguments contradict each other.
    DataError
        When there are no files, or ``raw`` holds some that may not be cleared away.
    """
    choice("survey", survey, SURVEYS)
    if survey in SIMULATED:
        if path:
            raise ArgumentError(message("path", expected="none for the simulated survey", got=repr(path),
                                        hint="--survey sdss and --survey desi read files"))
        _take_raw(run, {"survey": survey, "n": n, "seed": seed, "specanom": versions()["specanom"]})
        made = surveys.mock(n=n, seed=seed) if survey == "mock" else surveys.mock_desi(n=n, seed=seed)
        made.write(run / RAW)
        path, survey = str(run / RAW), SIMULATED[survey]
    elif download:
        _take_raw(run, DOWNLOADED)
        table = surveys.archive.query(limit=download)
        surveys.archive.download(table, run / RAW)
        path, survey = path or str(run / RAW), "sdss"
    elif not path:
        raise _no_path()
    files = files_of(path)
    truth = truth_beside(path)
    outputs = ["source.json", *([RAW] if path == str(run / RAW) else [])]
    if truth is not None:
        run.write(truth, "truth")
        outputs.append("truth.parquet")
    anomalies = 0 if truth is None else int((truth["kind"] != "").sum())
    source = Files(path, survey, len(files), anomalies, outputs)
    source.save(run)
    return source


def _take_raw(run: RunFolder, made_of: Mapping[str, Any]) -> None:
    """Make the folder of raw files ready for those of `made_of`, and note that there.

    Simulated files of an earlier run are cleared away, since they can be made again; nothing else ever is.
    """
    folder = run / RAW
    there = _origin(folder)
    if there.get("survey") in SIMULATED:
        shutil.rmtree(folder)
    elif folder.exists() and there != made_of and any(folder.iterdir()):
        got = "a download" if there == DOWNLOADED else "files that no run made"
        raise DataError(message("run_dir", expected=f"a folder {RAW} that may be cleared away",
                                got=f"{got} in {folder}",
                                hint=f"move them, read them with --survey sdss --path {folder}, "
                                     "or give another --run-dir"))
    folder.mkdir(parents=True, exist_ok=True)
    write_json(folder / "manifest.json", made_of)


def simulated(run: RunFolder) -> bool:
    """Say whether a run simulated its own files: its objects are at no place of the real sky."""
    return _origin(run / RAW).get("survey") in SIMULATED


def _origin(folder: Path) -> dict[str, Any]:
    """Return what a run noted in its folder of raw files; empty when there is no such note."""
    try:
        note = read_json(folder / "manifest.json", "the note of a run", most=2**20)
    except DataError:
        return {}
    known = isinstance(note, dict) and (note.get("survey") in SIMULATED or note == DOWNLOADED)
    return note if known else {}


def truth_beside(path: str) -> pd.DataFrame | None:
    """Return the table ``truth.csv`` of known anomalies beside the files, with `id` and `kind`; None without one."""
    beside = Path(path).expanduser() / TRUTH
    if not beside.is_file():
        return None
    with damaged(beside, "a table of known anomalies"):
        check_csv(beside)
        table = pd.read_csv(beside, keep_default_na=False, dtype={"id": str})
    if "kind" not in table:
        return None
    if "id" not in table:
        if not {"plate", "mjd", "fiber"} <= set(table.columns):
            return None
        names = zip(table["plate"], table["mjd"], table["fiber"], strict=True)
        table.insert(0, "id", [f"{plate:04d}-{mjd}-{fiber:04d}" for plate, mjd, fiber in names])
    return table


def check_source(settings: Mapping[str, Any]) -> None:
    """Make sure that there are files where the spectra of a run shall come from.

    Raises
    ------
    ArgumentError
        When no place is named.
    DataError
        When there are no files, or none that may be read.
    """
    if settings["survey"] in SIMULATED or settings["download"]:
        return
    if not settings["path"]:
        raise _no_path()
    with readable(first := files_of(str(settings["path"]))[0]):
        open(first, "rb").close()


def _no_path() -> ArgumentError:
    return ArgumentError(message("path", expected="a folder, file or pattern of spectra", got="nothing",
                                 hint="--path FOLDER, or --survey mock"))


def catalogue_file(name: str) -> Path | None:
    """Return the path of a file of redshifts; None when there is none."""
    path = Path(name).expanduser()
    return path if name and path.is_file() else None


def inputs_of(settings: Mapping[str, Any]) -> str:
    """Return a hash of what a run reads from outside: names, sizes and times of its files."""
    redshifts = catalogue_file(str(settings.get("catalogue", "")))
    beside = [] if redshifts is None else [redshifts]
    if settings["survey"] in SIMULATED or not settings["path"]:
        inside = {"inside": settings["survey"]}
        return key({**inside, "beside": listing(beside)} if beside else inside)
    path = str(settings["path"])
    try:
        files = files_of(path)
    except DataError:  # the first stage says so, and its notebook is kept
        files = []
    truth = Path(path).expanduser() / TRUTH
    return listing([*files, *beside, *([truth] if truth.is_file() else [])])
