"""Explanations as objects of other packages: a ``shap.Explanation`` for its plots, an ``xarray.Dataset`` for files."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from .classes import CLASSES
from .explanation import Explanation
from .explanationset import ExplanationSet
from .segments import intervals_of

NUMBERS = {
    "score": "scores", "intercept": "intercepts", "r2": "r2", "ess": "ess", "stability": "stability",
    "completeness": "completeness", "n_samples": "n_samples", "artefact": "artefact", "z_second": "z_second",
}
TEXTS = {"grade": "grades", "reason": "reasons", "path": "paths", "kernel": "kernels", "untold": "untold"}
MEANING = {
    "weight": "change of the score when the segment is as observed instead of filled",
    "error": "standard error of the weight over the drawing of masks",
    "lower": "lower end of the 95 % interval of the weight", "upper": "upper end of the 95 % interval of the weight",
    "intercept": "score of the surrogate with every segment filled", "r2": "weighted R² of the surrogate",
    "ess": "effective number of samples", "n_samples": "number of scores asked for",
    "stability": "probability that another drawing of as many masks has the same segment of largest |weight|",
    "completeness": "what the weights lack in adding up, as a share of the difference between spectrum and fill",
    "artefact": "probability of an artefact", "z_second": "redshift of lines of another galaxy",
    "untold": "why there is no probability of an artefact",
    "share": "share of the weight on each class of pixels",
    "segments": "segment of each pixel", "narrow": "whether the segment is narrower than the line-spread function",
    "lo": "first wavelength of the segment", "hi": "last wavelength of the segment", "score": "score of the spectrum",
}


def to_shap(explanation: Explanation | ExplanationSet) -> Any:
    """Return a ``shap.Explanation``, for the plots of the shap package.

    Parameters
    ----------
    explanation : Explanation or ExplanationSet

    Returns
    -------
    shap.Explanation
        ``values``: the weights, ``(K,)`` or ``(n, K)``; ``base_values``: the intercept, the score with every segment
        filled; ``data``: the mean flux of each segment, if the flux was kept; ``feature_names``: names of the
        segments, or their wavelengths where the spectra of a set name them differently. Values and base value add up
        to the score as far as the method is complete: for :class:`Shap` they do.

    Raises
    ------
    MissingDependency
        When shap is not installed.
    """
    shap = require("shap", extra="exchange")
    if isinstance(explanation, Explanation):
        data = None if explanation.flux is None else _means(explanation.flux, explanation.segments)
        return shap.Explanation(np.array(explanation.weights), base_values=explanation.intercept, data=data,
                                feature_names=list(explanation.names))
    k = explanation.weights.shape[1]
    means = None
    if explanation.flux is not None:
        cuts = np.broadcast_to(explanation.segments, explanation.flux.shape)
        means = np.stack([_filled(_means(flux, cut), k) for flux, cut in zip(explanation.flux, cuts, strict=True)])
    return shap.Explanation(np.array(explanation.weights), base_values=np.array(explanation.intercepts), data=means,
                            feature_names=_common_names(explanation))


def to_xarray(explanation: Explanation | ExplanationSet) -> Any:
    """Return an ``xarray.Dataset`` with all there is, which ``.to_netcdf(path)`` writes.

    Parameters
    ----------
    explanation : Explanation or ExplanationSet

    Returns
    -------
    xarray.Dataset
        Dimensions ``id``, ``segment``, ``pixel`` and ``class`` (of context). Coordinates: ``wave`` (pixel), ``lo`` and
        ``hi`` (the wavelengths of each segment) with their units. Variables: ``weight``, ``error``, ``lower``,
        ``upper``, ``name`` (id, segment), ``segments`` (pixel, or id and pixel), ``flux`` if kept, ``share``, and one
        a spectrum each of score, intercept, r2, ess, stability, completeness, n_samples, artefact, z_second, grade,
        reason, path.
        Attributes: the settings as JSON, the frame.

    Raises
    ------
    MissingDependency
        When xarray is not installed.
    """
    xarray = require("xarray", extra="exchange")
    many = ExplanationSet.of([explanation]) if isinstance(explanation, Explanation) else explanation
    variables = _variables(many) | {name: (("id",), getattr(many, column)) for name, column in NUMBERS.items()}
    variables |= {name: (("id",), _text(getattr(many, column))) for name, column in TEXTS.items()}
    units = _units(many)
    coordinates = {
        "id": ("id", _text(many.ids)), "segment": np.arange(many.weights.shape[1]), "class": _text(list(CLASSES)),
        "wave": ("pixel", many.wave), **_ends(many),
    }
    made = xarray.Dataset(variables, coordinates, {
        "title": "explanations of scores of spectra", "settings": json.dumps(dict(many.settings), ensure_ascii=False),
        "frame": many.frame, "skipped": json.dumps([[one.id, one.reason] for one in many.skipped], ensure_ascii=False),
    })
    for name in made.variables:
        if name in MEANING:
            made[name].attrs["long_name"] = MEANING[str(name)]
        if name in ("wave", "lo", "hi"):
            made[name].attrs["units"] = units
    return made


def _variables(many: ExplanationSet) -> dict[str, Any]:
    by_segment, k = ("id", "segment"), many.weights.shape[1]
    names = [list(row) + [""] * (k - len(row)) for row in many.names]
    made: dict[str, Any] = {
        "weight": (by_segment, many.weights), "error": (by_segment, many.error),
        "lower": (by_segment, many.interval[..., 0]), "upper": (by_segment, many.interval[..., 1]),
        "name": (by_segment, _text(names)), "share": (("id", "class"), many.shares),
        "segments": (("id", "pixel")[-many.segments.ndim :], many.segments),
    }
    if many.narrow is not None:
        made["narrow"] = (by_segment, many.narrow)
    if many.flux is not None:
        made["flux"] = (("id", "pixel"), many.flux)
    return made


def _ends(many: ExplanationSet) -> dict[str, Any]:
    """Return where segments begin and end: their first and last pixel, whatever lies between."""
    if many.segments.ndim == 1:
        spans = intervals_of(many.segments, many.wave)
        return {name: ("segment", np.array([span[at][at] for span in spans])) for name, at in (("lo", 0), ("hi", -1))}
    k = many.weights.shape[1]
    each = [intervals_of(row, many.wave) for row in many.segments]
    return {name: (("id", "segment"), np.stack([_filled(np.array([span[at][at] for span in spans]), k)
                                                for spans in each])) for name, at in (("lo", 0), ("hi", -1))}


def _means(flux: NDArray[Any], segments: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the mean flux of each segment, shape ``(K,)``."""
    return np.asarray(np.bincount(segments, weights=flux) / np.bincount(segments))


def _filled(row: NDArray[np.float64], k: int) -> NDArray[np.float64]:
    return np.concatenate([row, np.full(k - row.size, np.nan)])


def _common_names(many: ExplanationSet) -> list[str]:
    """Return one name a segment: the names if all rows agree, wavelengths if they are cut alike, numbers if not."""
    if len(set(many.names)) == 1:
        return list(many.names[0])
    if many.segments.ndim == 1:
        return ["+".join(f"{lo:.0f}–{hi:.0f}" for lo, hi in span) for span in intervals_of(many.segments, many.wave)]
    return [f"segment {k}" for k in range(many.weights.shape[1])]


def _units(many: ExplanationSet) -> str:
    """Return the unit of the wavelengths; arrays that came without any have pixel numbers from 1 in their place."""
    numbered = np.array_equal(many.wave, np.arange(1.0, many.wave.size + 1.0))
    return "1" if numbered else "angstrom"


def _text(values: Any) -> NDArray[np.object_]:
    return np.array(values, dtype=object)
