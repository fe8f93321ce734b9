"""Memory and disk of a run that stores the oddest spectra alone, for surveys of 1 to 8 files of 640 fibres.

``python -m benchmarks.streaming FOLDER [--files 1 2 4 8] [--keep top all]``

Each survey is learnt from and scored by child processes, whose largest resident sets the table tells; training, of a
PCA of 400 spectra, has no part in it.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

FIBRES = 640
TRAIN = 400


def simulate(folder: Path, files: int) -> Path:
    """Write plates once and return their folder."""
    import specanom as sa

    raw = folder / "plates"
    if not raw.is_dir():
        part = raw.with_name("plates.part")
        shutil.rmtree(part, ignore_errors=True)
        sa.surveys.mock(n=FIBRES * files, seed=1).write(part, layout="plate")
        part.rename(raw)
    return raw


def first(raw: Path, count: int, folder: Path) -> Path:
    """Return a folder with the first plates of a survey."""
    shutil.rmtree(folder, ignore_errors=True)
    for spectra in sorted(raw.rglob("spPlate*.fits"))[:count]:
        number = spectra.name.removeprefix("spPlate")
        for file in raw.rglob(f"*{number}"):
            there = folder / file.relative_to(raw)
            there.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, there)
    return folder


def learn(survey: Path, folder: Path, keep: str) -> dict[str, Any]:
    """Index a survey and learn from it."""
    import specanom as sa
    from specanom.surveys.parted import PartedSurvey

    parted = PartedSurvey.of(sa.read(survey), folder / "index", size=FIBRES)
    preprocessor = sa.Preprocessor()
    preprocessor.fit_transform(parted, store=folder / "sample.zarr", only=TRAIN if keep == "top" else None)
    preprocessor.save(folder / "preprocess")
    return {"largest": _largest()}


def train(survey: Path, folder: Path, keep: str) -> dict[str, Any]:
    """Fit a model, which is no part of the measurement."""
    import specanom as sa

    sa.PCAModel(8, folds=2).fit(sa.SpectrumSet.open(folder / "sample.zarr")[:TRAIN]).save(folder / "model")
    return {"largest": _largest()}


def score(survey: Path, folder: Path, keep: str) -> dict[str, Any]:
    """Score a survey, and store the oddest spectra where the others are not kept."""
    import specanom as sa
    from specanom import models
    from specanom.run.keeping import stored_ids
    from specanom.run.objects import Objects
    from specanom.run.parted import InPartitions, joined
    from specanom.run.scoring import score_table
    from specanom.run.streaming import Stream
    from specanom.scores.named import scorers_of
    from specanom.surveys.parted import PartedSurvey

    model, sample = folder / "model", sa.SpectrumSet.open(folder / "sample.zarr")
    scorers = scorers_of(models.load(model), sample)
    if keep == "top":
        parted = PartedSurvey(folder / "index", FIBRES)
        stream = Stream(parted, folder / "preprocess", folder / "sample.zarr", folder / "work")
        streamed = stream.score({"PCA": model})
        table = score_table(scorers, Objects(streamed.objects), raw=streamed.raw["PCA"])[0]
        stream.store(streamed.objects, stored_ids(table, "chi2_ivar_cal", 0.0), folder / "top.zarr")
    else:
        done = InPartitions(folder / "work", None, FIBRES).score(folder / "sample.zarr", model)
        table = score_table(scorers, sample, raw=joined(done, "scores"))[0]
    return {"largest": _largest(), "spectra": len(table)}


STEPS = {"learn": learn, "train": train, "score": score}


def _largest() -> float:
    """Return the largest resident set of this process so far, MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def stored(folder: Path) -> float:
    """Return the bytes of the spectra that are kept, MB."""
    names = ("sample.zarr", "top.zarr")
    return sum(one.stat().st_size for name in names for one in (folder / name).rglob("*") if one.is_file()) / 1e6


def main() -> None:
    """Simulate, start children and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--keep", nargs="+", default=["top", "all"])
    parser.add_argument("--child", nargs=3)
    arguments = parser.parse_args()
    if arguments.child:
        step, survey, keep = arguments.child
        print(json.dumps(STEPS[step](Path(survey), arguments.folder, keep)))
        return
    arguments.folder.mkdir(parents=True, exist_ok=True)
    raw = simulate(arguments.folder, max(arguments.files))
    print("| keep | files | scored | largest resident set, MB: learning | scoring | spectra stored, MB | s |")
    print("|---|---|---|---|---|---|---|")
    for keep in arguments.keep:
        for count in arguments.files:
            survey, folder = first(raw, count, arguments.folder / "survey"), arguments.folder / f"{keep}-{count}"
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
            start = time.perf_counter()
            told = {}
            for step in STEPS:
                made = subprocess.run([sys.executable, "-m", "benchmarks.streaming", str(folder), "--child", step,
                                       str(survey), keep], check=True, stdout=subprocess.PIPE, text=True)
                told[step] = json.loads(made.stdout.splitlines()[-1])
            print(f"| {keep} | {count} | {told['score']['spectra']} | {told['learn']['largest']:.0f} | "
                  f"{told['score']['largest']:.0f} | {stored(folder):.0f} | {time.perf_counter() - start:.0f} |",
                  flush=True)
            shutil.rmtree(folder)


if __name__ == "__main__":
    main()
