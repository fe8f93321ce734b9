"""The Explainer: a score, segments, a perturbation and a method, joined."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import KW_ONLY, dataclass, fields, is_dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, GridError, ShapeError, choice, message
from ..face import dashboard
from ..parallel import map_blocks
from ..parallel.progress import Progress
from ..presets import PRESETS, by_preset, resolve
from ..protocols import Perturbation, Score, Segmenter
from ..seeds import content_hash, object_seed
from ..spectrum import Spectrum
from ..spectrumset import SpectrumSet
from .attribution import Evaluator, Method
from .evaluate import evaluator_of
from .evaluate.device import batched_device, prefetch
from .explanation import Explanation
from .explanationset import ExplanationSet, Skipped
from .images import explain_image, is_image
from .inputs import as_set, as_spectrum, blocks_of
from .lime import Lime
from .many import Block, gathered, stored
from .perturb import Contrast, Scale
from .posing import bind, cut, pose, record
from .problem import Problem
from .refine import answer
from .segments import Uniform

SEGMENTS = by_preset(Uniform(77), paper=Uniform(77, published=True))
PERTURBATION = by_preset(Scale(0.9), paper=Contrast(0.9))
METHOD = by_preset(Lime(), paper=Lime().by_preset("paper"))


class ExplanationWarning(UserWarning):
    """Explanations that should not be trusted as they are."""


@dataclass(frozen=True, eq=False)
class Explainer:
    """Explains the scores of spectra.

    Parameters
    ----------
    score : Scorer or callable
        Anything with ``bind(spectrum) -> score``, or a function ``(n, p) -> (n,)``; higher is odder.
    segments : Segmenter
        How the spectrum is cut: :class:`Uniform`, :class:`Lines`, :class:`Slic`, :class:`Boundaries` or your own.
    perturbation : Perturbation
        What replaces a segment that is off: :class:`Scale`, :class:`Flat`, … or your own.
    method : Method
        How scores of masks become weights.
    seed : int
        Of the masks; random fills derive theirs from it and the id.
    preset : "paper", optional
        As published, in all that is not given: 5000 independent masks, proximities not normalised, the published way
        of cutting, and what the paper calls scale, which is :class:`Contrast`. Of a :class:`Lime` that is given, the
        settings it was given stay.
    device : {"cpu", "auto", "cuda", "mps"}
        Where the scores of perturbed copies are computed, for many spectra at once; ``"auto"`` takes a GPU when there
        is one. What a GPU cannot do is done on the CPU, and ``explanation.path`` says so.

    Examples
    --------
    >>> odd = lambda flux: ((flux - 1.0) ** 2).mean(axis=1)
    >>> flux = np.ones(60); flux[30:40] = 3.0
    >>> e = Explainer(odd, Uniform(6), method=Lime(200)).explain(flux)
    >>> int(e.order[0])
    3
    """

    score: Any
    segments: Segmenter = SEGMENTS
    _: KW_ONLY
    perturbation: Perturbation = PERTURBATION
    method: Method = METHOD
    seed: int = 0
    preset: str | None = None
    device: str = "cpu"

    def __post_init__(self) -> None:
        choice("preset", self.preset, PRESETS)
        batched_device(self.device)
        if isinstance(self.seed, bool) or not isinstance(self.seed, (int, np.integer)):
            raise ArgumentError(message("seed", expected="a whole number", got=repr(self.seed)))
        if hasattr(self.score, "reconstruct") and hasattr(self.score, "fit"):
            raise ArgumentError(message("score", expected="a Scorer or a function (n, p) -> (n,)",
                                        got=f"the model {self.score!r}", hint='Scorer(model, "chi2_ivar")'))
        if not callable(self.score) and not hasattr(self.score, "bind"):
            raise ArgumentError(message("score", expected="a Scorer or a function (n, p) -> (n,)",
                                        got=type(self.score).__name__,
                                        hint='Explainer(Scorer(model, "chi2_ivar")).explain(spectrum)'))
        for name in ("segments", "perturbation", "method"):
            part = resolve(getattr(self, name), self.preset)
            object.__setattr__(self, name, part)
            if not callable(part) or isinstance(part, type):
                hint = f"{part.__name__}(), with brackets" if isinstance(part, type) else ""
                raise ArgumentError(message(name, expected=f"an object such as {_EXAMPLES[name]}",
                                            got="the class" if hint else repr(part), hint=hint))
        if isinstance(self.method, Lime):
            object.__setattr__(self, "method", self.method.by_preset(self.preset))

    def explain(self, spectrum: Spectrum | NDArray[Any]) -> Explanation:
        """Explain one spectrum, or one image.

        Parameters
        ----------
        spectrum : Spectrum or (p,) array
            On the grid of the score. An array without wavelengths is explained by pixel number. An ``(h, w)`` or
            ``(h, w, c)`` array is an image, explained by superpixels: the score then takes ``(n, h, w[, c])``, the
            segments are :class:`Slic`, :class:`Grid` or :class:`Given`, and an :class:`ImageExplanation` is returned.

        Raises
        ------
        DataError
            When the flux or its score is not finite.
        GridError, ShapeError
            When the score refuses the grid.
        ArgumentError
            When there are more segments than pixels, or the perturbation cannot be used.
        """
        made, notes = (explain_image(self, np.asarray(spectrum)) if is_image(spectrum)
                       else self._explained(as_spectrum(spectrum, self.score)))
        for note in notes:
            warnings.warn(note, ExplanationWarning, stacklevel=2)
        return made

    def explain_many(
        self, sample: SpectrumSet | Iterable[Spectrum] | NDArray[Any], progress: bool = False, *, executor: Any = None,
        store: str | Path | None = None,
    ) -> ExplanationSet:
        """Explain each spectrum of a sample; the numbers are those of :meth:`explain`.

        Parameters
        ----------
        sample : SpectrumSet, iterable of Spectrum or (n, p) array
            Spectra on one grid.
        progress : bool
            Whether to show a progress bar.
        executor : optional
            Where to work, see :func:`specanom.parallel.map_blocks`.
        store : path-like, optional
            Folder to write the explanations to as they come, e.g. ``"explanations.zarr"``: memory then does not grow
            with the sample. It appears when it is whole; saved explanations that are there are replaced.

        Returns
        -------
        ExplanationSet
            In the order of the sample; spectra that cannot be explained are listed in ``.skipped``. With `store`, its
            arrays are read when they are touched.

        Raises
        ------
        DataError
            When not one spectrum can be explained, or `store` holds something else.
        """
        if isinstance(sample, np.ndarray) and sample.ndim == 2:
            sample = as_set(sample, self.score)
        home = sample if isinstance(sample, SpectrumSet) and store is None else None
        work = partial(self.block, flux=home is None)
        results = _shown(map_blocks(work, blocks_of(sample, self.score), executor), sample, progress)
        made, noted = gathered(results, home) if store is None else stored(results, store)
        if noted:
            warnings.warn(f"{len(noted)} explanations: {noted[0]}", ExplanationWarning, stacklevel=2)
        return made

    def tune(self, spectrum: Spectrum, *, sample: SpectrumSet | None = None) -> Any:
        """Explain a spectrum in a dashboard, and watch what each setting does to the explanation.

        Parameters
        ----------
        spectrum : Spectrum
            On the grid of the score.
        sample : SpectrumSet, optional
            Other spectra that can be switched to.

        Returns
        -------
        LimeTuner
            Shown by a notebook when it is the last line of a cell; its ``result`` is the explainer that was tuned.

        Raises
        ------
        MissingDependency
            When ipywidgets or anywidget is not installed.
        """
        return dashboard("tune")(self, spectrum, sample=sample)

    def block(self, spectra: list[Spectrum], *, flux: bool) -> Block:
        """Explain a few spectra; `flux` says whether they travel with their explanations."""
        ready = self._ready(spectra)
        return Block.of((self._outcome(one, ready.get(i)) for i, one in enumerate(spectra)), flux=flux)

    def _outcome(self, spectrum: Spectrum, ready: Evaluator | None) -> tuple[Explanation, tuple[str, ...]] | Skipped:
        try:
            return self._explained(spectrum, ready)
        except (ShapeError, GridError):
            raise  # not one bad spectrum: the wrong grid for this score
        except DataError as exc:
            return Skipped(spectrum.id, str(exc))

    def _ready(self, spectra: list[Spectrum]) -> dict[int, Evaluator]:
        """Score the first masks of many spectra at once on the device; without one there is nothing to gain."""
        if batched_device(self.device) is None:
            return {}
        posed: dict[int, Problem] = {}
        for i, one in enumerate(spectra):
            with suppress(DataError):  # said again, and better, when its turn comes
                posed[i] = self.problem(bind(self.score, one), one, cut(self.segments, one))
        return dict(zip(posed, self._evaluators(list(posed.values())), strict=True))

    def _explained(
        self, spectrum: Spectrum, ready: Evaluator | None = None
    ) -> tuple[Explanation, tuple[str, ...]]:
        if ready is None:
            bound, ids = bind(self.score, spectrum), cut(self.segments, spectrum)
        else:
            bound, ids = ready.problem.score, ready.problem.segments

        def at(segments: NDArray[np.intp]) -> Evaluator:
            if ready is not None and segments is ids:
                return ready
            return self.evaluator(self.problem(bound, spectrum, segments))

        evaluator, found = answer(at, self.segments, ids, method=self.method, seed=self.seed)
        return record(spectrum, evaluator, found, settings=self.settings), found.notes

    def problem(self, bound: Score, spectrum: Spectrum, segments: NDArray[np.intp]) -> Problem:
        """Return one spectrum with what replaces its segments.

        Parameters
        ----------
        bound : callable
            The score, bound to this spectrum.
        spectrum : Spectrum
        segments : (p,) int array
            Ids 0…K−1.
        """
        return pose(bound, spectrum, segments, perturbation=self.perturbation, seed=object_seed(self.seed, spectrum.id),
                    last_stays=getattr(self.segments, "last_stays", False))

    def evaluator(self, problem: Problem) -> Evaluator:
        """Return what scores perturbed copies of one spectrum, on the device."""
        return self._evaluators([problem])[0]

    def _evaluators(self, problems: list[Problem]) -> list[Evaluator]:
        device, masks = batched_device(self.device), getattr(self.method, "masks", None)
        if device is None or masks is None:
            return [evaluator_of(one) for one in problems]
        return prefetch(problems, [masks(self.seed, one.n_segments) for one in problems], device)

    @property
    def settings(self) -> dict[str, Any]:
        """What explanations depend on, as plain values that JSON can hold."""
        name = getattr(self.score, "name", None) or getattr(self.score, "__name__", type(self.score).__name__)
        name = "function" if name == "<lambda>" else name
        return {"score": str(name), "segments": _described(self.segments), "seed": int(self.seed),
                "perturbation": _described(self.perturbation), "method": _described(self.method),
                "kernel": str(getattr(self.method, "kernel", "")), "preset": self.preset}

    def __repr__(self) -> str:
        preset = f", preset={self.preset!r}" if self.preset else ""
        parts = _short(self.segments), _short(self.perturbation), _short(self.method)
        return (f"Explainer({self.settings['score']}, {parts[0]}, perturbation={parts[1]}, method={parts[2]}, "
                f"seed={self.seed}{preset})")


_EXAMPLES = {"segments": "Uniform(77)", "perturbation": "Scale(0.9)", "method": "Lime()"}


def _short(part: Any) -> str:
    """Return the first setting of a part and those that are not as by default: ``Lime(2000)``."""
    told = [(item, getattr(part, item.name)) for item in fields(part) if item.init] if is_dataclass(part) else []
    if not told or not all(isinstance(value, (int, float, str, tuple, type(None))) for _, value in told):
        return repr(part)
    shown = [repr(value) for _, value in told[:1] if value is not None]
    shown += [f"{item.name}={value!r}" for item, value in told[1:] if value != resolve(item.default, None)]
    return f"{type(part).__name__}({', '.join(shown)})"


def _described(part: Any) -> dict[str, Any]:
    kind = {"kind": type(part).__name__}
    if not is_dataclass(part):
        return kind
    values = {item.name: getattr(part, item.name) for item in fields(part)}
    # Lists, because that is what JSON gives back: settings read from disk must equal those they were made of.
    plain = {name: list(value) if isinstance(value, tuple) else _described(value) if is_dataclass(value) else value
             for name, value in values.items()}
    return kind | {name: value if isinstance(value, (int, float, str, bool, list, dict, type(None)))
                   else content_hash(np.asarray(value)) for name, value in plain.items()}


def _shown(results: Iterator[Any], sample: Any, progress: bool) -> Iterator[Any]:
    if not progress:
        yield from results
        return
    with Progress("explain", 0, len(sample) if hasattr(sample, "__len__") else 0) as bar:
        for block in results:
            bar.done(len(block.kept))
            yield block

