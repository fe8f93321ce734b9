"""Explanations of a sample, block by block: gathered in memory, or written to disk as they come."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from ..spectrumset import SpectrumSet
from .explanation import Explanation
from .explanationset import ExplanationSet, Skipped
from .joining import Joining
from .writer import ExplanationWriter


class Block(NamedTuple):
    """What came of a few spectra.

    Attributes
    ----------
    made : ExplanationSet or None
        None when not one could be explained.
    kept : (m,) bool array
        Which of the spectra have an explanation.
    skipped : list of Skipped
        The others.
    notes : list of str
        Warnings, at most one an explanation.
    """

    made: ExplanationSet | None
    kept: NDArray[np.bool_]
    skipped: list[Skipped]
    notes: list[str]

    @classmethod
    def of(cls, outcomes: Iterable[tuple[Explanation, tuple[str, ...]] | Skipped], *, flux: bool) -> Block:
        """Gather outcomes in the order of the spectra; `flux` says whether the spectra travel with them."""
        listed = list(outcomes)
        done = [one for one in listed if not isinstance(one, Skipped)]
        made = ExplanationSet.of([one for one, _ in done]) if done else None
        return cls(made if made is None or flux else made.replace(flux=None),
                   np.array([not isinstance(one, Skipped) for one in listed], dtype=np.bool_),
                   [one for one in listed if isinstance(one, Skipped)],
                   [note for _, notes in done for note in notes[:1]])


def gathered(blocks: Iterable[Block], sample: SpectrumSet | None) -> tuple[ExplanationSet, list[str]]:
    """Join blocks in memory.

    Parameters
    ----------
    blocks : iterable of Block
        Without flux when there is a `sample`.
    sample : SpectrumSet, optional
        Where the flux is: the set refers to it, and neither copies nor reads it.

    Returns
    -------
    ExplanationSet, list of str
        The set and the notes.

    Raises
    ------
    DataError
        When no spectrum could be explained.
    """
    joining, skipped, notes, kept = Joining(), [], [], []
    for block in blocks:
        if block.made is not None:
            joining.append(block.made)
        skipped += block.skipped
        notes += block.notes
        kept.append(block.kept)
    if not joining.rows:
        raise DataError(nothing(skipped))
    columns = joining.finish()
    if sample is not None:
        which = np.concatenate(kept)
        columns["flux"] = sample.rows("flux", None if which.all() else np.flatnonzero(which))
    return ExplanationSet(**columns, skipped=tuple(skipped)), notes


def stored(blocks: Iterable[Block], path: str | Path) -> tuple[ExplanationSet, list[str]]:
    """Write blocks to disk as they come and open the set: memory does not grow with the sample.

    Raises
    ------
    DataError
        When no spectrum could be explained, or something other than saved explanations is at `path`.
    """
    notes: list[str] = []
    with ExplanationWriter(path) as writer:
        for block in blocks:
            if block.made is not None:
                writer.append(block.made)
            writer.skip(block.skipped)
            notes += block.notes
    return ExplanationSet.open(path), notes


def nothing(skipped: Iterable[Any]) -> str:
    """Say that there is no explanation, and of the first spectra why."""
    reasons = "; ".join(f"{one.id}: {one.reason}" for one in list(skipped)[:3])
    return message("explanations", expected="at least one", got=f"none ({reasons or 'empty sample'})")
