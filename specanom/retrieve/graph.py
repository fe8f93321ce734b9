"""A search graph of faiss from a file of a stranger: looked through before it is followed.

Faiss walks a graph by the numbers it holds and asks of none whether it is one of the vectors. A forged number would
have it read memory that is not the index.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from ..errors import require
from ..foreign import regular

ROOM = 2**20
"""Bytes beyond its file that a part of an index may take."""


def read_graph(path: Path, kind: str, rows: int, d: int) -> Any:
    """Return the faiss index of a file.

    Parameters
    ----------
    path : Path
    kind : {"hnsw", "ivf"}
    rows, d : int
        Vectors it has to hold, and their dimensions.

    Raises
    ------
    ValueError, RuntimeError, OSError
        When it is another index, of other vectors, or its parts do not fit together.
    MissingDependency
        When faiss is not installed.
    """
    faiss = require("faiss", extra="retrieve")
    size = regular(path)
    limit = getattr(faiss, "set_deserialization_vector_byte_limit", None)  # since faiss 1.13
    before = faiss.get_deserialization_vector_byte_limit() if limit else 0
    try:
        if limit:
            limit(size + ROOM)
        index = faiss.read_index(str(path))
    finally:
        if limit:
            limit(before)
    wanted = faiss.IndexHNSWFlat if kind == "hnsw" else faiss.IndexIVFFlat
    if type(index) is not wanted or (index.ntotal, index.d) != (rows, d) or index.metric_type != faiss.METRIC_L2:
        raise ValueError(f"{type(index).__name__} of {index.ntotal} x {index.d}, not {wanted.__name__} of {rows} x {d}")
    if kind == "hnsw":
        _check_vectors(faiss.downcast_index(index.storage), rows, d, faiss)
        _check_graph(index.hnsw, rows, faiss)
    else:
        _check_vectors(faiss.downcast_index(index.quantizer), index.nlist, d, faiss)
        _check_lists(index, rows, faiss)
    return index


def _check_vectors(flat: Any, rows: int, d: int, faiss: Any) -> None:
    if not isinstance(flat, faiss.IndexFlat) or (flat.ntotal, flat.d) != (rows, d):
        raise ValueError(f"its vectors are a {type(flat).__name__} of {flat.ntotal} x {flat.d}, not of {rows} x {d}")
    if flat.codes.size() != 4 * rows * d:
        raise ValueError(f"{flat.codes.size()} bytes of vectors for {rows} x {d}")


def _check_graph(graph: Any, rows: int, faiss: Any) -> None:
    array = faiss.vector_to_array
    levels, offsets, near = (array(one) for one in (graph.levels, graph.offsets, graph.neighbors))
    room = array(graph.cum_nneighbor_per_level)
    if len(levels) != rows or len(offsets) != rows + 1 or not (levels >= 1).all() or levels.max() >= len(room):
        raise ValueError("a graph of other vectors")
    if room[0] != 0 or (np.diff(room) < 0).any() or offsets[0] != 0 or offsets[-1] != len(near):
        raise ValueError("a graph whose links lie elsewhere")
    if not np.array_equal(np.diff(offsets.astype(np.int64)), room[levels]):
        raise ValueError("a graph whose links do not fit its levels")
    if not 0 <= graph.entry_point < rows or not 0 <= graph.max_level < levels[graph.entry_point]:
        raise ValueError("a graph that begins elsewhere")
    if near.size and not -1 <= near.min() <= near.max() < rows:
        raise ValueError(f"a graph with links to {near.min()} and {near.max()} of {rows} vectors")
    _check_levels(levels, offsets.astype(np.int64), near, room)


def _check_levels(levels: Any, offsets: Any, near: Any, room: Any) -> None:
    """Raise ValueError when a link on a level leads to a vector that is not on it: its links there are another's."""
    for level in range(1, int(levels.max())):
        on = np.flatnonzero(levels > level)
        width = int(room[level + 1] - room[level])
        at = (offsets[on] + room[level])[:, None] + np.arange(width)
        linked = near[at]
        linked = linked[linked >= 0]
        if not (levels[linked] > level).all():
            raise ValueError(f"a graph with a link on level {level} to a vector below")


def _check_lists(index: Any, rows: int, faiss: Any) -> None:
    lists = faiss.downcast_InvertedLists(index.invlists)
    if not isinstance(lists, faiss.ArrayInvertedLists) or (lists.nlist, lists.code_size) != (index.nlist, 4 * index.d):
        raise ValueError("cells of another kind")
    total = 0
    for cell in range(index.nlist):
        count = lists.list_size(cell)
        held = faiss.rev_swig_ptr(lists.get_ids(cell), count) if count else np.empty(0, np.int64)
        if count and not 0 <= held.min() <= held.max() < rows:
            raise ValueError(f"cell {cell} with vector {held.max()} of {rows}")
        total += count
    if total != rows:
        raise ValueError(f"cells of {total} vectors, not of {rows}")
