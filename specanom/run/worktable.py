"""The ranking of a run as a table for others: where each spectrum is, and its rank before and after people spoke."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..triage import WorkList
from ..triage.catalogue import Catalogue
from ..triage.catalogue.columns import Column, described
from .worklisting import all_ranked

if TYPE_CHECKING:
    from .folder import RunFolder

FROM = ("ra", "dec", "z", "class", "label", "label_count")
"""Columns of the catalogue that stand in it, where the catalogue has them."""
OWN = {"rank": Column("rank", "Rank by the score and by what people said of like spectra, 1 the first", ucd="meta.id"),
       "rank_before": Column("rank_before", "Rank by the score alone, 1 the first", ucd="meta.id"),
       "position": Column("position", "Place in the work list, 1 the first; blank where it is left out", ucd="meta.id"),
       "why": Column("why", "Why it is in the work list, or why it is left out", ucd="meta.note")}


def work_table(run: RunFolder, catalogue: Catalogue, work: WorkList) -> Catalogue:
    """Return all spectra with a score in the order of their rank, as a small catalogue that others can open.

    Parameters
    ----------
    run : RunFolder
        With ``labels.jsonl`` where somebody said something.
    catalogue : Catalogue
        Of the run.
    work : WorkList
        Of the same catalogue.

    Returns
    -------
    Catalogue
        ``rank``, ``rank_before`` (equal before there is a verdict), ``id``, ``ra``, ``dec``, what people said as
        ``label``, and ``position`` and ``why`` of the work list.
    """
    score = str(catalogue.meta["tiers"]["score"])
    every = all_ranked(run, catalogue, work).table
    known = catalogue.table[["id", *(name for name in (*FROM, score) if name in catalogue.table)]]
    made = every[["rank", "rank_before", "id"]].merge(known, on="id", validate="one_to_one").sort_values("rank")
    why = work.excluded.set_index("id")["reason"].to_dict() | work.table.set_index("id")["why"].to_dict()
    place = work.table.set_index("id")["position"]
    made = made.assign(position=place.reindex(made["id"]).astype("Int64").to_numpy(),
                       why=[why.get(id, "") for id in made["id"]]).reset_index(drop=True)
    made = made.astype({"rank": "int64", "rank_before": "int64", "position": "Int64"})
    told = {one.name: one for one in catalogue.columns} | OWN
    return Catalogue(made, described(made.columns, told, {}), {
        name: catalogue.meta[name] for name in ("tiers", "provenance") if name in catalogue.meta})
