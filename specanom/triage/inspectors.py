"""How well several inspectors agree, where they do not, and what most of them say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, message
from .label import NOTED, Label, displaces, moment
from .labels import LabelLog
from .verdicts import Verdict, standing

if TYPE_CHECKING:
    import pandas as pd

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Agreement:
    """What several inspectors said of the same spectra.

    Attributes
    ----------
    table : DataFrame
        One row for each id that at least two judged, a column for each inspector; empty where one was silent.
    words : tuple of str
        The words that were used.
    kappa : float
        Fleiss' κ of all of them: agreement beyond what their habits would give by chance; 1 is perfect, 0 chance. NaN
        when there is nothing to compare or all used one word only.
    interval : (float, float)
        Of `kappa` at `level`, by bootstrap over the spectra.
    pairs : DataFrame
        One row for each two inspectors: ``first``, ``second``, ``n`` judged by both, ``same``, Cohen's ``kappa``,
        ``low``, ``high``.
    level : float
        Of the intervals.
    """

    table: pd.DataFrame
    words: tuple[str, ...]
    kappa: float
    interval: tuple[float, float]
    pairs: pd.DataFrame
    level: float = 0.95

    @property
    def authors(self) -> tuple[str, ...]:
        """The inspectors."""
        return tuple(self.table.columns[1:])

    @property
    def disagreements(self) -> pd.DataFrame:
        """Rows of the table in which not all say the same."""
        different = [len(set(filter(None, row))) > 1 for row in self.table.iloc[:, 1:].to_numpy()]
        return self.table[np.asarray(different, dtype=bool)].reset_index(drop=True)

    @property
    def consensus(self) -> pd.DataFrame:
        """What most say: ``id``, ``label``, ``votes``, ``of``, ``tie``; the label of a tie is empty, its words listed.
        """
        import pandas as pd

        rows = []
        for id, *said in self.table.itertuples(index=False, name=None):
            made = Verdict(id, {who: word for who, word in zip(self.authors, said, strict=True) if word})
            rows.append((id, made.word, max(made.counts.values()), len(made.votes),
                         ", ".join(made.tied) if made.disputed else ""))
        return pd.DataFrame(rows, columns=["id", "label", "votes", "of", "tie"])

    @property
    def ties(self) -> pd.DataFrame:
        """Rows of the consensus without a majority."""
        found = self.consensus
        return found[found["tie"] != ""].reset_index(drop=True)

    def __repr__(self) -> str:
        if len(self.authors) < 2 or not len(self.table):
            return f"Agreement: nothing that two inspectors judged ({len(self.authors)} with labels)"
        return (f"Agreement: {len(self.authors)} inspectors, {len(self.table)} spectra judged by two or more, "
                f"κ = {self.kappa:.2f} ({self.interval[0]:.2f} to {self.interval[1]:.2f}, {self.level:.0%}), "
                f"{len(self.disagreements)} disagreements, {len(self.ties)} ties")

    def _repr_html_(self) -> str:
        shown = self.disagreements.head(20).to_html(index=False, escape=True)
        return f"<div><p>{escape(repr(self))}</p>{shown}</div>"


def agreement(
    labels: LabelLog | Iterable[LabelLog] | Mapping[str, LabelLog],
    *,
    words: Iterable[str] | None = None,
    level: float = 0.95,
    repeats: int = 1000,
    seed: int = 0,
) -> Agreement:
    """Compare what several inspectors say.

    Parameters
    ----------
    labels : LabelLog, iterable of LabelLog, or mapping
        One log that several wrote to, or several logs: of one author's words on one id, the latest counts. In a
        mapping, name → log, all that is in a log counts as said by that name.
    words : iterable of str, optional
        Words that count; all but notes when not given.
    level : float
        Of the intervals.
    repeats : int
        Bootstrap samples.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Agreement

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> log = LabelLog(Path(tempfile.mkdtemp()) / "labels.jsonl")
    >>> for id, ada, bob in [("a", "known", "known"), ("b", "artefact", "known"), ("c", "artefact", "artefact")]:
    ...     _ = log.add(id, ada, author="ada"), log.add(id, bob, author="bob")
    >>> agreement(log).consensus["tie"].tolist()
    ['', 'artefact, known', '']
    """
    import pandas as pd

    if not 0 < level < 1:
        raise ArgumentError(message("level", expected="a share between 0 and 1", got=level, hint="0.95"))
    table = _judged(labels, words)
    authors, cells = list(table.columns[1:]), table.to_numpy()[:, 1:]
    used = tuple(sorted({word for word in cells.ravel() if word}))
    place = {word: code for code, word in enumerate(("", *used), start=-1)}
    codes = np.array([[place[word] for word in row] for row in cells], dtype=np.int64).reshape(cells.shape)
    rng, terms = np.random.default_rng(seed), _fleiss_terms(codes, len(used))
    interval = _interval(terms, _fleiss, rng, level=level, repeats=repeats)
    pairs = [(authors[i], authors[j], *_pair(codes[:, [i, j]], len(used), rng, level=level, repeats=repeats))
             for i, j in combinations(range(len(authors)), 2)]
    return Agreement(table, used, float(_fleiss(terms.sum(axis=0))), interval, pd.DataFrame(
        pairs, columns=["first", "second", "n", "same", "kappa", "low", "high"]), level)


def _judged(labels: Any, words: Iterable[str] | None) -> pd.DataFrame:
    """Return the table of an :class:`Agreement`."""
    import pandas as pd

    wanted = None if words is None else set(words)
    verdicts = {key: one.label for key, one in _verdicts(labels).items()
                if (one.label != NOTED if wanted is None else one.label in wanted)}
    authors = sorted({who for _, who in verdicts})
    judged = Counter(id for id, _ in verdicts)
    cells = [[id, *(verdicts.get((id, who), "") for who in authors)] for id, count in judged.items() if count > 1]
    return pd.DataFrame(cells, columns=["id", *authors], dtype=object)


def cohen_kappa(first: Iterable[str], second: Iterable[str]) -> float:
    """Return Cohen's κ (1960) of two lists of words for the same spectra; NaN when both used one word only."""
    a, b = list(first), list(second)
    if len(a) != len(b):
        raise ArgumentError(message("first, second", expected="lists of one length", got=f"{len(a)} and {len(b)}"))
    words = sorted({*a, *b})
    codes = np.array([[words.index(x), words.index(y)] for x, y in zip(a, b, strict=True)], dtype=np.int64)
    return float(_cohen(_cells(codes.reshape(-1, 2), len(words)).sum(axis=0)))


def fleiss_kappa(counts: ArrayLike) -> float:
    """Return Fleiss' κ (1971) of counts, spectra × words; spectra may have different numbers of inspectors.

    Agreement of a spectrum is the share of its pairs of inspectors that agree, of the whole the mean over spectra;
    chance is the sum of the squared shares of the words. Spectra with fewer than two inspectors are left out.
    """
    table = np.atleast_2d(np.asarray(counts, dtype=np.float64))
    return float(_fleiss(_fleiss_parts(table[table.sum(axis=1) > 1]).sum(axis=0)))


def _verdicts(labels: Any) -> dict[tuple[str, str], Label]:
    if isinstance(labels, LabelLog):
        labels = [labels]
    pairs = [(name, log) for name, log in labels.items()] if isinstance(labels, Mapping) else [
        (None, log) for log in labels]
    if not all(isinstance(log, LabelLog) for _, log in pairs):
        raise ArgumentError(message("labels", expected="a LabelLog, several, or a mapping of name to LabelLog",
                                    got=repr(labels)))
    found: dict[tuple[str, str], Label] = {}
    for name, log in pairs:
        for one in standing(log).values():
            key = (one.id, one.author if name is None else name)
            if key not in found or (moment(one) >= moment(found[key]) and displaces(one, found[key])):
                found[key] = one
    return found


# Every κ is a ratio of sums over spectra, so that a bootstrap only weighs the rows of a table of terms.


def _fleiss_terms(codes: NDArray[np.int64], words: int) -> Doubles:
    """Return the terms of Fleiss' κ, one row a spectrum, from codes of words with -1 for none."""
    counts = np.stack([(codes == word).sum(axis=1) for word in range(words)], axis=1) if words else np.zeros((
        len(codes), 0))
    return _fleiss_parts(counts.astype(np.float64))


def _fleiss_parts(counts: Doubles) -> Doubles:
    """Rows: 1, share of pairs that agree, inspectors, counts of the words."""
    n = counts.sum(axis=1)
    same = (counts * (counts - 1)).sum(axis=1) / np.maximum(n * (n - 1), 1)
    return np.column_stack([np.ones(len(counts)), same, n, counts])


def _fleiss(sums: Doubles) -> Doubles:
    """κ from sums of the terms, shape (..., 3 + words)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        agreed = sums[..., 1] / sums[..., 0]
        chance = ((sums[..., 3:] / sums[..., 2:3]) ** 2).sum(axis=-1)
        return np.asarray(np.where(chance < 1 - 1e-12, (agreed - chance) / (1 - chance), np.nan))


def _cells(codes: NDArray[np.int64], words: int) -> Doubles:
    """The terms of Cohen's κ: for each spectrum, 1 in its cell of the words × words table."""
    made = np.zeros((len(codes), words * words))
    made[np.arange(len(codes)), codes[:, 0] * words + codes[:, 1]] = 1.0
    return made


def _cohen(sums: Doubles) -> Doubles:
    """κ from tables of counts, shape (..., words²)."""
    words = math.isqrt(sums.shape[-1])
    table = sums.reshape(*sums.shape[:-1], words, words)
    with np.errstate(divide="ignore", invalid="ignore"):
        share = table / table.sum(axis=(-1, -2), keepdims=True)
        agreed = np.trace(share, axis1=-2, axis2=-1)
        chance = (share.sum(axis=-1) * share.sum(axis=-2)).sum(axis=-1)
        return np.asarray(np.where(chance < 1 - 1e-12, (agreed - chance) / (1 - chance), np.nan))


def _pair(codes: NDArray[np.int64], words: int, rng: np.random.Generator, *, level: float,
          repeats: int) -> tuple[int, int, float, float, float]:
    both = codes[(codes >= 0).all(axis=1)]
    cells = _cells(both, words)
    low, high = _interval(cells, _cohen, rng, level=level, repeats=repeats)
    return len(both), int((both[:, 0] == both[:, 1]).sum()), float(_cohen(cells.sum(axis=0))), low, high


def _interval(terms: Doubles, kappa: Any, rng: np.random.Generator, *, level: float,
              repeats: int) -> tuple[float, float]:
    """Return the percentiles of κ over bootstrap samples of the spectra; NaN where it is never defined."""
    n = len(terms)
    if n < 2:
        return float("nan"), float("nan")
    drawn = np.concatenate([kappa(rng.multinomial(n, np.full(n, 1 / n), size=size) @ terms)
                            for size in _batches(repeats, max(1, 2**22 // n))])
    drawn = drawn[np.isfinite(drawn)]
    if not drawn.size:
        return float("nan"), float("nan")
    low, high = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def _batches(total: int, size: int) -> list[int]:
    return [min(size, total - done) for done in range(0, total, size)]
