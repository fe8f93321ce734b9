"""What a look at the first hundred yields: without a gate, with it, with the artefact probability, with labels.

    python -m benchmarks.triage FOLDER [--sample SAMPLE.zarr --model-path MODEL] [--open] [--out TABLE.csv]

FOLDER holds spPlate and spZbest files of a semi-real survey and ``truth.csv`` with the columns plate, mjd, fiber and
kind. A sample and a model that are given are used as they are. ``--open`` also reads the survey without its gate (sky
fibres, stars, quasars, failed redshifts) and fits a model of its own to that. Every kind counts as interesting (physics
or two objects in a fibre) but those of ``ARTEFACTS`` and ``FAILURES``; an inspector who knows the truth answers.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd

import specanom as sa
from specanom.ordering import order
from specanom.run.acquire import truth_beside
from specanom.run.scoring import score_table
from specanom.scores.named import scorers_of
from specanom.triage import InspectionSession, LabelLog, Listing, Pool, Reranker, compare, yield_curve

ARTEFACTS = ("cosmic_rays", "arm_step", "red_sky", "dead_block", "sky")
FAILURES = ("wrong_redshift",)
"""The pipeline's redshift is wrong: neither physics nor instrument."""
SCORE = "chi2_ivar_cal"


class Open:
    """A gate through which everything passes."""

    target = preset = None

    def judge(self, meta: Any) -> tuple[str, str]:
        return "", ""


def word_of(kind: str) -> str:
    """Return what an inspector who knows the truth says."""
    if not kind or kind in ("star", "quasar"):
        return "known"
    return "artefact" if kind in (*ARTEFACTS, *FAILURES) else "interesting"


def prepared(arguments: argparse.Namespace) -> tuple[sa.SpectrumSet, Any]:
    """Return the sample and the model."""
    if arguments.sample:
        return sa.SpectrumSet.open(arguments.sample), sa.models.load(arguments.model_path)
    sample = sa.Preprocessor().fit_transform(sa.read(str(arguments.folder), survey="sdss", target="galaxy"))
    return sample, sa.VAEModel(seed=arguments.seed).fit(sample)


def scored(sample: sa.SpectrumSet, model: Any, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the scores with the kind of each spectrum, the oddest first."""
    table, _ = score_table(scorers_of(model), sample)
    table["kind"] = truth.set_index("id")["kind"].reindex(table["id"]).fillna("").to_numpy()
    return table.iloc[order(table[SCORE], table["id"].tolist())].reset_index(drop=True)


def without_gate(arguments: argparse.Namespace, truth: pd.DataFrame) -> pd.DataFrame:
    """Return the scores of everything that was plugged or pointed anywhere; sky, stars and quasars are kinds."""
    survey = sa.read(str(arguments.folder), survey="sdss")
    survey.gate = Open()  # type: ignore[assignment]
    sample = sa.Preprocessor(zwarning=None, z_range=None).fit_transform(survey)
    other = truth["objtype"].str.upper().map({"SKY": "sky", "QSO": "quasar", "SPECTROPHOTO_STD": "star"})
    kinds = truth.assign(kind=other.fillna(truth["kind"]).fillna(""))
    return scored(sample, sa.VAEModel(seed=arguments.seed).fit(sample), kinds)


def explained(sample: sa.SpectrumSet, model: Any, ids: list[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """Explain some spectra; return weights as rows of unit norm, and shares with the artefact probability."""
    place = {id: row for row, id in enumerate(sample.ids)}
    explainer = sa.Explainer(sa.Scorer(model, "chi2_ivar"), sa.Uniform(77), perturbation=sa.Typical())
    done = explainer.explain_many(sample[np.array([place[id] for id in ids])])
    contexts = [done[row].context for row in range(len(done))]
    weights = np.asarray(done.weights, dtype=np.float64)
    shares = pd.DataFrame([{**one.shares, "artefact": one.artefact} for one in contexts])
    return weights / np.linalg.norm(weights, axis=1, keepdims=True), shares


def counted(name: str, kinds: pd.Series, n: int) -> dict[str, Any]:
    """Return what the first n are."""
    first = kinds.iloc[:n]
    words = first.map(word_of)
    return {"ranking": name, "n": len(first), "interesting": int((words == "interesting").sum()),
            "artefact": int(first.isin(ARTEFACTS).sum()), "failure": int(first.isin(FAILURES).sum()),
            "known class": int(first.isin(["star", "quasar"]).sum()), "ordinary": int((first == "").sum())}


def labelled(pool: Pool, kinds: pd.Series, arguments: argparse.Namespace, seed: int) -> Any:
    """Let an inspector who knows the truth answer; return the ranking after it."""
    answer: Callable[..., str] = lambda metadata, features, session: word_of(kinds[metadata["id"]])  # noqa: E731
    with tempfile.TemporaryDirectory() as folder:
        session = InspectionSession(pool, LabelLog(Path(folder) / "labels.jsonl"), author="truth", seed=seed,
                                    reranker=Reranker(arguments.alpha, scale=arguments.scale, seed=seed),
                                    strategy=arguments.strategy)
        return session.run(answer, budget=arguments.labels)


def gated_away(table: pd.DataFrame) -> pd.DataFrame:
    """Return, per kind, how many are above a probability of an artefact of 0.5 and 0.9."""
    rows = table.groupby("kind")["artefact"]
    above = {f"above {limit}": rows.apply(lambda p, limit=limit: (p > limit).sum()) for limit in (0.5, 0.9)}
    return pd.DataFrame({"n": rows.size(), "mean": rows.mean().round(2), **above})


def main() -> None:
    """Measure and print."""
    arguments = parsed()
    warnings.simplefilter("ignore")
    truth = truth_beside(str(arguments.folder))
    if truth is None:
        raise SystemExit(f"{arguments.folder} has no truth.csv with plate, mjd, fiber and kind")
    n, rows = arguments.n, []
    if arguments.open:
        rows.append(counted("no gate", without_gate(arguments, truth)["kind"], n))
        print(pd.DataFrame(rows).to_string(index=False), flush=True)
    sample, model = prepared(arguments)
    table = scored(sample, model, truth)
    rows.append(counted("gate of the survey", table["kind"], n))
    top = table.head(arguments.first).reset_index(drop=True)
    weights, shares = explained(sample, model, top["id"].tolist())
    top["artefact"] = shares["artefact"]
    kinds = top.set_index("id")["kind"]
    print(gated_away(top).to_string(), flush=True)
    lists = {"score": tuple(top["id"])}
    for limit in (0.9, 0.5):
        name = f"artefact probability ≤ {limit}"
        lists[name] = Listing(SCORE, top=None, artefact=limit)(top).ids
        rows.append(counted(name, kinds[list(lists[name])], n))
    scores = [name for name in top if name.endswith("_cal")]
    latents = [name for name in top if name.startswith("latent_")]
    if not latents:
        place = {id: row for row, id in enumerate(sample.ids)}
        encoded = np.asarray(model.encode(np.stack([sample[place[id]].flux for id in top["id"]])))
    else:
        encoded = top[latents].to_numpy()
    every = {"latents": encoded, "weights of explanations": weights, "scores, shares and latents": np.column_stack(
        [top[scores].rank().to_numpy(), shares.fillna(0.0).to_numpy(), encoded])}
    for limit, ids in ((None, top["id"].tolist()), (0.5, list(lists["artefact probability ≤ 0.5"]))):
        keep = top["id"].isin(ids).to_numpy()
        for name, vectors in every.items():
            pool, start = Pool.of(top[keep].reset_index(drop=True), vectors[keep], score=SCORE), time.perf_counter()
            text = f"{arguments.labels} labels by {name}" + ("" if limit is None else f", after p ≤ {limit}")
            for seed in range(arguments.seeds):
                ranking = labelled(pool, kinds, arguments, seed)
                rows.append(counted(text, kinds[list(ranking.top())], n))
                lists.setdefault(text, ranking.top())
                rows[-1]["area"] = yield_curve(ranking.top(), interesting(kinds), total=len(top)).area(n)
            print(f"{text}: {time.perf_counter() - start:.0f} s", flush=True)
    found = pd.DataFrame(rows)
    print(found.groupby("ranking", sort=False).mean().round(2).to_string())
    print(found.groupby("ranking", sort=False)[["interesting", "artefact"]].std().round(2).dropna().to_string())
    curves = {name: yield_curve(ids, interesting(kinds), total=len(top)) for name, ids in lists.items()}
    print(compare(curves, n=n).round(3).to_string(index=False))
    if arguments.out:
        found.to_csv(arguments.out, index=False)
    if arguments.figure:
        from specanom import plots

        shown = [name for name in curves if name in ("score", "artefact probability ≤ 0.5") or "shares" in name]
        plots.save_html(plots.yields({name: curves[name] for name in shown}, first=n), arguments.figure)


def interesting(kinds: pd.Series) -> set[str]:
    """Return the ids that are worth a look."""
    return set(kinds.index[kinds.map(word_of) == "interesting"])


def parsed() -> argparse.Namespace:
    """Return the arguments."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sample", type=Path)
    parser.add_argument("--model-path", type=Path)
    parser.add_argument("--open", action="store_true")
    parser.add_argument("--n", type=int, default=100)
    parser.add_argument("--first", type=int, default=300)
    parser.add_argument("--labels", type=int, default=30)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--alpha", type=float, default=0.1)
    parser.add_argument("--scale", default="log")
    parser.add_argument("--strategy", default="mixed")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--figure", type=Path)
    return parser.parse_args()


if __name__ == "__main__":
    main()
