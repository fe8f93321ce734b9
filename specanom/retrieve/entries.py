"""What goes into a knowledge base: vectors, ids, labels and metadata checked together, one row an object."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, ShapeError, message
from ..ids import id_texts
from ..seeds import content_hash

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Skipped:
    """An object that is not in the knowledge base, or a query without an answer, and why."""

    id: str
    reason: str


@dataclass(frozen=True, eq=False)
class Entries:
    """Rows of a knowledge base.

    Attributes
    ----------
    vectors : (n, d) float32 or float64 array
        Finite.
    ids : (n,) object array of str
        All different.
    labels : (n,) object array of str
        Empty where not known.
    metadata : DataFrame
        n rows, as given.
    """

    vectors: NDArray[Any]
    ids: NDArray[np.object_]
    labels: NDArray[np.object_]
    metadata: pd.DataFrame

    def __len__(self) -> int:
        return len(self.vectors)

    def take(self, rows: NDArray[Any]) -> Entries:
        """Return some of the rows."""
        return Entries(self.vectors[rows], self.ids[rows], self.labels[rows],
                       self.metadata.iloc[rows].reset_index(drop=True))


def matrix(vectors: Any, argument: str = "vectors") -> NDArray[Any]:
    """Return ``(n, d)`` vectors in float32, if they are, or else in float64; a torch tensor is welcome too.

    Raises
    ------
    ShapeError
        When they are not rows of numbers.
    """
    try:
        made = np.asarray(vectors)
        made = made if made.dtype in (np.float32, np.float64) else made.astype(np.float64)
    except (TypeError, ValueError) as exc:
        spectra = hasattr(vectors, "flux")
        raise ShapeError(message(argument, expected="rows of numbers, (n, d)",
                                 got=type(vectors).__name__ if spectra else str(exc),
                                 hint="model.encode(sample) makes them of spectra" if spectra else "")) from exc
    if made.ndim != 2 or made.shape[1] == 0:
        raise ShapeError(message(argument, expected="shape (n, d), a row for each object", got=f"shape {made.shape}",
                                 hint="vectors[None, :] for one, vectors[:, None] for many in one dimension"))
    return np.ascontiguousarray(made, dtype=made.dtype.newbyteorder("="))


def gather(vectors: Any, labels: Any, ids: Any, metadata: pd.DataFrame | None) -> tuple[Entries, tuple[Skipped, ...]]:
    """Check what a knowledge base is built from; what cannot be used is left out and listed.

    Raises
    ------
    ShapeError
        When there are not as many labels, ids or rows of metadata as vectors.
    DataError
        When ids are floats that have lost digits, or no vector is left.
    """
    import pandas as pd

    rows = matrix(vectors)
    table = pd.DataFrame(index=range(len(rows))) if metadata is None else metadata.reset_index(drop=True)
    if ids is None and "id" in table:
        ids = table["id"]
    names = content_ids(rows) if ids is None else names_of(ids)
    words = np.full(len(rows), "", dtype=object) if labels is None else words_of(labels)
    for argument, got in (("labels", words), ("ids", names), ("metadata", table)):
        if len(got) != len(rows):
            raise ShapeError(message(argument, expected=f"{len(rows)}, one for each vector", got=len(got)))
    reasons = _reasons(rows, names)
    skipped = tuple(Skipped(str(id), reason) for id, reason in zip(names, reasons, strict=True) if reason)
    kept = np.flatnonzero(reasons == "")
    if not kept.size:
        raise DataError(message("vectors", expected="at least one finite vector", got=_told(skipped)))
    return Entries(rows, names, words, table).take(kept), skipped


def _reasons(rows: NDArray[Any], names: NDArray[np.object_]) -> NDArray[np.object_]:
    reasons = np.full(len(rows), "", dtype=object)
    seen: set[str] = set()
    finite = np.isfinite(rows).all(axis=1)
    for i, name in enumerate(names):
        if not finite[i]:
            reasons[i] = "vector is not finite"
        elif not name:
            reasons[i] = "no id"
        elif name in seen:
            reasons[i] = "id is there already"
        else:
            seen.add(name)
    return reasons


def _told(skipped: Sequence[Skipped]) -> str:
    counts = Counter(one.reason for one in skipped)
    return ", ".join(f"{n} left out ({reason})" for reason, n in counts.items()) or "none"


def names_of(ids: Iterable[Any], argument: str = "ids") -> NDArray[np.object_]:
    """Return ids as an array of text, empty where there is none; see :func:`specanom.ids.id_text`."""
    return _column(id_texts(ids, argument))


def words_of(labels: Iterable[Any]) -> NDArray[np.object_]:
    """Return labels as an array of text, empty where there is none."""
    plain = (one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in labels)
    return _column(["" if one is None or str(one) == "<NA>" or one != one else str(one).strip() for one in plain])


def _column(texts: list[str]) -> NDArray[np.object_]:
    made = np.empty(len(texts), dtype=object)
    made[:] = texts
    return made


def content_ids(rows: NDArray[Any]) -> NDArray[np.object_]:
    """Return hashes of vectors as ids; of equal vectors the second is called ``…-2``."""
    made = np.empty(len(rows), dtype=object)
    counts: Counter[str] = Counter()
    for i, row in enumerate(rows):
        name = content_hash(row)
        counts[name] += 1
        made[i] = name if counts[name] == 1 else f"{name}-{counts[name]}"
    return made


def fingerprint(encoder: Any) -> str | None:
    """Return what identifies an encoder: a text as it is, or the attribute ``fingerprint`` of anything else.

    Raises
    ------
    ArgumentError
        When it is neither.
    """
    if encoder is None or isinstance(encoder, str):
        return encoder
    found = getattr(encoder, "fingerprint", None)
    if not isinstance(found, str):
        raise ArgumentError(message("encoder", expected="a text, or an encoder with a fingerprint",
                                    got=type(encoder).__name__, hint="sa.encoder(model), or any text of your own"))
    return found


def check_same(asked: str | None, own: str | None) -> None:
    """Raise an ArgumentError when two fingerprints are told and differ."""
    if asked is not None and own is not None and asked != own:
        raise ArgumentError(message(
            "encoder", expected=f"{own!r}, which made the vectors of this base", got=repr(asked),
            hint="encode the queries with that model, or build a base from vectors of this one"))
