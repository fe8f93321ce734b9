"""The methods paragraph of a run: plain sentences made from what its manifest and products say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DataError
from ..foreign import read_json as parsed
from ..scores.named import FEWEST, line_filter
from ..spectrumset import SpectrumSet
from .manifest import Manifest
from .scoring import compared_with

TARGETS = {"galaxy": "galaxies", "qso": "quasars", "star": "stars"}
SURVEYS = {"sdss": "SDSS", "desi": "DESI", "mock": "simulated SDSS", "mock_desi": "simulated DESI", "auto": "survey"}
METHODS = {"Lime": "LIME", "Shap": "Kernel SHAP", "Occlusion": "occlusion", "IntegratedGradients":
           "integrated gradients"}
FILLS = {"Typical": "the reconstruction by the model", "Scale": "the flux times a constant",
         "Flat": "a constant", "SegmentMean": "the mean flux of the segment"}
CITED = {"Lime": "Ribeiro2016", "Shap": "Lundberg2017", "IntegratedGradients": "Sundararajan2017"}
BETWEEN = "between spectrum and reconstruction"
SCORES = {"chi2_ivar": f"the inverse-variance weighted mean squared residual {BETWEEN}",
          "multiscale": f"the strongest residuals {BETWEEN}, smoothed over five lengths",
          "mse": f"the mean squared residual {BETWEEN}",
          "chi2": f"the squared residual {BETWEEN}, divided by the flux", "combined": "the largest of all scores"}
RESAMPLING = {"linear": "linear interpolation", "conserving": "means over each pixel that conserve the flux"}
FILLED = {"median": "the median of the sample at that wavelength", "self": "the median of the spectrum"}
LINES = {"vacuum": "emission lines of galaxies", "paper": "emission lines of galaxies (published list)",
         "quasar": "emission lines of quasars"}


def sentences(folder: Path, manifest: Manifest) -> Iterator[str]:
    """Yield the sentences on each stage that was done."""
    yield _sample(folder, manifest)
    makers = (("02_preprocess", _steps), ("03_train", _model), ("04_score", _scores), ("05_explain", _explanations),
              ("06_clusters", _clusters))
    for stage, make in makers:
        if manifest.stage(stage).get("status") == "done":
            yield make(folder, manifest)
    versions = manifest.content.get("versions", {})
    told = told_to(manifest, "03_train" if manifest.stage("03_train") else "01_acquire")
    preset = f", preset {told['preset']}" if told.get("preset") else ""
    yield (f"All of it was done with specanom {versions.get('specanom', '')} [Ortiz2025 for the method] on Python "
           f"{versions.get('python', '')} (seed {told.get('seed')}{preset}).")


def told_to(manifest: Manifest, stage: str) -> dict[str, Any]:
    """Return the parameters with which a stage was done, which a later call may have changed since."""
    return {**manifest.parameters, **manifest.stage(stage).get("parameters", {})}


def read_json(path: Path) -> dict[str, Any]:
    """Return what a JSON file of a run holds; nothing when it is not there or not whole."""
    try:
        content = parsed(path, "JSON of a run", most=2**26)
    except DataError:
        return {}
    return content if isinstance(content, dict) else {}


def model_card(folder: Path) -> tuple[dict[str, Any], int]:
    """Return the card of a run's model and how many such models there are: one, or one a bin of S/N."""
    card = read_json(folder / "model" / "card.json")
    bins = card.get("bins") or []
    return (read_json(folder / "model" / f"bin{bins[0]}" / "card.json"), len(bins)) if bins else (card, 1)


def _sample(folder: Path, manifest: Manifest) -> str:
    name = _survey(folder, manifest)
    counts = manifest.stage("02_preprocess").get("counts", {})
    if not counts:
        return f"The spectra are {name} spectra."
    settings, told = _preprocessing(folder), told_to(manifest, "02_preprocess")
    # the preprocessor says what was done; the parameters only what the reader of the files left out before
    target = settings.get("target") or told.get("target")
    kept = TARGETS.get(target, "objects") if isinstance(target, str) else "objects"
    low, high = settings.get("z_range") or (None, None)
    cuts = [f"redshift between {low:g} and {high:g}" if low is not None else "",
            f"median signal-to-noise ratio per pixel above {settings['min_snr']:g}" if settings.get("min_snr") else ""]
    limits = " and ".join(cut for cut in cuts if cut)
    bins = settings.get("bins") or 1
    parts = f", in {bins} bins of signal-to-noise ratio with as many spectra and a model each" if bins > 1 else ""
    return (f"Of {counts['read']:,} {name} spectra, {counts['kept']:,} {kept}"
            f"{f' with {limits}' if limits else ''} were kept{parts}.")


def _survey(folder: Path, manifest: Manifest) -> str:
    told = str(told_to(manifest, "01_acquire").get("survey"))
    sample = _opened(folder) if told == "auto" else None
    known = sorted(set(sample.table["survey"])) if sample is not None and "survey" in sample.table else [told]
    return " and ".join(SURVEYS.get(name, name) for name in known)


def _preprocessing(folder: Path) -> dict[str, Any]:
    """Return the settings with which the sample was made."""
    settings: dict[str, Any] = read_json(folder / "preprocess.json").get("settings", {})
    return settings


def _steps(folder: Path, manifest: Manifest) -> str:
    settings = _preprocessing(folder)
    pixels = manifest.stage("02_preprocess")["counts"].get("pixels")
    dust = _dust(settings, *corrected(folder))
    resample = str(settings.get("resample", ""))
    on = f" by {RESAMPLING.get(resample, resample)}" if resample else ""
    filled = FILLED.get(settings.get("impute", ""))
    return (f"{dust}shifted to the rest frame, resampled{on} onto {pixels:,} common pixels"
            f"{_span(settings.get('grid'))} and divided by their median"
            f"{f'; missing pixels were filled with {filled}' if filled else ''}.")


def corrected(folder: Path) -> tuple[int | None, int]:
    """Return of how many spectra of a run extinction was undone, and of how many not; None where nobody counted."""
    counts = read_json(folder / "preprocess.json").get("report", {}).get("extinction", {})
    if not counts:
        return None, 0
    return (int(counts["corrected"]), int(counts["not_corrected"])) if counts.get("on") else (0, 0)


def _dust(settings: Mapping[str, Any], done: int | None, left: int) -> str:
    """Return how the sentence on the steps begins: of which spectra extinction was undone, and how."""
    law = ""
    if settings.get("extinction") == "F99":
        law = (f" with the law of Fitzpatrick [Fitzpatrick1999] for R_V = {settings['r_v']:g}, E(B-V) being "
               f"{settings['ebv_scale']:g} times that of the SFD map [Schlegel1998, Schlafly2011]")
    if not settings.get("extinction") or (done == 0 and not left):
        return "Spectra were "
    if not left:
        return f"Spectra were corrected for Galactic extinction{law}, "
    unknown = "as their E(B-V) is not known. Spectra were "
    if not done:
        return f"Spectra were not corrected for Galactic extinction, {unknown}"
    some = f"{done:,} spectr{'a were' if done > 1 else 'um was'} corrected for Galactic extinction{law}"
    return f"{some}; {left:,} {'were' if left > 1 else 'was'} not, {unknown}"


def _span(grid: Any) -> str:
    """Return where the grid lies, in words, as far as that is known; some of its pixels may have been dropped."""
    if not isinstance(grid, list) or len(grid) < 3:
        return " in vacuum"
    low, high = grid[:2] if len(grid) == 3 else (grid[0], grid[-1])
    ratios = np.diff(np.log(grid))
    even = "λ" if len(grid) == 3 else "log λ" if np.allclose(ratios, ratios.mean(), rtol=1e-3) else ""
    return f" of a grid in vacuum from {low:.0f} to {high:.0f} Å{f', even in {even},' if even else ''}"


def _model(folder: Path, manifest: Manifest) -> str:
    card, bins = model_card(folder)
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
    many = f", one in each of {bins} bins," if bins > 1 else ""
    return f"{kind}{many} was trained on {counts.get('spectra', card.get('trained_on')):,} spectra{crossed}."


def _scores(folder: Path, manifest: Manifest) -> str:
    told = told_to(manifest, "04_score")
    asked = str(told.get("rank_by") or ("mse_raw" if told.get("preset") == "paper" else "chi2_ivar"))
    name = asked.removesuffix("_raw").removesuffix("_cal")
    metric = name.removesuffix("_trimmed").removesuffix("_filtered")
    left_out = [_filter(folder, told)] if "_filtered" in name else []
    left_out += [f"the {told['trim']:.0%} of pixels with the largest residuals"] if name.endswith("_trimmed") else []
    without = f", without {' and '.join(left_out)}" if left_out else ""
    counts = manifest.stage("04_score")["counts"]
    against = compared_with(counts.get("spectra", FEWEST)).replace("S/N", "signal-to-noise ratio")
    excess = "" if asked.endswith("_raw") else f", in excess of {against}"
    count = counts.get("scores")
    return (f"Spectra were ranked by {SCORES.get(metric, f'the score {metric}')}{without} ({name}, one of {count} "
            f"scores){excess}.")


def _opened(folder: Path) -> Any:
    """Return the sample, None where there is none to be read."""
    try:
        return SpectrumSet.open(folder / "sample.zarr")
    except (DataError, OSError):
        return None


def _filter(folder: Path, told: Mapping[str, Any]) -> str:
    """Return what the line filter of the run left out, in words."""
    lines, velocity = line_filter(_opened(folder), lines=told.get("filter_lines"), velocity=told["velocity"],
                                  preset=told.get("preset") or None)
    return f"pixels within {velocity:g} km/s of {LINES[lines]}"


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
