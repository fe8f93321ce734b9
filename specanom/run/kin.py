"""The kin of the oddest spectra: who is near them in latent space, and who is odd for the same reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ..errors import DataError
from ..protocols import Encoder
from ..retrieve import Kin, KnowledgeBase, reasons
from ..triage import LabelLog, Verdict, verdicts
from ..triage.catalogue.cells import joined

METADATA = ("class", "subclass", "z", "snr", "ra", "dec")
"""What a knowledge base of a run knows of its members."""
FEWEST = 10
"""Members of a class below which its vote is not judged."""
ASKED = 20_000
"""Members at most that are asked for to judge the vote: more would take hours of a large survey, and narrow no interval
that matters."""
KNOWLEDGE = "knowledge"
"""Folder of a run with its knowledge bases, by the names of `SPACES`."""
SPACES = ("latent", "reason")
"""What kin are near in: the encoding of the spectrum, or the weights of its explanation."""


def classes(table: pd.DataFrame) -> list[str]:
    """Return what the pipeline calls each spectrum: its subclass, else its class; empty where it says neither."""
    return [sub or kind for sub, kind in zip(table["subclass"].astype(str), table["class"].astype(str), strict=True)]


def latent_base(made: Encoder, sample: Any, *, vectors: NDArray[Any] | None = None) -> KnowledgeBase:
    """Return the knowledge base of a whole sample by the vectors of an encoder, made here unless they are known."""
    table = sample.table
    known = table[[name for name in METADATA if name in table]].reset_index(drop=True)
    given = made.encode(sample) if vectors is None else vectors
    return KnowledgeBase.build(given, classes(table), table["id"], metadata=known, encoder=made)


def reason_base(explanations: Any, clusters: pd.DataFrame, table: pd.DataFrame) -> KnowledgeBase | None:
    """Return the knowledge base of explained spectra by the weights of their segments; labels are their clusters.

    None when fewer than two explanations have weights, or each spectrum was cut into segments of its own.
    """
    try:
        found = reasons(explanations)
    except DataError:  # a cut of its own for each: weights cannot be compared
        return None
    if int(np.isfinite(found.vectors).all(axis=1).sum()) < 2:
        return None
    names = clusters.astype({"id": str}).set_index("id")["cluster"].astype(str)
    ids = list(map(str, explanations.ids))
    known = table.astype({"id": str}).set_index("id").reindex(ids)
    known = known[[name for name in METADATA if name in known]].reset_index(drop=True)
    return KnowledgeBase.build(found.vectors, names.reindex(ids).fillna("").tolist(), ids, metadata=known,
                               encoder=found.encoder)


@dataclass(frozen=True, eq=False)
class SameKind:
    """Whether the nearest of known anomalies is of their kind, by looks and by reason among the same spectra.

    Attributes
    ----------
    table : DataFrame
        One row a known anomaly: ``id``, ``kind``, and for each of `SPACES` whether the nearest is of its kind.
    pool : int
        Spectra among which the nearest was sought: those that were explained.
    chance : float
        For which share of the anomalies a spectrum drawn at random from the others would be of their kind.
    """

    table: pd.DataFrame
    pool: int
    chance: float

    def share(self, space: str) -> float:
        """Return for which share of the anomalies the nearest is of their kind."""
        return float(self.table[space].mean())

    @property
    def p(self) -> float:
        """Of the exact sign test: how often spaces that are equally good would differ by as much or more."""
        from scipy.stats import binomtest

        latent, reason = (self.table[space].to_numpy(dtype=bool) for space in SPACES)
        better, worse = int((reason & ~latent).sum()), int((latent & ~reason).sum())
        return float(binomtest(better, better + worse).pvalue) if better + worse else 1.0


def same_kind(bases: Mapping[str, KnowledgeBase], truth: pd.DataFrame | None) -> SameKind | None:
    """Return whether the nearest of known anomalies is of their kind in both spaces, each sought in the same pool.

    The base by looks has the whole sample, that by reason the explained spectra, which are mostly anomalies, where a
    neighbour of the same kind is met far more often by chance: so both are asked among members of both.

    Parameters
    ----------
    bases : mapping of str to KnowledgeBase
        By the names of `SPACES`.
    truth : DataFrame or None
        ``id`` and ``kind``, which is empty or missing for ordinary spectra.

    Returns
    -------
    SameKind or None
        None without a truth, with one space only, or when no known anomaly was explained.
    """
    if truth is None or not set(SPACES) <= set(bases):
        return None
    known = truth.astype({"id": str}).set_index("id")["kind"].fillna("")
    shared = set(bases["latent"].ids) & set(bases["reason"].ids)
    ids = [str(id) for id in bases["reason"].ids if id in shared]
    kinds = known.reindex(ids).fillna("").to_numpy()
    odd = [id for id, kind in zip(ids, kinds, strict=True) if kind]
    if not odd or len(ids) < 2:
        return None
    table = pd.DataFrame({"id": odd, "kind": known.reindex(odd).to_numpy()})
    for space in SPACES:
        base = bases[space].take(np.flatnonzero([id in shared for id in bases[space].ids]))
        nearest = known.reindex(_kin(base, odd, 1).ids[:, 0]).fillna("").to_numpy()
        table[space] = nearest == table["kind"].to_numpy()
    counts = pd.Series(kinds).value_counts()
    chance = (counts.reindex(table["kind"]).to_numpy() - 1) / (len(ids) - 1)
    return SameKind(table, len(ids), float(chance.mean()))


def relatives(bases: Mapping[str, KnowledgeBase], ids: Sequence[str], k: int) -> dict[str, Kin]:
    """Return the `k` nearest of members of each base among its other members, or as many as there are.

    A base of one spectrum has no kin for it and is left out.
    """
    return {space: _kin(base, ids, k) for space, base in bases.items() if len(base) > 1}


def _kin(base: KnowledgeBase, ids: Sequence[str], k: int) -> Kin:
    row_of = {id: row for row, id in enumerate(base.ids)}
    there = [id for id in map(str, ids) if id in row_of]
    vectors = np.asarray(base.vectors)[[row_of[id] for id in there]]
    return base.query(vectors, min(k, len(base) - 1), exclude=there)


def kin_table(found: Mapping[str, Kin]) -> pd.DataFrame:
    """Return one row a spectrum, space and neighbour: ``id``, ``space``, ``rank``, ``kin``, ``label``, …"""
    parts = [kin.to_frame().rename(columns={"id": "kin", "query": "id"}).assign(space=space)
             for space, kin in found.items()]
    first = ["id", "space", "rank", "kin", "label", "distance", "weight"]
    made = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=first)
    return made[[*first, *(name for name in made if name not in first)]]


def vote_table(found: Mapping[str, Kin]) -> pd.DataFrame:
    """Return one row a spectrum: the vote of its kin in latent space, and redshift and S/N as they have it."""
    kin = found.get("latent")
    if kin is None:
        return pd.DataFrame(columns=["id", "vote", "share", "quantile", "far", "nearest", "distance"])
    made = kin.table.rename(columns={"query": "id"})
    if {"class", "subclass"} <= set(kin.metadata) and len(set(classes(kin.metadata)) - {""}) < 2:
        made["vote"], made["share"] = "", np.nan  # all are of one class, which is no news of the spectrum
    for name in ("z", "snr"):
        if name in kin.metadata:
            made[f"mean_{name}"], made[f"spread_{name}"] = kin.mean(name), kin.spread(name)
    return made


def heard(kin: pd.DataFrame, votes: pd.DataFrame, log: LabelLog) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return kin and votes by what inspectors called the kin, where they called any of them something.

    A word of people stands in the place of the class that the survey gave; where some kin of a spectrum in latent space
    have one, these alone vote, by their weights.

    Parameters
    ----------
    kin, votes : DataFrame
        As :func:`kin_table` and :func:`vote_table` make them.
    log : LabelLog
        What was said; of each spectrum its verdict counts (:mod:`specanom.triage.verdicts`).

    Returns
    -------
    kin, votes : DataFrame
        ``label`` of kin is the word where there is one, ``"disputed"`` where people disagree. Votes have ``vote_by``
        besides, ``"survey"`` or ``"people, of 2 of 5"``, and ``kin_by_reason``, joined by ``;``.
    """
    said, none = verdicts(log), Verdict("", {})
    words, told = ([getattr(said.get(id, none), name) for id in kin["kin"]] for name in ("word", "told"))
    latent, reason = (kin.assign(word=words)[kin["space"] == space] for space in SPACES)
    made = votes.assign(vote_by=np.where(votes["vote"].astype(str) != "", "survey", ""))
    made = made.set_index("id")
    for id, part in latent[latent["word"] != ""].groupby("id"):
        weight = part.groupby("word")["weight"].sum().sort_values(ascending=False, kind="stable")
        of = int((latent["id"] == id).sum())
        made.loc[id, ["vote", "share", "vote_by"]] = [weight.index[0], weight.iloc[0] / weight.sum(),
                                                      f"people, of {len(part)} of {of}"]
    near = reason.sort_values("rank", kind="stable").groupby("id")["kin"].agg(lambda names: joined(list(names)))
    made["kin_by_reason"] = near.reindex(made.index).fillna("")
    labels = [word or label for word, label in zip(told, kin["label"], strict=True)]
    return kin.assign(label=labels), made.reset_index()


def judged(base: KnowledgeBase, k: int, seed: int) -> pd.DataFrame:
    """Return precision, recall and F1 of the vote for each class of at least ten members; no rows with fewer than two.

    Members are asked for without themselves: all of them, or :data:`ASKED` of a larger base, evenly drawn in the order
    of their ids.
    """
    labels: NDArray[Any] = np.asarray(base.labels)
    names, counts = np.unique(labels[labels != ""], return_counts=True)
    large = set(names[counts >= FEWEST])
    if len(large) < 2:
        return pd.DataFrame()
    some = base.take(np.flatnonzero([label in large for label in labels]))
    k = min(k, len(some) - 1)
    if len(some) <= ASKED:
        return some.evaluate(k=k, seed=seed).table
    drawn = np.argsort(some.ids, kind="stable")[np.linspace(0, len(some) - 1, ASKED).astype(np.intp)]
    return some.evaluate(some.vectors[drawn], some.labels[drawn], ids=some.ids[drawn], k=k, seed=seed).table
