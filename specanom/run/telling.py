"""What services and people said of the spectra of a run, and what of it could not be used: counts and sentences."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from ..triage import Agreement, LabelLog
from ..triage.crossmatch import Matches
from ..triage.crossmatch.found import FAILED, MATCHED, NONE, NOT_CHECKED
from .labelling import overlap

if TYPE_CHECKING:
    import pandas as pd

COUNTED = {MATCHED: "in {}", NONE: "not in {}", NOT_CHECKED: "not checked by {}", FAILED: "without an answer of {}"}
"""What is counted of a service, by status."""
TOLD = {MATCHED: "have a counterpart", NONE: "have none", NOT_CHECKED: "were not checked", FAILED: "got no answer"}


def match_counts(matches: pd.DataFrame | None) -> dict[str, int]:
    """Return how many objects each service has, has not, or does not tell of, with the reason.

    Examples
    --------
    >>> from specanom.triage.crossmatch import LocalTable, crossmatch
    >>> import pandas as pd
    >>> sky = pd.DataFrame({"id": ["a", "b"], "ra": [10.0, 20.0], "dec": [0.0, 0.0]})
    >>> match_counts(crossmatch(sky, [LocalTable(sky.drop(columns="id").head(1), 1.0, service="mine")]).table)
    {'in mine': 1, 'not in mine': 1}
    """
    made: dict[str, int] = {}
    for row in _services(matches):
        for status, text in COUNTED.items():
            if row[status] or status == MATCHED:
                why = f" ({row['reason']})" if row["reason"] and status in (NOT_CHECKED, FAILED) else ""
                made[text.format(row["service"]) + why] = int(row[status])
    return made


def match_sentences(matches: pd.DataFrame | None) -> list[str]:
    """Return one sentence a service: how many of how many objects it has, has not, or says nothing of, and why."""
    made = []
    for row in _services(matches):
        counts = {status: int(row[status]) for status in COUNTED}
        parts = [f"{count:,} {TOLD[status]}" for status, count in counts.items() if count]
        why = f" ({row['reason']})" if row["reason"] else ""
        chance = f"; {row['by_chance']:.1f} would by chance" if counts[MATCHED] and row["by_chance"] >= 0.05 else ""
        note = f" {row['note'].rstrip('.')}." if row.get("note") else ""
        made.append(f"{row['service']}: of {sum(counts.values()):,} explained spectra {', '.join(parts)}{why}{chance}."
                    f"{note}")
    return made


def label_counts(log: LabelLog, ids: Iterable[str]) -> dict[str, int]:
    """Return what of a log is of no use to a run: lines that cannot be read, and ids that the run does not have."""
    here, torn = set(map(str, ids)), log.torn
    foreign = len({said.id for said in log.history()} - here)
    told = ((f"line{'s' * (torn != 1)} of {log.path.name} that cannot be read", torn),
            (f"id{'s' * (foreign != 1)} of {log.path.name} that the run does not have", foreign))
    return {name: count for name, count in told if count}


def label_sentence(log: LabelLog, ids: Iterable[str], found: Agreement) -> str:
    """Return what of a log is of no use to a run, and how far those agree who judged the same; empty where nothing."""
    said = [f"{count:,} {name}" for name, count in label_counts(log, ids).items()]
    agreed = overlap(found)
    told = f"{', '.join(said)}: of no use here." if said else ""
    return f"{told} {agreed[:1].upper()}{agreed[1:]}{'.' if agreed else ''}".strip()


def _services(matches: pd.DataFrame | None) -> list[dict[Any, Any]]:
    return [] if matches is None or not len(matches) else Matches(matches).summary().to_dict("records")
