"""Memory that the main process takes for each object of a survey, by stage: tables, ids, lists of what was dropped.

``python -m benchmarks.tables FOLDER [--objects 25000 100000] [--steps index learn score kin catalogue]``

The spectra are made up and have 40 pixels, so that pixels are next to nothing and a hundred thousand objects take
minutes; their tables are whole. One of five is no target (left out when the survey is indexed), and of the others one
of four is too faint (dropped by preprocessing). Each step is a process of its own for each size of survey; what an
object of the files takes is the slope of its largest resident set.
"""

from __future__ import annotations

import argparse
import json
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import specanom as sa
from specanom.surveys.blocks import Pixels
from specanom.surveys.parted import PartedSurvey
from specanom.surveys.survey import Entry, Log, Survey

FIBRES = 640
WAVE = np.geomspace(3400.0, 12000.0, 40)
SURVEYS = {"SDSS": 1_200_000, "DESI": 22_500_000}
SAMPLE, TOP = 2000, 0.01
"""Spectra of the training sample, and the share of the oddest that is stored."""
GRID = (3500.0, 7500.0, 30)


@dataclass(frozen=True)
class Plate:
    """640 made-up objects; an id is a number of 17 digits, as of DESI, whose last ones say which it is."""

    path: str
    number: int

    def entries(self) -> list[Entry]:
        """Return what is known of each object."""
        return [Entry(row, self._meta(row)) for row in range(FIBRES)]

    def pixels(self, rows: Sequence[int]) -> Pixels:
        """Return flux that falls to the red, with noise, by each object's own random numbers."""
        random = np.random.default_rng([self.number, 1])
        noise = random.normal(size=(FIBRES, WAVE.size))[list(rows)].astype(np.float32)
        slope = random.normal(-1.0, 0.3, size=FIBRES)[list(rows), None]
        shape = ((WAVE / 5500.0) ** slope).astype(np.float32)
        snr = np.array([2.0 if row % 4 == 3 else 10.0 + row % 7 for row in rows], dtype=np.float32)[:, None]
        return Pixels(WAVE, None, shape + noise / snr, np.full(shape.shape, 1.0, np.float32) * snr**2, None, {})

    def details(self, row: int) -> Mapping[str, Any]:
        """Return nothing more."""
        return {}

    def _meta(self, row: int) -> dict[str, Any]:
        n = self.number * FIBRES + row
        star = row % 5 == 4
        return {"id": str(39_627_600_000_000_000 + n), "survey": "desi", "survey_program": "main-dark",
                "instrument": "DESI", "plate": -1, "mjd": 59_000 + self.number % 1000, "fiber": row,
                "ra": n * 0.7531 % 360.0, "dec": n * 0.01237 % 120.0 - 40.0, "z": 0.02 + 0.4 * (n * 0.618 % 1.0),
                "z_err": 1e-4, "z_noqso": float("nan"), "zwarning": 0, "class": "STAR" if star else "GALAXY",
                "subclass": "G" if star else "", "objtype": "TGT", "snr": float("nan"), "ebv": 0.02, "lsf": 1.5,
                "path": self.path, "row": row, "specobjid": "", "petal": row % 10, "tile": -1,
                "healpix": self.number, "deltachi2": 100.0 + row, "exptime": 1000.0}


@dataclass(frozen=True)
class Some:
    """Some objects of a plate."""

    plate: Plate
    rows: tuple[int, ...]

    @property
    def path(self) -> str:
        """Where they are said to lie."""
        return self.plate.path

    def entries(self) -> list[Entry]:
        """Return what is known of them."""
        every = self.plate.entries()
        return [every[row] for row in self.rows]

    def pixels(self, rows: Sequence[int]) -> Pixels:
        """Return their pixels."""
        return self.plate.pixels(rows)

    def details(self, row: int) -> Mapping[str, Any]:
        """Return nothing more."""
        return {}


class MadeUp(PartedSurvey):
    """A survey in partitions that is looked up in its index, and whose spectra are made where they would be read."""

    def select(self, ids: Sequence[str]) -> Survey:
        """Return some spectra."""
        def sources(log: Log) -> Iterator[Some]:
            rows: dict[int, list[int]] = {}
            for id in ids:
                plate, row = divmod(int(id) - 39_627_600_000_000_000, FIBRES)
                rows.setdefault(plate, []).append(row)
            for number, some in rows.items():
                yield Some(Plate(_path(self.path, number), number), tuple(some))

        return Survey(sources, name="desi", gate=sa.surveys.survey.Gate(**self._told["gate"]))


def _path(index: Path, number: int) -> str:
    return str(index.parent / "plates" / f"coadd-main-dark-{number:05d}.fits")


def index(folder: Path, objects: int) -> dict[str, Any]:
    """Stage 02, first: where each spectrum lies."""
    (folder / "plates").mkdir()
    paths = [_path(folder / "index", number) for number in range(-(-objects // FIBRES))]
    for path in paths:
        Path(path).touch()

    def sources(log: Log) -> Iterable[Plate]:
        return (Plate(path, number) for number, path in enumerate(paths))

    survey = Survey(sources, name="desi", gate=sa.surveys.survey.Gate("galaxy"))
    return {"spectra": len(PartedSurvey.of(survey, folder / "index"))}


def learn(folder: Path, objects: int) -> dict[str, Any]:
    """Stage 02 of a run that keeps the oddest alone: what is learnt, and the sample that models are trained on."""
    preprocessor = _preprocessor()
    preprocessor.fit_transform(MadeUp(folder / "index"), store=folder / "sample.zarr", only=SAMPLE)
    preprocessor.save(folder / "preprocess")
    return {"spectra": preprocessor.report.n_out}


def learn_all(folder: Path, objects: int) -> dict[str, Any]:
    """Stage 02 of a run that keeps all spectra."""
    made = _preprocessor().fit_transform(MadeUp(folder / "index"), store=folder / "all.zarr")
    return {"spectra": len(made)}


def train(folder: Path, objects: int) -> dict[str, Any]:
    """Stage 03, of models that are no part of the measurement."""
    sample = sa.SpectrumSet.open(folder / "sample.zarr")
    for name in ("model", "pca"):
        sa.PCAModel(8, folds=2).fit(sample).save(folder / name)
    return {"spectra": len(sample)}


def score(folder: Path, objects: int) -> dict[str, Any]:
    """Stage 04 of a run that keeps the oddest alone, by two models."""
    from specanom.models import load
    from specanom.run.folder import RunFolder
    from specanom.run.keeping import keep_stream, stored_ids
    from specanom.run.objects import Objects
    from specanom.run.scoring import add_latents, add_percentile, score_table
    from specanom.run.streaming import Stream
    from specanom.scores.named import scorers_of

    run, sample = RunFolder(folder), sa.SpectrumSet.open(folder / "sample.zarr")
    models = {"VAE": folder / "model", "PCA": folder / "pca"}
    stream = Stream(MadeUp(folder / "index"), folder / "preprocess", folder / "sample.zarr", run.work("04_score"))
    streamed = stream.score(models)
    known, tables = Objects(streamed.objects), {}
    for name, path in models.items():
        table, _ = score_table(scorers_of(load(path), sample), known, raw=streamed.raw[name])
        tables[name] = add_latents(add_percentile(table, "chi2_ivar_cal"), streamed.raw[name])
    run.write(tables["VAE"], "scores")
    run.write(tables["PCA"], "scores_pca")
    stream.store(known.table, stored_ids(tables["VAE"], "chi2_ivar_cal", TOP), folder / "top.zarr")
    keep_stream(run, streamed)
    return {"spectra": len(known)}


def kin(folder: Path, objects: int) -> dict[str, Any]:
    """Stage 07: the knowledge base of all objects."""
    from specanom.models import load
    from specanom.run.folder import RunFolder
    from specanom.run.kin import latent_base
    from specanom.run.latents import encoded, follows

    run, scores = RunFolder(folder), RunFolder(folder).table("scores")
    known = encoded(run, scores, one_space=True)
    base = latent_base(sa.encoder(load(folder / "model")), known.objects, vectors=known.vectors)
    follows(base.vectors, known.objects.table, scores, "chi2_ivar_cal")
    base.save(folder / "knowledge")
    return {"spectra": len(known.objects)}


def catalogue(folder: Path, objects: int) -> dict[str, Any]:
    """Stage 08, of objects and scores: the catalogue, its Parquet file and the work list."""
    from specanom.run.folder import RunFolder
    from specanom.triage import Listing
    from specanom.triage.catalogue import Catalogue, Parts, Tiers

    run = RunFolder(folder)
    made = Catalogue.of(Parts(run.objects().table, run.table("scores")), tiers=Tiers("chi2_ivar_cal", 20.0, 10.0))
    made.write(folder / "catalogue.parquet")
    Listing("chi2_ivar_cal")(made.table).save(folder / "worklist.parquet")
    return {"spectra": len(made)}


STEPS = {one.__name__: one for one in (index, learn, learn_all, train, score, kin, catalogue)}
TOLD = {"index": "02, index of the files", "learn": "02, `keep=\"top\"`", "learn_all": "02, `keep=\"all\"`",
        "score": "04, `keep=\"top\"`, two models", "kin": "07, kin", "catalogue": "08, catalogue, one file, work list"}


def _preprocessor() -> sa.Preprocessor:
    return sa.Preprocessor(grid=GRID, airglow=None, min_snr=4.0, max_missing=1.0, max_missing_wave=0.9)


def child(folder: Path, step: str, objects: int) -> dict[str, Any]:
    """Do a step and return how large this process has been, in bytes, and what else it tells."""
    start = time.perf_counter()
    told = STEPS[step](folder, objects)
    largest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return {"largest": largest, "seconds": time.perf_counter() - start, **told}


def measure(folder: Path, objects: Sequence[int], steps: Sequence[str]) -> dict[str, dict[int, dict[str, Any]]]:
    """Return what each step tells for each number of objects; what it needs is made first, what is there is used."""
    made: dict[str, dict[int, dict[str, Any]]] = {}
    for count in objects:
        here = folder / str(count)
        here.mkdir(parents=True, exist_ok=True)
        for step in STEPS:
            if step not in steps and (step not in ("index", "learn", "train") or (here / f"{step}.json").exists()):
                continue
            if step == "index":
                shutil.rmtree(here / "plates", ignore_errors=True)
            done = subprocess.run([sys.executable, "-m", "benchmarks.tables", str(here), "--child", step, str(count)],
                                  check=True, stdout=subprocess.PIPE, text=True)
            told = json.loads(done.stdout.splitlines()[-1])
            (here / f"{step}.json").write_text(json.dumps(told))
            print(f"{count} {step}: {told}", file=sys.stderr, flush=True)
            made.setdefault(step, {})[count] = told
    return made


def table(made: Mapping[str, Mapping[int, Mapping[str, Any]]]) -> str:
    """Return Markdown: bytes of an object in the survey, and what whole surveys come to."""
    lines = [f"| stage | bytes an object | {' | '.join(f'{name}, {n:,}' for name, n in SURVEYS.items())} |",
             "|" + "---|" * (2 + len(SURVEYS))]
    for step, rows in made.items():
        if step not in TOLD:
            continue
        sizes = np.array(sorted(rows), dtype=np.float64)
        each, fixed = np.polyfit(sizes, [rows[int(n)]["largest"] for n in sizes], 1)
        lines.append(f"| {TOLD[step]} | {each:,.0f} | " + " | ".join(f"{(fixed + each * n) / 1e9:.1f} GB"
                                                                     for n in SURVEYS.values()) + " |")
    return "\n".join(lines)


def main() -> None:
    """Start a child for each step and size, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--objects", type=int, nargs="+", default=[25_000, 100_000])
    parser.add_argument("--steps", nargs="+", default=list(STEPS), choices=list(STEPS))
    parser.add_argument("--child", nargs=2)
    given = parser.parse_args()
    given.folder = given.folder.absolute()
    if given.child:
        print(json.dumps(child(given.folder, given.child[0], int(given.child[1]))))
    else:
        print(table(measure(given.folder, given.objects, given.steps)))


if __name__ == "__main__":
    main()
