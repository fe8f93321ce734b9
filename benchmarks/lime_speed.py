"""How fast generic LIME is beside the published loop, in one run on one thread.

    python benchmarks/lime_speed.py [--segments 77] [--samples 5000] [--repeats 3] [--json PATH]

Both explain the mean squared reconstruction error of one spectrum of 3773 pixels by a network
3773–256–128–64–12–64–128–256–3773. The loop copies the spectrum for each mask, fills the segments that are off one
by one, reconstructs in batches of 100, and fits ``lime.lime_base.LimeBase``. Ours is ``Explainer.explain`` with the
same number of independent masks, intervals, grade and context included. The aim is 2.5 times.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import torch
from lime.lime_base import LimeBase
from sklearn.metrics import pairwise_distances

import specanom as sa

P = 3773
AIM = 2.5


def network(seed: int = 0) -> torch.nn.Module:
    """Return a network of the published shape with random weights: speed does not depend on training."""
    torch.manual_seed(seed)
    widths = (P, 256, 128, 64, 12, 64, 128, 256, P)
    layers: list[torch.nn.Module] = []
    for i, (a, b) in enumerate(itertools.pairwise(widths)):
        layers.append(torch.nn.Linear(a, b))
        if i not in (3, 7):  # latent and output are linear
            layers.append(torch.nn.ReLU())
    return torch.nn.Sequential(*layers).eval().requires_grad_(False)


def spectrum(seed: int = 0) -> np.ndarray:
    """Return a flat spectrum with noise and two lines."""
    rng = np.random.default_rng(seed)
    pixel = np.arange(P)
    lines = sum(3 * np.exp(-0.5 * ((pixel - at) / 4) ** 2) for at in (1200, 2900))
    return (1 + 0.05 * rng.normal(size=P) + lines).astype(np.float32)


def published_loop(
    score: Callable[[np.ndarray], np.ndarray], flux: np.ndarray, masks: np.ndarray, *, segments: np.ndarray
) -> np.ndarray:
    """Return the weights as the published algorithm makes them: baseline A."""
    fill = 0.9 * flux
    scores, batch = [], []
    for row in masks:
        copy = flux.copy()
        for off in np.flatnonzero(row == 0):
            inside = segments == off
            copy[inside] = fill[inside]
        batch.append(copy)
        if len(batch) == 100:
            scores.append(score(np.array(batch)))
            batch = []
    if batch:
        scores.append(score(np.array(batch)))
    labels = np.concatenate(scores)
    distances = pairwise_distances(masks, masks[:1], metric="cosine").ravel()
    base = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / 0.25**2)))
    _, ranked, _, _ = base.explain_instance_with_data(
        masks, labels[:, None], distances, 0, masks.shape[1], feature_selection="none"
    )
    weights = np.empty(masks.shape[1])
    for k, weight in ranked:
        weights[k] = weight
    return weights


def best(action: Callable[[], object], repeats: int = 1) -> float:
    """Return the shortest of some runs, seconds."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        action()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Measure, check that both give the same weights, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--segments", type=int, default=77)
    parser.add_argument("--samples", type=int, default=5000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)

    net, flux = network(), spectrum()

    def reconstruct(rows: np.ndarray) -> np.ndarray:
        return net(torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))).numpy()

    def mse(rows: np.ndarray) -> np.ndarray:
        return ((rows - reconstruct(rows)) ** 2).mean(axis=1)

    wave = np.linspace(3500.0, 7500.0, P)
    sample = sa.Spectrum(wave, flux, frame="rest", scale="normalised", id="benchmark")
    method = sa.Lime(options.samples, design="independent", normalise=False)
    cut = sa.Uniform(options.segments)
    plain = sa.Explainer(mse, cut, method=method)
    scored = sa.Explainer(sa.Scorer(sa.wrap(reconstruct, wave=wave), "mse"), cut, method=method)
    default = sa.Explainer(mse, cut)
    masks = sa.explain.make_masks(0, options.segments, options.samples, "independent").astype(np.int64)
    segments = cut(flux, wave)

    theirs = published_loop(mse, flux, masks, segments=segments)
    ours = plain.explain(sample).weights
    difference = float(np.linalg.norm(ours - theirs) / np.linalg.norm(theirs))

    runs = {
        "published loop": lambda: published_loop(mse, flux, masks, segments=segments),
        "explain, plain function": lambda: plain.explain(sample),
        "explain, Scorer": lambda: scored.explain(sample),
        "explain, Scorer's default masks": lambda: default.explain(sample),
    }
    times = dict.fromkeys(runs, np.inf)
    for _ in range(options.repeats):  # interleaved, so that a busy machine slows all alike
        for name, run in runs.items():
            times[name] = min(times[name], best(run))
    base = times["published loop"]
    print(f"K = {options.segments}, N = {options.samples}, 1 thread; weights differ by {difference:.1e} (relative L2)")
    for name, seconds in times.items():
        print(f"{name:32s} {1e3 * seconds:8.0f} ms   x {base / seconds:.2f}")
    ratio = base / times["explain, plain function"]
    print(f"aim: {AIM} x; reached: {ratio:.2f} x")
    if options.json:
        options.json.write_text(json.dumps({"times": times, "ratio": ratio, "difference": difference}, indent=1))


if __name__ == "__main__":
    main()
