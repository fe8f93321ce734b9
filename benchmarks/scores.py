"""How many spectra a second one core scores, beside a plain numpy expression in the same run.

    OMP_NUM_THREADS=1 python benchmarks/scores.py [--spectra 8192] [--repeat 3] [--json PATH]

The sample has 3773 pixels, an ivar and 1 % imputed pixels. The clock is the process's own CPU time, so other work on
the machine counts little. The aim is 10,000 MSE scores a second, reconstruction included. The yardstick is
``((x − y)**2).mean(axis=1)`` in float32 by blocks of 1024 rows: no mask, no float64, no ids.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

from specanom.models import wrap
from specanom.scores import Scorer, calibrate_all, table
from specanom.spectrumset import SpectrumSet

P = 3773
AIM = 10_000


def make_sample(n: int) -> SpectrumSet:
    """Return flat spectra with noise, every hundredth pixel imputed."""
    rng = np.random.default_rng(0)
    snr = rng.uniform(5, 40, n)
    flux = (1 + rng.standard_normal((n, P), dtype=np.float32) / snr[:, None]).astype(np.float32)
    about = pd.DataFrame({"id": [f"{i:06d}" for i in range(n)], "snr": snr, "z": rng.uniform(0.02, 0.3, n)})
    return SpectrumSet(np.linspace(3500, 7500, P), flux, np.broadcast_to(snr[:, None] ** 2, flux.shape), about,
                       imputed=rng.random(flux.shape) < 0.01)


def network() -> Callable[[np.ndarray], np.ndarray]:
    """Return a network of the published shape with random weights, in numpy: speed does not depend on training."""
    rng = np.random.default_rng(1)
    widths = (P, 256, 128, 64, 12, 64, 128, 256, P)
    layers = [rng.standard_normal((a, b), dtype=np.float32) / np.float32(a**0.5) for a, b in pairwise(widths)]

    def forward(flux: np.ndarray) -> np.ndarray:
        for i, layer in enumerate(layers):
            flux = flux @ layer
            if i not in (3, 7):  # latent and output are linear
                np.maximum(flux, 0, out=flux)
        return flux

    return forward


def rate(n: int, work: Callable[[], object], repeat: int) -> float:
    """Return the best spectra per CPU second."""
    best = 0.0
    for _ in range(repeat):
        start = time.process_time()
        work()
        best = max(best, n / (time.process_time() - start))
    return best


def main() -> None:
    """Run all measurements and print them."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--spectra", type=int, default=8192)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    n, sample, flat = options.spectra, make_sample(options.spectra), np.ones((1024, P), np.float32)
    x = np.asarray(sample.flux)

    def plain() -> None:
        for start in range(0, n, 1024):
            part = x[start : start + 1024]
            ((part - flat[: len(part)]) ** 2).mean(axis=1)

    cheap, vae = wrap(lambda flux: flat[: len(flux)], sample.wave), wrap(network(), sample.wave)
    eight = Scorer.paper(cheap)
    calibrated = Scorer(cheap).calibrate(sample)
    works: dict[str, Callable[[], object]] = {
        "plain numpy": plain,
        "mse": lambda: Scorer(cheap)(sample),
        "mse, network 3773-256-128-64-12": lambda: Scorer(vae)(sample),
        "mse, filtered and trimmed": lambda: eight["mse_filtered_trimmed"](sample),
        "chi2": lambda: eight["chi2"](sample),
        "chi2_ivar": lambda: Scorer(cheap, "chi2_ivar")(sample),
        "multiscale": lambda: Scorer(cheap, "multiscale")(sample),
        "mse, calibrated": lambda: calibrated(sample),
        "table of the eight": lambda: table(eight, sample),
        "calibrating the eight": lambda: calibrate_all(eight, sample),
    }
    rates = {name: rate(n, work, options.repeat) for name, work in works.items()}
    for name, value in rates.items():
        print(f"{name:34s} {value:9.0f} spectra/s  {value / rates['plain numpy']:7.3f} of plain numpy")
    reached = rates["mse, network 3773-256-128-64-12"] >= AIM
    print(f"aim: {AIM} MSE scores a second with the network, {'reached' if reached else 'missed'}")
    if options.json:
        options.json.write_text(json.dumps(rates, indent=1))


if __name__ == "__main__":
    main()
