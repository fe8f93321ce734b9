"""Lines at a second redshift: what is found in surveys with known anomalies, and of lines laid on real galaxies.

    python -m benchmarks.second [FOLDER ...] [--real SPECTRA] [--seed 1]

FOLDER holds spPlate and spZbest files and ``truth.csv`` with plate, mjd, fiber and kind; a VAE is fitted to each.
SPECTRA is a folder of real SDSS spectra: on each galaxy lines of a star-forming one are laid at random redshifts, with
[O III] 5008 so many times as high as the median noise of a pixel.
"""

from __future__ import annotations

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

import specanom as sa
from specanom.diagnostics import measure_spectrum, second_redshift
from specanom.explain.posing import bind
from specanom.lines import C_KMS, line
from specanom.run.acquire import truth_beside

STRENGTHS = {"OII3727": 0.4, "OII3730": 0.55, "NeIII3870": 0.12, "Hd": 0.1, "Hg": 0.18, "Hb": 0.38, "OIII4960": 0.33,
             "OIII5008": 1.0, "NII6550": 0.05, "Ha": 1.1, "NII6585": 0.16, "SII6718": 0.18, "SII6733": 0.13}
HEIGHTS = (5, 8, 15, 30, 60)
TIMES = 6  # redshifts a galaxy


def surveyed(folder: Path, seed: int) -> pd.DataFrame:
    """Return, per kind, how many spectra there are and in how many a second redshift is claimed."""
    sample = sa.Preprocessor().fit_transform(sa.read(str(folder), survey="sdss", target="galaxy"))
    truth = truth_beside(str(folder))
    if truth is None:
        raise SystemExit(f"{folder} has no truth.csv with plate, mjd, fiber and kind")
    scorer = sa.Scorer(sa.VAEModel(seed=seed).fit(sample), "chi2_ivar")
    typical = [np.asarray(bind(scorer, one).reconstruct(one.flux[None]))[0] for one in sample]
    start = time.process_time()
    found = [second_redshift(one, model).found for one, model in zip(sample, typical, strict=True)]
    print(f"{folder}: {1e3 * (time.process_time() - start) / len(sample):.2f} ms a spectrum, CPU")
    kinds = truth.set_index("id")["kind"].reindex(sample.ids).fillna("").to_numpy()
    groups = pd.DataFrame({"kind": kinds, "found": found}).groupby("kind")["found"]
    return pd.DataFrame({"n": groups.size(), "found": groups.sum()})


def emission(wave: np.ndarray, z: float) -> np.ndarray:
    """Return the lines of a star-forming galaxy, 110 km/s wide, [O III] 5008 one high."""
    places = {name: (wave / (line(name).wave * (1 + z)) - 1) * C_KMS / 110 for name in STRENGTHS}
    return np.sum([part * np.exp(-0.5 * places[name] ** 2) for name, part in STRENGTHS.items()], axis=0)


def laid_on(folder: Path, seed: int) -> pd.DataFrame:
    """Return, per height of [O III], how often lines on real galaxies are found, and how often elsewhere."""
    galaxies = [one for one in sa.read(str(folder), survey="sdss", target="galaxy") if one.ivar is not None]
    fits = [measure_spectrum(one) for one in galaxies]
    models = [np.where(np.isfinite(fit.model), fit.model, fit.stars) for fit in fits]
    print(f"{len(galaxies)} galaxies as they are: "
          f"{sum(second_redshift(*both).found for both in zip(galaxies, models, strict=True))} claims")
    rng, rows = np.random.default_rng(seed), []
    for height in HEIGHTS:
        told = []
        for one, model in zip(galaxies, models, strict=True):
            noise = height * np.median(1 / np.sqrt(one.ivar[one.ivar > 0]))
            for z in rng.uniform(one.z + 0.03, 0.75, TIMES):
                found = second_redshift(one.replace(flux=one.flux + np.float32(noise * emission(one.wave, z))), model)
                told.append(0 if not found.found else 1 if abs(found.z - z) < 2e-3 else -1)
        rows.append({"height": height, "n": len(told), "found": told.count(1), "elsewhere": told.count(-1)})
    return pd.DataFrame(rows)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="*")
    parser.add_argument("--real", type=Path)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    for folder in arguments.folder:
        print(surveyed(folder, arguments.seed).to_string(), flush=True)
    if arguments.real:
        print(laid_on(arguments.real, arguments.seed).to_string(index=False))


if __name__ == "__main__":
    main()
