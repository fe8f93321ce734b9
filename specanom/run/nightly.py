"""The nightly job: the kept model of a run on new files, and whether the new spectra have drifted away."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from .. import models
from ..errors import DataError, message
from ..folders import write_json
from ..parallel.reach import check_reachable
from ..scores.named import ranking_column, scorers_of
from ..surveys.parted import PartedSurvey
from .acquire import Files, catalogue_file
from .byhand import manifest_of
from .folder import WORK, RunFolder
from .lock import holder, leave, only_one
from .objects import Objects
from .parameters import STAGES
from .scoring import add_latents, add_percentile, score_table, top_ids
from .streaming import Stream, Streamed

DRIFT_P = 1e-3
"""A two-sample Kolmogorov–Smirnov test below this probability, together with DRIFT_D, counts as a drift."""
DRIFT_D = 0.15
"""The distance between the two distributions that must be passed too: a large night makes tiny shifts significant."""
NEW, SUMMARY = "new", "summary.json"
"""Where in a run results go, and the last file of each."""
NEEDED = STAGES[:4]
"""The stages whose products are used."""
SHOWN = 5
"""How many of the oddest a log names."""
WATCHED = ("mse", "chi2_ivar", "multiscale", "snr", "z")


@dataclass(frozen=True)
class NewFiles:
    """New spectra for a run.

    Attributes
    ----------
    path : str
        Folder, file or pattern.
    survey : str
        Their survey, or ``"auto"``.
    target : str, optional
        ``"galaxy"``, ``"qso"``, ``"star"``, or ``"any"``; as in the run when not given.
    catalogue : str, optional
        A file of redshifts of DESI targets, taken instead of those beside the new files; that of the run when not
        given, and none when empty. The columns that the run keeps, or calls otherwise, are those of the run.
    """

    path: str
    survey: str = "auto"
    target: str | None = None
    catalogue: str | None = None

    def source(self, run: RunFolder) -> Files:
        """Return where they are read from, with the catalogue of redshifts of a run, or another, and its columns.

        Raises
        ------
        DataError
            When there is no such catalogue (any more).
        """
        before = Files.load(run)
        taken = before.catalogue if self.catalogue is None else self.catalogue
        if taken and catalogue_file(taken) is None:
            raise DataError(message("catalogue", expected="a file of redshifts", got=f"no file at {taken}",
                                    hint="--catalogue FILE, or --catalogue '' for the redshifts beside the spectra"))
        return Files(self.path, self.survey, catalogue=taken, columns=before.columns)

    def read(self, run: RunFolder, settings: Mapping[str, Any]) -> Any:
        """Return the survey, of the spectra that a run with these parameters is about."""
        wanted = self.target or ("qso" if settings.get("quasars") else settings["target"])
        return self.source(run).read(target=wanted, preset=settings["preset"] or None)


@dataclass(frozen=True, eq=False)
class NewScores:
    """What came of scoring new files.

    Attributes
    ----------
    path : Path
        Folder with ``scores.parquet``, ``skipped.parquet`` and ``summary.json``.
    table : DataFrame
        One row a new spectrum: the columns of the run's ``scores.parquet``, with ``percentile`` among the run's own.
    drift : DataFrame
        quantity, distance, p, drifted, and the medians of the run and of the new spectra.
    skipped : int
        Files and fibres that were set aside, by the reader or by a cut; ``skipped.parquet`` has ids and reasons.
    column : str
        The score that ranks.
    failures : DataFrame
        Partitions that failed; their spectra are among those set aside. ``failures.parquet`` has them too.
    """

    path: Path
    table: pd.DataFrame
    drift: pd.DataFrame
    skipped: int
    column: str
    failures: pd.DataFrame

    @property
    def drifted(self) -> bool:
        """Whether a watched quantity is distributed otherwise than in the run."""
        return bool(self.drift["drifted"].any())

    def summary(self) -> str:
        """Return what a log should say."""
        shown = self.table.set_index("id", drop=False).loc[top_ids(self.table, self.column, SHOWN)]
        lines = [f"{len(self.table)} spectra scored, {self.skipped} set aside"]
        if len(self.failures):
            lines.append(f"{len(self.failures)} partitions failed, the first of {self.failures['error'].iloc[0]}: "
                         f"{self.failures['text'].iloc[0]}; their spectra are among those set aside")
        lines.append(f"oddest by {self.column}:")
        lines += [f"  {row['id']}  {row[self.column]:.2f}  (percentile {row['percentile']:.1f})"
                  for row in shown.to_dict("records")]
        for row in self.drift[self.drift["drifted"]].to_dict("records"):
            lines.append(f"drift: {row['quantity']} median {row['median run']:.4g} -> {row['median new']:.4g} "
                         f"(KS distance {row['distance']:.2f}, p = {row['p']:.1g})")
        if not self.drifted:
            lines.append("no drift")
        return "\n".join(lines)


def score_new(run_dir: str | Path, files: str | NewFiles, *, out: str | Path | None = None, executor: Any = None
              ) -> NewScores:
    """Apply the preprocessing, model and calibration of a run to new spectra.

    Parameters
    ----------
    run_dir : path-like
        A finished run.
    files : str or NewFiles
        Folder, file or pattern; or with what is known of them.
    out : path-like, optional
        Where the result goes; ``RUN/new/TIME`` when not given, or where a call that was stopped there has begun.
    executor : optional
        Where the files are read and scored, a partition of 4,096 spectra at a time, see
        :func:`specanom.parallel.workers`. What a stopped call left in `out` is used by the next.

    Returns
    -------
    NewScores

    Raises
    ------
    DataError
        When the run is not finished, none of the new spectra can be used, or nobody answers at the address of the
        executor.
    PartitionsFailed
        When every partition failed.
    RunBusy
        When another process is writing to `out`.
    """
    run = RunFolder(Path(run_dir).absolute())
    manifest = manifest_of(run.path)
    manifest.require(NEEDED)
    if isinstance(executor, str):
        check_reachable(executor, run.path)
    files = NewFiles(files) if isinstance(files, str) else files
    fresh = files.read(run, manifest.parameters)
    folder = Path(out) if out else _begun(run.path / NEW) or run.path / NEW / time.strftime("%Y%m%dT%H%M%S")
    try:
        with only_one(folder):
            return _scored(run, files, fresh, folder, executor)
    finally:
        leave(folder)


def _begun(folder: Path) -> Path | None:
    """Return where the last call that was stopped, and that nobody has gone on with, has begun."""
    return max((one for one in folder.glob("*") if (one / WORK).is_dir() and not (one / SUMMARY).exists()
                and holder(one) is None), default=None)


def _scored(run: RunFolder, files: NewFiles, fresh: Any, folder: Path, executor: Any) -> NewScores:
    """Score what was read, and write what came of it into a folder that nobody else writes to."""
    settings, reference = manifest_of(run.path).parameters, run.table("scores", "04_score")
    work, options = folder.absolute() / WORK, _options(settings)
    with _left_when_stopped(work):
        streamed = Stream(PartedSurvey.of(fresh, work / "index"), run / "preprocess", run / "sample.zarr", work,
                          executor, "score").score({"VAE": run.need("model", "03_train")}, **options)
        table = _ranked(run, streamed, options, settings)
        column = ranking_column(settings["rank_by"], settings["preset"], table)
        made = RunFolder(folder)
        made.write(table, "scores")
        aside = streamed.report.to_frame()
        aside = aside[aside["count"] > 0]
        made.write(aside, "skipped")
        made.write_or_drop({"failures": streamed.failures if len(streamed.failures) else None})
        result = NewScores(folder, table, drift_of(reference, table), int(aside["count"].sum()), column,
                           streamed.failures)
        write_json(folder / SUMMARY, {
            "spectra": len(table), "set aside": result.skipped, "failed partitions": len(streamed.failures),
            "drifted": result.drifted, "drift": result.drift.to_dict("records"), "run": str(run.path),
            "path": str(files.path)})
    return result


@contextlib.contextmanager
def _left_when_stopped(work: Path) -> Iterator[None]:
    """Give a folder to work in; it stays after an interrupt, for the next try, and not where another try is no use."""
    work.mkdir(parents=True, exist_ok=True)
    try:
        yield
    except DataError:
        shutil.rmtree(work)
        raise
    shutil.rmtree(work)


def _options(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return how a run scores."""
    return {"lines": settings.get("filter_lines", ""), "velocity": settings["velocity"], "trim": settings["trim"],
            "preset": settings["preset"] or None}


def _ranked(run: RunFolder, streamed: Streamed, options: Mapping[str, Any], settings: Mapping[str, Any]
            ) -> pd.DataFrame:
    """Return the table of scores as the run makes it, calibrated against the run, with percentiles among the run."""
    reference, raw = run.table("scores", "04_score"), streamed.raw["VAE"]
    scorers = scorers_of(models.load(run / "model"), run.sample(), **options)
    table, _ = score_table(scorers, Objects(streamed.objects), reference, raw=raw)
    column = ranking_column(settings["rank_by"], settings["preset"], table)
    return add_latents(add_percentile(table, column, reference), raw)


def drift_of(reference: pd.DataFrame, fresh: pd.DataFrame) -> pd.DataFrame:
    """Compare the distributions of watched quantities in two score tables.

    Returns
    -------
    DataFrame
        quantity, distance (Kolmogorov–Smirnov), p, drifted, median run, median new.
    """
    from scipy.stats import ks_2samp

    rows = []
    for name in [c for c in WATCHED if c in reference and c in fresh]:
        a, b = reference[name].dropna(), fresh[name].dropna()
        if len(a) and len(b):
            test = ks_2samp(a, b)
            rows.append({"quantity": name, "distance": float(test.statistic), "p": float(test.pvalue),
                         "drifted": bool(test.pvalue < DRIFT_P and test.statistic > DRIFT_D),
                         "median run": float(a.median()), "median new": float(b.median())})
    columns = ["quantity", "distance", "p", "drifted", "median run", "median new"]
    return pd.DataFrame(rows, columns=columns)
