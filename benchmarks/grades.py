"""Can grades and intervals be trusted? Explanations of the same spectra with many drawings of masks.

    python -m benchmarks.grades [FOLDER] [--sample SAMPLE.zarr] [--model-path MODEL] [--leave-out IDS.txt]

FOLDER holds spPlate and spZbest files of a semi-real survey and ``truth.csv``; half of the spectra are known anomalies.
Without it a survey is simulated (``surveys.mock(n=600, seed=41)``). Each spectrum is explained with many drawings of
masks, for four fills. Printed are, for 500 and 2000 paired masks, the share of each grade and how often another drawing
leads with the same segment; and for the first spectra and each way of drawing masks, how often the 95 % intervals hold
the weights of two drawings of 30 000 paired masks, and the relative error of the weights.
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import specanom as sa
from specanom.explain import ExplanationWarning
from specanom.explain.attribution import Attribution, Evaluator
from specanom.explain.evaluate import evaluator_of
from specanom.explain.grades import grade_of
from specanom.explain.masks import DESIGNS
from specanom.explain.posing import bind, cut, pose
from specanom.run.acquire import truth_beside

FILLS = (sa.Scale(0.9), sa.Flat(1.0), sa.SegmentMean(), sa.Typical())
CUT = sa.Uniform(77)
FEW, MANY, ENDLESS = 500, 2000, 30_000
LEADING = 5
FIRST, FAR = 1000, 7_000_000  # seeds of the drawings and of the reference


class Scored:
    """An evaluator that has scored the masks of one drawing already, so that fewer of them cost nothing."""

    def __init__(self, evaluator: Evaluator) -> None:
        self.evaluator, self.n_segments, self.path = evaluator, evaluator.n_segments, evaluator.path
        self.problem, self._energy = evaluator.problem, evaluator.energy()
        self.made = np.empty(0)

    def draw(self, design: str, seed: int) -> Scored:
        """Score the masks of a drawing."""
        self.made = np.asarray(self.evaluator.scores(sa.Lime(MANY, design=design).masks(seed, self.n_segments)))
        return self

    def scores(self, masks: np.ndarray) -> np.ndarray:
        """Return the scores of the first masks of the drawing."""
        return self.made[: len(masks)]

    def energy(self) -> np.ndarray:
        """Return what each segment changes."""
        return self._energy


def data(arguments: argparse.Namespace) -> tuple[sa.SpectrumSet, Any]:
    """Return the spectra to explain and a model."""
    rng = np.random.default_rng(arguments.seed)
    if arguments.folder is None:
        prep = sa.Preprocessor(grid=(3500, 7500, 4000), target="galaxy")
        sample = prep.fit_transform(sa.surveys.mock(n=600, seed=41))
        rows = rng.choice(len(sample), arguments.spectra, replace=False)
        return sample[rows], sa.VAEModel(max_steps=300, folds=2).fit(sample)
    sample = (sa.SpectrumSet.open(arguments.sample) if arguments.sample else
              sa.Preprocessor().fit_transform(sa.read(str(arguments.folder), survey="sdss", target="galaxy")))
    model = sa.models.load(arguments.model_path) if arguments.model_path else sa.VAEModel().fit(sample)
    truth = truth_beside(str(arguments.folder))
    if truth is None:
        raise SystemExit(f"{arguments.folder} has no truth.csv")
    odd = np.isin(sample.ids, truth["id"][truth["kind"].fillna("") != ""])
    left = np.isin(sample.ids, arguments.leave_out.read_text().split() if arguments.leave_out else [])
    half = arguments.spectra // 2
    rows = np.concatenate([rng.choice(np.flatnonzero(odd & ~left), half, replace=False),
                           rng.choice(np.flatnonzero(~odd & ~left), arguments.spectra - half, replace=False)])
    return sample[rng.permutation(rows)], model


def graded(scored: Scored, drawings: int) -> dict[int, list[Attribution]]:
    """Return the attributions of each drawing of paired masks, by their number."""
    made: dict[int, list[Attribution]] = {FEW: [], MANY: []}
    for seed in range(FIRST, FIRST + drawings):
        scored.draw("paired", seed)
        for n, found in made.items():
            found.append(sa.Lime(n)(scored, seed=seed))
    return made


def again(found: list[Attribution]) -> pd.DataFrame:
    """Return one row a drawing: its grade and how often the others lead with its segment."""
    lead = np.array([np.abs(one.weights).argmax() for one in found])
    same = ((lead[:, None] == lead[None, :]).sum(axis=1) - 1) / (lead.size - 1)
    return pd.DataFrame({"grade": [grade_of(one).grade for one in found], "same": same})


def covered(found: list[Attribution], reference: np.ndarray) -> dict[str, float]:
    """Return how often intervals hold the reference, and the relative error."""
    inside = np.array([(one.interval[:, 0] <= reference) & (reference <= one.interval[:, 1]) for one in found])
    error = [np.linalg.norm(one.weights - reference) for one in found] / np.linalg.norm(reference)
    leading = np.abs(reference).argsort()[-LEADING:]
    return {"coverage": inside.mean(), "leading": inside[:, leading].mean(), "error": float(np.median(error))}


def measure(sample: sa.SpectrumSet, model: Any, arguments: argparse.Namespace) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return grades, one row a drawing, and coverages, one row a spectrum and design."""
    scorer = sa.Scorer(model, "chi2_ivar")
    grades, covers = [], []
    for i, spectrum in enumerate(sample):
        for fill in FILLS:
            name = type(fill).__name__
            problem = pose(bind(scorer, spectrum), spectrum, cut(CUT, spectrum), perturbation=fill, seed=0)
            scored = Scored(evaluator_of(problem))
            made = graded(scored, arguments.drawings)
            grades += [again(found).assign(masks=n, fill=name) for n, found in made.items()]
            if i >= arguments.covered:
                continue
            reference = np.mean([sa.Lime(ENDLESS)(scored.evaluator, seed=FAR + j).weights for j in range(2)], axis=0)
            for design in DESIGNS:
                found = made[MANY] if design == "paired" else [
                    sa.Lime(MANY, design=design)(scored.draw(design, seed), seed=seed)
                    for seed in range(FIRST, FIRST + arguments.drawings)]
                covers.append({"fill": name, "design": design, **covered(found, reference)})
        print(f"  {i + 1} of {len(sample)}", flush=True)
    return pd.concat(grades, ignore_index=True), pd.DataFrame(covers)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?")
    parser.add_argument("--sample", type=Path)
    parser.add_argument("--model-path", type=Path)
    parser.add_argument("--leave-out", type=Path, help="ids of spectra not to draw, one a line")
    parser.add_argument("--spectra", type=int, default=20)
    parser.add_argument("--covered", type=int, default=10, help="spectra whose intervals are judged")
    parser.add_argument("--drawings", type=int, default=50)
    parser.add_argument("--seed", type=int, default=2026)
    arguments = parser.parse_args()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExplanationWarning)
        grades, covers = measure(*data(arguments), arguments)
    table = grades.groupby(["masks", "fill", "grade"])["same"].agg(n="size", same="mean")
    table["n"] /= table.groupby(["masks", "fill"])["n"].transform("sum")
    print(table.rename(columns={"n": "share"}).round(3).to_string())
    if len(covers):
        print(covers.groupby(["fill", "design"], sort=False).agg(
            coverage=("coverage", "mean"), lowest=("coverage", "min"), highest=("coverage", "max"),
            leading=("leading", "mean"), error=("error", "median")).round(4).to_string())


if __name__ == "__main__":
    main()
