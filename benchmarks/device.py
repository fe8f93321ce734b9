"""How many explanations a second a device scores, what its arithmetic allows, and what holds it back.

    python -m benchmarks.device [--device cuda] [--spectra 64] [--pixels 3773] [--segments 77] [--samples 2000]

The network of the paper (p–256–128–64–12–64–128–256–p) with random weights: speed does not depend on them. On a GPU
the rates are measured and set beside the measured rate of a large float32 product. Without one, the same code runs on
CPU tensors, and the time on a GPU is projected from counts of operations and bytes: a projection, not a measurement.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import itertools

import numpy as np
import torch

from specanom.devices import pick_device
from specanom.explain.evaluate.device import device_scores, full_precision
from specanom.explain.lime import Lime
from specanom.explain.masks import make_masks
from specanom.explain.problem import Problem
from specanom.explain.segments import Uniform
from specanom.models.affine import AffineLayer, AffineLayers
from specanom.scores.bound import BoundScore
from specanom.scores.recipe import Recipe

WIDTHS = (256, 128, 64, 12, 64, 128, 256)
MILLION = 1_000_000
# Data sheets: float32 without tensor cores (TFLOP/s) and memory (TB/s).
CARDS = {"A100 80 GB": (19.5, 2.0), "RTX 4090": (82.6, 1.0), "H100 SXM": (67.0, 3.35), "H200": (67.0, 4.8)}
PRODUCTS, MEMORY = 0.6, 0.7  # share of either that plain library calls reach on products of these shapes


@dataclass(frozen=True)
class Work:
    """Operations and bytes of one explanation on a device, as the code does them: no fusing."""

    flops: float
    bytes: float


def network_of(p: int, seed: int = 0) -> Any:
    """Return a callable network of the paper's shape with random weights."""
    rng = np.random.default_rng(seed)
    sizes = (p, *WIDTHS, p)
    layers = [AffineLayer((rng.normal(size=(b, a)) / np.sqrt(a)).astype(np.float32), np.zeros(b, np.float32))
              for a, b in itertools.pairwise(sizes)]

    class Bound:
        network = AffineLayers(tuple(layers[:3]), layers[3], tuple(layers[4:-1]), layers[-1])

        def __call__(self, flux: Any) -> Any:
            return self.network(flux)

    return Bound()


def problems_of(n: int, p: int, k: int, recipe: Recipe) -> list[Problem]:
    """Return spectra under one network and one cut."""
    rng, network = np.random.default_rng(1), network_of(p)
    cut = Uniform(k)(np.ones(p), np.arange(p, dtype=float))
    keep = np.ones(p, dtype=bool)
    rows = rng.normal(1, 0.1, (n, p)).astype(np.float32)
    return [Problem(BoundScore(recipe.metric, recipe, keep, network), row, 0.9 * row, cut) for row in rows]


def work(p: int, k: int, n: int, *, trimmed: bool) -> Work:
    """Count one explanation: set-up, masks through the network, then the quadratic form or every pixel."""
    first, last = WIDTHS[0], WIDTHS[-1]
    inner = sum(a * b for a, b in itertools.pairwise(WIDTHS))
    setup_flops = 2.0 * p * (2 * first + 4 * last)  # sums over segments, halfway point and residual, x′
    setup_bytes = 4.0 * p * 60
    if trimmed:
        flops = 2.0 * n * (k * first + inner + last * p)
        # Pixels: product, addend (t·u gathered, multiplied, added), square, where, topk (about 5 passes), scatter, sum.
        passes = 18
        return Work(setup_flops + flops, setup_bytes + 4.0 * n * (passes * p + 2.5 * sum(WIDTHS)))
    flops = 2.0 * n * (k * (first + last) + inner + last * last)
    # Every array is written once and read once, the widest a few times more: bias, ReLU, deviation, form.
    per_mask = k + 3 * (first + last) + 3 * sum(WIDTHS[1:-1]) + 7 * last
    return Work(setup_flops + flops, setup_bytes + 4.0 * n * per_mask)


def clock(call: Callable[[], Any], device: torch.device, repeats: int = 3) -> float:
    """Return the least seconds of a few runs after one to warm up: wall time on a GPU, thread time on the CPU."""
    now = time.thread_time if device.type == "cpu" else time.perf_counter
    taken = []
    for _ in range(repeats + 1):
        start = now()
        call()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append(now() - start)
    return min(taken[1:])


def product_rate(device: torch.device) -> float:
    """Return FLOP/s of a large float32 product without TF32."""
    size = 2048 if device.type == "cpu" else 8192
    a, b = (torch.randn(size, size, device=device) for _ in range(2))
    with full_precision():
        return 2.0 * size**3 / clock(lambda: torch.mm(a, b), device)


def copy_rate(device: torch.device) -> float:
    """Return bytes/s of reading and writing a large array."""
    a = torch.empty(1 << (24 if device.type == "cpu" else 28), device=device)
    b = torch.empty_like(a)
    return 2.0 * a.numel() * 4 / clock(lambda: b.copy_(a), device)


def fit_seconds(k: int, n: int) -> float:
    """Return CPU seconds that the surrogate of one explanation takes once its scores are known."""
    problem, method = problems_of(1, 200, k, Recipe())[0], Lime(n)
    masks = method.masks(0, k)
    known = np.random.default_rng(0).normal(1, 0.1, len(masks))

    class Known:
        n_segments, path = k, "known"

        def __init__(self) -> None:
            self.problem = problem

        def scores(self, asked: Any) -> Any:
            return known[: len(asked)]

        def energy(self) -> Any:
            return self.problem.energy()

        def reconstruction(self) -> None:
            return None

    return clock(lambda: method(Known(), seed=0), torch.device("cpu"), repeats=20)


def measured(name: str, recipe: Recipe, args: argparse.Namespace, device: torch.device) -> tuple[str, float, Work]:
    """Return the name, seconds and work of one explanation's scores."""
    masks = make_masks(0, args.segments, args.samples)
    count = args.spectra if device.type != "cpu" else (8 if recipe.trim == 0 else 2)
    some = problems_of(count, args.pixels, args.segments, recipe)
    taken = clock(lambda: device_scores(some, masks, device), device) / count
    return name, taken, work(args.pixels, args.segments, args.samples, trimmed=recipe.trim > 0)


def main() -> None:
    """Print the table of this machine's device, and of others by projection."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--device", default="auto")
    for name, value in (("spectra", 64), ("pixels", 3773), ("segments", 77), ("samples", 2000)):
        parser.add_argument(f"--{name}", type=int, default=value)
    args = parser.parse_args()
    device = pick_device(args.device)
    torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]) if device.type == "cpu" else torch.get_num_threads())
    flops, moved = product_rate(device), copy_rate(device)
    what = torch.cuda.get_device_name(device) if device.type == "cuda" else f"{device.type} ({os.cpu_count()} cores)"
    print(f"{what}: float32 product {flops / 1e9:,.0f} GFLOP/s, copy {moved / 1e9:,.0f} GB/s")
    print(f"K = {args.segments}, N = {args.samples}, {args.pixels} pixels, batches of spectra side by side\n")
    print(f"{'score':12} {'ms each':>9} {'each s':>9} {'1,000,000':>12} {'GFLOP':>7} {'MB':>7} "
          f"{'of product rate':>16} {'of copy rate':>13}")
    rows = [measured("MSE", Recipe(), args, device), measured("trimmed MSE", Recipe(trim=0.03), args, device)]
    for name, taken, one in rows:
        print(f"{name:12} {1e3 * taken:9.3f} {1 / taken:9,.0f} {duration(MILLION * taken):>12} {one.flops / 1e9:7.2f} "
              f"{one.bytes / 1e6:7.0f} {one.flops / taken / flops:16.0%} {one.bytes / taken / moved:13.0%}")
    fit = fit_seconds(args.segments, args.samples)
    print(f"\nOn one CPU core the surrogate of an explanation takes {1e3 * fit:.2f} ms beside that: "
          f"{duration(MILLION * fit)} for a million, divided by the cores (executor=\"threads:N\").")
    if device.type != "cuda":
        projection(rows)


def projection(rows: list[tuple[str, float, Work]]) -> None:
    """Print what data sheets allow, when products and passes over memory follow each other."""
    print(f"\nProjection from counts, nothing measured: {PRODUCTS:.0%} of the data sheet's float32 rate (no TF32) and "
          f"{MEMORY:.0%} of its memory rate, one after the other")
    print(f"{'card':12} {'score':12} {'products':>10} {'memory':>10} {'1,000,000':>12} {'held back by':>14}")
    for card, (tera, memory) in CARDS.items():
        for name, _, one in rows:
            compute = MILLION * one.flops / (PRODUCTS * tera * 1e12)
            move = MILLION * one.bytes / (MEMORY * memory * 1e12)
            print(f"{card:12} {name:12} {duration(compute):>10} {duration(move):>10} {duration(compute + move):>12} "
                  f"{'arithmetic' if compute > move else 'memory':>14}")


def duration(seconds: float) -> str:
    """Return seconds as text."""
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


if __name__ == "__main__":
    main()
