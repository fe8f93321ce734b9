"""Fit the probability of an artefact to simulated surveys, and check it on kinds and surveys it has not seen.

    python -m benchmarks.artefact [--fibres 3840] [--seed 101] [--survey NAME=FOLDER ...] [--out CALIBRATION.json]
                                  [--record RECORD.json] [--figure FIGURE.html]

A first survey trains the models, a second one with many anomalies is explained: for each model (PCA, VAE) and score
(mse, chi2_ivar) the spectra above the 80th percentile of ordinary ones. Badly subtracted single lines of the sky,
which the simulator lacks, are laid on ordinary spectra of that survey here. Three checks: the same kinds on other
spectra (five-fold), each kind left out of the fit and of its recalibration, and, with ``--survey``, folders of plates
with ``truth.csv`` from another simulator, whose spectra are never used for fitting.

Anomalies of ``INSTRUMENTAL`` kinds are artefacts. ``NEITHER`` takes no part in fit and checks, and is shown beside
them: a wrong redshift is the pipeline's, and starlight of a neighbouring fibre cannot be told from a star in front.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import warnings
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve

import specanom as sa
from specanom.explain import marks as marking
from specanom.explain.artefact import Calibration, Regression, at_prior, marks_for, recalibration
from specanom.explain.context import Evidence, artefact_probability, context_of, marks_of, second_ground
from specanom.explain.posing import bind, pose
from specanom.explain.reliability import calibration_error, reliability_table
from specanom.lines import C_KMS, line
from specanom.run.acquire import truth_beside

SKY_LINE = "sky_line"  # laid on ordinary spectra by with_sky_lines
INSTRUMENTAL = ("cosmic_rays", "arm_step", "red_sky", "dead_block", "calibration_wiggle", "fringing", "second_order",
                "sky_oversubtraction", SKY_LINE, "spikes", "bad_amplifier")  # the last two are of DESI
NEITHER = ("wrong_redshift", "crosstalk")
SKY_FAMILIES = (("OI5579",), ("OI6302sky", "OI6366sky"), ("NaD1", "NaD2"), ("Hg4359",), ("Hg5462",))
INJECTED = 100  # spectra with badly subtracted lines of the sky
SCORES = ("mse", "chi2_ivar")
ABOVE = 0.8  # quantile of the ordinary spectra above which a spectrum is explained
AT_MOST = 350  # ordinary spectra of each model and score
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


def with_sky_lines(sample: sa.SpectrumSet, kinds: Any, *, seed: int) -> sa.SpectrumSet:
    """Return ordinary spectra with lines of the sky subtracted too much, too little or to one side, ids ending in -sky.

    Each family of lines stays in with a chance of 0.4, 10–60 times the typical noise high, as wide as the line-spread
    function; the noise there is at least doubled, and pixels of the line are not masked, as in a survey that does not
    know of it.
    """
    rng = np.random.default_rng(seed)
    some = sample[np.sort(rng.permutation(np.flatnonzero(kinds == ""))[:INJECTED])]
    flux, ivar = np.array(some.flux, dtype=np.float64), np.array(some.ivar, dtype=np.float64)
    imputed = np.array(some.imputed)
    for i, spectrum in enumerate(some):
        noise = float(np.median(1 / np.sqrt(ivar[i][ivar[i] > 0])))
        families = [one for one in SKY_FAMILIES if rng.random() < 0.4] or [SKY_FAMILIES[rng.integers(5)]]
        for family in families:
            height, lean = rng.choice([-1, 1]) * rng.uniform(10, 60) * noise, rng.uniform()
            for centre in (line(name).wave for name in family):
                x = (spectrum.wave * (1 + spectrum.z) - centre) / (centre * 70.0 / C_KMS)
                near = np.abs(x) < 6
                flux[i, near] += height * ((1 - lean) + 1.2 * lean * x[near]) * np.exp(-0.5 * x[near] ** 2)
                imputed[i, near] = False
                ivar[i, near & (ivar[i] <= 0)] = (3 * noise) ** -2
                core = np.abs(x) < 3
                ivar[i, core] = np.minimum(ivar[i, core], (2 * noise) ** -2)
    table = some.table.assign(id=[f"{one}-sky" for one in some.ids])
    return some.replace(flux=flux.astype(np.float32), ivar=ivar.astype(np.float32), imputed=imputed, table=table)


def chosen(scorer: Any, sample: sa.SpectrumSet, base: sa.SpectrumSet, kinds: Any) -> Any:
    """Return the rows whose calibrated score is above that of most ordinary spectra, not too many of these."""
    values = scorer.calibrate(base)(sample)
    rows = np.flatnonzero(values >= np.quantile(values[kinds == ""], ABOVE))
    ordinary = np.random.default_rng(0).permutation(rows[kinds[rows] == ""])
    return np.sort(np.r_[rows[kinds[rows] != ""], ordinary[:AT_MOST]])


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
            ground = second_ground(seen, evidence)
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
    ordinary = ORDINARY if (kinds == "").any() else 0.0
    for part, share in ((bad, 1.0), (~bad & (kinds != ""), 1 - ordinary), (kinds == "", ordinary)):
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


def logits_of(one: Regression, names: tuple[str, ...], rows: Any) -> Any:
    """Return log odds at even odds."""
    return one.logits(rows[:, [names.index(name) for name in (*one.mechanisms, *one.signs)]])


def unseen(names: tuple[str, ...], rows: Any, kinds: Any) -> Any:
    """Return the log odds of each anomaly by the fit without its kind; NaN for ordinary spectra."""
    found = np.full(len(rows), np.nan)
    for kind in np.unique(kinds[kinds != ""]):
        out = kinds == kind
        found[out] = logits_of(fitted(names, rows[~out], kinds[~out]), names, rows[out])
    return found


def honest(names: tuple[str, ...], rows: Any, kinds: Any) -> Regression:
    """Fit to all kinds, and set the odds right on anomalies whose kind was left out.

    Ordinary spectra take no part in the second step: the odds are those of an artefact among spectra that are odd.
    """
    logits, odd = unseen(names, rows, kinds), kinds != ""
    slope, offset = recalibration(logits[odd], np.isin(kinds[odd], INSTRUMENTAL), weight=weights_of(kinds[odd]))
    return fitted(names, rows, kinds).recalibrated(slope, offset)


def probabilities(logits: Any) -> Any:
    """Return probabilities of log odds."""
    return 1 / (1 + np.exp(-logits))


def calibration_of(records: list[dict[str, Any]], training: dict[str, Any]) -> Calibration:
    """Fit every state of knowledge."""
    records = [one for one in records if one["kind"] not in NEITHER]
    return Calibration({key: honest(*table_of(records, key)) for key in records[0]["marks"]
                        if records[0]["marks"][key]}, training)


def cross_checked(records: list[dict[str, Any]], key: str = FULL) -> pd.DataFrame:
    """Return for each spectrum its probability from fits without its fifth of the ids, and without its kind.

    A kind left out is left out of everything: the fit, and the fits and spectra that set its odds right.
    """
    records = [one for one in records if one["kind"] not in NEITHER]
    names, rows, kinds = table_of(records, key)
    ids = pd.factorize(np.array([one["id"].removesuffix("-sky") for one in records]))[0]
    fifth = np.random.default_rng(0).permutation(ids.max() + 1)[ids] % 5
    other, without = np.empty(len(rows)), np.full(len(rows), np.nan)
    for part in range(5):
        train = fifth != part
        other[~train] = logits_of(honest(names, rows[train], kinds[train]), names, rows[~train])
    for kind in np.unique(kinds[kinds != ""]):
        train = kinds != kind
        without[~train] = logits_of(honest(names, rows[train], kinds[train]), names, rows[~train])
    return pd.DataFrame({"kind": kinds, "same": probabilities(other), "left_out": probabilities(without),
                         "artefact": np.isin(kinds, INSTRUMENTAL), "weight": weights_of(kinds)})


def beside(records: list[dict[str, Any]], calibration: Calibration) -> pd.Series:
    """Return the mean probability of the kinds that are neither."""
    found = {kind: [calibration.regressions[FULL].logit(one["marks"][FULL]) for one in records if one["kind"] == kind]
             for kind in NEITHER}
    return pd.Series({kind: probabilities(np.array(logits)).mean() for kind, logits in found.items()})


def by_kind(found: pd.DataFrame) -> pd.DataFrame:
    """Return, per kind, the mean probability and the ROC-AUC against all kinds of the other sort, left out and not."""
    rows = []
    for kind, part in found[found["kind"] != ""].groupby("kind"):
        bad = bool(part["artefact"].iloc[0])
        other = found[(found["artefact"] != bad) & (found["kind"] != "")]
        row: dict[str, Any] = {"kind": kind, "artefact": bad, "n": len(part)}
        for name in ("same", "left_out"):
            value = roc_auc_score(np.r_[np.ones(len(part)), np.zeros(len(other))], np.r_[part[name], other["same"]])
            row |= {f"mean_{name}": part[name].mean(), f"auc_{name}": value if bad else 1 - value}
        rows.append(row)
    return pd.DataFrame(rows).sort_values(["artefact", "auc_left_out"], ascending=[False, False])


def reliable(probability: Any, artefact: Any) -> tuple[pd.DataFrame, float, float]:
    """Return the reliability at the share of artefacts that is there, its error, and that share."""
    told = np.isfinite(probability)
    probability, artefact = np.asarray(probability)[told], np.asarray(artefact)[told]
    share = float(np.mean(artefact))
    table = reliability_table(np.array([at_prior(p, share) for p in probability]), artefact)
    return table, calibration_error(table), share


def independent(folder: Path, calibration: Calibration) -> pd.DataFrame:
    """Explain the known anomalies of another survey, with each model and score; nothing is fitted to them."""
    truth = truth_beside(str(folder))
    assert truth is not None
    sample = sa.Preprocessor().fit_transform(sa.read(str(folder), survey="sdss", target="galaxy"))
    kinds = truth.set_index("id")["kind"].reindex(sample.ids).fillna("").to_numpy()
    rows = np.flatnonzero(kinds != "")
    found = []
    for what, model in (("pca", sa.PCAModel(12)), ("vae", sa.VAEModel())):
        model = model.fit(sample)
        for score in SCORES:
            explainer = sa.Explainer(sa.Scorer(model, score), sa.explain.Uniform(77))
            done = explainer.explain_many(sample[rows])
            for i, row in enumerate(rows.tolist()):
                context = done[i].context
                found.append({"id": done.ids[i], "kind": kinds[row], "model": what, "score": score,
                              "share": context.artefact_share,
                              "artefact": probability_with(calibration, explainer, sample[row], context)})
    return pd.DataFrame(found)


def probability_with(calibration: Calibration, explainer: Any, spectrum: Any, context: Any) -> float:
    """Return the probability that this calibration, not the shipped one, gives."""
    bound = bind(explainer.score, spectrum)
    typical = np.asarray(bound.reconstruct(spectrum.flux[None, :]))[0]
    evidence = Evidence.of(spectrum.flux, spectrum.flux, reconstruction=typical, keep=bound.keep, weight=bound.weights)
    return artefact_probability(second_ground(spectrum, evidence), context.shares, evidence, calibration=calibration)


def summary_of(found: pd.DataFrame) -> pd.DataFrame:
    """Return the ROC-AUC of the probability and of the share, instrumental against astrophysical kinds."""
    found = found[~found["kind"].isin(NEITHER)].assign(bad=lambda t: t["kind"].isin(INSTRUMENTAL))
    rows = []
    for (what, score), part in found.groupby(["model", "score"]):
        _, error, share = reliable(part["artefact"], part["bad"])
        rows.append({"model": what, "score": score, "n": len(part),
                     "auc": roc_auc_score(part["bad"], part["artefact"]), "auc_share": roc_auc_score(
                         part["bad"], part["share"]), "ece": error, "prevalence": share})
    return pd.DataFrame(rows)


def record_of(checked: pd.DataFrame, others: dict[str, pd.DataFrame]) -> dict[str, Any]:
    """Return what the figure draws, as plain values: reliability curves, and an ROC per kind that was left out."""
    curves, rocs, odd = {}, {}, checked[checked["kind"] != ""]
    for text, column in (("kinds left out", "left_out"), ("kinds of the fit, other spectra", "same")):
        curves[text] = reliable(odd[column], odd["artefact"])[0].to_dict("list")
    for name, found in others.items():
        found = found[~found["kind"].isin(NEITHER)]
        curves[f"another simulator, {name}"] = reliable(
            found["artefact"], found["kind"].isin(INSTRUMENTAL))[0].to_dict("list")
    sound = odd[~odd["artefact"]]
    for kind in INSTRUMENTAL:
        part = checked[checked["kind"] == kind]
        if part.empty:
            continue
        x, y, _ = roc_curve(np.r_[np.ones(len(part)), np.zeros(len(sound))], np.r_[part["left_out"], sound["same"]])
        rocs[kind.replace("_", " ")] = [x.tolist(), y.tolist()]
    return {"curves": curves, "rocs": rocs}


def main() -> None:
    """Fit, check, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fibres", type=int, default=3840)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--samples", type=int, default=300)
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
        injected = with_sky_lines(sample, kinds, seed=chosen_by.seed)
        sample = sa.SpectrumSet.concatenate([sample, injected])
        kinds = np.r_[kinds, np.full(len(injected), SKY_LINE)]
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
                "instrumental": [kind for kind in INSTRUMENTAL if (checked["kind"] == kind).any()],
                "left out": list(NEITHER), "prior": 0.5,
                "ordinary share of the others": ORDINARY}
    odd = checked[checked["kind"] != ""]
    for column in ("same", "left_out"):
        table, error, _ = reliable(odd[column], odd["artefact"])
        training |= {f"auc {column}": round(float(roc_auc_score(odd["artefact"], odd[column])), 3),
                     f"ece {column}": round(error, 3)}
        print(column, table.round(3).to_string(index=False), sep="\n")
    calibration = calibration_of(records, training)
    print(by_kind(checked).round(3).to_string(index=False))
    print({name: value for name, value in training.items() if name.startswith(("auc", "ece"))})
    print("neither:", beside(records, calibration).round(2).to_dict())
    print("ordinary:", checked.loc[checked["kind"] == "", "same"].mean().round(2))
    print(calibration.regressions[FULL])
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
