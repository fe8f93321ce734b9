"""The work list of a run: what to look at first, in which order, without what conditions leave out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, message
from ..triage import Condition, LabelLog, Listing, WorkList, reranked, verdicts
from ..triage.verdicts import DISPUTED
from .matching import LABELS

if TYPE_CHECKING:
    import pandas as pd

    from ..triage.catalogue import Catalogue
    from .folder import RunFolder

TOP = 100
"""Spectra that the work list names."""
LIKELY = 0.9
"""Probability of an artefact above which a spectrum is not listed."""
EXPECTED = "conditions by commas, each a column, a sign and a value"
HINT = 'exclude="BAL_PROB > 0.5, class == STAR, zwarning & 4, z 2 .. 3, ebv missing"'
_ONE = re.compile(r"(?P<column>.+?)\s*(?P<rest>(?:>=|<=|==|!=|[><&=]).*|\s[-+.\d]\S*\s*\.\..*|\s(?:missing|known)\s*)",
                  re.S)


def conditions_of(text: str) -> dict[str, Condition]:
    """Return the conditions that a text names, by how they are written.

    Parameters
    ----------
    text : str
        Conditions separated by commas, as in ``"BAL_PROB > 0.5, class == STAR"``; see
        :mod:`specanom.triage.conditions` for the signs. A column may come more than once.

    Raises
    ------
    ArgumentError
        For what is no condition.
    """
    made = {}
    for one in filter(None, (part.strip() for part in text.split(","))):
        found = _ONE.fullmatch(one)
        if found is None:
            raise ArgumentError(message("exclude", expected=EXPECTED, got=repr(one), hint=HINT))
        rest = found["rest"].strip()
        if rest.startswith("=") and not rest.startswith("=="):  # as people write it
            rest = f"={rest}"
        try:
            condition = Condition.of(found["column"].strip(), rest)
        except ArgumentError as exc:
            raise ArgumentError(f"exclude: {exc}") from exc
        if condition.operator in ("==", "!=") and condition.value == "":
            raise ArgumentError(message("exclude", expected=EXPECTED, got=repr(one), hint=HINT))
        made[one] = condition
    return made


def work_list(run: RunFolder, catalogue: Catalogue, *, exclude: str = "") -> WorkList:
    """Return what to look at first: the oddest that are probably no artefacts and that nobody has judged yet.

    Where somebody has judged others, the order is the one those verdicts teach (:func:`specanom.triage.reranked`): its
    table has ``rank_before`` and ``rank``, and ``learned["people"]`` counts who judged.

    Parameters
    ----------
    run : RunFolder
        With ``labels.jsonl`` where somebody said something.
    catalogue : Catalogue
        Of the run.
    exclude : str
        What is left out besides, see :func:`conditions_of`.

    Raises
    ------
    ArgumentError
        When the catalogue lacks a column, naming those it has.
    """
    table, conditions = catalogue.table, conditions_of(exclude)
    for one in conditions.values():
        if one.column not in table:
            near = get_close_matches(one.column, map(str, table.columns), n=1)
            raise ArgumentError(message(
                "exclude", expected=f"columns of the catalogue ({', '.join(map(str, table.columns))})",
                got=repr(one.column), hint=f"did you mean {near[0]!r}?" if near else
                f"-p columns={one.column} keeps a column of DESI's tables of redshifts"))
    log, score = LabelLog(run / LABELS), str(catalogue.meta["tiers"]["score"])
    made = reranked(table, log, listing=Listing(score, top=TOP, artefact=LIKELY, exclude=conditions))
    idle = {*made.learned["ignored"], *made.learned["without score"]}
    return replace(made, learned={**made.learned, "people": _people(log, set(table["id"]) - idle)})


def learned_ranks(run: RunFolder, catalogue: Catalogue) -> pd.DataFrame | None:
    """Return ``id``, ``rank`` and ``rank_before`` of every spectrum with a score; None before there is a verdict."""
    listing = Listing(str(catalogue.meta["tiers"]["score"]), top=None, relist=True)
    made = reranked(catalogue.table, LabelLog(run / LABELS), listing=listing)
    return made.table[["id", "rank", "rank_before"]] if made.learned["verdicts"] else None


def taught(learned: Mapping[str, Any]) -> str:
    """Say by verdicts on how many objects, by how many people, a list is re-ranked; empty where it is not.

    Examples
    --------
    >>> taught({"verdicts": 3, "people": 1})
    're-ranked by verdicts on 3 objects, by 1 person'
    """
    objects, people = (int(learned.get(name, 0)) for name in ("verdicts", "people"))
    if not objects:
        return ""
    on = "a verdict on 1 object" if objects == 1 else f"verdicts on {objects:,} objects"
    return f"re-ranked by {on}, by {people:,} {'people' if people > 1 else 'person'}"


def judged_as(learned: Mapping[str, Any]) -> str:
    """Say what those who taught a list called how many objects, what that counts, and on how many they disagree.

    Examples
    --------
    >>> judged_as({"words": {"artefact": 2, "lens": 3, "disputed": 1}, "worth": {"artefact": 0.0, "lens": 1.0}})
    '3 lens (counts 1), 2 artefact (counts 0); on 1 people disagree, and its words count by their mean'
    """
    words = dict(learned["words"])
    apart = int(words.pop(DISPUTED, 0))
    worth = {word: f" (counts {value:g})" for word, value in learned.get("worth", {}).items()}
    ordered = sorted(words.items(), key=lambda item: -item[1])
    said = [", ".join(f"{count:,} {word}{worth.get(word, '')}" for word, count in ordered)]
    whose = "its" if apart == 1 else "their"
    said += [f"on {apart:,} people disagree, and {whose} words count by their mean"] if apart else []
    return "; ".join(filter(None, said))


def _people(log: LabelLog, ids: Iterable[str]) -> int:
    """Return how many gave a word to one of these objects."""
    said = verdicts(log)
    return len({author for id in ids if id in said for author in said[id].authors})
