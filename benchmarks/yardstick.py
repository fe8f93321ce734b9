"""What the scores find of known anomalies: VAE beside PCA, raw and calibrated, by kind, and with more plates.

    python -m benchmarks.yardstick FOLDER [--plates 1 2 4 8 16] [--pca-only] [--out TABLE.csv]

FOLDER holds spPlate and spZbest files and ``truth.csv`` with the columns plate, mjd, fiber and kind. Without
``--plates`` all of it is used; with it, the first 1, 2, 4, … plates: a learning curve. Kinds in ``CHECK`` were not
looked at while settings were chosen; they are given apart.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import pandas as pd

import specanom as sa
from specanom.run.acquire import truth_beside
from specanom.run.evaluate import dependence, recovery
from specanom.run.scoring import score_table
from specanom.scores.named import scorers_of

CHECK = ("arm_step", "broad_lines", "dead_block")
"""Kinds that no setting was chosen on, neither of the models nor of the scores."""
SHOWN = ("mse", "chi2_ivar", "multiscale", "combined")


def evaluate(folder: Path, plates: list[Path], *, pca_only: bool, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Run the method on some plates; return how anomalies are found and what the scores depend on."""
    truth = truth_beside(str(folder))
    if truth is None:
        raise SystemExit(f"{folder} has no truth.csv with plate, mjd, fiber and kind")
    survey = sa.read([str(plate) for plate in plates], survey="sdss", target="galaxy")
    sample = sa.Preprocessor().fit_transform(survey)
    models = {"PCA": sa.PCAModel(12, seed=seed)} if pca_only else {
        "VAE": sa.VAEModel(seed=seed), "PCA": sa.PCAModel(12, seed=seed)}
    tables = {}
    for name, model in models.items():
        start = time.perf_counter()
        tables[name], _ = score_table(scorers_of(model.fit(sample)), sample)
        print(f"  {name}: {len(sample)} spectra, fitted and scored in {time.perf_counter() - start:.0f} s", flush=True)
    parts = {"all kinds": truth, "kinds not tuned on": without(truth, ~truth["kind"].isin(CHECK)),
             "kinds tuned on": without(truth, truth["kind"].isin(CHECK))}
    found = [recovery(tables, part).assign(part=name) for name, part in parts.items()]
    found[1:] = [table[table["kind"] == "all"] for table in found[1:]]
    return pd.concat(found, ignore_index=True).assign(galaxies=len(sample), plates=len(plates)), dependence(tables)


def without(truth: pd.DataFrame, leave_out: pd.Series) -> pd.DataFrame:
    """Return the truth without some anomalies; ordinary spectra stay."""
    return truth[~(leave_out & (truth["kind"] != ""))]


def whole(found: pd.DataFrame) -> pd.DataFrame:
    """Return the table model × score: AUC raw and calibrated, purity, by part."""
    table = found[found["kind"] == "all"].copy()
    table["name"] = table["score"].str.removesuffix("_cal")
    table["how"] = np.where(table["score"].str.endswith("_cal"), "calibrated", "raw")
    return table.pivot_table(index=["model", "name"], columns=["part", "how"], values="auc", sort=False).round(3)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--plates", type=int, nargs="*", default=[])
    parser.add_argument("--pca-only", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    every = sorted(arguments.folder.glob("spPlate-*.fits"))
    tables = []
    for count in arguments.plates or [len(every)]:
        print(f"{count} plates")
        found, depends = evaluate(arguments.folder, every[:count], pca_only=arguments.pca_only, seed=arguments.seed)
        tables.append(found)
        print(whole(found).to_string(), "\n")
        print(depends[depends["score"].str.removesuffix("_cal").isin(SHOWN)].round(2).to_string(index=False), "\n")
    result = pd.concat(tables, ignore_index=True)
    kinds = result[(result["part"] == "all kinds") & result["score"].isin([f"{name}_cal" for name in SHOWN])]
    last = kinds[kinds["plates"] == kinds["plates"].max()]
    by_kind = last.pivot_table(index=["kind", "n"], columns=["model", "score"], values="auc", sort=False)
    print(by_kind.round(3).to_string())
    if arguments.out:
        result.to_csv(arguments.out, index=False)


if __name__ == "__main__":
    main()
