"""The methods paragraph of a run: plain sentences made from what its manifest and products say."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .manifest import Manifest

TARGETS = {"galaxy": "galaxies", "qso": "quasars", "star": "stars"}
SURVEYS = {"sdss": "SDSS", "desi": "DESI", "mock": "simulated SDSS", "mock_desi": "simulated DESI", "auto": "survey"}
METHODS = {"Lime": "LIME", "Shap": "Kernel SHAP", "Occlusion": "occlusion", "IntegratedGradients":
           "integrated gradients"}
FILLS = {"Typical": "the reconstruction by the model", "Scale": "the flux times a constant",
         "Flat": "a constant", "SegmentMean": "the mean flux of the segment"}
CITED = {"Lime": "Ribeiro2016", "Shap": "Lundberg2017", "IntegratedGradients": "Sundararajan2017"}
SCORES = {"chi2_ivar": "the inverse-variance weighted mean squared residual",
          "multiscale": "the strongest residuals smoothed over five lengths", "mse": "the mean squared residual",
          "chi2": "the squared residual divided by the flux"}


def sentences(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Yield the sentences on each stage that was done."""
    parameters = manifest.parameters
    yield _sample(manifest)
    makers = (("02_preprocess", _steps), ("03_train", _model), ("04_score", _scores), ("05_explain", _explanations),
              ("06_clusters", _clusters))
    for stage, make in makers:
        if manifest.stage(stage).get("status") == "done":
            yield make(folder, manifest)
    versions = manifest.content.get("versions", {})
    preset = f", preset {parameters['preset']}" if parameters.get("preset") else ""
    yield (f"All of it was done with specanom {versions.get('specanom', '')} [Ortiz2025 for the method] on Python "
           f"{versions.get('python', '')} (seed {parameters.get('seed')}{preset}).")


def read_json(path: Path) -> dict[str, Any]:
    """Return what a JSON file of a run holds; nothing when it is not there or not whole."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def _sample(manifest: Manifest) -> str:
    told = manifest.parameters
    counts = manifest.stage("02_preprocess").get("counts", {})
    name = SURVEYS.get(str(told.get("survey")), str(told.get("survey")))
    if not counts:
        return f"The spectra are {name} spectra."
    kept = TARGETS.get(str(told.get("target")), "objects")
    cuts = [f"redshift between {told['z_min']:g} and {told['z_max']:g}" if "z_min" in told else "",
            f"median signal-to-noise ratio above {told['min_snr']:g}" if told.get("min_snr") else ""]
    limits = " and ".join(cut for cut in cuts if cut)
    return (f"Of {counts['read']:,} {name} spectra, {counts['kept']:,} {kept}"
            f"{f' with {limits}' if limits else ''} were kept.")


def _steps(folder: Path, manifest: Manifest) -> str:
    settings = read_json(folder / "preprocess.json").get("settings", {})
    pixels = manifest.stage("02_preprocess")["counts"].get("pixels")
    dust = ""
    if settings.get("extinction") == "F99":
        dust = (f"corrected for Galactic extinction with the law of Fitzpatrick [Fitzpatrick1999] for R_V = "
                f"{settings['r_v']:g}, E(B-V) being {settings['ebv_scale']:g} times that of the SFD map "
                "[Schlegel1998, Schlafly2011], ")
    elif settings.get("extinction"):
        dust = "corrected for Galactic extinction, "
    filled = {"median": "the median of the sample at that wavelength", "self": "the median of the spectrum"}
    how = {"linear": "linear interpolation"}.get(settings.get("resample", ""), settings.get("resample", ""))
    on = f" by {how}" if how else ""
    missing = filled.get(settings.get("impute", ""))
    return (f"Spectra were {dust}shifted to the rest frame, resampled{on} onto {pixels:,} common pixels in vacuum and "
            f"divided by their median{f'; missing pixels were filled with {missing}' if missing else ''}.")


def _model(folder: Path, manifest: Manifest) -> str:
    card = read_json(folder / "model" / "card.json")
    settings, shape = card.get("settings", {}), card.get("shape", {})
    counts = manifest.stage("03_train")["counts"]
    folds = shape.get("folds") or 1
    if "hidden" in settings:
        layers = ", ".join(str(size) for size in settings["hidden"])
        loss = " with the loss of an InfoVAE [Zhao2017]" if settings.get("training", {}).get("lam") else ""
        kind = (f"A variational autoencoder [Kingma2014]{loss}, {settings['n_latent']} latent numbers and hidden "
                f"layers of {layers} units")
    else:
        kind = f"A model with {counts.get('latent numbers', settings.get('n_latent'))} latent numbers"
    crossed = (f", cross-fitted in {folds} folds so that no spectrum is judged by a network that saw it"
               if folds > 1 else "")
    return f"{kind} was trained on {counts.get('spectra', card.get('trained_on')):,} spectra{crossed}."


def _scores(folder: Path, manifest: Manifest) -> str:
    asked = manifest.parameters.get("rank_by") or ("mse_raw" if manifest.parameters.get("preset") == "paper"
                                                   else "chi2_ivar")
    name = str(asked).removesuffix("_raw").removesuffix("_cal")
    what = SCORES.get(name, f"the score {name}")
    excess = "" if str(asked).endswith("_raw") else (
        ", in excess of spectra of like signal-to-noise ratio and redshift")
    count = manifest.stage("04_score")["counts"].get("scores")
    return f"Spectra were ranked by {what} between spectrum and reconstruction ({name}, one of {count} scores){excess}."


def _explanations(folder: Path, manifest: Manifest) -> str:
    settings = read_json(folder / "explanations.zarr" / "manifest.json").get("settings", {})
    method, cut = settings.get("method", {}), settings.get("segments", {})
    kind = str(method.get("kind", ""))
    key = f" [{CITED[kind]}]" if kind in CITED else ""
    masks = f" with {method['n_samples']:,} masks" if "n_samples" in method else ""
    segments = f"{cut['k']} segments" if "k" in cut else "segments"
    fill = str(settings.get("perturbation", {}).get("kind", ""))
    count = manifest.stage("05_explain")["counts"].get("explained")
    return (f"The {count:,} highest-ranked were explained by {METHODS.get(kind, kind)}{key}{masks} over {segments}, "
            f"masked ones being replaced by {FILLS.get(fill, fill)}.")


def _clusters(folder: Path, manifest: Manifest) -> str:
    settings = read_json(folder / "clusters" / "clusterer.json").get("settings", {})
    counts = manifest.stage("06_clusters")["counts"]
    low, high = settings.get("k_range", (None, None))
    chosen = (f", their number that of the highest silhouette between {low} and {high}"
              if settings.get("n_clusters") == "auto" else "")
    return (f"The absolute weights of each explanation, scaled to unit length, were grouped by k-means into "
            f"{counts.get('clusters')} clusters{chosen}.")
