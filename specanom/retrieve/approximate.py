"""Approximate search with faiss, and how much of the truth it finds: measured on vectors that it had not seen."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from .backends import Doubles, Positions
from .graph import read_graph
from .index import Index

KINDS = ("hnsw", "ivf")
AIM = 0.95
"""Share of the true neighbours that the search effort is raised to, if it can be."""
RECALL_AT = 10
HELD_OUT = 500
EFFORTS = (32, 64, 128, 256, 512)
LINKS, BUILD_EFFORT = 16, 100
CELLS_PER_ROOT = 2


@dataclass(frozen=True)
class Recall:
    """How much of the truth an approximate index finds.

    Attributes
    ----------
    value : float
        Share of the true `k` nearest that are among the `k` found.
    k : int
    queries : int
        Vectors it was measured on: taken from the base before the index was built, put in afterwards.
    effort : int
        ``efSearch`` of HNSW or ``nprobe`` of IVF: the least that reached the aim of 0.95, or the largest.
    """

    value: float
    k: int
    queries: int
    effort: int

    def __str__(self) -> str:
        if not self.queries:
            return "recall not measured on so few"
        return f"recall@{self.k} {self.value:.3f} on {self.queries} held-out vectors"

    def state(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


class Approximate:
    """A graph (HNSW) or cells (IVF) of faiss over vectors in float32."""

    def __init__(self, index: Any, rows: Positions, centre: Doubles, *, kind: str, recall: Recall) -> None:
        self._index, self.rows, self.centre, self.kind, self.recall = index, rows, centre, kind, recall
        self._set_effort(recall.effort)

    @property
    def name(self) -> str:
        """What is shown of it: kind, effort and recall."""
        what = "efSearch" if self.kind == "hnsw" else "nprobe"
        return f"faiss {self.kind.upper()} ({what} {self.recall.effort}, {self.recall})"

    def candidates(self, queries: Doubles, width: int) -> tuple[Positions, Doubles]:
        """Return what is found; nothing more is asked for, unless fewer than `width` were found."""
        moved = np.ascontiguousarray(queries - self.centre, dtype=np.float32)
        if self.kind == "hnsw":
            self._set_effort(max(self.recall.effort, 2 * width))
        _, found = self._index.search(moved, width)
        rows = np.where(found >= 0, self.rows[np.maximum(found, 0)], -1)
        return rows, np.where((found >= 0).all(axis=1), np.inf, 0.0)

    def _set_effort(self, effort: int) -> None:
        if self.kind == "hnsw":
            self._index.hnsw.efSearch = effort
        else:
            self._index.nprobe = effort

    def write(self, path: Path) -> None:
        """Write the index in the format of faiss."""
        require("faiss", extra="retrieve").write_index(self._index, str(path))

    @classmethod
    def build(cls, vectors: NDArray[Any], kind: str, *, seed: int = 0) -> Approximate:
        """Build an index of ``(n, d)`` vectors, and raise its effort until its recall on held-out ones reaches 0.95.

        One thread builds it, because several would build another graph each time.

        Raises
        ------
        MissingDependency
            When faiss is not installed.
        """
        faiss = require("faiss", extra="retrieve")
        n = len(vectors)
        centre = np.asarray(vectors.mean(axis=0, dtype=np.float64))
        moved = np.ascontiguousarray(vectors - centre, dtype=np.float32)
        rows = np.random.default_rng(seed).permutation(n).astype(np.int64)
        out = min(HELD_OUT, n // 10)
        rows = np.concatenate([np.sort(rows[out:]), np.sort(rows[:out])])
        threads = faiss.omp_get_max_threads()
        faiss.omp_set_num_threads(1)
        try:
            index = _empty(faiss, kind, n - out, vectors.shape[1])
            index.train(moved[rows[: n - out]])
            index.add(moved[rows[: n - out]])
            made = _with_effort(cls, index, vectors, rows[: n - out], rows[n - out :], centre=centre, kind=kind)
            index.add(moved[rows[n - out :]])
        finally:
            faiss.omp_set_num_threads(threads)
        return cls(index, rows, centre, kind=kind, recall=made)


def _empty(faiss: Any, kind: str, n: int, d: int) -> Any:
    if kind == "hnsw":
        index = faiss.IndexHNSWFlat(d, LINKS)
        index.hnsw.efConstruction = BUILD_EFFORT
        return index
    cells = int(np.clip(CELLS_PER_ROOT * np.sqrt(n), 1, max(1, n // 39)))
    quantiser = faiss.IndexFlatL2(d)
    index = faiss.IndexIVFFlat(quantiser, d, cells)
    index.own_fields = True
    quantiser.this.disown()
    return index


def _with_effort(
    cls: type[Approximate], index: Any, vectors: NDArray[Any], inside: Positions, outside: Positions, *,
    centre: Doubles, kind: str,
) -> Recall:
    """Return the recall on vectors outside the index, at the least effort that reaches the aim."""
    k = min(RECALL_AT, len(inside))
    efforts = EFFORTS if kind == "hnsw" else [e for e in (8, 16, 32, 64, 128) if e < index.nlist] + [index.nlist]
    if not len(outside):
        return Recall(float("nan"), k, 0, int(efforts[-1]))
    queries = np.asarray(vectors[outside], dtype=np.float64)
    _, truth = Index(vectors[inside]).nearest(queries, k)
    recall = Recall(0.0, k, len(outside), int(efforts[0]))
    for effort in efforts:
        trial = cls(index, np.arange(len(inside)), centre, kind=kind,
                    recall=Recall(0.0, k, len(outside), int(effort)))
        found, _ = trial.candidates(queries, k)
        hits = sum(len(np.intersect1d(a, b)) for a, b in zip(truth, found, strict=True))
        recall = Recall(hits / truth.size, k, len(outside), int(effort))
        if recall.value >= AIM:
            break
    return recall


def read_approximate(path: Path, rows: Positions, centre: Doubles, *, kind: str, recall: Recall) -> Approximate:
    """Read what :meth:`Approximate.write` wrote; `rows` and `centre` are its attributes of those names.

    Raises
    ------
    ValueError, RuntimeError, OSError
        When the index is not one of these rows.
    """
    if rows.dtype.kind != "i" or not np.array_equal(np.sort(rows), np.arange(rows.size)):
        raise ValueError("rows are no order of the vectors")
    if centre.ndim != 1 or centre.dtype.kind != "f" or not np.isfinite(centre).all():
        raise ValueError(f"a centre {centre.dtype} of shape {centre.shape}")
    return Approximate(read_graph(path, kind, rows.size, centre.size), rows, centre, kind=kind, recall=recall)
