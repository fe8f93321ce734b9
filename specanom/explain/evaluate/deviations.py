"""The last hidden layer of perturbed copies, without making any copy.

With t = mask − ½ a copy is ``zb + Σ t_k u_[k]``: zb = (x + g)/2 is the point in the middle of all copies and
u_[k] = x − g within segment k. Everything is a deviation from zb, so that float32 rounds what is small: the first
layer needs the K sums ``A[k] = Σ u_p W[:, p]`` over segments and one product of the masks with them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..problem import Problem
from .products import product, through_relu
from .shared import Shared, shared_of

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

PIECE = 64  # pixels summed in float32 before float64 takes over


@dataclass(frozen=True, eq=False)
class Deviations:
    """Last hidden layer of the copies of n masks: ``h(z_n) = reference + y[n] @ basis``.

    Attributes
    ----------
    signs : (n, K) float32 array
        t, +½ where a segment is as observed and −½ where it is filled; zero in the rows of `parked`.
    reference : (H,) float64 array
        h at zb.
    basis : (r, H) float32 array or None
        None: r = H, and y are the deviations themselves.
    parked : (m,) int array
        Rows that y says nothing about, far from all others: all segments on, or all off.
    block : callable
        Some rows of y: ``block(slice) -> (m, r) float32``.
    why : str
        Why there is no basis; empty when there is one.
    paired : bool
        Whether odd rows of t are known to be the negatives of the rows before.
    """

    signs: Floats
    reference: Doubles
    basis: Floats | None
    parked: NDArray[np.intp]
    block: Callable[[slice], Floats]
    why: str = ""
    paired: bool = False

    @property
    def y(self) -> Floats:
        """All rows of y."""
        return self.block(slice(None))

    @property
    def rank(self) -> int:
        """r."""
        return self.reference.size if self.basis is None else len(self.basis)


class Setup:
    """What all masks of one problem share.

    Parameters
    ----------
    problem : Problem
        Its score has a model with ``.network``.

    Attributes
    ----------
    shared : Shared
        The layers, as this room needs them, one for all problems of a network.
    u, zb : (p,) float64 array
        x − g and (x + g)/2.
    segments : SegmentSums
        Sums over segments.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.shared: Shared = shared_of(problem.network)
        flux, fill = problem.flux.astype(np.float64), problem.fill.astype(np.float64)
        self.u, self.zb = flux - fill, 0.5 * (flux + fill)
        self.segments = segment_sums(problem.segments.tobytes())

    @cached_property
    def _first(self) -> tuple[Floats, Doubles]:
        weight = self.shared.first
        both = self.segments.rows((self.u, self.zb), weight)
        return both[0].astype(np.float32), both[1].sum(axis=0) + self.shared.biases[0]

    @property
    def slopes(self) -> Floats:
        """A, shape ``(K, H1)``: how the first layer answers to each segment."""
        return self._first[0]

    @cached_property
    def _three(self) -> tuple[Doubles, ...]:
        """What leaves each layer before its ReLU at zb, x and g, each ``(3, ·)``: t is 0, ½ or −½ everywhere."""
        half = 0.5 * self.slopes.sum(axis=0, dtype=np.float64)
        return self.shared.forward(self._first[1] + np.stack([np.zeros_like(half), half, -half]))

    @cached_property
    def centres(self) -> tuple[Doubles, ...]:
        """What enters the ReLU of each layer at zb (of the latent layer: what leaves it)."""
        return tuple(rows[0] for rows in self._three)

    @cached_property
    def _hidden(self) -> Doubles:
        return self.shared.hidden(self._three[-1])

    @property
    def reference(self) -> Doubles:
        """h(zb), shape ``(H,)``."""
        return np.asarray(self._hidden[0])

    @property
    def whole(self) -> Doubles:
        """h(x), shape ``(H,)``."""
        return np.asarray(self._hidden[1])

    @cached_property
    def _outputs(self) -> Doubles:
        return self.shared.outputs(self._hidden)

    @cached_property
    def residual(self) -> Doubles:
        """Residual at zb, ``rb = zb − D h(zb) − d``, shape ``(p,)``."""
        return np.asarray(self.zb - self._outputs[0])

    @cached_property
    def ends(self) -> Floats:
        """The reconstructions of x and of g, shape ``(2, p)``."""
        return self._outputs[1:].astype(np.float32)

    def plain(self, signs: Floats) -> Floats:
        """Return ``h(z) − h(zb)`` of a block of copies, shape ``(n, H)``, layer by layer.

        Parameters
        ----------
        signs : (n, K) float32 array
            t of some hundred copies: what is made along the way should stay in the cache.
        """
        made = product(signs, self.slopes)
        for i, centre in enumerate(self.centres):
            if i:
                made = product(made, self.shared.steps[i])
            if self.shared.relu[i]:
                through_relu(made, centre)
        return made

    def expanded(self, basis: Floats | None) -> Floats:
        """Return E = D basisᵀ, shape ``(p, r)``: how each pixel of the reconstruction answers to coordinates."""
        last = self.shared.last
        return last if basis is None else product(last, np.ascontiguousarray(basis.T))


@lru_cache(maxsize=16)
def segment_sums(ids: bytes) -> SegmentSums:
    """Return the sums over segments, one for all spectra that are cut alike; `ids` are the bytes of an intp array."""
    return SegmentSums(np.frombuffer(ids, dtype=np.intp))


class SegmentSums:
    """Sums over the pixels of each segment, wherever they are.

    Parameters
    ----------
    ids : (p,) int array
        Segment of each pixel.
    """

    def __init__(self, ids: NDArray[np.intp]) -> None:
        self.ids, self.k = ids, int(ids.max()) + 1
        if (np.diff(ids) >= 0).all():
            self.order = np.arange(ids.size, dtype=np.int32)
        else:
            self.order = np.argsort(ids, kind="stable").astype(np.int32)
        sizes = np.bincount(ids, minlength=self.k)
        pieces = -(-sizes // PIECE)
        begin = np.concatenate([[0], np.cumsum(sizes)])[:-1]
        self._first_piece = np.concatenate([[0], np.cumsum(pieces)])[:-1]
        within = np.arange(int(pieces.sum())) - np.repeat(self._first_piece, pieces)
        starts = np.repeat(begin, pieces) + PIECE * within
        self._indptr = np.append(starts, ids.size).astype(np.int32)
        self._split, self._pieces = bool((pieces > 1).any()), int(pieces.sum())
        self._layouts: dict[int, tuple[NDArray[np.int32], ...]] = {}

    def __call__(self, values: Doubles) -> Doubles:
        """Return the sums of ``(p,)`` values, float64, shape ``(K,)``."""
        return np.asarray(np.bincount(self.ids, weights=values, minlength=self.k))

    def rows(self, factors: tuple[Doubles, ...], matrix: Floats) -> tuple[Doubles, ...]:
        """Return ``Σ factor_p matrix[p]`` over each segment, for each of the factors: shapes ``(K, m)``."""
        m = len(factors)
        if m not in self._layouts:
            self._layouts[m] = self._layout(m)
        which, at, indptr = self._layouts[m]
        data = np.stack(factors)[which, at].astype(np.float32)
        sparse = csr_array((data, at, indptr), shape=(indptr.size - 1, self.ids.size))
        sums: Any = (sparse @ matrix).reshape(self._pieces, m, -1).astype(np.float64)
        if self._split:
            sums = np.add.reduceat(sums, self._first_piece, axis=0)
        return tuple(sums[:, i] for i in range(m))

    def _layout(self, m: int) -> tuple[NDArray[np.int32], ...]:
        """Return factor and pixel of each entry, and where the rows of sums begin.

        Piece after piece, each with all factors, so that its rows of the matrix are read from memory once.
        """
        sizes = np.diff(self._indptr)
        indptr = np.concatenate([[0], np.cumsum(np.repeat(sizes, m))])
        place = np.arange(m * self.ids.size) - np.repeat(indptr[:-1] - np.repeat(self._indptr[:-1], m),
                                                         np.repeat(sizes, m))
        which = np.repeat(np.tile(np.arange(m), sizes.size), np.repeat(sizes, m))
        return which.astype(np.int32), self.order[place], indptr.astype(np.int32)


def signs_of(masks: NDArray[np.uint8]) -> Floats:
    """Return t = mask − ½ as float32."""
    return np.subtract(masks, np.float32(0.5), dtype=np.float32)
