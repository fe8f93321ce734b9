"""Which rows train which network, and which of them only validate."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError, message
from ..seeds import content_hash, object_seed
from .folds import REFERENCE, FoldMap, Hashes, fold_count, hash_in_order, hash_rows, make_folds
from .inputs import Rows

MOST_VALIDATION = 4096  # more spectra do not make the mean steadier, only the look at them slower
Index = NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Plan:
    """The folds of a sample.

    Parameters
    ----------
    map : FoldMap
        Who was put where, for judging later.
    order : (n,) array of int
        Rows in an order that depends on the spectra only, so that a shuffled sample trains the same weights.
    groups : (n,) uint64
        Rows with an equal number share an id or their content.
    folds : (n,) array of int
        The fold of each row.
    seed : int
        The model's seed.
    """

    map: FoldMap
    order: Index
    groups: Hashes
    folds: Index
    seed: int

    @property
    def identity(self) -> str:
        """A hash of the spectra and their folds."""
        return content_hash(self.map.ids, self.map.contents, self.map.id_folds, self.groups[self.order])

    def tasks(self) -> Iterator[tuple[int, Index]]:
        """Yield (fold, training rows) of each network, the reference network first."""
        yield REFERENCE, self.order
        if self.map.count > 1:
            for fold in range(self.map.count):
                yield fold, self.order[self.folds[self.order] != fold]

    def split(self, rows: Index, share: float, chosen: str) -> tuple[Index, Index]:
        """Return rows to train on and rows to validate with.

        Parameters
        ----------
        rows : array of int
            Rows of one network.
        share : float
            For validation.
        chosen : {"hash", "last"}
            By a hash of the group (duplicates stay together), or the last rows of the sample as it was given.
        """
        count = max(1, min(round(share * len(rows)), MOST_VALIDATION if chosen == "hash" else len(rows) - 1))
        if chosen == "last":
            given = np.sort(rows)
            return given[:-count], given[-count:]
        names, first = np.unique(self.groups[rows], return_inverse=True)
        keys = np.array([object_seed(self.seed, f"validation {name}") for name in names])[first]
        limit = np.partition(keys, count - 1)[count - 1]
        held = keys <= limit
        return rows[~held], rows[held]


def make_plan(rows: Rows, *, folds: int | str, seed: int, least: int) -> Plan:
    """Return the folds of a sample.

    Parameters
    ----------
    rows : Rows
        The sample; without ids, a row's content is its id.
    folds : int or "auto"
        How many.
    seed : int
        Of the model; another seed makes other folds.
    least : int
        Spectra that each fold must have left to learn from.

    Raises
    ------
    DataError
        When a fold would have fewer.
    """
    count = fold_count(folds, len(rows))
    contents = hash_rows(rows.flux) if rows.contents is None else rows.contents
    ids = rows.ids if rows.ids is not None else tuple(f"content {value}" for value in contents)
    if len(rows) < least:
        raise _too_few(least, len(rows))
    made, groups = make_folds(ids, rows.flux, count, seed=seed, contents=contents)
    of_row = made.folds_of(ids, rows.flux) if count > 1 else np.zeros(len(rows), np.intp)
    order = np.lexsort((contents, groups))
    plan = Plan(made, order, groups, of_row, seed)
    smallest = min(len(index) for _, index in plan.tasks())
    if smallest < least:
        raise _too_few(least, smallest)
    return plan


def noise_identity(rows: Rows, plan: Plan, *, weighted: bool = True) -> str:
    """Return a hash of the spectra, their folds and, where it counts, their noise."""
    noise = "unweighted" if rows.ivar is None or not weighted else hash_in_order(rows.ivar, plan.order)
    return content_hash(plan.identity, noise)


def _too_few(least: int, got: int) -> DataError:
    return DataError(message("sample", expected=f"at least {least} spectra to learn from in each fold", got=got,
                             hint="fewer latent dimensions, or folds=1"))
