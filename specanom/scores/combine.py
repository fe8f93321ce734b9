"""One score out of several: the highest of their calibrated values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, message
from ..protocols import Reconstruct
from .calibrate import CalibratedScorer
from .chunks import Doubles, Keep
from .evaluate import scored
from .gradient import OTHERS
from .rows import BLOCK, Batch


@dataclass(frozen=True, eq=False)
class BoundCombination:
    """The highest of several calibrated scores, for perturbed copies of one spectrum.

    Attributes
    ----------
    name : str
    members : tuple of BoundScore or BoundLatent
    """

    name: str
    members: tuple[Any, ...]

    def __call__(self, flux: NDArray[Any], /) -> Doubles:
        """Return the ``(m,)`` scores of ``(m, p)`` copies; members of one network share its reconstruction."""
        made: dict[int, NDArray[Any]] = {}
        values = []
        for member in self.members:
            if not member.uses_reconstruction:
                values.append(member(flux))
                continue
            network = id(member.reconstruct)
            if network not in made:
                made[network] = np.asarray(member.reconstruct(flux))
            values.append(member.of_reconstruction(flux, made[network]))
        return highest(values)

    def gradient(self, flux: NDArray[Any], /) -> Doubles:
        """Return the gradient of each score by the flux of its copy, ``(m, p)``: that of the member that is highest.

        Raises
        ------
        ArgumentError
            When the highest member has no gradient.
        """
        values = np.stack([np.asarray(member(flux), dtype=np.float64) for member in self.members])
        winners = np.where(np.isnan(values), -np.inf, values).argmax(axis=0)
        made = np.empty(np.shape(flux), dtype=np.float64)
        for index, member in enumerate(self.members):
            rows = np.flatnonzero(winners == index)
            if rows.size and not hasattr(member, "gradient"):
                raise ArgumentError(message("score", expected="members with a gradient", got=repr(member.name),
                                            hint=OTHERS))
            if rows.size:
                made[rows] = member.gradient(flux[rows])
        return made

    @property
    def keep(self) -> Keep:
        """Pixels that count for any member, shape ``(p,)``."""
        return np.asarray(np.logical_or.reduce([member.keep for member in self.members]))

    @property
    def reconstruct(self) -> Reconstruct:
        """The network of the first member."""
        network: Reconstruct = self.members[0].reconstruct
        return network

    @property
    def squared(self) -> bool:
        """False: a maximum of means is no mean of squares."""
        return False


@dataclass(frozen=True, eq=False)
class CombinedScorer:
    """The highest of several calibrated scores; the same face as a Scorer.

    Attributes
    ----------
    members : tuple of CalibratedScorer
    name : str
    """

    members: tuple[CalibratedScorer, ...]
    name: str = "combined"

    can_be_negative = True
    nan = "last"

    def __call__(self, sample: Any, /, *, block_size: int = BLOCK) -> Doubles:
        """Return the ``(n,)`` combined scores; a member's NaN does not count unless all are NaN."""
        return scored(self, sample, block_size)

    def evaluate(self, batch: Batch) -> Doubles:
        """Return the combined scores of a batch."""
        return highest([batch.score(member) for member in self.members])

    def bind(self, spectrum: Any) -> BoundCombination:
        """Return the combination for perturbed copies of one spectrum."""
        networks: dict[int, Reconstruct] = {}
        members = []
        for member in self.members:
            bound = member.bind(spectrum)
            # Every bind makes a new callable; members of one model take the first, so that it runs once.
            network = networks.setdefault(id(member.scorer.model), bound.reconstruct)
            members.append(replace(bound, reconstruct=network))
        return BoundCombination(self.name, tuple(members))

    def __repr__(self) -> str:
        return f"CombinedScorer {self.name!r}: highest of {', '.join(member.name for member in self.members)}"


def combine(
    scorers: Mapping[str, CalibratedScorer] | Sequence[CalibratedScorer], *, name: str = "combined"
) -> CombinedScorer:
    """Return the maximum over calibrated scores as one scorer.

    Parameters
    ----------
    scorers : mapping or sequence of CalibratedScorer
        Calibrated, because only then are the units of one the units of the others.
    name : str
        Name of its column.
    """
    members = tuple(scorers.values()) if isinstance(scorers, Mapping) else tuple(scorers)
    raw = [one for one in members if not isinstance(one, CalibratedScorer)]
    if raw or not members:
        raise ArgumentError(message("scorers", expected="calibrated scorers", got=f"{raw or 'none'}",
                                    hint="scorer.calibrate(sample) for each"))
    return CombinedScorer(members, name)


def highest(values: Sequence[NDArray[Any]]) -> Doubles:
    """Return the highest of several scores of the same objects, ``(n,)``; NaN only where all are NaN.

    Takes columns of a table as well: ``highest([table[name] for name in names])``.
    """
    return np.asarray(np.fmax.reduce([np.asarray(one, dtype=np.float64) for one in values]))
