"""From a spectrum to the problem that evaluators and methods solve, and from their answer to the record.

Nothing here knows of masks or weights: it binds the score, cuts, fills, and afterwards says what lies where the
weights are.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from ..protocols import Perturbation, Reconstruct, Score, Segmenter
from ..spectrum import Spectrum
from .attribution import Attribution, Evaluator
from .classes import rest_wave
from .context import Evidence, context_of
from .explanation import Explanation
from .grades import grade_of
from .perturb import fill_of
from .problem import Problem
from .segments import checked


def bind(score: Any, spectrum: Spectrum) -> Score:
    """Return the score for perturbed copies of one spectrum.

    Raises
    ------
    DataError
        When the flux is not finite.
    """
    if not np.isfinite(spectrum.flux).all():
        count = int((~np.isfinite(spectrum.flux)).sum())
        raise DataError(message("flux", expected="finite values", got=f"{count} NaN or infinite in {spectrum.id!r}",
                                hint="a Preprocessor imputes missing pixels"))
    bound: Score = score.bind(spectrum) if hasattr(score, "bind") else score
    return bound


def cut(segmenter: Segmenter, spectrum: Spectrum) -> NDArray[np.intp]:
    """Return the segment of each pixel, shape ``(p,)``, in the frame the segmenter asks for."""
    wave: NDArray[np.float64] | None = spectrum.wave
    if getattr(segmenter, "frame", None) == "rest":
        wave = rest_wave(spectrum)
        if wave is None:
            raise DataError(message("segments", expected="a redshift, to find lines", got=f"none of {spectrum.id!r}",
                                    hint="Uniform(77), or Spectrum(..., z=0.1)"))
    assert wave is not None
    return checked(segmenter(spectrum.flux, wave), spectrum.flux.size)


def pose(
    bound: Score, spectrum: Spectrum, segments: NDArray[np.intp], *, perturbation: Perturbation, seed: int,
    last_stays: bool = False,
) -> Problem:
    """Return the problem of one spectrum.

    Parameters
    ----------
    bound, spectrum, segments
        As for :meth:`.Explainer.problem`.
    perturbation : Perturbation
        Makes the fill.
    seed : int
        Of random fills, of this object.
    last_stays : bool
        Whether the last segment is never switched off.
    """
    flux, keep = spectrum.flux, getattr(bound, "keep", None)
    # Imputed pixels that the score leaves out stay as they are, so that no segment is blamed for invented flux.
    frozen = spectrum.imputed & ~keep if spectrum.imputed is not None and keep is not None else None
    fill = fill_of(perturbation, flux, segments, seed=seed, frozen=frozen,
                   reconstruct=_one_by_one(getattr(bound, "reconstruct", None)))
    if last_stays:
        fill = np.where(segments == segments.max(), flux, fill)
    return Problem(bound, flux, fill, segments)


def _one_by_one(reconstruct: Reconstruct | None) -> Reconstruct | None:
    """Return the model for one spectrum: through its layers where it offers them, not in a padded batch of hundreds."""
    network = getattr(reconstruct, "network", None)
    return reconstruct if network is None else lambda rows: network(np.asarray(rows)[0])[None, :]


def record(
    spectrum: Spectrum, evaluator: Evaluator, found: Attribution, *, settings: dict[str, Any]
) -> Explanation:
    """Return the explanation: the weights, how far they can be trusted, and what lies where they are."""
    problem = evaluator.problem
    evidence = Evidence.of(problem.flux, problem.fill, reconstruction=evaluator.reconstruction(), keep=problem.keep,
                           weight=getattr(problem.score, "weights", None),
                           quasar=getattr(problem.score, "lines", None) == "quasar")
    context = context_of(spectrum, problem.segments, found.weights, evidence=evidence)
    grade = grade_of(found)
    return Explanation(
        found.weights, found.interval, problem.segments, spectrum.wave, score=found.score, intercept=found.intercept,
        r2=found.r2, ess=found.ess, error=found.error, stability=found.stability, completeness=found.completeness,
        n_samples=found.n_samples, grade=grade.grade, reason=grade.reason, context=context,
        path=found.path or evaluator.path, kernel=found.kernel, id=spectrum.id, frame=spectrum.frame,
        settings=settings, flux=problem.flux,
    )
