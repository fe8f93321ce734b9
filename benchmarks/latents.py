"""What latent vectors are good for: rarity against residuals, redshifts, and kin of the same kind.

    python -m benchmarks.latents RUN FOLDER [--seconds 180] [--seed 1]

RUN is the folder of a run, with the sample and the VAE; FOLDER has the ``truth.csv`` of its spectra, with the columns
plate, mjd, fiber and kind. ``--seconds`` is
the processor time that a small masked transformer is trained for; nobody should expect much of minutes.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import balanced_accuracy_score, roc_auc_score
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

import specanom as sa
from specanom.models import Training, TransformerEncoder
from specanom.models.inputs import read_rows
from specanom.models.masked import MaskedSource
from specanom.run.acquire import truth_beside
from specanom.scores import LatentScorer, Scorer, latent_correlations, redshift_from_latents

METHODS = ("gmm", "knn", "forest", "kl")


def transformer(sample: sa.SpectrumSet, seconds: float, seed: int) -> TransformerEncoder:
    """Train a small one for so much processor time."""
    training = Training.masked(32)
    start = time.process_time()
    TransformerEncoder(max_steps=6, seed=seed, training=replace(training, check_every=6)).fit(sample)
    each = (time.process_time() - start) / 8  # a look at the validation data counts like two steps
    steps = max(20, int(seconds / each))
    start = time.process_time()
    made = TransformerEncoder(max_steps=steps, seed=seed, training=training).fit(sample)
    print(f"transformer: {made.n_parameters(made.n_pixels) / 1e6:.2f} M numbers, {steps} steps of 32 in "
          f"{time.process_time() - start:.0f} s of processor time; validation loss "
          f"{made.history['val'].iloc[0]:.3f} → {made.history['val'].min():.3f}, "
          f"of the mean spectrum {_of_the_mean(sample, training):.3f}")
    return made


def _of_the_mean(sample: sa.SpectrumSet, training: Training) -> float:
    """Return the validation loss of the mean spectrum: less than 1, since the worst spectra are left out."""
    source = MaskedSource(read_rows("sample", sample), np.arange(len(sample)), training=training,
                          device=torch.device("cpu"))
    batch = source.take(torch.arange(len(sample)))
    residual = torch.nan_to_num(batch.flux - source.mean) / source.scale
    return training.trimmed_mean((batch.weight * residual.square()).mean(dim=1))


def rarity(models: dict[str, Any], sample: sa.SpectrumSet, odd: np.ndarray) -> pd.DataFrame:
    """Return the ROC-AUC of each latent score, and of the residual beside it, raw and calibrated."""
    rows = []
    for name, model in models.items():
        scorers: dict[str, Any] = {"chi2_ivar": Scorer(model, "chi2_ivar")}
        kinds = METHODS if name == "VAE" else METHODS[:3]  # only a VAE has a prior
        scorers |= {f"latent {one}": LatentScorer(model, one).fit(sample) for one in kinds}
        for label, scorer in scorers.items():
            values = scorer(sample)
            calibrated = scorer.calibrate(sample, values=values)(sample)
            rows.append({"model": name, "score": label, "raw": roc_auc_score(odd, values),
                         "calibrated": roc_auc_score(odd, calibrated)})
    return pd.DataFrame(rows)


def kin(vectors: np.ndarray, kind: np.ndarray, k: int = 3) -> dict[str, float]:
    """Return how often the `k` nearest vectors vote for the right kind, each object left out in turn."""
    scaled, odd = StandardScaler().fit_transform(vectors), kind != ""
    among = cross_val_predict(KNeighborsClassifier(k), scaled[odd], kind[odd], cv=LeaveOneOut())
    every = cross_val_predict(KNeighborsClassifier(k), scaled, kind, cv=LeaveOneOut())
    return {"accuracy among anomalies": float((among == kind[odd]).mean()),
            "balanced accuracy, ordinary too": float(balanced_accuracy_score(kind, every))}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=float, default=180.0)
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    truth = truth_beside(str(arguments.folder))
    if truth is None:
        raise SystemExit(f"{arguments.folder} has no truth.csv with plate, mjd, fiber and kind")
    sample = sa.SpectrumSet.open(arguments.run / "sample.zarr")
    kind = truth.drop_duplicates("id").set_index("id")["kind"].reindex(sample.ids).fillna("").to_numpy(dtype=str)
    print(f"{len(sample)} galaxies, {(kind != '').sum()} anomalies of {len(np.unique(kind)) - 1} kinds; the most "
          f"frequent is {pd.Series(kind[kind != '']).value_counts(normalize=True).iloc[0]:.1%} of them")
    models = {"VAE": sa.VAEModel.load(arguments.run / "model"),
              "PCA": sa.PCAModel(12, seed=arguments.seed).fit(sample),
              "transformer": transformer(sample, arguments.seconds, arguments.seed)}
    print(rarity(models, sample, kind != "").round(3).to_string(index=False), "\n")
    rows = []
    for name, model in models.items():
        vectors = sa.encoder(model).encode(sample)
        row: dict[str, Any] = {"model": name, **kin(vectors, kind)}
        for method in ("knn", "boosting"):
            found = redshift_from_latents(vectors, sample.table["z"], ids=sample.ids, method=method)
            row |= {f"σ {method}": found.sigma_nmad, f"outliers {method}": found.outlier_share}
            print(name, repr(found), found.sigma_interval)
        rows.append(row)
        print(latent_correlations(vectors, sample.table, ["z", "snr"]), "\n")
    print(pd.DataFrame(rows).round(4).to_string(index=False))


if __name__ == "__main__":
    main()
