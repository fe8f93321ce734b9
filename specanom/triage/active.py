"""Ranking anew after each label: what an inspector finds interesting, weighed with how odd a spectrum is.

The score of Astronomaly (Lochner & Bassett 2021, Astronomy and Computing 36, 100481): a random forest
learns the user's verdict U from the vectors; where labels are near it is believed, where none is near the raw score S
stands::

    Ŝ = S · tanh(δ − 1 + artanh Ũ),   Ũ = ε₁ + ε₂ U / U_max,   δ = exp(α d / d₀)

with d the distance to the nearest labelled spectrum and d₀ its mean over all. Ŝ is never above S: a verdict takes what
is boring down and leaves the interesting where it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..ordering import order, ranks
from .label import Label
from .labels import LabelLog
from .pool import Pool
from .verdicts import Verdict, verdicts

if TYPE_CHECKING:
    import pandas as pd

Doubles = NDArray[np.float64]
DULL = ("artefact", "artefacts", "artifact", "artifacts", "bad", "boring", "instrument", "junk", "noise", "normal",
        "ordinary", "sky")
"""Words that say that there is nothing to see."""
RELEVANCE: Mapping[str, float] = {"interesting": 1.0, "physical": 1.0, "hybrid": 0.5, "unsure": 0.5, "known": 0.2,
                                  **dict.fromkeys(DULL, 0.0)}
"""How interesting each word says a spectrum is, 0–1."""
OTHERS = 1.0
"""How interesting any other word says it is: who writes "lens" has found something."""
LEAST, SPAN = 0.1, 0.85
"""ε₁ and ε₂ of the formula: a spectrum with the verdict 0 keeps a tenth of its score."""
FAR = 30.0  # where tanh has long been 1
AT_ONCE = 2**15  # spectra whose verdict by every tree is in memory
SCALES = ("log", "range")
STRATEGIES = ("best", "uncertain", "explore", "mixed")


@dataclass(frozen=True, eq=False)
class Ranking:
    """A pool ranked by what was said of some of it.

    Attributes
    ----------
    ids : tuple of str
        Those of the pool.
    score : (n,) array
        The new score Ŝ.
    raw : (n,) array
        The old one, scaled to 0–1.
    relevance : (n,) array
        Verdict that the forest expects, 0–1; NaN before the first label.
    spread : (n,) array
        How much its trees differ, standard deviation; NaN before the first label.
    distance : (n,) array
        To the nearest labelled spectrum, in units of d₀; infinite before the first label.
    labelled : (n,) bool array
        Which have a verdict.
    foreign, ignored : int
        Verdicts on ids that the pool does not have; verdicts whose word has no relevance.
    """

    ids: tuple[str, ...]
    score: Doubles
    raw: Doubles
    relevance: Doubles
    spread: Doubles
    distance: Doubles
    labelled: NDArray[np.bool_]
    foreign: int = 0
    ignored: int = 0

    @property
    def order(self) -> NDArray[np.intp]:
        """Rows from the best to the last; equal scores by id."""
        return order(self.score, self.ids)

    def top(self, k: int | None = None) -> tuple[str, ...]:
        """Return the ids of the best k, or all, in order."""
        return tuple(self.ids[row] for row in self.order[:k])

    def value(self, strategy: str, turn: int = 0) -> Doubles:
        """Return how much each spectrum is worth asking about, (n,), by a strategy of :class:`InspectionSession`.

        ``"best"``: Ŝ. ``"uncertain"``: the raw score times the spread of the trees. ``"explore"``: the raw score times
        1 − exp(−d/d₀), far from all labels. ``"mixed"``: best, best, explore, and so on by `turn`.
        """
        choice("strategy", strategy, STRATEGIES)
        if strategy == "mixed":
            strategy = "explore" if turn % 3 == 2 else "best"
        if strategy == "best" or not self.labelled.any():
            return self.score
        return self.raw * (self.spread if strategy == "uncertain" else -np.expm1(-self.distance))

    def to_frame(self) -> pd.DataFrame:
        """Return a table in the new order: id, rank, score, raw, raw_rank, relevance, spread, distance, labelled."""
        import pandas as pd

        rows = self.order
        made = pd.DataFrame({"id": self.ids, "rank": ranks(self.score, self.ids), "score": self.score, "raw": self.raw,
                             "raw_rank": ranks(self.raw, self.ids), "relevance": self.relevance,
                             "spread": self.spread, "distance": self.distance, "labelled": self.labelled})
        return made.iloc[rows].reset_index(drop=True)

    def __repr__(self) -> str:
        beside = (self.foreign, "of foreign ids"), (self.ignored, "without a verdict")
        more = [f"{count} {word}" for count, word in beside if count]
        told = f" (and {', '.join(more)})" if more else ""
        first = ", ".join(self.top(3))
        return f"Ranking: {len(self.ids)} spectra by {int(self.labelled.sum())} labels{told}; first {first}"


@dataclass(frozen=True)
class Reranker:
    """Ranks a pool anew by labels, see the formula above.

    Parameters
    ----------
    alpha : float
        Above 0; the smaller, the further a label reaches. 1, as published, hardly moved the rankings of semi-real
        surveys in thirty labels; 0.1 did, on the survey it was chosen on and on another.
    relevance : mapping
        Word → 0–1, in small letters; capitals make no difference in what was said.
    others : float or None
        What any other word is worth, 0–1, as "lens"; None: it counts for nothing.
    scale : {"log", "range"}
        How the raw score becomes 0–1. ``"range"`` is linear, as published; one extreme score then stays first whatever
        is said of its kind. ``"log"``: the logarithm of the rank, so that each factor in rank counts the same.
    standardise : bool
        Whether each component of the vectors is divided by its standard deviation first. Leave weights of
        explanations as they are; latents and features of different units need it.
    trees : int
        Of the random forest.
    seed : int
        Of the random forest.
    """

    alpha: float = 0.1
    relevance: Mapping[str, float] = field(default_factory=lambda: dict(RELEVANCE))
    others: float | None = OTHERS
    scale: str = "log"
    standardise: bool = True
    trees: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        choice("scale", self.scale, SCALES)
        if not self.alpha > 0:
            raise ArgumentError(message("alpha", expected="a number above 0", got=self.alpha, hint="1"))
        if self.trees < 1:
            raise ArgumentError(message("trees", expected="at least 1", got=self.trees, hint="100"))
        wrong = {word: value for word, value in self.relevance.items() if not 0 <= value <= 1}
        if wrong or not self.relevance:
            raise ArgumentError(message("relevance", expected="words with numbers 0–1", got=f"{wrong or 'none'}"))
        if self.others is not None and not 0 <= self.others <= 1:
            raise ArgumentError(message("others", expected="a number 0–1, or None", got=self.others, hint="1"))

    def __call__(self, pool: Pool, labels: LabelLog | Iterable[Label] | Mapping[str, str | float] = (), /) -> Ranking:
        """Return the ranking.

        Parameters
        ----------
        pool : Pool
            What is ranked.
        labels : LabelLog, iterable of Label, or mapping
            What was said; of several authors of one id the verdict counts (:mod:`specanom.triage.verdicts`), the mean
            of the words that tie where it is disputed. A mapping is id → word of `relevance`, or id → 0–1.
        """
        given, ignored = self.verdicts(labels)
        known = {pool.row(id): value for id, value in given.items() if id in pool}
        raw = scaled(pool, self.scale)
        labelled = np.zeros(len(pool), dtype=bool)
        labelled[list(known)] = True
        counts = {"foreign": len(given) - len(known), "ignored": ignored}
        if not known:
            none = np.full(len(pool), np.nan)
            return Ranking(pool.ids, raw, raw, none, none, np.full(len(pool), np.inf), labelled, **counts)
        # By id, so that neither the order of labelling nor that of the pool decides what the forest draws.
        rows = np.array(sorted(known, key=lambda row: pool.ids[row]), dtype=np.intp)
        vectors = self._vectors(pool)
        relevance, spread = self._learned(vectors, rows, np.array([known[int(row)] for row in rows]))
        distance = _nearest(vectors, rows)
        score = raw * np.tanh(np.expm1(np.minimum(self.alpha * distance, FAR)) + np.arctanh(LEAST + SPAN * relevance))
        return Ranking(pool.ids, score, raw, relevance, spread, distance, labelled, **counts)

    def verdicts(self, labels: Any) -> tuple[dict[str, float], int]:
        """Return what labels say, id → relevance 0–1, and how many words say nothing of relevance."""
        if isinstance(labels, Mapping):
            return self._given(labels), 0
        found, ignored = self.relevances(verdicts(labels))
        return found, len(ignored)

    def relevances(self, said: Mapping[str, Verdict]) -> tuple[dict[str, float], tuple[str, ...]]:
        """Return what verdicts say, id → relevance 0–1, and the ids whose word says nothing of relevance.

        A disputed verdict counts as the mean of the words that tie.
        """
        found = {}
        for id, one in said.items():
            values = [value for word in one.tied if (value := self.worth(word)) is not None]
            if values:
                found[id] = float(np.mean(values))
        return found, tuple(id for id in said if id not in found)

    def worth(self, word: str) -> float | None:
        """Return how interesting a word says a spectrum is, 0–1; None where it says nothing of that."""
        plain = word.strip().lower()
        found = next((self.relevance[one] for one in (word, plain) if one in self.relevance), self.others)
        return None if found is None else float(found)

    def _given(self, labels: Mapping[str, str | float]) -> dict[str, float]:
        found = {}
        for id, value in labels.items():
            word = isinstance(value, str)
            found[id] = float(self.relevance[choice("label", str(value), self.relevance)] if word else value)
            if not 0 <= found[id] <= 1:
                raise ArgumentError(message("labels", expected="words, or numbers 0–1", got=f"{id!r}: {value!r}"))
        return found

    def _vectors(self, pool: Pool) -> Doubles:
        if not self.standardise:
            return pool.vectors
        spread = pool.vectors.std(axis=0)
        return np.asarray((pool.vectors - pool.vectors.mean(axis=0)) / np.where(spread > 0, spread, 1.0))

    def _learned(self, vectors: Doubles, rows: NDArray[np.intp], verdicts: Doubles) -> tuple[Doubles, Doubles]:
        """Return the verdict that a random forest expects of each spectrum, and the spread of its trees."""
        from sklearn.ensemble import RandomForestRegressor

        model = RandomForestRegressor(n_estimators=self.trees, random_state=self.seed).fit(vectors[rows], verdicts)
        single = vectors.astype(np.float32)  # what the trees work in
        mean, spread = np.empty(len(vectors)), np.empty(len(vectors))
        for part in (slice(start, start + AT_ONCE) for start in range(0, len(vectors), AT_ONCE)):
            each = np.stack([tree.predict(single[part]) for tree in model.estimators_])
            mean[part], spread[part] = each.mean(axis=0), each.std(axis=0)
        return np.clip(mean, 0.0, 1.0), spread


def scaled(pool: Pool, scale: str) -> Doubles:
    """Return the scores of a pool on 0–1: ``"range"``, or ``"log"``: 1 − log(rank) / log(n + 1)."""
    if scale == "range":
        low, high = pool.score.min(), pool.score.max()
        return np.asarray((pool.score - low) / (high - low) if high > low else np.ones(len(pool)))
    return np.asarray(1.0 - np.log(ranks(pool.score, pool.ids)) / np.log(len(pool) + 1.0))


def _nearest(vectors: Doubles, rows: NDArray[np.intp]) -> Doubles:
    """Return the distance of each row to the nearest of `rows`, in units of the mean over all."""
    from scipy.spatial import cKDTree

    found = np.asarray(cKDTree(vectors[rows]).query(vectors)[0], dtype=np.float64)
    mean = found.mean()
    return found / mean if mean > 0 else found
