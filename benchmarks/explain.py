"""How fast and how exact explanations are beside the published loop, in one run on one thread.

    python -m benchmarks.explain [--sample SAMPLE.zarr --model FOLDER] [--quick] [--json PATH]

A spectrum of a simulated survey and the network of the paper (p–256–128–64–12–64–128–256–p), trained on that survey
unless a sample and a model are given. Baseline A is the published algorithm as a loop over batches of 100 copies and
``lime.lime_base.LimeBase``; B is ``LimeImageExplainer`` on the spectrum as an image (with its own fill, the segment
mean). Runs of one table take turns; the least CPU time of each counts. "Error" is relative, L2, against the weights
of a large paired draw.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import torch

import specanom as sa
from benchmarks.baselines import (
    image_lime,
    interleaved,
    plain_scores,
    published_loop,
    reconstruction,
    torch_network,
)
from specanom.explain.evaluate import GenericEvaluator, evaluator_of
from specanom.explain.posing import bind, cut, pose
from specanom.explain.problem import Problem

FILLS = {"scale": sa.Scale(0.9), "flat": sa.Flat(1.0), "segment mean": sa.SegmentMean(), "typical": sa.Typical()}
SCORES = ("mse", "mse_filtered", "chi2_ivar", "chi2", "mse_filtered_trimmed")


class Case:
    """A spectrum, the paper's network, and the scores both ways: specanom's, and written down plainly."""

    def __init__(self, sample: Any, model: Any, row: int) -> None:
        self.sample, self.model, self.spectrum = sample, model, sample[row]
        # Imputed pixels count, as in the baselines, so that both do the same sums.
        options: dict[str, dict[str, Any]] = {
            "mse": {}, "mse_filtered": {"velocity": 250.0}, "chi2_ivar": {}, "chi2": {},
            "mse_filtered_trimmed": {"velocity": 250.0, "trim": 0.03},
        }
        self.scorers = {name: sa.Scorer(model, name.split("_")[0] if name != "chi2_ivar" else name,
                                        ignore_imputed=False, **options[name]) for name in SCORES}
        bound = self.scorers["mse_filtered"].bind(self.spectrum)
        self.network = torch_network(bound.reconstruct.network)
        self.plain = plain_scores(reconstruction(self.network), bound.keep, np.asarray(self.spectrum.ivar, float))

    def problem(self, score: str, k: int, fill: Any = FILLS["scale"]) -> Problem:
        """Pose the problem of one score, number of segments and fill."""
        bound = bind(self.scorers[score], self.spectrum)
        return pose(bound, self.spectrum, cut(sa.Uniform(k), self.spectrum), perturbation=fill, seed=0)

    def loop(self, score: str, masks: np.ndarray, problem: Problem) -> np.ndarray:
        """Run baseline A."""
        return published_loop(self.plain[score], problem.flux, masks, segments=problem.segments, fill=problem.fill)


def independent(k: int, n: int) -> np.ndarray:
    """Return the published masks."""
    return sa.explain.make_masks(0, k, n, "independent")


def uncollapsed(problem: Problem) -> Any:
    """Return the evaluator of a problem, kept from collapsing the network."""
    evaluator: Any = evaluator_of(problem)
    evaluator.collapses = False
    return evaluator


def lime(n: int) -> sa.Lime:
    """Return LIME as published but for the scale of the proximities."""
    return sa.Lime(n, design="independent", normalise=False)


def against_the_loop(case: Case, sizes: list[tuple[int, int]], repeats: int) -> pd.DataFrame:
    """Time the MSE by every path: segments × samples."""
    rows = []
    for k, n in sizes:
        problem, masks, method = case.problem("mse", k), independent(k, n), lime(n)
        plain = Problem(case.plain["mse"], problem.flux, problem.fill, problem.segments)
        runs = {
            "A": lambda problem=problem, masks=masks: case.loop("mse", masks.astype(np.int64), problem),
            "B": lambda problem=problem, n=n: image_lime(case.plain["mse"], problem.flux, segments=problem.segments,
                                                         n_samples=n),
            "generic": lambda plain=plain, method=method: method(GenericEvaluator(plain), seed=0),
            "factored": lambda problem=problem, method=method: method(
                uncollapsed(problem), seed=0),
            "collapse": lambda problem=problem, method=method: method(evaluator_of(problem), seed=0),
        }
        weights = {name: run() for name, run in runs.items() if name != "B"}  # also warms what is shared
        apart = np.linalg.norm(weights["collapse"].weights - weights["A"]) / np.linalg.norm(weights["A"])
        times = interleaved(runs, repeats)
        rows.append({"K": k, "N": n} | {f"{name} ms": 1e3 * value for name, value in times.items()}
                    | {f"A/{name}": times["A"] / times[name] for name in ("generic", "factored", "collapse")}
                    | {"weights differ": apart})
    return pd.DataFrame(rows)


def by_score(case: Case, repeats: int, k: int = 77, n: int = 5000) -> pd.DataFrame:
    """Time each score and fill with the best path and without the collapse."""
    rows = []
    for score in SCORES:
        for name, fill in FILLS.items():
            problem, masks, method = case.problem(score, k, fill), independent(k, n), lime(n)
            runs = {"A": lambda problem=problem, masks=masks, score=score: case.loop(
                        score, masks.astype(np.int64), problem),
                    "uncollapsed": lambda problem=problem, method=method: method(
                        uncollapsed(problem), seed=0),
                    "ours": lambda problem=problem, method=method: method(evaluator_of(problem), seed=0)}
            theirs, _, ours = (run() for run in runs.values())
            times = interleaved(runs, repeats)
            evaluator = evaluator_of(problem)
            evaluator.scores(masks)
            rows.append({"score": score, "fill": name, "A ms": 1e3 * times["A"],
                         "uncollapsed ms": 1e3 * times["uncollapsed"], "ours ms": 1e3 * times["ours"],
                         "A/uncollapsed": times["A"] / times["uncollapsed"], "A/ours": times["A"] / times["ours"],
                         "weights differ": np.linalg.norm(ours.weights - theirs) / np.linalg.norm(theirs),
                         "path": evaluator.path})
    return pd.DataFrame(rows)


def default_explanation(case: Case, repeats: int, population: int) -> pd.DataFrame:
    """Time one default explanation, whole, against A with its 5000 samples; and the sampling error of both.

    Errors are medians over eight spectra of the survey and four drawings each.
    """
    rows = []
    some = np.linspace(0, len(case.sample) - 1, 8).astype(int)
    for name, fill in FILLS.items():
        problem = case.problem("mse", 77, fill)
        explainer = sa.Explainer(case.scorers["mse"], perturbation=fill)
        errors = [_errors(case, case.sample[row], fill, population) for row in some.tolist()]
        ours, theirs, free = np.median(errors, axis=0)
        masks = independent(77, 5000).astype(np.int64)
        times = interleaved({"A": lambda problem=problem, masks=masks: case.loop("mse", masks, problem),
                             "ours": lambda explainer=explainer: explainer.explain(case.spectrum)}, repeats)
        rows.append({"fill": name, "A, 5000 ms": 1e3 * times["A"], "explain() ms": 1e3 * times["ours"],
                     "A/ours": times["A"] / times["ours"], "error A": theirs, "error ours": ours,
                     "ours/A": ours / theirs, "anchor=False/A": free / theirs})
    return pd.DataFrame(rows)


def _errors(case: Case, spectrum: Any, fill: Any, population: int) -> list[float]:
    bound = bind(case.scorers["mse"], spectrum)
    evaluator = evaluator_of(pose(bound, spectrum, cut(sa.Uniform(77), spectrum), perturbation=fill, seed=0))
    truth = sa.Lime(population)(evaluator, seed=99).weights
    methods = (sa.Lime(), sa.Lime(5000, design="independent"), sa.Lime(anchor=False))
    return [float(np.median([np.linalg.norm(method(evaluator, seed=seed).weights - truth) for seed in range(4)])
                  / np.linalg.norm(truth)) for method in methods]


def many(case: Case, count: int) -> pd.DataFrame:
    """Explain many spectra with the defaults, context and grades included."""
    some = case.sample[np.arange(min(count, len(case.sample)))]
    rows = []
    for score in ("mse", "chi2_ivar", "mse_filtered_trimmed"):
        for name in ("scale", "typical"):
            explainer = sa.Explainer(case.scorers[score], perturbation=FILLS[name])
            explainer.explain_many(some[:8])
            start = time.thread_time()
            explainer.explain_many(some)
            seconds = time.thread_time() - start
            rows.append({"score": score, "fill": name, "spectra": len(some), "spectra/s": len(some) / seconds})
    return pd.DataFrame(rows)


def growth(case: Case, repeats: int) -> pd.DataFrame:
    """Time the scores alone against N, K, pixels and width, with random networks where no trained one has the shape."""
    rows = []
    base = {"N": 2000, "K": 77, "pixels": case.spectrum.flux.size, "width": 256}
    varied = {"N": (500, 1000, 2000, 4000, 8000), "K": (20, 77, 300, 943), "pixels": (1000, 2000, 4000, 8000),
              "width": (64, 128, 256, 512)}
    for name, values in varied.items():
        for value in values:
            size = base | {name: value}
            problem = case.problem("mse", size["K"]) if name in ("N", "K") else _random_problem(size)
            masks = sa.explain.make_masks(0, size["K"], size["N"], "paired")
            runs = {"collapse": lambda problem=problem, masks=masks: evaluator_of(problem).scores(masks),
                    "factored": lambda problem=problem, masks=masks: uncollapsed(problem).scores(masks)}
            for run in runs.values():
                run()
            times = interleaved(runs, repeats)
            rows.append({"varied": name, "value": value, "factored ms": 1e3 * times["factored"],
                         "collapse ms": 1e3 * times["collapse"]})
    return pd.DataFrame(rows)


def _random_problem(size: dict[str, int]) -> Problem:
    rng = np.random.default_rng(0)
    p = size["pixels"]
    basis = rng.normal(size=(20, p)).cumsum(axis=1)
    flux = 1.0 + 0.1 * rng.normal(size=(300, 20)) @ (basis / np.abs(basis).max()) + 0.05 * rng.normal(size=(300, p))
    sample = sa.SpectrumSet(np.linspace(3500.0, 7500.0, p), flux.astype(np.float32))
    width = size["width"]
    model = sa.VAEModel(hidden=(width, width // 2, width // 4), max_epochs=3, folds=1).fit(sample)
    bound = sa.Scorer(model, "mse").bind(sample[0])
    return pose(bound, sample[0], cut(sa.Uniform(size["K"]), sample[0]), perturbation=sa.Scale(0.9), seed=0)


def simulated(count: int = 3000) -> tuple[Any, Any]:
    """Return a simulated survey and the paper's network trained on it."""
    sample = sa.Preprocessor().fit_transform(sa.surveys.mock(n=count, seed=1))
    return sample, sa.VAEModel(12, hidden=(256, 128, 64), folds=1, seed=0).fit(sample)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=Path)
    parser.add_argument("--model", type=Path)
    parser.add_argument("--row", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="fewer sizes and repeats")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    if options.sample and options.model:
        sample, model = sa.SpectrumSet.open(options.sample), sa.models.load(options.model)
    else:
        sample, model = simulated(600 if options.quick else 3000)
    case = Case(sample, model, options.row)
    sizes = [(77, 5000)] if options.quick else [(77, 1000), (77, 5000), (128, 5000), (943, 1000), (943, 5000)]
    repeats = 2 if options.quick else options.repeats
    tables = {
        "MSE, scale fill, one thread": against_the_loop(case, sizes, repeats),
        "K = 77, N = 5000": by_score(case, repeats),
        "one default explanation (paired, N = 2000, K = 77)": default_explanation(
            case, repeats, 20_000 if options.quick else 60_000),
        "explain_many, defaults, one core": many(case, 64 if options.quick else 512),
        "growth, scores alone": growth(case, repeats),
    }
    print(f"{case.spectrum.flux.size} pixels, {len(sample)} spectra, one thread")
    for title, table in tables.items():
        print(f"\n{title}\n{table.to_string(index=False, float_format=lambda v: f'{v:.3g}')}")
    print(f"\npeak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GB")
    if options.json:
        options.json.write_text(json.dumps({title: table.to_dict("records") for title, table in tables.items()},
                                           indent=1, default=float))


if __name__ == "__main__":
    main()
