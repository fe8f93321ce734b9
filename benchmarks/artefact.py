"""Fit the probability of an artefact to simulated surveys, and check it on kinds and surveys it has not seen.

    python -m benchmarks.artefact [--fibres 3840] [--seed 101] [--survey NAME=FOLDER ...] [--out CALIBRATION.json]
                                  [--record RECORD.json] [--figure FIGURE.html]

A first survey trains the models, a second one with many anomalies is explained: for each model (PCA, VAE) and score
(mse, chi2_ivar) the spectra above the 80th percentile of ordinary ones. Three checks: the same kinds on other spectra
(five-fold), each kind left out of the fit, and, with ``--survey``, folders of plates with ``truth.csv`` from another
simulator, whose spectra are never used for fitting. Anomalies of ``INSTRUMENTAL`` kinds are artefacts; a wrong
redshift is neither and takes no part.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve

import specanom as sa
from specanom.explain import marks as marking
from specanom.explain.artefact import Calibration, Regression, at_prior, marks_for
from specanom.explain.classes import ground_of
from specanom.explain.context import Evidence, artefact_probability, context_of, marks_of
from specanom.explain.posing import bind, pose
from specanom.explain.reliability import calibration_error, reliability_table
from specanom.run.acquire import truth_beside

INSTRUMENTAL = ("cosmic_rays", "arm_step", "red_sky", "dead_block", "calibration_wiggle", "fringing", "second_order",
                "crosstalk", "sky_oversubtraction")
NEITHER = ("wrong_redshift",)
SCORES = ("mse", "chi2_ivar")
FILLS: dict[str, Callable[[], Any]] = {"Scale": sa.explain.Scale, "Typical": sa.explain.Typical}
ABOVE = 0.8  # quantile of the ordinary spectra above which a spectrum is explained
ORDINARY = 0.25  # share of ordinary spectra in the weight of those without an artefact
FULL = "+".join(marking.KNOWLEDGE)


def prepared(
    fibres: int, seed: int, folder: Path
) -> tuple[sa.SpectrumSet, sa.SpectrumSet, pd.DataFrame, dict[str, Any]]:
    """Simulate, preprocess and fit; return the training sample, the sample to explain, its truth and the models."""
    trained, explained = sa.surveys.mock(fibres, seed), sa.surveys.mock(fibres, seed + 1, anomaly_share=0.6)
    preprocessor = sa.Preprocessor()
    train = preprocessor.fit_transform(of_galaxies(trained, folder / "train"))
    sample = preprocessor.transform(of_galaxies(explained, folder / "explained"))
    models = {"pca": sa.PCAModel(12, folds=1).fit(train), "vae": sa.VAEModel(folds=1).fit(train)}
    return train, sample, aligned(explained.truth, sample), models


def of_galaxies(survey: Any, folder: Path) -> Any:
    """Write a simulated survey and read its galaxies."""
    return sa.read(survey.write(folder), survey="sdss", target="galaxy")


def aligned(truth: pd.DataFrame, sample: sa.SpectrumSet) -> pd.DataFrame:
    """Return the truth in the order of the sample, with ``kind`` as text."""
    return truth.assign(kind=truth["kind"].fillna("")).set_index("id").loc[list(sample.ids)]


def chosen(scorer: Any, sample: sa.SpectrumSet, base: sa.SpectrumSet, kinds: Any) -> Any:
    """Return the rows whose calibrated score is above that of most ordinary spectra."""
    values = scorer.calibrate(base)(sample)
    return np.flatnonzero(values >= np.quantile(values[kinds == ""], ABOVE))


def views(spectrum: sa.Spectrum) -> dict[tuple[str, ...], sa.Spectrum]:
    """Return the spectrum with less and less known: by what is unknown of ivar, lsf and z."""
    found = {}
    for count in range(4):
        for unknown in combinations(("ivar", "lsf", "z"), count):
            one = spectrum
            if "ivar" in unknown:
                one = replace(one, ivar=None)
            if "lsf" in unknown:
                one = replace(one, meta={k: v for k, v in one.meta.items() if k != "lsf"})
            if "z" in unknown:
                one = replace(one, wave=one.wave * (1 + one.z), z=None, frame="observed")
            found[unknown] = one
    return found


def marks_of_all(
    sample: sa.SpectrumSet, kinds: Any, scorer: Any, *, rows: Any, method: Any
) -> list[dict[str, Any]]:
    """Return one record a spectrum: id, kind, and marks by state of knowledge, with a model and without."""
    explainer = sa.Explainer(scorer, sa.explain.Uniform(77), method=method)
    done = explainer.explain_many(sample[rows])
    made = []
    for i, row in enumerate(rows.tolist()):
        spectrum, bound = sample[row], bind(scorer, sample[row])
        problem = pose(bound, spectrum, done[i].segments, perturbation=explainer.perturbation, seed=0)
        typical = np.asarray(bound.reconstruct(spectrum.flux[None, :]))[0]
        evidence = Evidence.of(problem.flux, problem.fill, reconstruction=typical, keep=bound.keep,
                               weight=bound.weights)
        blind = Evidence(evidence.changed, evidence.changed)
        found = {}
        for unknown, seen in views(spectrum).items():
            known = [name for name in marking.KNOWLEDGE if name not in unknown]
            ground = ground_of(seen)
            full = marks_of(ground, {}, evidence)
            shares = context_of(seen, done[i].segments, done[i].weights, evidence=blind).shares
            bare = marks_of(ground, shares, blind)
            for join in (True, False):
                some = tuple(name for name in known if join or name != "join")
                found["+".join(some)] = {name: full[name] for name in marks_for(some)}
                rest = some[1:]
                found["+".join(rest)] = {name: bare[name] for name in marks_for(rest)}
        made.append({"id": spectrum.id, "kind": str(kinds[row]), "marks": found})
    return made


def weights_of(kinds: Any) -> Any:
    """Return weights that give artefacts and others the same sum, and each kind the same within; mean 1."""
    kinds = pd.Series(np.asarray(kinds))
    bad = kinds.isin(INSTRUMENTAL)
    weight = 1.0 / kinds.map(kinds.value_counts())
    for part, share in ((bad, 1.0), (~bad & (kinds != ""), 1 - ORDINARY), (kinds == "", ORDINARY)):
        weight[part] *= share / max(weight[part].sum(), 1e-30)
    return (weight * len(kinds) / weight.sum()).to_numpy()


def table_of(records: list[dict[str, Any]], key: str) -> tuple[tuple[str, ...], Any, Any]:
    """Return the names of the marks, the rows, and the kinds, for one state of knowledge."""
    names = tuple(records[0]["marks"][key])
    rows = np.array([[one["marks"][key][name] for name in names] for one in records])
    return names, rows, np.array([one["kind"] for one in records])


def fitted(names: tuple[str, ...], rows: Any, kinds: Any) -> Regression:
    """Fit one regression to spectra of known kinds."""
    return Regression.fit(names, rows, np.isin(kinds, INSTRUMENTAL), weight=weights_of(kinds))


def predicted(one: Regression, rows: Any) -> Any:
    """Return probabilities at even odds."""
    logits = np.array([one.logit(dict(zip(one.names, row, strict=True))) for row in rows.tolist()])
    return 1 / (1 + np.exp(-logits))


def calibration_of(records: list[dict[str, Any]], training: dict[str, Any]) -> Calibration:
    """Fit every state of knowledge."""
    records = [one for one in records if one["kind"] not in NEITHER]
    return Calibration({key: fitted(*table_of(records, key)) for key in records[0]["marks"]
                        if records[0]["marks"][key]}, training)


def cross_checked(records: list[dict[str, Any]], key: str = FULL) -> pd.DataFrame:
    """Return for each spectrum its probability from fits without its fifth of the ids, and without its kind."""
    records = [one for one in records if one["kind"] not in NEITHER]
    names, rows, kinds = table_of(records, key)
    ids = pd.factorize(np.array([one["id"] for one in records]))[0]
    fifth = np.random.default_rng(0).permutation(ids.max() + 1)[ids] % 5
    other, without = np.empty(len(rows)), np.empty(len(rows))
    for part in range(5):
        train = fifth != part
        other[~train] = predicted(fitted(names, rows[train], kinds[train]), rows[~train])
    for kind in np.unique(kinds):
        train = kinds != kind
        without[~train] = predicted(fitted(names, rows[train], kinds[train]), rows[~train])
    return pd.DataFrame({"kind": kinds, "same": other, "left_out": without, "artefact": np.isin(kinds, INSTRUMENTAL)})


def by_kind(found: pd.DataFrame) -> pd.DataFrame:
    """Return, per kind, the mean probability and the ROC-AUC against all kinds of the other sort, left out and not."""
    rows = []
    for kind, part in found.groupby("kind"):
        bad = bool(part["artefact"].iloc[0])
        other = found[(found["artefact"] != bad) & (found["kind"] != "")]
        row: dict[str, Any] = {"kind": kind or "ordinary", "artefact": bad, "n": len(part)}
        for name in ("same", "left_out"):
            value = roc_auc_score(np.r_[np.ones(len(part)), np.zeros(len(other))], np.r_[part[name], other["same"]])
            row |= {f"mean_{name}": part[name].mean(), f"auc_{name}": value if bad else 1 - value}
        rows.append(row)
    return pd.DataFrame(rows).sort_values(["artefact", "auc_left_out"], ascending=[False, False])


def reliable(probability: Any, artefact: Any) -> tuple[pd.DataFrame, float, float]:
    """Return the reliability at the share of artefacts that is there, its error, and that share."""
    share = float(np.mean(artefact))
    table = reliability_table(np.array([at_prior(p, share) for p in probability]), artefact)
    return table, calibration_error(table), share


def independent(folder: Path, calibration: Calibration) -> pd.DataFrame:
    """Explain the known anomalies of another survey, with each model, score and fill; nothing is fitted to them."""
    truth = truth_beside(str(folder))
    assert truth is not None
    sample = sa.Preprocessor().fit_transform(sa.read(str(folder), survey="sdss", target="galaxy"))
    kinds = truth.set_index("id")["kind"].reindex(sample.ids).fillna("").to_numpy()
    rows = np.flatnonzero(kinds != "")
    found = []
    for what, model in (("pca", sa.PCAModel(12)), ("vae", sa.VAEModel())):
        model = model.fit(sample)
        for score in SCORES:
            for fill, made in FILLS.items():
                explainer = sa.Explainer(sa.Scorer(model, score), sa.explain.Uniform(77), perturbation=made())
                done = explainer.explain_many(sample[rows])
                for i, row in enumerate(rows.tolist()):
                    context = done[i].context
                    found.append({"id": done.ids[i], "kind": kinds[row], "model": what, "score": score, "fill": fill,
                                  "share": context.artefact_share,
                                  "artefact": probability_with(calibration, explainer, sample[row], context)})
    return pd.DataFrame(found)


def probability_with(calibration: Calibration, explainer: Any, spectrum: Any, context: Any) -> float:
    """Return the probability that this calibration, not the shipped one, gives."""
    bound = bind(explainer.score, spectrum)
    typical = np.asarray(bound.reconstruct(spectrum.flux[None, :]))[0]
    evidence = Evidence.of(spectrum.flux, spectrum.flux, reconstruction=typical, keep=bound.keep, weight=bound.weights)
    return artefact_probability(ground_of(spectrum), context.shares, evidence, calibration=calibration)


def summary_of(found: pd.DataFrame) -> pd.DataFrame:
    """Return the ROC-AUC of the probability and of the share, instrumental against astrophysical kinds."""
    found = found[~found["kind"].isin(NEITHER)].assign(bad=lambda t: t["kind"].isin(INSTRUMENTAL))
    rows = []
    for (what, score, fill), part in found.groupby(["model", "score", "fill"]):
        _, error, share = reliable(part["artefact"], part["bad"])
        rows.append({"model": what, "score": score, "fill": fill, "n": len(part),
                     "auc": roc_auc_score(part["bad"], part["artefact"]), "auc_share": roc_auc_score(
                         part["bad"], part["share"]), "ece": error, "prevalence": share})
    return pd.DataFrame(rows)


def record_of(checked: pd.DataFrame, others: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Return what the figure draws, as plain values: reliability curves, and an ROC per kind that was left out."""
    curves, rocs = {}, {}
    for text, column in (("same kinds, other spectra", "same"), ("kinds left out of the fit", "left_out")):
        curves[text] = reliable(checked[column], checked["artefact"])[0].to_dict("list")
    for name, found in others.items():
        found = found[~found["kind"].isin(NEITHER)]
        curves[f"another simulator: {name}"] = reliable(
            found["artefact"], found["kind"].isin(INSTRUMENTAL))[0].to_dict("list")
    sound = checked[~checked["artefact"] & (checked["kind"] != "")]
    for kind in INSTRUMENTAL:
        part = checked[checked["kind"] == kind]
        x, y, _ = roc_curve(np.r_[np.ones(len(part)), np.zeros(len(sound))], np.r_[part["left_out"], sound["same"]])
        rocs[kind.replace("_", " ")] = [x.tolist(), y.tolist()]
    return {"curves": curves, "rocs": rocs}


def main() -> None:
    """Fit, check, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fibres", type=int, default=3840)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--samples", type=int, default=600)
    parser.add_argument("--survey", action="append", default=[], metavar="NAME=FOLDER")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--record", type=Path)
    parser.add_argument("--figure", type=Path)
    chosen_by = parser.parse_args()
    warnings.simplefilter("ignore")
    records = []
    with tempfile.TemporaryDirectory() as folder:
        train, sample, truth, models = prepared(chosen_by.fibres, chosen_by.seed, Path(folder))
        kinds = truth["kind"].to_numpy()
        for model in models.values():
            for score in SCORES:
                scorer = sa.Scorer(model, score)
                rows = chosen(scorer, sample, train, kinds)
                records += marks_of_all(sample, kinds, scorer, rows=rows, method=sa.explain.Lime(chosen_by.samples))
                print(f"{len(records)} explanations", flush=True)
    report(records, chosen_by)


def report(records: list[dict[str, Any]], chosen_by: argparse.Namespace) -> None:
    """Check and print, and write what was asked for."""
    checked = cross_checked(records)
    training = {"survey": f"surveys.mock({chosen_by.fibres}, {chosen_by.seed + 1}, anomaly_share=0.6)",
                "models": ["PCAModel(12)", "VAEModel()"], "scores": list(SCORES), "explanations": len(records),
                "instrumental": list(INSTRUMENTAL), "left out": list(NEITHER), "prior": 0.5,
                "ordinary share of the others": ORDINARY}
    for column in ("same", "left_out"):
        anomalous = checked[checked["kind"] != ""]
        training |= {f"auc {column}": round(float(roc_auc_score(anomalous["artefact"], anomalous[column])), 3),
                     f"ece {column}": round(reliable(checked[column], checked["artefact"])[1], 3)}
    calibration = calibration_of(records, training)
    print(by_kind(checked).round(3).to_string(index=False))
    print({name: value for name, value in training.items() if name.startswith(("auc", "ece"))})
    print(dict(zip(calibration.regressions[FULL].names, calibration.regressions[FULL].coefficients, strict=True)))
    if chosen_by.out:
        calibration.save(chosen_by.out)
    others = {}
    for text in chosen_by.survey:
        name, _, folder = text.partition("=")
        others[name] = independent(Path(folder), calibration)
        print(name, summary_of(others[name]).round(3).to_string(index=False), sep="\n")
        print(others[name].groupby("kind")["artefact"].mean().round(2).to_dict(), flush=True)
    record = record_of(checked, others)
    if chosen_by.record:
        chosen_by.record.write_text(json.dumps(record), encoding="utf-8")
    if chosen_by.figure:
        from specanom import plots

        plots.save_html(plots.reliability({name: pd.DataFrame(table) for name, table in record["curves"].items()},
                                          record["rocs"]), chosen_by.figure)


if __name__ == "__main__":
    main()
