"""How well a knowledge base finds each of its labels: at stated prevalence, along k and along what the base holds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, ShapeError, message
from ..face import opener
from .entries import matrix, names_of, words_of
from .found import Found
from .votes import vote, weights_of

if TYPE_CHECKING:
    import pandas as pd

    from .knowledge import KnowledgeBase

FIRST = ("label", "n", "others", "prevalence", "precision", "precision_low", "precision_high", "recall", "recall_low",
         "recall_high", "f1", "f1_low", "f1_high", "false_alarms", "hits", "missed", "false", "passed")
CURVE = ("along", "value", *FIRST)


@dataclass(frozen=True, eq=False)
class Evaluation:
    """How well each label is found by the vote of k neighbours.

    Attributes
    ----------
    table : DataFrame
        One row a label: ``label``, ``n`` objects of it and ``others`` in the test, the ``prevalence`` that the
        precision is stated at, ``precision``, ``recall``, ``f1`` each with ``_low`` and ``_high`` (95 %),
        ``false_alarms`` (share of the others that were taken for it), and the counts.
    curves : DataFrame
        The same columns behind ``along`` and ``value``: along ``"k"``; along ``"size"``, the share of the base that
        was kept; along ``"share"``, the share of the label among the members, reached by leaving out either.
    confusion : DataFrame
        Counts, known label by voted label; ``""`` where nobody voted.
    k : int
    test : str
        What it was tested on.
    """

    table: pd.DataFrame
    curves: pd.DataFrame
    confusion: pd.DataFrame
    k: int
    test: str

    def to_frame(self) -> pd.DataFrame:
        """Return a copy of the table."""
        return self.table.copy()

    def plot(self, *, theme: str = "light") -> Any:
        """Return a bokeh layout; see :func:`specanom.plots.retrieval_rates`."""
        return opener("plot retrieval")(self, theme=theme)

    @property
    def _shown(self) -> pd.DataFrame:
        import pandas as pd

        made = self.table[["label", "n", "prevalence"]].copy()
        for name in ("precision", "recall", "f1"):
            made[name] = [f"{best:.3f} ({low:.3f}–{high:.3f})" for best, low, high in zip(
                *(self.table[one] for one in (name, f"{name}_low", f"{name}_high")), strict=True)]
        return pd.DataFrame(made)

    def __repr__(self) -> str:
        return (f"Evaluation: vote of {self.k}, {self.test}; 95 % intervals\n"
                f"{self._shown.to_string(index=False, float_format=lambda value: f'{value:.4g}')}")

    def _repr_html_(self) -> str:
        shown = self._shown.to_html(index=False, float_format=lambda value: f"{value:.4g}")
        return f"<p>Vote of {self.k}, {escape(self.test)}; 95 % intervals.</p>{shown}"


@dataclass(frozen=True)
class Evaluator:
    """Settings of an evaluation; call it with a knowledge base.

    Parameters
    ----------
    k : int
        Neighbours that vote.
    prevalence : float or mapping of label to float, optional
        Share of a label where the search will be done: one for all, or by label. Recall is as measured, precision and
        F1 are stated at it. By default that of the test.
    labels : sequence of str, optional
        Labels to report; by default all of the test.
    ks, sizes, shares : sequences
        Values along the curves; those that the base cannot give are left out, and an empty sequence draws none.
    most : int
        Objects of a label, and others, that are asked for at each point of the curves over size and share.
    draws : int
        Behind the intervals of precision and F1.
    seed : int
    """

    k: int = 3
    prevalence: float | Mapping[str, float] | None = None
    labels: Sequence[str] | None = None
    ks: Sequence[int] = (1, 2, 3, 5, 10, 20)
    sizes: Sequence[float] = (0.1, 0.25, 0.5, 1.0)
    shares: Sequence[float] = (0.003, 0.01, 0.03, 0.1, 0.3, 0.5)
    most: int = 2000
    draws: int = 4000
    seed: int = 0

    def __call__(
        self, base: KnowledgeBase, vectors: Any = None, labels: Iterable[Any] | None = None, *,
        ids: Iterable[Any] | None = None, encoder: Any = None,
    ) -> Evaluation:
        """Evaluate `base` on its own labelled members, each asked for without itself, or on a test set.

        Parameters
        ----------
        base : KnowledgeBase
        vectors, labels : (m, d) array and (m,) sequence, optional
            A test set. Rows without a label or with a vector that is not finite are not counted.
        ids : (m,) sequence, optional
            Of the test set; members of the base are asked for without themselves.
        encoder : str or object with a ``fingerprint``, optional
            What made the vectors of the test set.

        Raises
        ------
        ArgumentError
            When a prevalence is no share, a label is not in the test, or the vectors come from another encoder.
        DataError
            When nothing in the test has a label.
        """
        import pandas as pd

        base.check_encoder(encoder)
        test = _Test.of(base, vectors, labels, ids)
        wanted = self._labels(test)
        ks = sorted({int(k) for k in (*self.ks, self.k) if k == self.k or 1 <= k <= base_room(base)})
        kin = test.ask(base, max(ks))
        said = {k: _said(kin, k) for k in ks}
        table = [self._row(test.labels, said[self.k], label) for label in wanted]
        curves = [{"along": "k", "value": float(k), **self._row(test.labels, said[k], label)}
                  for k in ks if len(self.ks) for label in wanted]
        curves += [*self._over_size(base, test, wanted), *self._over_share(base, test, wanted)]
        counts = pd.crosstab(pd.Series(test.labels, name="known"), pd.Series(said[self.k], name="voted"))
        return Evaluation(pd.DataFrame(table, columns=list(FIRST)), pd.DataFrame(curves, columns=list(CURVE)), counts,
                          self.k, test.told)

    def _labels(self, test: _Test) -> list[str]:
        there = sorted(set(test.labels))
        wanted = there if self.labels is None else list(self.labels)
        for label in wanted:
            if label not in there:
                raise ArgumentError(message("labels", expected=f"among those of the test, {', '.join(there)}",
                                            got=repr(label)))
        for label in wanted:
            share = self._prevalence(label)
            if share is not None and not 0 < share < 1:
                raise ArgumentError(message("prevalence", expected="shares between 0 and 1", got=share))
        return wanted

    def _prevalence(self, label: str) -> float | None:
        if isinstance(self.prevalence, Mapping):
            return self.prevalence.get(label)
        return self.prevalence

    def _row(self, truth: NDArray[Any], said: NDArray[Any], label: str, *, share: float | None = None
             ) -> dict[str, Any]:
        found = Found.count(truth == label, said == label)
        prevalence = self._prevalence(label)
        rates = found.rates(share if prevalence is None else prevalence, draws=self.draws, seed=self.seed)
        return {"label": label, "n": found.positives, "others": found.others, **vars(found), **rates}

    def _over_size(self, base: KnowledgeBase, test: _Test, wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
        order = np.random.default_rng(self.seed).permutation(len(base))
        chosen = {label: test.around(label, self.most, self.seed) for label in wanted}
        rows = np.unique(np.concatenate(list(chosen.values())))
        for size in self.sizes:
            kept = np.sort(order[: round(size * len(base))])
            if len(kept) <= self.k:
                continue
            said = _said(test.ask(base.take(kept), self.k, rows), self.k)
            for label in wanted:
                mine = np.searchsorted(rows, chosen[label])
                yield {"along": "size", "value": float(size), **self._row(
                    test.labels[chosen[label]], said[mine], label, share=test.share(label))}

    def _over_share(self, base: KnowledgeBase, test: _Test, wanted: Sequence[str]) -> Iterator[dict[str, Any]]:
        rng = np.random.default_rng(self.seed)
        for label in wanted:
            rows = test.around(label, self.most, self.seed)
            mine, others = (rng.permutation(np.flatnonzero(flag)) for flag in
                            (base.labels == label, base.labels != label))
            for share in self.shares:
                kept = _thinned(mine, others, share)
                if kept is None or len(kept) <= self.k:
                    continue
                said = _said(test.ask(base.take(kept), self.k, rows), self.k)
                yield {"along": "share", "value": float(share),
                       **self._row(test.labels[rows], said, label, share=test.share(label))}


def base_room(base: KnowledgeBase) -> int:
    """Return how many neighbours a member can have."""
    return len(base) - 1


def _thinned(mine: NDArray[np.intp], others: NDArray[np.intp], share: float) -> NDArray[np.intp] | None:
    """Return members among which `mine` are `share`; None where too few are left for it."""
    if not mine.size or not others.size:
        return None
    few = round(share * others.size / (1.0 - share))
    if few <= mine.size:
        kept = np.concatenate([mine[:few], others]) if few >= 1 else None
    else:
        kept = np.concatenate([mine, others[: round(mine.size * (1.0 - share) / share)]])
    return None if kept is None else np.sort(kept)


def _said(kin: Any, k: int) -> NDArray[np.object_]:
    """Return what the first `k` neighbours vote for."""
    return vote(kin.labels[:, :k], weights_of(kin.distances[:, :k], kin.tau))[0]


@dataclass(frozen=True, eq=False)
class _Test:
    """Objects with known labels."""

    vectors: NDArray[Any]
    labels: NDArray[np.object_]
    ids: NDArray[np.object_] | None
    told: str

    @classmethod
    def of(cls, base: KnowledgeBase, vectors: Any, labels: Any, ids: Any) -> _Test:
        if (vectors is None) != (labels is None):
            raise ArgumentError(message("vectors, labels", expected="both of a test set, or neither", got="one",
                                        hint="neither tests the labelled members, each without itself"))
        own = vectors is None
        rows = np.asarray(base.vectors) if own else matrix(vectors)
        words = base.labels if own else words_of(labels)
        names = base.ids if own else None if ids is None else names_of(ids)
        for argument, got in (("labels", words), ("ids", names)):
            if got is not None and len(got) != len(rows):
                raise ShapeError(message(argument, expected=f"{len(rows)}, one for each vector", got=len(got)))
        good = np.isfinite(rows).all(axis=1) & (words != "")
        if not good.any():
            raise DataError(message("labels", expected="at least one object with a label", got="none"))
        left = "" if good.all() else f", {int((~good).sum())} without a label or vector not counted"
        told = f"{int(good.sum())} labelled members, each without itself" if own else f"{int(good.sum())} test objects"
        return cls(rows[good], words[good], None if names is None else names[good], told + left)

    def ask(self, base: KnowledgeBase, k: int, rows: NDArray[np.intp] | None = None) -> Any:
        chosen = np.arange(len(self.labels)) if rows is None else rows
        return base.query(self.vectors[chosen], k, exclude=None if self.ids is None else self.ids[chosen])

    def share(self, label: str) -> float:
        return float(np.mean(self.labels == label))

    def around(self, label: str, most: int, seed: int) -> NDArray[np.intp]:
        """Return at most `most` objects of the label and as many others, in order."""
        rng = np.random.default_rng(seed)
        parts = [rng.permutation(np.flatnonzero(flag))[:most] for flag in (self.labels == label, self.labels != label)]
        return np.sort(np.concatenate(parts))
