"""Whether a spectrum can be explained with some settings, said before it is tried, in words and with what to try."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from specanom.errors import SpecanomError, message
from specanom.explain.gradients import gradient_of
from specanom.explain.posing import bind, cut
from specanom.explain.refine import shares
from specanom.explain.residuals import refuse
from specanom.explain.shap import MOST_EXACT
from specanom.spectrum import Spectrum

if TYPE_CHECKING:
    from .settings import TunerSettings

NO_EDGES = "edges: expected at least one wavelength in Å, got none. Try: 5000, or take the present edges"


def refused(settings: TunerSettings, score: Any = None, spectrum: Spectrum | None = None) -> str | None:
    """Say why a spectrum cannot be explained with these settings.

    Parameters
    ----------
    settings : TunerSettings
    score : Scorer or callable, optional
        What is explained; without it nothing is said of what only some scores allow.
    spectrum : Spectrum, optional
        Without it nothing is said of what depends on the spectrum.

    Returns
    -------
    str or None
        The first reason found, with what to try; None when there is none.
    """
    try:
        reason = _parts(settings)
        if reason is None and spectrum is not None:
            reason = _cut(settings, spectrum)
            if reason is None and score is not None:
                reason = _score(settings, bind(score, spectrum), spectrum)
    except SpecanomError as exc:
        return str(exc)
    return reason


def _parts(now: TunerSettings) -> str | None:
    """Make each part, and the methods of all rounds of segments that are refined: a wrong value is said then."""
    if "edges" in now.used and not now.edges:
        return NO_EDGES
    now.segmenter()
    now.fill()
    method = now.attribution()
    if now.segmentation == "refined":
        shares(method, now.depth + 1)
    return _packages(now)


def _packages(now: TunerSettings) -> str | None:
    wanted = {"slic": ("slic" in (now.segmentation, now.start if now.segmentation == "refined" else ""), "skimage"),
              "lime": (now.method == "lime" and now.engine == "lime", "lime")}
    for what, (needed, package) in wanted.items():
        if needed and find_spec(package) is None:
            return message(what, expected="an installed package", got=f"no {package}",
                           hint="pip install 'specanom[explain]'")
    return None


def _cut(now: TunerSettings, spectrum: Spectrum) -> str | None:
    pixels = spectrum.flux.size
    if "count" in now.used and now.count > pixels:
        return message("segments", expected=f"at most {pixels}, one a pixel", got=now.count, hint="77")
    exact = now.method == "shap" and now.exact is True
    if exact or now.segmentation not in ("uniform", "slic"):  # cutting by the flux takes time: only where it tells
        k = int(cut(now.segmenter(), spectrum).max()) + 1
        if exact and k > MOST_EXACT:
            return message("exact", expected=f"at most {MOST_EXACT} segments for exact Shapley values",
                           got=f"{k} segments", hint="fewer segments, or exact “for few segments”")
    if now.perturbation == "typical" and now.typical is not None and np.shape(now.typical.thing) != (pixels,):
        return message("typical", expected=f"a spectrum of {pixels} pixels",
                       got=f"shape {np.shape(now.typical.thing)}", hint="the model's reconstruction")
    return None


def _score(now: TunerSettings, bound: Any, spectrum: Spectrum) -> str | None:
    """Refuse what needs a model, or a slope, where the score has none."""
    modelled = getattr(bound, "reconstruct", None) is not None
    if now.perturbation == "typical" and now.typical is None and not modelled:
        return message("fill", expected="a score with a model, whose reconstruction is typical", got="a plain function",
                       hint="the fill “segment mean” or “blur”")
    if now.method == "split":
        refuse(bound)
    if now.method == "gradients":
        if now.baseline == "reconstruction" and not modelled:
            return message("baseline", expected="“fill” for a score without a model", got="“reconstruction”",
                           hint="the baseline “fill”")
        _slope(bound, spectrum.flux.size)
    return None


def _slope(bound: Any, pixels: int) -> None:
    """Ask the score for the gradients of no spectra at all: whether it has one shows, and costs little."""
    gradient = gradient_of(bound)
    try:
        gradient(np.empty((0, pixels), dtype=np.float32))
    except SpecanomError:
        raise
    except Exception:  # a score of one's own that wants at least one spectrum: it is asked when it comes to it
        return
