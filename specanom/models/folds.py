"""Which network may judge which spectrum: folds by hash, groups of duplicates, and the way back from a spectrum.

A spectrum is never judged by a network that was trained on it (it would know its anomalies by heart). The fold of
a spectrum is a hash of its id, so it depends neither on the order of the sample nor on what else is in it; rows that
share an id or every pixel are one group and stay together.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, message
from ..seeds import object_seed
from .on_disk import blocks_of

REFERENCE = -1
"""The fold of spectra that no network has seen: the reference network judges them."""

Hashes = NDArray[np.uint64]


def fold_count(folds: int | str, n: int) -> int:
    """Return the number of folds: 4 below 20 000 spectra, 2 below 200 000, 1 above, when `folds` is ``"auto"``.

    Raises
    ------
    ArgumentError
        When `folds` is neither ``"auto"`` nor a positive integer.
    """
    if folds == "auto":
        return 4 if n < 20_000 else 2 if n < 200_000 else 1
    if isinstance(folds, bool) or not isinstance(folds, (int, np.integer)) or folds < 1:
        raise ArgumentError(message("folds", expected='"auto" or a positive integer', got=repr(folds)))
    return int(folds)


def hash_ids(ids: Sequence[str]) -> Hashes:
    """Return a 64-bit blake2b hash of each id, shape ``(n,)``."""
    return np.array([_hash(str(id).encode()) for id in ids], dtype=np.uint64)


def hash_rows(flux: NDArray[np.float32]) -> Hashes:
    """Return a 64-bit blake2b hash of the pixels of each row, shape ``(n,)``."""
    matrix = np.ascontiguousarray(flux, dtype=np.float32)
    return np.array([_hash(row.tobytes()) for row in matrix], dtype=np.uint64)


def hash_in_order(matrix: NDArray[np.float32], order: NDArray[np.intp]) -> str:
    """Return what :func:`specanom.seeds.content_hash` says of ``matrix[order]``, without making it."""
    digest = hashlib.blake2b(digest_size=8)
    digest.update(f"{matrix.dtype.str}{(len(order), *matrix.shape[1:])}".encode())
    for rows in blocks_of(order):
        digest.update(np.ascontiguousarray(matrix[rows]).tobytes())
    return digest.hexdigest()


def _hash(content: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")


@dataclass(frozen=True, eq=False)
class FoldMap:
    """The spectra a model was trained on, by hash, and the fold of each.

    Parameters
    ----------
    count : int
        Number of folds; with 1 there is only the reference network.
    ids, contents : (m,) uint64
        Sorted hashes of the ids and of the pixels.
    id_folds, content_folds : (m,) uint8
        The fold of each.
    """

    count: int
    ids: Hashes
    id_folds: NDArray[np.uint8]
    contents: Hashes
    content_folds: NDArray[np.uint8]

    def fold_of_id(self, id: str) -> int:
        """Return the fold of `id`, or :data:`REFERENCE` when it was not trained on."""
        return int(self.find(hash_ids([id]), contents=False)[0])

    def find(self, hashes: Hashes, *, contents: bool) -> NDArray[np.intp]:
        """Return the folds ``(n,)`` of hashed ids, or of hashed contents."""
        known, folds = (self.contents, self.content_folds) if contents else (self.ids, self.id_folds)
        found = np.full(len(hashes), REFERENCE, dtype=np.intp)
        if self.count > 1 and known.size:
            at = np.minimum(np.searchsorted(known, hashes), known.size - 1)
            hit = known[at] == hashes
            found[hit] = folds[at[hit]]
        return found

    def folds_of(self, ids: Sequence[str] | None, flux: NDArray[np.float32]) -> NDArray[np.intp]:
        """Return the folds ``(n,)`` of spectra, by id, and by content where the id is not known or not given."""
        found = np.full(len(flux), REFERENCE, dtype=np.intp)
        if self.count == 1:
            return found
        if ids is not None:
            found = self.find(hash_ids(ids), contents=False)
        open_rows = np.flatnonzero(found == REFERENCE)
        if open_rows.size:
            found[open_rows] = self.find(hash_rows(flux[open_rows]), contents=True)
        return found


def make_folds(
    ids: Sequence[str], flux: NDArray[np.float32], count: int, *, seed: int, contents: Hashes | None = None
) -> tuple[FoldMap, Hashes]:
    """Distribute spectra over folds.

    Parameters
    ----------
    ids : sequence of str
        Of the spectra.
    flux : (n, p) array
        Their pixels.
    count : int
        Number of folds.
    seed : int
        Another seed makes other folds.
    contents : (n,) uint64, optional
        :func:`hash_rows` of the pixels where that is known.

    Returns
    -------
    FoldMap
        Who was put where.
    (n,) uint64
        The group of each row: rows of one group share an id or their content.
    """
    names, contents = hash_ids(ids), hash_rows(flux) if contents is None else contents
    first_name, group = _groups(names, contents)
    text = {int(h): str(id) for h, id in zip(names, ids, strict=True)}
    group_fold = np.array([object_seed(seed, f"fold of {text[int(h)]}") % count for h in first_name], dtype=np.uint8)
    folds = group_fold[group]
    id_at, content_at = np.unique(names, return_index=True)[1], np.unique(contents, return_index=True)[1]
    made = FoldMap(count, names[id_at], folds[id_at], contents[content_at], folds[content_at])
    return made, first_name[group]


def _groups(names: Hashes, contents: Hashes) -> tuple[Hashes, NDArray[np.intp]]:
    """Join rows with an equal name or content; a group is called by its smallest name."""
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    unique_names, name_at = np.unique(names, return_inverse=True)
    unique_contents, content_at = np.unique(contents, return_inverse=True)
    size = unique_names.size + unique_contents.size
    edges = coo_matrix((np.ones(names.size, np.int8), (name_at, content_at + unique_names.size)), shape=(size, size))
    _, component = connected_components(edges, directed=False)
    labels, first, group = np.unique(component[: unique_names.size], return_index=True, return_inverse=True)
    del labels
    return unique_names[first], group[name_at]
