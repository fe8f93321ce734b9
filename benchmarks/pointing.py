"""Does it point right? Explanations of known anomalies against the intervals where these were made.

    python -m benchmarks.pointing FOLDER [--model vae|pca] [--sample SAMPLE.zarr] [--model-path MODEL] [--out TABLE.csv]

FOLDER holds spPlate and spZbest files of a semi-real survey and ``truth.csv`` with the columns plate, mjd, fiber, kind
and intervals_rest. A sample and a model that are given are used as they are; otherwise the folder is preprocessed and
the model fitted. Every known anomaly is explained by LIME, SHAP, occlusion, integrated gradients and the residual
split, for each score and fill; one table a measure is printed, kinds down, methods across, beside what shuffled weights
reach.
A hit of the pointing game is a leading segment that touches an interval; pixels are ranked by |weight|.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from dataclasses import replace
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import specanom as sa
from specanom.explain import Comparison, IntegratedGradients, Occlusion, ResidualSplit, Shap, Truth, compare
from specanom.explain.comparison import MEASURES, SHUFFLED
from specanom.explain.explainer import ExplanationWarning
from specanom.run.acquire import truth_beside

METHODS = {"LIME": sa.Lime(), "SHAP": Shap(), "occlusion": Occlusion(), "IG": IntegratedGradients(),
           "residual split": ResidualSplit()}
FILLS = {"scale": sa.Scale(0.9), "typical": sa.Typical()}
SCORES = ("chi2_ivar", "mse")
INSTRUMENT = ("cosmic_rays", "arm_step", "red_sky", "dead_block")
WHOLE = ("wrong_redshift",)
"""Its truth is nearly the whole spectrum, so it says little; shown, but in no mean."""
SHOWN = ("pointing", "roc", "precision")


def data(arguments: argparse.Namespace) -> tuple[sa.SpectrumSet, Any, pd.DataFrame]:
    """Return the known anomalies as spectra, a model, and the truth by id."""
    truth = truth_beside(str(arguments.folder))
    if truth is None or "intervals_rest" not in truth:
        raise SystemExit(f"{arguments.folder} has no truth.csv with plate, mjd, fiber, kind and intervals_rest")
    if arguments.sample:
        sample = sa.SpectrumSet.open(arguments.sample)
    else:
        sample = sa.Preprocessor().fit_transform(sa.read(str(arguments.folder), survey="sdss", target="galaxy"))
    if arguments.model_path:
        model = sa.models.load(arguments.model_path)
    else:
        model = (sa.VAEModel(seed=arguments.seed) if arguments.model == "vae"
                 else sa.PCAModel(12, seed=arguments.seed)).fit(sample)
    truth = truth.set_index("id").reindex(sample.ids).fillna("")
    rows = np.flatnonzero(truth["intervals_rest"] != "")[:: arguments.every]
    return sample[rows], model, truth.iloc[rows]


def measure(
    sample: sa.SpectrumSet, model: Any, truth: pd.DataFrame, arguments: argparse.Namespace
) -> dict[tuple[str, str], Comparison]:
    """Compare the methods for each score and fill."""
    made = {}
    for score in arguments.scores:
        for fill in arguments.fills:
            start = time.perf_counter()
            base = sa.Explainer(sa.Scorer(model, score), sa.Uniform(77), perturbation=FILLS[fill], seed=arguments.seed)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", ExplanationWarning)
                made[score, fill] = compare({name: replace(base, method=method) for name, method in METHODS.items()},
                                            sample, Truth.of(truth.reset_index(), arguments.tolerance),
                                            shuffles=arguments.shuffles, sensitivity=arguments.sensitivity,
                                            seed=arguments.seed)
            print(f"  {score}, {fill}: {len(sample)} spectra, {len(METHODS)} methods, "
                  f"{time.perf_counter() - start:.0f} s", flush=True)
    return made


def by_kind(made: Comparison, kinds: pd.Series, measure: str) -> pd.DataFrame:
    """Return one measure: kinds and means over kinds down, methods and their shuffled mean across."""
    table = made.grouped(kinds.to_dict(), measure).sort_index()
    floors = [name for name in table if str(name).endswith(SHUFFLED)]
    if floors:
        table["shuffled"] = table[floors].mean(axis=1)
    table = table.drop(columns=floors)
    counted = table.drop(index=[kind for kind in WHOLE if kind in table.index])
    parts = {"mean, instrument": counted.index.isin(INSTRUMENT), "mean, astrophysical": ~counted.index.isin(INSTRUMENT),
             "mean, all kinds": np.ones(len(counted), dtype=bool)}
    means = {name: counted[rows].mean().mask(counted.columns == "n", counted["n"][rows].sum())
             for name, rows in parts.items() if rows.any()}
    return pd.concat([table, pd.DataFrame(means).T]).astype({"n": int})


def tell(made: dict[tuple[str, str], Comparison], kinds: pd.Series) -> None:
    """Print a table a measure, and one of what needs no truth."""
    for (score, fill), comparison in made.items():
        for name in SHOWN:
            print(f"\n{MEASURES[name].label}: score {score}, fill {fill}")
            print(by_kind(comparison, kinds, name).round(3).to_string())
        print(f"\nall measures: score {score}, fill {fill} (averages over spectra; 95 % bootstrap in brackets)")
        print(with_intervals(comparison).to_string())
        for method, id, reason in comparison.skipped[:5]:
            print(f"  skipped {method} of {id}: {reason}")


def with_intervals(made: Comparison) -> pd.DataFrame:
    """Return the table as text, each average with its interval."""
    table, lower, upper = made.table, made.lower, made.upper
    columns = {MEASURES[name].label: [text(*row) for row in zip(table[name], lower[name], upper[name], strict=True)]
               for name in made.measures}
    return pd.DataFrame(columns, index=table.index).T


def text(value: float, lo: float, hi: float) -> str:
    """Return one average with its interval."""
    if np.isnan(value):
        return "–"
    return "< 1e-6" if 0 <= value < 1e-6 else f"{value:.3g} ({lo:.3g}–{hi:.3g})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", choices=("vae", "pca"), default="vae")
    parser.add_argument("--sample", type=Path)
    parser.add_argument("--model-path", type=Path)
    parser.add_argument("--scores", nargs="+", choices=SCORES, default=list(SCORES))
    parser.add_argument("--fills", nargs="+", choices=list(FILLS), default=list(FILLS))
    parser.add_argument("--tolerance", type=float, default=0.0, help="Å by which intervals are widened")
    parser.add_argument("--shuffles", type=int, default=8)
    parser.add_argument("--sensitivity", type=int, default=2, help="noisy copies of each spectrum; 0 for none")
    parser.add_argument("--every", type=int, default=1, help="only every n-th known anomaly")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    sample, model, truth = data(arguments)
    made = measure(sample, model, truth, arguments)
    tell(made, truth["kind"])
    if arguments.out:
        rows = [one.by_spectrum.assign(score=score, fill=fill, kind=one.by_spectrum["id"].map(truth["kind"]))
                for (score, fill), one in made.items()]
        pd.concat(rows, ignore_index=True).to_csv(arguments.out, index=False)


if __name__ == "__main__":
    main()
