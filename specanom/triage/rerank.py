"""The work list of a catalogue in the order that labels teach: kin of the interesting first, of artefacts last."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, message
from ..ordering import ranks
from .active import Ranking, Reranker
from .columns import NUMBERS, numbers_of
from .label import Label
from .labels import LabelLog
from .listing import Listing
from .pool import Pool
from .verdicts import Verdict, verdicts
from .worklist import WorkList

if TYPE_CHECKING:
    import pandas as pd

Doubles = NDArray[np.float64]
ALIKE = re.compile(r".+_cal|latent_\d+|share_.+|context_.+|artefact")
"""Columns of a catalogue by which spectra are alike."""


def reranked(catalogue: pd.DataFrame, labels: LabelLog | Iterable[Label] | str | Path, /, *, listing: Listing,
             columns: str | Sequence[str] = (), reranker: Reranker | None = None) -> WorkList:
    """Return the work list of a catalogue, in the order that the labels teach.

    What is listed is what `listing` lists: its conditions, its gate and its `top` hold. All spectra with a score are
    ranked anew, those with labels among them, and the list follows that rank. Without a verdict on any of them the
    order is the old one, and the list says so.

    Parameters
    ----------
    catalogue : DataFrame
        One row a spectrum: ``id``, the scores that `listing` asks for, and `columns`. A score that is missing leaves a
        spectrum out of the list; any other missing value counts as the median of its column.
    labels : LabelLog, iterable of Label, or path-like
        What was said, or the file of it, which need not be there yet; one word a spectrum, see
        :mod:`specanom.triage.verdicts`.
    listing : Listing
        What is listed, and by which score.
    columns : str or sequence of str
        By which columns spectra are alike; when none are given, the calibrated scores (``…_cal``), latents
        (``latent_…``), shares of residual and explanation (``share_…``, ``context_…``) and ``artefact``. Scores count
        by the logarithm of their rank.
    reranker : Reranker, optional
        How far a label reaches, what each word is worth, and the seed of the forest.

    Returns
    -------
    WorkList
        Its table has ``rank_before`` and ``rank`` among all spectra with a score, 1 the first, and ``relevance``, what
        the labels say of the spectrum (0–1; NaN without any). ``learned`` tells how many verdicts were used, of which
        words and what each is ``worth``, by which columns, and lists the ids that are ``foreign`` to the catalogue,
        ``disputed``, ``without score``, or ``ignored`` since their word says nothing of relevance.

    Raises
    ------
    ArgumentError
        When a column is missing or no number, or an argument is of another kind.
    DataError
        When ids are no texts, or an id or a column is there twice.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"id": list("abcd"), "score": [4.0, 3.0, 2.0, 1.0], "latent_0": [0.0, 0.1, 5.0, 5.1]})
    >>> reranked(table, [Label("a", "artefact"), Label("d", "interesting")], listing=Listing("score"))
    WorkList: 2 of 4 by score (best); left out: 1 labelled artefact, 1 labelled interesting; ranked anew by 2 verdicts
    """
    if not isinstance(listing, Listing):
        raise ArgumentError(message("listing", expected="a Listing", got=repr(listing), hint="Listing('chi2_cal')"))
    said = verdicts(LabelLog(labels) if isinstance(labels, (str, Path)) else labels)
    reranker = Reranker() if reranker is None else reranker
    free = replace(listing, top=None, combine="best" if listing.combine == "any" else listing.combine)
    every = replace(free, keep={}, exclude={}, above={}, artefact=None, relist=True)(catalogue)
    names = (columns,) if isinstance(columns, str) else tuple(columns) or _alike(catalogue) or listing.names
    vectors = _vectors(catalogue, names, scores=listing.names)
    spoken = [Label(one.id, word, author=author) for one in said.values() for author, word in one.votes.items()]
    made = listing if listing.combine == "any" else free
    listed = _ordered(made(catalogue, spoken), _ranked(every, catalogue, vectors, reranker=reranker, said=said))
    told = _learned(every, catalogue, said, reranker) | {"columns": list(names), "reranker": asdict(reranker)}
    return replace(_cut(listed, catalogue, listing), settings=listing.describe(), learned=told)


def _alike(catalogue: pd.DataFrame) -> tuple[str, ...]:
    """Return the columns of numbers by which spectra are alike."""
    return tuple(name for name, dtype in zip(catalogue.columns, catalogue.dtypes, strict=True)
                 if isinstance(name, str) and ALIKE.fullmatch(name) and dtype.kind in NUMBERS)


def _vectors(catalogue: pd.DataFrame, names: Sequence[str], *, scores: Sequence[str]) -> Doubles:
    """Return the columns as vectors, one row a spectrum; columns without any value say nothing."""
    made = []
    for name in names:
        found = numbers_of(catalogue, name, "columns")
        if name in scores or name.endswith("_cal"):
            found = np.where(np.isnan(found), np.nan, -np.log(ranks(found, catalogue["id"].tolist())))
        good = np.isfinite(found)
        made.append(np.where(good, found, np.median(found[good]) if good.any() else 0.0))
    return np.column_stack(made)


def _ranked(every: WorkList, catalogue: pd.DataFrame, vectors: Doubles, *, reranker: Reranker,
            said: Mapping[str, Verdict]) -> pd.DataFrame:
    """Return rank_before, rank and relevance of every spectrum with a score, by id."""
    import pandas as pd

    if not len(every):
        return pd.DataFrame({"rank_before": [], "rank": [], "relevance": []})
    rows = pd.Index(catalogue["id"]).get_indexer(list(every.ids))
    pool = Pool(every.ids, vectors[rows], -every.table["position"].to_numpy(dtype=np.float64))
    ranking: Ranking = reranker(pool, reranker.relevances(said)[0])
    return ranking.to_frame().set_index("id").rename(columns={"raw_rank": "rank_before"})[
        ["rank_before", "rank", "relevance"]]


def _ordered(work: WorkList, ranked: pd.DataFrame) -> WorkList:
    """Return the list in the order of the new ranks."""
    new = {str(name): ranked[name].reindex(work.table["id"]).to_numpy() for name in ranked}
    table = work.table.assign(**new).sort_values("rank", kind="stable", ignore_index=True)
    return replace(work, table=table.assign(position=np.arange(1, len(table) + 1)))


def _cut(work: WorkList, catalogue: pd.DataFrame, listing: Listing) -> WorkList:
    """Leave out what is beyond the first `top`."""
    import pandas as pd

    if listing.top is None or listing.combine == "any":
        return work
    beyond = work.table.loc[listing.top:, ["id"]].assign(reason=f"beyond the first {listing.top}")
    left = pd.concat([work.excluded, beyond]).set_index("id")
    left = left.reindex([one for one in catalogue["id"] if one in left.index])
    return replace(work, table=work.table.head(listing.top), excluded=left.rename_axis("id").reset_index())


def _learned(every: WorkList, catalogue: pd.DataFrame, said: Mapping[str, Verdict],
             reranker: Reranker) -> dict[str, Any]:
    """Return what of the labels was used, and what was not."""
    scored, here = set(every.ids), set(catalogue["id"])
    known, ignored = reranker.relevances(said)
    used = [id for id in known if id in scored]
    silent = here - scored
    worth = {word: reranker.worth(word) for id in used for word in said[id].tied}
    return {"verdicts": len(used), "words": dict(sorted(Counter(said[id].told for id in used).items())),
            "worth": dict(sorted(worth.items())),
            "disputed": [id for id in used if said[id].disputed], "ignored": [id for id in ignored if id in here],
            "without score": [id for id in known if id in silent],
            "foreign": [id for id in said if id not in here]}
