"""The model of a run on real SDSS files: where active and star-forming galaxies rank, and what LIME points at.

    python -m benchmarks.real RUN FOLDER [--out DIR]

RUN is a finished run, FOLDER holds real SDSS files. Nothing is fitted on the real files: preprocessing, network and
calibration are the run's. Prints a table and writes one figure an explained spectrum.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import pandas as pd

import specanom as sa
from specanom import models, plots
from specanom.explain.named import perturbation_of, segments_of
from specanom.run.folder import RunFolder
from specanom.run.manifest import Manifest
from specanom.run.nightly import NewFiles, score_new
from specanom.scores.named import scorers_of


def main() -> None:
    """Score, rank, explain."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--out", type=Path, default=Path("runs/real"))
    parser.add_argument("--explain", type=int, default=4, help="how many are explained")
    arguments = parser.parse_args()
    run = RunFolder(arguments.run)
    result = score_new(run.path, NewFiles(str(arguments.folder), "sdss", "any"), out=arguments.out)
    prep = sa.Preprocessor.load(run / "preprocess.json")
    survey = sa.read(arguments.folder, survey="sdss")
    sample = prep.transform(survey)
    print(prep.report, "\n")
    print("set aside by the reader:")
    for reason, count in Counter(one.reason for one in survey.skipped).items():
        print(f"  {count:3} {reason}")
    known = sample.table[["id", "class", "subclass", "z", "snr"]]
    table = known.merge(result.table[["id", "chi2_ivar_cal", "multiscale_cal", "mse_cal", "percentile"]], on="id")
    table = table.sort_values("chi2_ivar_cal", ascending=False).reset_index(drop=True)
    print("\n", table.round(3).to_string())
    explain(table, sample, run, arguments.out, arguments.explain)


def explain(table: pd.DataFrame, sample: sa.SpectrumSet, run: RunFolder, out: Path, count: int) -> None:
    """Explain the oddest spectra and write their figures."""
    settings = Manifest(run.path).parameters
    scorer = scorers_of(models.load(run / "model"))["chi2_ivar"]
    explainer = sa.Explainer(scorer, segments=segments_of(settings["segments"], settings["preset"]),
                             perturbation=perturbation_of(settings["perturbation"], settings["preset"]))
    for id in table["id"][:count]:
        spectrum = sample.by_id(id)
        explanation = explainer.explain(spectrum)
        print(f"\n{id}: {explanation.grade}, R² {explanation.r2:.2f}; {explanation.context}")
        for name, weight in explanation.as_list(5):
            print(f"   {weight:+9.3f}  {name}")
        plots.save_html(plots.explanation(explanation, spectrum), out / f"{id}.html")


if __name__ == "__main__":
    main()
