"""The knowledge base: vectors of known objects, asked for the kin of others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, ShapeError, choice, message
from .approximate import KINDS, Approximate, Recall
from .archive import Memory, Origin, Settings, read, write
from .asking import Own, answers, default_tau
from .entries import Entries, Skipped, check_same, fingerprint, gather, matrix
from .evaluate import Evaluation, Evaluator
from .index import Index
from .kin import Kin

if TYPE_CHECKING:
    import pandas as pd

INDEXES = ("exact", *KINDS)
FAR = 0.99
"""Quantile of the base's own distances beyond which a query is far from everything known."""


class KnowledgeBase:
    """Vectors of known objects with labels and metadata; :meth:`query` finds the kin of others among them.

    Made by :meth:`build` or :meth:`load`. It never changes: :meth:`add` and :meth:`take` return another.

    Examples
    --------
    >>> kb = KnowledgeBase.build([[0.0, 0.0], [0.1, 0.0], [5.0, 5.0]], ["SF", "SF", "LINER"], ["a", "b", "c"])
    >>> kin = kb.query([[0.0, 0.1]], k=2)
    >>> kin.ids.tolist(), kin.vote.tolist()
    ([['a', 'b']], ['SF'])
    """

    def __init__(self, settings: Settings, source: Origin) -> None:
        self._settings, self._source = settings, source
        self._own: Own | None = None

    @classmethod
    def build(
        cls,
        vectors: Any,
        labels: Iterable[Any] | None = None,
        ids: Iterable[Any] | None = None,
        *,
        metadata: pd.DataFrame | None = None,
        encoder: Any = None,
        index: str = "exact",
        tau: float | None = None,
    ) -> KnowledgeBase:
        """Build a knowledge base of vectors, whatever made them: a latent, a PCA, weights of explanations.

        Distances are Euclidean in the vectors as they are given; scale columns before when their units differ.

        Parameters
        ----------
        vectors : (n, d) array
            One that is not finite is left out and listed in :attr:`skipped`.
        labels : (n,) sequence, optional
            Classes as text; "" or None where not known, which does not vote.
        ids : (n,) sequence, optional
            Text or integers. Without them, the column ``id`` of `metadata`, or hashes of the vectors. Of objects with
            the same id the first counts.
        metadata : DataFrame, optional
            n rows of anything else that is known.
        encoder : str or object with a ``fingerprint``, optional
            What made the vectors; queries that come from another one are then refused.
        index : {"exact", "hnsw", "ivf"}
            Exact search by a k-d tree (up to 16 dimensions) or a flat comparison; or faiss's graph or cells, whose
            recall is measured on held-out vectors.
        tau : float, optional
            Scale of the weights ``exp(−d/τ)``; by default the median distance of members to their third neighbour.

        Raises
        ------
        ShapeError, ArgumentError, DataError
            When arrays do not fit together, ids are floats, or no finite vector is left.
        MissingDependency
            When an approximate index is asked for without faiss.
        """
        if tau is not None and not (np.isfinite(tau) and tau > 0):
            raise ArgumentError(message("tau", expected="a distance above zero", got=tau,
                                        hint="None takes the median distance to the third neighbour"))
        entries, skipped = gather(vectors, labels, ids, metadata)
        return cls._of(entries, skipped, kind=choice("index", index, INDEXES), encoder=fingerprint(encoder), tau=tau)

    @classmethod
    def _of(cls, entries: Entries, skipped: tuple[Skipped, ...], *, kind: str, encoder: str | None,
            tau: float | None) -> KnowledgeBase:
        order = np.argsort(entries.ids, kind="stable")
        found = None if kind == "exact" else Approximate.build(entries.vectors[order], kind)
        known = entries.labels[entries.labels != ""]
        settings = Settings(len(entries), entries.vectors.shape[1], kind, encoder, tau or 1.0, tau is not None,
                            len(known), len(set(known)), skipped, None if found is None else found.recall)
        made = cls(settings, Memory(entries, None, found))
        if tau is None:
            made._settings = replace(settings, tau=default_tau(made._measured))
        return made

    # -- what is in it ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        return self._settings.n

    @property
    def vectors(self) -> NDArray[Any]:
        """The vectors, ``(n, d)``, in the order they were given."""
        return self._source.entries.vectors

    @property
    def ids(self) -> NDArray[np.object_]:
        """Ids as text, ``(n,)``."""
        return self._source.entries.ids

    @property
    def labels(self) -> NDArray[np.object_]:
        """Labels as text, ``(n,)``; empty where not known."""
        return self._source.entries.labels

    @property
    def metadata(self) -> pd.DataFrame:
        """What else is known, n rows."""
        return self._source.entries.metadata

    @property
    def tau(self) -> float:
        """Scale of the weights ``exp(−d/τ)``, in units of the vectors."""
        return self._settings.tau

    @property
    def encoder(self) -> str | None:
        """Fingerprint of what made the vectors."""
        return self._settings.encoder

    @property
    def recall(self) -> Recall | None:
        """How much of the truth an approximate index finds; None of an exact one, which finds all."""
        return self._settings.recall

    @property
    def skipped(self) -> tuple[Skipped, ...]:
        """What was given but could not be used, and why."""
        return self._settings.skipped

    @cached_property
    def _order(self) -> NDArray[np.intp]:
        """Rows in the order of their ids, which decides among equal distances whatever order they came in."""
        return np.argsort(self.ids, kind="stable")

    @cached_property
    def _index(self) -> Index:
        vectors = np.asarray(self.vectors)[self._order]
        return Index(vectors, self._source.backend(vectors))

    @cached_property
    def _place_of(self) -> Mapping[str, int]:
        return {id: place for place, id in enumerate(self.ids[self._order])}

    @property
    def _measured(self) -> Own:
        if self._own is None:
            self._own = Own(self._index, self._source.own)
        return self._own

    # -- asking ----------------------------------------------------------------------------------------------------

    def query(
        self, vectors: Any, k: int = 3, *, exclude: Iterable[Any] | None = None, encoder: Any = None, far: float = FAR
    ) -> Kin:
        """Find the k nearest members of each vector, and what they say together.

        Parameters
        ----------
        vectors : (m, d) or (d,) array
            One that is not finite gets no answer and is listed in ``kin.skipped``.
        k : int
        exclude : (m,) sequence of str, optional
            Ids of the queries: a query that is a member is left out of its own answer. They also name the rows.
        encoder : str or object with a ``fingerprint``, optional
            What made these vectors.
        far : float
            Quantile of the base's own distances to the k-th neighbour beyond which a query is far from all. Up to
            2048 members, evenly drawn in the order of their ids, stand for all of them.

        Raises
        ------
        ArgumentError
            When k is larger than the base, `far` is no share, or the vectors come from another encoder.
        ShapeError
            When they have another number of dimensions.
        """
        self.check_encoder(encoder)
        rows = matrix(vectors if hasattr(vectors, "flux") else np.atleast_2d(np.asarray(vectors)))
        if rows.shape[1] != self._settings.d:
            raise ShapeError(message("vectors", expected=f"{self._settings.d} dimensions, as the base has",
                                     got=rows.shape[1], hint="encode them with what encoded the base: "
                                                             f"{self.encoder or 'it did not say what'}"))
        return answers(self, rows, k, exclude=exclude, far=far)

    def check_encoder(self, encoder: Any) -> None:
        """Raise an ArgumentError when vectors of `encoder` cannot be compared with those of this base.

        Parameters
        ----------
        encoder : str, object with a ``fingerprint``, or None
            What made the vectors; None, and a base that was not told, let everything pass.
        """
        check_same(fingerprint(encoder), self.encoder)

    # -- other bases -----------------------------------------------------------------------------------------------

    def add(
        self,
        vectors: Any,
        labels: Iterable[Any] | None = None,
        ids: Iterable[Any] | None = None,
        *,
        metadata: pd.DataFrame | None = None,
        encoder: Any = None,
    ) -> KnowledgeBase:
        """Return a base with more members; this one stays as it is.

        An id that is there already is skipped and listed. Columns of metadata that only one of the two has are NaN
        for the other. A τ that was measured is measured again, and so is the recall of an approximate index.

        Raises
        ------
        ArgumentError, ShapeError
            When the vectors come from another encoder, or have another number of dimensions.
        """
        import pandas as pd

        self.check_encoder(encoder)
        new, skipped = gather(vectors, labels, ids, metadata)
        if new.vectors.shape[1] != self._settings.d:
            raise ShapeError(message("vectors", expected=f"{self._settings.d} dimensions, as the base has",
                                     got=new.vectors.shape[1]))
        old = self._source.entries
        there = np.array([id in self._place_of for id in new.ids], dtype=bool)
        skipped += tuple(Skipped(str(id), "id is there already") for id in new.ids[there])
        new = new.take(np.flatnonzero(~there))
        both = Entries(np.concatenate([old.vectors, new.vectors]), np.concatenate([old.ids, new.ids]),
                       np.concatenate([old.labels, new.labels]),
                       pd.concat([old.metadata, new.metadata], ignore_index=True))
        return self._like(both, self.skipped + skipped)

    def take(self, rows: Any, *, index: str = "exact") -> KnowledgeBase:
        """Return a base of some members with this one's τ.

        Parameters
        ----------
        rows : int or bool array
            Row numbers, or a mask ``(n,)``.
        index : {"exact", "hnsw", "ivf"}
            Of the new base.

        Raises
        ------
        DataError
            When none is left.
        """
        asked = np.asarray(rows)
        chosen = np.arange(len(self))[asked] if asked.size else np.empty(0, dtype=np.intp)
        if not chosen.size:
            raise DataError(message("rows", expected="at least one member", got="none"))
        return self._of(self._source.entries.take(chosen), (), kind=choice("index", index, INDEXES),
                        encoder=self.encoder, tau=self.tau)

    def _like(self, entries: Entries, skipped: tuple[Skipped, ...]) -> KnowledgeBase:
        tau = self.tau if self._settings.given_tau else None
        return self._of(entries, skipped, kind=self._settings.kind, encoder=self.encoder, tau=tau)

    def evaluate(
        self,
        vectors: Any = None,
        labels: Iterable[Any] | None = None,
        *,
        ids: Iterable[Any] | None = None,
        k: int = 3,
        prevalence: float | Mapping[str, float] | None = None,
        seed: int = 0,
        encoder: Any = None,
    ) -> Evaluation:
        """Return precision, recall and F1 of the vote for each label; see :class:`Evaluator` for more settings.

        Parameters
        ----------
        vectors, labels, ids : optional
            A test set; by default every labelled member is asked for without itself.
        k : int
        prevalence : float or mapping of label to float, optional
            Share of each label where the search will be done; by default that of the test set.
        seed : int
            Of the draws behind intervals, and of what is left out along the curves.
        encoder : str or object with a ``fingerprint``, optional
            What made the vectors of the test set.
        """
        return Evaluator(k=k, prevalence=prevalence, seed=seed)(self, vectors, labels, ids=ids, encoder=encoder)

    # -- on disk ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write it to a folder, which appears whole or not at all; a base that was there is replaced.

        Raises
        ------
        DataError
            When something else is there, or a column of the metadata cannot be written.
        """
        return write(path, self._settings, self._source.entries, backend=self._index.backend,
                     own=self._measured.distances)

    @classmethod
    def load(cls, path: str | Path) -> KnowledgeBase:
        """Open a folder that :meth:`save` wrote; vectors and tables are read when they are first needed.

        Raises
        ------
        DataError
            When it is no knowledge base, a newer one, or damaged (files are also checked when they are first read).
        """
        return cls(*read(path))

    def __repr__(self) -> str:
        s = self._settings
        search = "exact search" if s.recall is None else f"{s.kind} with {s.recall}"
        left = f"; {len(s.skipped)} skipped" if s.skipped else ""
        made = f", vectors of {s.encoder}" if s.encoder else ""
        return (f"KnowledgeBase: {s.n} x {s.d}, {s.labelled} labelled in {s.classes} classes, {search}, "
                f"τ {s.tau:.4g}{made}{left}")

    def _repr_html_(self) -> str:
        import pandas as pd

        counts = pd.Series(self.labels[self.labels != ""], dtype=object).value_counts().head(12)
        rows = "".join(f"<tr><td>{escape(str(label))}</td><td>{n}</td></tr>" for label, n in counts.items())
        table = f"<table><thead><tr><th>label</th><th>members</th></tr></thead><tbody>{rows}</tbody></table>"
        return f"<p>{escape(repr(self))}</p>{table if rows else ''}"
