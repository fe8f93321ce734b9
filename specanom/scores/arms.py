"""How badly a model reproduces each arm of the spectrograph: the residual per arm, weighted by inverse variance.

Arms are bands of observed wavelength: those of DESI part at 5780 and 7570 Å, those of SDSS at 6000 and of BOSS at
6100 Å, in the middle of where they overlap. An artefact of one camera shows in one arm, an odd object in all that see
what is odd about it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, choice, message
from ..lines import ARM_JOINS
from ..parallel import map_blocks
from ..protocols import Model
from ..spectrum import Spectrum
from ..spectrumset import SpectrumSet
from .bands import ARMS
from .bound import BoundScore
from .calibrate import CalibratedScorer, calibrate, calibrate_all
from .chunks import Doubles
from .evaluate import scored
from .picking import Pickable
from .rows import BLOCK, Batch, batches
from .scorer import Scorer

if TYPE_CHECKING:
    import pandas as pd

NAMES = ("b", "r", "z")
TOTAL = "total"


@dataclass(frozen=True, eq=False)
class ArmScorer(Pickable):
    """The residual of one arm, Σ ivar (f − m)² / N over its N good pixels; the same face as a Scorer.

    Good pixels have an inverse variance above zero and a finite flux, and were not filled in. NaN for a spectrum that
    has none in the arm, or of which instrument or redshift is not known.

    Parameters
    ----------
    model : Model
        What reconstructs.
    arm : {"b", "r", "z", "total"}
        Which arm; ``"total"`` is every good pixel, whatever the instrument.
    name : str, optional
        ``chi2_ARM`` when not given.

    Raises
    ------
    ArgumentError
        For an unknown arm.

    Examples
    --------
    >>> ArmScorer(model, "z").calibrate(sample)(sample)                                 # doctest: +SKIP
    """

    model: Model
    arm: str = TOTAL
    name: str = field(default="", kw_only=True)

    can_be_negative = False
    nan = "last"

    def __post_init__(self) -> None:
        choice("arm", self.arm, (*NAMES, TOTAL))
        if not self.name:
            object.__setattr__(self, "name", f"chi2_{self.arm}")

    def __call__(self, sample: Any, /, *, block_size: int = BLOCK) -> Doubles:
        """Return the residual of the arm of each spectrum, ``(n,)``.

        Parameters
        ----------
        sample : SpectrumSet, Spectrum or sequence of Spectrum
            With inverse variance, on the model's grid.
        block_size : int
            Rows reconstructed at once.

        Raises
        ------
        DataError
            When there is no inverse variance.
        """
        return scored(self, sample, block_size)

    def evaluate(self, batch: Batch) -> Doubles:
        """Return the residuals of a batch."""
        return residuals(self.model, batch, (self.arm,))[0][:, 0]

    def bind(self, spectrum: Spectrum) -> BoundScore:
        """Return the residual of the arm for perturbed copies of one spectrum, so that it can be explained."""
        batch = next(batches(spectrum))
        bound = Scorer(self.model, "chi2_ivar", name=self.name).bind(spectrum)
        inside = np.ones(bound.keep.size, bool) if self.arm == TOTAL else arm_codes(batch)[0] == NAMES.index(self.arm)
        return replace(bound, keep=bound.keep & inside)

    def calibrate(
        self, sample: Any, *, neighbours: int | None = None, values: NDArray[Any] | None = None
    ) -> CalibratedScorer:
        """Return the same in excess of spectra of like S/N and redshift; see :meth:`Scorer.calibrate`."""
        return calibrate(self, sample, neighbours=neighbours, values=values)

    def __repr__(self) -> str:
        return f"ArmScorer {self.name!r}: residual of {self.arm}, of {type(self.model).__name__}"


def arm_residuals(
    model: Model, sample: SpectrumSet, *, percentiles: bool = True, neighbours: int | None = None,
    block_size: int = BLOCK, executor: Any = None,
) -> pd.DataFrame:
    """Return the residual of each arm and of all pixels, with its percentile among spectra of like S/N and redshift.

    Parameters
    ----------
    model : Model
        What reconstructs; a cross-fitted one finds its folds by the ids.
    sample : SpectrumSet
        At rest (or observed, when the model is) with inverse variance; its table tells `instrument` and `z`.
    percentiles : bool
        Whether to add the percentiles, against this sample; it needs at least 20 spectra.
    neighbours : int, optional
        How many spectra are of like S/N and redshift.
    block_size, executor
        As in :func:`table`.

    Returns
    -------
    DataFrame
        `id`, then for the arms of the instruments in the sample (``b``, ``r``, ``z``) and ``total``: ``chi2_ARM``, in
        units of the variance, 1 for a perfect model and honest noise; ``n_ARM``, good pixels; ``percentile_ARM``, 0
        to 100, how many of the sample are less odd once S/N and redshift are allowed for. NaN where an arm has no
        good pixel.

    Raises
    ------
    DataError
        When there is no inverse variance, no instrument is known, or too few spectra for percentiles.
    """
    import pandas as pd

    if sample.rows("ivar") is None:
        raise DataError(message("sample", expected="an inverse variance, which weights the residuals", got="none"))
    arms = (*_arms_of(sample), TOTAL)
    parts = list(map_blocks(partial(_work, model, arms), batches(sample, block_size), executor))
    values = np.concatenate([one for one, _ in parts]) if parts else np.empty((0, len(arms)))
    counts = np.concatenate([one for _, one in parts]) if parts else np.empty((0, len(arms)), dtype=np.int64)
    columns: dict[str, Any] = {f"chi2_{arm}": values[:, k] for k, arm in enumerate(arms)}
    columns.update({f"n_{arm}": counts[:, k] for k, arm in enumerate(arms)})
    if percentiles:
        columns.update(_percentiles(model, sample, dict(zip(arms, values.T, strict=True)), neighbours))
    return pd.DataFrame({"id": sample.ids, **columns})


def _percentiles(
    model: Model, sample: SpectrumSet, values: Mapping[str, Doubles], neighbours: int | None
) -> dict[str, Doubles]:
    scorers = {arm: ArmScorer(model, arm) for arm, of_arm in values.items() if np.isfinite(of_arm).any()}
    calibrated = calibrate_all(scorers, sample, neighbours=neighbours, values={arm: values[arm] for arm in scorers})
    none = np.full(len(sample), np.nan)
    return {f"percentile_{arm}": calibrated[arm].percentile_of(calibrated[arm].reference) if arm in calibrated
            else none for arm in values}


def _arms_of(sample: SpectrumSet) -> tuple[str, ...]:
    """Arms of the instruments in a sample, from blue to red."""
    known = set(sample.table["instrument"].astype(str)) if "instrument" in sample.table else set()
    names = [ARMS[len(ARM_JOINS[one])] for one in sorted(known & set(ARM_JOINS))]
    if not names:
        raise DataError(message("sample", expected=f"a column 'instrument' with some of {sorted(ARM_JOINS)}",
                                got=f"{sorted(known) or 'none'}"))
    return max(names, key=len)


def _work(model: Model, arms: Sequence[str], batch: Batch) -> tuple[Doubles, NDArray[np.int64]]:
    return residuals(model, batch, arms)


def residuals(model: Model, batch: Batch, arms: Sequence[str]) -> tuple[Doubles, NDArray[np.int64]]:
    """Return Σ ivar (f − m)² / N and N of some arms of a batch, each ``(n, k)``; NaN where N is 0.

    Raises
    ------
    DataError
        When the batch has no inverse variance.
    """
    if batch.ivar is None:
        raise DataError(message("sample", expected="an inverse variance, which weights the residuals", got="none"))
    # sums of float32 over thousands of pixels lose digits
    flux, ivar = batch.flux.astype(np.float64), batch.ivar.astype(np.float64)
    good = np.isfinite(flux) & (ivar > 0) & np.isfinite(ivar)
    if batch.imputed is not None:
        good &= ~batch.imputed
    terms = np.where(good, ivar, 0.0) * np.where(good, flux - batch.reconstruction(model), 0.0) ** 2
    codes = arm_codes(batch)
    inside = [good if arm == TOTAL else good & (codes == NAMES.index(arm)) for arm in arms]
    counts = np.stack([one.sum(axis=1) for one in inside], axis=1)
    sums = np.stack([np.where(one, terms, 0.0).sum(axis=1) for one in inside], axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(counts > 0, sums / counts, np.nan), counts.astype(np.int64)


def arm_codes(batch: Batch) -> NDArray[np.int8]:
    """Return the arm that each pixel lies in, ``(n, p)``: index into b, r, z; −1 where it cannot be told."""
    codes = np.full(batch.flux.shape, -1, dtype=np.int8)
    if batch.wave is None:
        return codes
    stretch = 1.0 + batch.z if batch.frame == "rest" else np.ones(len(batch))
    instruments = np.array(_instruments(batch), dtype=object)
    for instrument, joins in ARM_JOINS.items():
        rows = np.flatnonzero((instruments == instrument) & np.isfinite(stretch))
        seen = batch.wave * stretch[rows, None]
        codes[rows] = sum((seen >= 0.5 * (join.lo + join.hi)).astype(np.int8) for join in joins)
    return codes


def _instruments(batch: Batch) -> list[str]:
    if batch.about is None:
        return [""] * len(batch)
    if isinstance(batch.about, list):
        return [str(one.get("instrument", "")) for one in batch.about]
    return [str(one) for one in batch.about["instrument"]] if "instrument" in batch.about else [""] * len(batch)
