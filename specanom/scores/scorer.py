"""How odd each spectrum is: a model's residual, filtered, trimmed and averaged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, GridError, choice, message
from ..lines import line_mask
from ..protocols import Model
from ..spectrum import Spectrum
from .bound import BoundScore, finite
from .calibrate import CalibratedScorer, calibrate
from .chunks import Doubles, Keep
from .evaluate import scored
from .metrics import METRICS
from .picking import Pickable
from .recipe import Recipe
from .rows import BLOCK, Batch, batches

RIGHT = {"lines": "vacuum", "weight": "flux", "norm": "mean", "trim_by": "weighted", "ignore_imputed": True}
PAPER = {"lines": "paper", "weight": "signed", "norm": "l2", "trim_by": "residual", "ignore_imputed": False}
VARIANTS = (("", False, False), ("_filtered", True, False), ("_trimmed", False, True),
            ("_filtered_trimmed", True, True))


@dataclass(frozen=True, eq=False)
class Scorer(Pickable):
    """How odd spectra are: metric × line filter × trim of what a model cannot reconstruct.

    Settings only; calling it computes. Higher is odder. A spectrum of which no pixel can be used, or one that counts
    is not finite, gets NaN, which ranks last.

    Parameters
    ----------
    model : Model
        Anything with ``reconstruct``; see :func:`specanom.wrap`.
    metric : str
        ``"mse"``, ``"chi2"``, ``"chi2_ivar"`` (recommended), ``"multiscale"``, ``"mad"``, ``"lp"`` (p = 1/3),
        ``"cosine"``, ``"correlation"`` or ``"braycurtis"``.
    velocity : float, optional
        Line filter: pixels within ±v km/s of a line do not count; none without it. The paper uses 250.
    trim : float
        Share of the pixels left out, those with the largest weighted residuals; ⌊(1 − trim)·N⌋ stay.
    lines : "vacuum", "quasar", "paper" or sequence of line names, optional
        Lines of the filter. ``"quasar"`` is for broad lines of the ultraviolet: with ``velocity=2500``, say.
        ``"paper"`` is the published list, in air although the spectra are in vacuum.
    delta : float
        δ of the chi2 weight 1/(|x| + δ).
    weight : {"flux", "reconstruction", "signed"}, optional
        chi2 is weighted with 1/(|x| + δ), with 1/(|x'| + δ), or with 1/(x + δ) as published, which is negative
        below −δ.
    norm : {"mean", "l2"}, optional
        Mean of the squares, or the root of their sum as in the published code.
    ignore_imputed : bool, optional
        Whether pixels filled in by preprocessing are left out.
    trim_by : {"weighted", "residual"}, optional
        Whether the trim goes by weighted residual, or by |r| before weighting as published.
    name : str, optional
        Name of its column; made of metric, filter and trim when not given.
    preset : None or "paper"
        ``"paper"`` sets what is not given to the published behaviour: ``lines="paper"``, ``weight="signed"``,
        ``norm="l2"`` (squared metrics), ``trim_by="residual"``, ``ignore_imputed=False``. A chi2 whose sum is
        negative is then NaN, which the published code ranked first: ``nan`` says so to :func:`ranks` and
        :func:`overlap`.

    Raises
    ------
    ArgumentError
        For an unknown name or a value out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from specanom.models import wrap
    >>> model = wrap(lambda flux: np.ones_like(flux))
    >>> Scorer(model, "mse")(np.array([[1.0, 3.0], [1.0, 1.0]]))
    array([2., 0.])
    """

    model: Model
    metric: str = "mse"
    velocity: float | None = field(default=None, kw_only=True)
    trim: float = field(default=0.0, kw_only=True)
    lines: str | Sequence[str] | None = field(default=None, kw_only=True)
    delta: float = field(default=1e-3, kw_only=True)
    weight: str | None = field(default=None, kw_only=True)
    norm: str | None = field(default=None, kw_only=True)
    ignore_imputed: bool | None = field(default=None, kw_only=True)
    trim_by: str | None = field(default=None, kw_only=True)
    name: str = field(default="", kw_only=True)
    preset: str | None = field(default=None, kw_only=True)
    recipe: Recipe = field(init=False, repr=False)

    def __post_init__(self) -> None:
        put = object.__setattr__
        _check_model(self.model, self.metric)
        choice("metric", self.metric, METRICS)
        given = PAPER if choice("preset", self.preset, (None, "paper")) == "paper" else RIGHT
        for setting, value in given.items():
            if getattr(self, setting) is None:
                put(self, setting, value)
        if self.preset == "paper" and not METRICS[self.metric].squared:
            put(self, "norm", "mean")
        put(self, "recipe", Recipe(self.metric, self.trim, str(self.trim_by), str(self.weight), self.delta,
                                   str(self.norm)))
        if not self.name:
            put(self, "name", self.metric + "_filtered" * (self.velocity is not None) + "_trimmed" * (self.trim > 0))
        if self.velocity is not None:
            line_mask(np.ones(1), self.velocity, self._lines)  # a wrong velocity or line stops here

    @classmethod
    def paper(
        cls, model: Model, preset: str | None = None, *, velocity: float = 250.0, trim: float = 0.03,
        lines: str | Sequence[str] | None = None,
    ) -> dict[str, Scorer]:
        """Return the eight scores of the paper by name: MSE and χ², each plain, filtered, trimmed and both.

        Parameters
        ----------
        model : Model
            What reconstructs.
        preset : None or "paper"
            None computes them right; ``"paper"`` as published (see the class).
        velocity, trim : float
            Half width of the line filter in km/s, and the trimmed share (paper, Sect. 3.2).
        lines : "vacuum", "quasar", "paper" or sequence of line names, optional
            Lines of the filter; see the class.
        """
        return {
            metric + suffix: cls(model, metric, velocity=velocity if filtered else None, trim=trim if cut else 0.0,
                                 lines=lines, name=metric + suffix, preset=preset)
            for metric in ("mse", "chi2")
            for suffix, filtered, cut in VARIANTS
        }

    # -- using it --------------------------------------------------------------------------------------------------

    def __call__(self, sample: Any, /, *, block_size: int = BLOCK) -> Doubles:
        """Return how odd each spectrum is.

        Parameters
        ----------
        sample : SpectrumSet, Spectrum, sequence of Spectrum, or (n, p) array
            At rest and normalised, on the model's grid. A spectrum the model was trained on is found by its id and
            judged by a network that has not seen it; an array has no ids, no noise and no imputed pixels.
        block_size : int
            Rows reconstructed at once; the result does not depend on it.

        Returns
        -------
        (n,) float64 array

        Warns
        -----
        ScoreWarning
            Naming spectra whose score is NaN.

        Raises
        ------
        DataError
            When the metric needs an inverse variance and there is none.
        GridError, ShapeError
            When the sample is on another grid than the model.
        """
        return scored(self, sample, block_size)

    def bind(self, spectrum: Spectrum) -> BoundScore:
        """Return the score for perturbed copies of one spectrum, with its fold, its noise and its kept pixels.

        Raises
        ------
        DataError
            When a pixel is not finite.
        """
        batch = next(batches(spectrum))
        batch.check_grid(self.model)
        batch.refuse_broken()
        keep = self.kept(batch)
        keep = keep if keep.ndim == 1 else keep[0]
        weights = None
        if self.recipe.weighting == "ivar":
            self.recipe(batch.flux[:0], batch.flux[:0], batch.ivar)  # no ivar: the error says so
            assert batch.ivar is not None
            weights = batch.ivar[0].astype(np.float64)
            keep = keep & (weights > 0)
        return BoundScore(self.name, self.recipe, keep, batch.told(self.model).bind(spectrum.id), weights,
                          spectrum.wave, spectrum.ivar, spectrum.imputed, spectrum.id, lines=self.lines)

    def calibrate(
        self, sample: Any, *, neighbours: int | None = None, values: NDArray[Any] | None = None
    ) -> CalibratedScorer:
        """Return the same score in excess of spectra of like S/N and redshift.

        Parameters
        ----------
        sample : SpectrumSet or sequence of Spectrum
            What is ordinary: usually the whole sample.
        neighbours : int, optional
            How many spectra are "of like S/N and redshift"; chosen by the size of the sample when not given.
        values : (n,) array, optional
            This score of the sample, when it has been computed already.
        """
        return calibrate(self, sample, neighbours=neighbours, values=values)

    def kept(self, batch: Batch) -> Keep:
        """Which pixels count before the trim: ``(p,)``, or ``(n, p)`` when it differs by spectrum."""
        keep = np.ones(batch.flux.shape[1], dtype=bool)
        if self.velocity is not None:
            keep = ~line_mask(self._wave(batch), self.velocity, self._lines)
        if self.ignore_imputed and batch.imputed is not None and batch.imputed.any():
            return keep & ~batch.imputed
        return keep

    def evaluate(self, batch: Batch) -> Doubles:
        """Return the scores of a batch; its reconstruction is shared with the other scorers of the model."""
        reconstruction = batch.reconstruction(self.model)
        kept = self.kept(batch)
        values = self.recipe(batch.flux, reconstruction, batch.ivar, kept)
        if batch.broken.any():
            values[self.spoilt(batch, kept)] = np.nan  # a trim would hide the pixel
        return values if self.preset == "paper" else finite(values)

    def spoilt(self, batch: Batch, kept: Keep) -> Keep:
        """Which rows have a pixel that counts and is not finite, ``(n,)``."""
        if self.recipe.weighting == "ivar" and batch.ivar is not None:
            kept = kept & (batch.ivar > 0)
        return np.asarray((~np.isfinite(batch.flux) & kept).any(axis=1))

    @property
    def can_be_negative(self) -> bool:
        """Whether values below zero occur in good order, so that a calibration cannot take logarithms."""
        return self.recipe.can_be_negative

    @property
    def nan(self) -> str:
        """Where NaN ranks: ``"last"``, or ``"first"`` under ``preset="paper"``, as published."""
        return "first" if self.preset == "paper" else "last"

    @property
    def _lines(self) -> str | Sequence[str]:
        assert self.lines is not None
        return self.lines

    def _wave(self, batch: Batch) -> NDArray[np.float64]:
        if batch.frame != "rest":
            raise GridError(message("sample", expected="the rest frame, where the lines of the filter are",
                                    got=f"the {batch.frame} frame", hint="preprocess it first"))
        wave = batch.wave if batch.wave is not None else self.model.wave
        if wave is None:
            raise ArgumentError(message("velocity", expected="wavelengths to find the lines",
                                        got="an array and a model without them",
                                        hint="score a SpectrumSet, or wrap(callable, wave=wave)"))
        return wave

    def __repr__(self) -> str:
        lines = "" if self.velocity is None else f", without lines ±{self.velocity:g} km/s ({self.lines})"
        trim = f", trimmed {self.trim:.0%}" if self.trim else ""
        preset = ", as published" if self.preset else ""
        return f"Scorer {self.name!r}: {self.metric}{lines}{trim}{preset}, of {type(self.model).__name__}"


def _check_model(model: Any, metric: Any) -> None:
    """Refuse what is no model: the first mistake is to give spectra, or the name of the metric first."""
    if callable(getattr(model, "reconstruct", None)):
        return
    swapped = isinstance(model, str) and hasattr(metric, "reconstruct")
    if swapped:
        hint = f"Scorer(model, {model!r}): the model comes first"
    elif callable(model):
        hint = "specanom.wrap(function) makes a model of a function (n, p) -> (n, p)"
    else:
        hint = "Scorer(VAEModel().fit(sample)), then scorer(sample)"
    raise ArgumentError(message("model", expected="a model, with .reconstruct", hint=hint,
                                got=repr(model) if isinstance(model, str) else type(model).__name__))
