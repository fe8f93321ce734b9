"""How the error of the weights falls with the number of masks, for each way of drawing them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..face import opener
from ..seeds import object_seed
from ..spectrum import Spectrum
from .attribution import Evaluator, check_scores
from .evaluate import evaluator_of
from .explainer import Explainer
from .inputs import as_spectrum
from .lime import Lime
from .masks import DESIGNS, make_masks
from .posing import bind, cut, pose

if TYPE_CHECKING:
    import pandas as pd

SIZES = (250, 500, 1000, 2000, 4000, 8000)
REFERENCES = 12  # paired draws of the largest size whose mean stands for endless sampling
APART = 1_000_003  # seeds of the reference are those of the repeats plus this and more
Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SamplingErrors:
    """Errors of LIME's weights against those of many more masks.

    Attributes
    ----------
    n : (M,) int array
        Numbers of masks.
    designs : tuple of str
        Ways of drawing them.
    error : (D, M, R) array
        ‖weights − reference‖/‖reference‖ of each design, number and repeat.
    same : (D, M, R) bool array
        Whether the segment of largest |weight| is that of the reference.
    reference : (K,) array
        The weights held to be right.
    default : tuple of str and int
        Design and number of masks of :class:`Lime` when nothing is said.
    kernel : str
        The proximity kernel in words.
    id : str
        Of the spectrum.
    """

    n: NDArray[np.intp]
    designs: tuple[str, ...]
    error: Doubles
    same: NDArray[np.bool_]
    reference: Doubles
    default: tuple[str, int]
    kernel: str
    id: str = ""

    def to_frame(self) -> pd.DataFrame:
        """Return one row a design and number: design, n, median, low, high (16 and 84 %) and same (a share)."""
        import pandas as pd

        low, middle, high = np.percentile(self.error, (16, 50, 84), axis=2)
        return pd.DataFrame({
            "design": np.repeat(self.designs, self.n.size), "n": np.tile(self.n, len(self.designs)),
            "median": middle.ravel(), "low": low.ravel(), "high": high.ravel(),
            "same": self.same.mean(axis=2).ravel(),
        })

    def plot(self, **options: Any) -> Any:
        """Return a bokeh figure; see :func:`specanom.plots.sampling_errors`."""
        return opener("plot sampling")(self, **options)

    def __repr__(self) -> str:
        table = self.to_frame()
        parts = [f"{name} {group['median'].iloc[-1]:.2g}" for name, group in table.groupby("design", sort=False)]
        return (f"SamplingErrors: {self.n.size} numbers of masks up to {self.n[-1]}, {self.error.shape[2]} repeats; "
                f"relative error there: {', '.join(parts)}")


def sampling_errors(
    of: Explainer | Evaluator,
    spectrum: Spectrum | NDArray[Any] | None = None,
    *,
    n: Sequence[int] = SIZES,
    designs: Sequence[str] = DESIGNS,
    repeats: int = 10,
    seed: int = 0,
) -> SamplingErrors:
    """Measure how far LIME's weights are from those of many more masks.

    Parameters
    ----------
    of : Explainer or Evaluator
        What is explained. The kernel and penalty are those of the explainer's :class:`Lime`.
    spectrum : Spectrum or (p,) array
        For an explainer: the spectrum.
    n : sequence of int
        Numbers of masks, each at least 2.
    designs : sequence of str
        Among ``"paired"``, ``"independent"``, ``"hadamard"``.
    repeats : int
        Drawings of each design.
    seed : int
        Of the first drawing.

    Returns
    -------
    SamplingErrors
        The reference is the mean of twelve paired draws of the largest number, from other seeds.

    Raises
    ------
    ArgumentError
        For an unknown design, no numbers, or an explainer without a spectrum.
    """
    for design in designs:
        choice("designs", design, DESIGNS)
    sizes = np.unique(np.asarray(n, dtype=np.intp))
    if not sizes.size or sizes[0] < 2 or repeats < 1 or not len(designs):
        raise ArgumentError(message("n", expected="numbers of at least 2, repeats and designs of at least 1",
                                    got=f"n={tuple(n)}, repeats={repeats}, designs={tuple(designs)}"))
    evaluator, method, name = _asked(of, spectrum)
    most = int(sizes[-1])
    drawn = [_weights(evaluator, replace(method, design="paired"), seed + APART + i, [most])[0]
             for i in range(REFERENCES)]
    reference = np.mean(drawn, axis=0)
    found = np.array([[_weights(evaluator, replace(method, design=design), seed + i, sizes) for i in range(repeats)]
                      for design in designs]).swapaxes(1, 2)
    size = float(np.linalg.norm(reference))
    error = np.linalg.norm(found - reference, axis=3) / (size if size > 0 else np.nan)
    same = np.abs(found).argmax(axis=3) == np.abs(reference).argmax()
    return SamplingErrors(sizes, tuple(designs), error, same, reference, (Lime().design, int(Lime().n_samples)),
                          method.kernel, name)


def _asked(of: Any, spectrum: Any) -> tuple[Evaluator, Lime, str]:
    if not isinstance(of, Explainer):
        return of, Lime(), ""
    if spectrum is None:
        raise ArgumentError(message("spectrum", expected="the spectrum to explain", got="None",
                                    hint="sampling_errors(explainer, sample[0])"))
    one = as_spectrum(spectrum, of.score)
    problem = pose(bind(of.score, one), one, cut(of.segments, one), perturbation=of.perturbation,
                   seed=object_seed(of.seed, one.id), last_stays=getattr(of.segments, "last_stays", False))
    return evaluator_of(problem), of.method if isinstance(of.method, Lime) else Lime(), one.id


def _weights(evaluator: Evaluator, method: Lime, seed: int, sizes: Sequence[int] | NDArray[np.intp]) -> list[Doubles]:
    """Return the weights of the first masks of one drawing, for each size; each mask is scored once."""
    masks = make_masks(seed, evaluator.n_segments, int(max(sizes)), method.design)
    scores = check_scores(evaluator.scores(masks))
    return [method.weights_of(scores[:size], evaluator, seed=seed) for size in sizes]
