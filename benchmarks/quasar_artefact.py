"""Whether the probability of an artefact can be calibrated on quasars: kinds left out of fits to a simulated survey.

    OMP_NUM_THREADS=1 python -m benchmarks.quasar_artefact [--fibres 10000] [--seed 210]

A first survey trains a PCA of 12 components, a second one with many anomalies is looked at: of each score (mse,
chi2_ivar) the spectra above the 80th percentile of ordinary ones. The marks are those of galaxies. Printed: the ROC-AUC
of faults of instrument and pipeline against broad absorption and other oddities, by spectra and with equal weight to
each kind, and the error of the probability at the share of faults that is there; of the calibration of galaxies, of
fits that saw the kinds, and of fits that did not.
"""

from __future__ import annotations

import argparse
import os
import warnings
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from sklearn.metrics import roc_auc_score

import specanom as sa
from benchmarks.artefact import FULL, NEITHER, SCORES, by_kind, chosen, cross_checked, reliable
from specanom.explain.artefact import shipped
from specanom.explain.context import Evidence, marks_of, second_ground
from specanom.explain.posing import bind

PRESET = "qso-1.5-2.5"


def records_of(fibres: int, seed: int) -> list[dict[str, Any]]:
    """Return id, kind, S/N and marks of the odd spectra of both scores."""
    preprocessor = sa.Preprocessor(preset=PRESET)
    train = preprocessor.fit_transform(sa.surveys.mock_desi(fibres // 4, seed, quasar_share=0.45))
    survey = sa.surveys.mock_desi(fibres, seed + 1, anomaly_share=0.6, quasar_share=0.45, bal_share=0.25)
    sample = preprocessor.transform(survey)
    kinds = survey.truth.set_index("id").loc[list(sample.ids), "kind"].fillna("").to_numpy()
    model = sa.PCAModel(12, folds=1).fit(train)
    made: list[dict[str, Any]] = []
    print(f"{len(train)} and {len(sample)} quasars")
    for score in SCORES:
        scorer = sa.Scorer(model, score)
        made += [{"id": sample.ids[row], "kind": str(kinds[row]), "snr": float(sample.table["snr"].iloc[row]),
                  "marks": {FULL: marks_of_one(scorer, sample[row])}}
                 for row in chosen(scorer, sample, train, kinds).tolist()]
    return made


def marks_of_one(scorer: Any, spectrum: sa.Spectrum) -> dict[str, float]:
    """Return the marks of one spectrum."""
    bound = bind(scorer, spectrum)
    typical = np.asarray(bound.reconstruct(spectrum.flux[None, :]))[0]
    evidence = Evidence.of(spectrum.flux, spectrum.flux, reconstruction=typical, keep=bound.keep, weight=bound.weights)
    return marks_of(second_ground(spectrum, evidence), {}, evidence)


def told(truth: Any, probability: Any, weight: Any, error: float) -> str:
    """Return AUC, AUC by kind, and calibration error."""
    return (f"AUC {roc_auc_score(truth, probability):.3f}, each kind alike "
            f"{roc_auc_score(truth, probability, sample_weight=weight):.3f}, calibration error {error:.3f}")


def main() -> None:
    """Simulate, fit, print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fibres", type=int, default=10000)
    parser.add_argument("--seed", type=int, default=210)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    records = records_of(options.fibres, options.seed)
    for text, some in (("all", records), ("S/N above 4", [one for one in records if one["snr"] > 4])):
        some = [one for one in some if one["kind"] not in NEITHER]
        checked = cross_checked(some)
        checked["galaxies"] = [1 / (1 + np.exp(-shipped().regressions[FULL].logit(one["marks"][FULL]))) for one in some]
        odd = checked[checked["kind"] != ""]
        print(f"{text}: {len(odd)} odd, {int(odd['artefact'].sum())} of them faults")
        for column in ("galaxies", "same", "left_out"):
            error = reliable(odd[column], odd["artefact"])[1]
            print(f"  {column}: {told(odd['artefact'], odd[column], odd['weight'], error)}")
    print(by_kind(cross_checked(records)).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
