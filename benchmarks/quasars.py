"""Quasars: how fast a DESI survey is simulated, and what the scores of each bin of redshift find in it.

    OMP_NUM_THREADS=1 python -m benchmarks.quasars [--n 2000] [--seeds 1 2 3]

Printed for each bin: quasars, share of odd ones (anomalies and broad absorption), and their share among the 20 with the
highest calibrated residual of a PCA of 10 components; CPU time a fibre; how far the continuum scatters once each
spectrum is divided by its median.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import specanom as sa

TOP = 20
WINDOWS = {"qso-0.8-1.5": (3000.0, 3100.0), "qso-1.5-2.5": (1690.0, 1730.0), "qso-2.1-3.2": (1690.0, 1730.0)}
"""Continuum between lines, rest-frame Å."""


def look(n: int, seed: int) -> tuple[pd.DataFrame, float]:
    """Return one row a bin, and the CPU milliseconds that a fibre took to simulate and write."""
    start = time.process_time()
    survey = sa.surveys.mock_desi(n=n, seed=seed)
    truth = survey.truth.set_index("id")
    spent = (time.process_time() - start) / n * 1e3
    rows = []
    for name, sample in sa.preprocess.QuasarPreprocessors().fit_transform(survey).items():
        model = sa.PCAModel(10, folds="auto").fit(sample)
        odd = (truth.loc[sample.ids, "kind"] != "").to_numpy()
        score = sa.Scorer(model, "chi2_ivar").calibrate(sample)(sample)
        low, high = WINDOWS[name]
        level = np.median(sample.flux[:, (sample.wave > low) & (sample.wave < high)], axis=1)
        rows.append({"bin": name, "quasars": len(sample), "odd": odd.mean(),
                     f"odd in the top {TOP}": odd[np.argsort(-np.nan_to_num(score, nan=-np.inf))[:TOP]].mean(),
                     "scatter of the continuum": np.subtract(*np.percentile(level, [84, 16])) / 2 / np.median(level)})
    return pd.DataFrame(rows), spent


def main() -> None:
    """Print the means over the seeds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--n", type=int, default=2000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    options = parser.parse_args()
    sa.surveys.mock_desi(n=1).truth  # noqa: B018 - the stars are made once
    tables, spent = zip(*(look(options.n, seed) for seed in options.seeds), strict=True)
    print(pd.concat(tables).groupby("bin").mean().round(2).to_string())
    print(f"{np.median(spent):.1f} ms of CPU a fibre")


if __name__ == "__main__":
    main()
