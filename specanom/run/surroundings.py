"""What a run finds out around its anomalies: verdicts, where they crowd, and a page to browse them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError
from ..explorer import ExplorerData, write_explorer
from ..models import load
from ..scores import Scorer, arm_residuals, band_shares
from ..scores.named import scorer_of_column, scorers_of
from ..triage import LabelLog, WorkList
from ..triage.catalogue import Catalogue, Column
from ..triage.quality import (
    Classified,
    Taxonomy,
    Tickets,
    confident_yet_odd,
    observed_waves,
    several,
    tickets,
)
from ..triage.quality.taxonomy import UNCLASSIFIED
from .acquire import simulated
from .folder import RunFolder
from .keeping import shown_spectra
from .matching import LABELS
from .worklisting import learned_ranks, taught

WHERE = ("plate", "fiber", "petal", "tile", "exptime", "snr", "sky")
"""Columns by which rates of anomalies are told."""
RANKS = {"rank": "by the score and by what people said of like spectra", "rank_before": "by the score alone"}
"""Columns of an explorer that verdicts re-ranked."""
CARDS = 2000
"""The most objects that an explorer shows: the oddest."""


def arms_of(model: Any, sample: Any) -> pd.DataFrame | None:
    """Return χ² of each arm and of all pixels, a column an arm; None where noise or instrument is not known."""
    try:
        made = arm_residuals(model, sample, percentiles=False)
    except DataError:
        return None
    arms = [str(name) for name in made if str(name).startswith("chi2_")]
    return made[["id", *arms]].rename(columns={name: name.removeprefix("chi2_") for name in arms})


def shares_of(model: Any, sample: Any, column: str, settings: Mapping[str, Any]) -> pd.DataFrame:
    """Return which share of the residual lies in each eighth of the grid: ``id`` and a column a band.

    Parameters
    ----------
    model, sample
        Of the run.
    column : str
        The score that ranks. Where it is no sum over pixels, as ``multiscale`` is none, shares are those of
        ``chi2_ivar``.
    settings : mapping
        Parameters of the run; those of its scores apply.
    """
    scorers = scorers_of(model, sample, lines=settings.get("filter_lines"), velocity=settings["velocity"],
                         trim=settings["trim"], preset=settings["preset"] or None)
    scorer = scorer_of_column(column, scorers)
    if not (isinstance(scorer, Scorer) and scorer.recipe.squared):
        scorer = scorers["chi2_ivar"]
    return band_shares(scorer, sample)


def verdicts(catalogue: Catalogue, ids: Sequence[str], rules: Taxonomy) -> tuple[pd.DataFrame, Classified]:
    """Return the class that rules give the explained objects (``id``, ``verdict``, ``rule``), and the whole answer.

    A rule that asks for a column the catalogue lacks is not tried, and is listed in ``skipped`` of the answer.
    """
    explained = catalogue.table[catalogue.table["id"].isin(set(map(str, ids)))]
    found = rules(explained, missing="skip")
    return found.table.rename(columns={"class": "verdict"}), found


def rule_table(rules: Taxonomy, found: Classified) -> pd.DataFrame:
    """Return one row a rule, in their order: ``rule``, ``class``, ``spectra`` it decided, ``lacking`` columns, ``why``.

    The last row counts what no rule knows.
    """
    counted = found.table["rule"].value_counts()
    rows = [(one.name, one.label, int(counted.get(one.name, 0)), found.skipped.get(one.name, ""), one.why)
            for one in rules]
    rows.append(("", UNCLASSIFIED, found.unmatched, "", "No rule holds."))
    return pd.DataFrame(rows, columns=["rule", "class", "spectra", "lacking", "why"])


def doubtful(catalogue: Catalogue) -> pd.DataFrame | None:
    """Return the objects whose redshift the pipeline is sure of and that are odd all the same, the oddest first.

    None where the survey tells no Δχ². Odd is what reaches the silver threshold. Beside the columns and counts of
    :func:`.confident_yet_odd` stand tier, verdict, probability of an artefact, leading segment and vote of the kin.
    """
    table = catalogue.table
    if "deltachi2" not in table or not table["deltachi2"].notna().any():
        return None
    odd, score = odd_of(catalogue), table[catalogue.meta["tiers"]["score"]]
    made = confident_yet_odd(table, odd, score=score)
    more = [name for name in ("tier", "verdict", "artefact", "top_1_segment", "vote") if name in table]
    told = made.merge(table[["id", *more]], on="id", how="left", validate="one_to_one")
    told.attrs = made.attrs
    return told


def odd_of(catalogue: Catalogue) -> Any:
    """Return which objects of a catalogue reach the silver threshold, ``(n,)`` bool, artefact or not."""
    tiers = catalogue.meta["tiers"]
    with np.errstate(invalid="ignore"):
        return catalogue.table[tiers["score"]].to_numpy(np.float64) >= tiers["silver"]


def crowds(catalogue: Catalogue) -> tuple[pd.DataFrame, Tickets]:
    """Return rates of anomalies by plate, fibre, depth and place, one table; and tickets of where they crowd.

    Odd is what reaches the silver threshold, whether an artefact or not.
    """
    table, odd = catalogue.table, odd_of(catalogue)
    waves = observed_waves(table) if "top_1_from" in table else None
    found = several(table, odd, by=WHERE)
    parts = [one.table.assign(by=name, bin=one.table["bin"].astype(str)) for name, one in found.items()]
    rates = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"by": []})
    return rates, tickets(table, odd, observed=waves)


def ticket_table(found: Tickets) -> pd.DataFrame:
    """Return one row a ticket: what its spectra share, how likely that is by chance, and the text for the observers."""
    rows = [(one.by, one.where, len(one.ids), one.q, one.text) for one in found.tickets]
    return pd.DataFrame(rows, columns=["by", "where", "spectra", "q", "text"])


def explore(run: RunFolder, catalogue: Catalogue, *, kin: pd.DataFrame, explanations: Any,
            matches: pd.DataFrame | None, worklist: WorkList) -> Path:
    """Write the explorer of the oddest objects of a catalogue to ``explorer/``; returns its page.

    Where verdicts of people re-ranked the work list, they rank the objects of the page too, and its title says so.
    """
    score = catalogue.meta["tiers"]["score"]
    stored = shown_spectra(run)
    table = catalogue.table[catalogue.table["id"].isin(set(run.spectra().ids))]
    shown, order = table.nlargest(CARDS, score), learned_ranks(run, catalogue, worklist)
    if order is not None:
        shown = table.merge(order, on="id", validate="one_to_one").nsmallest(CARDS, "rank")
    near = kin[(kin["space"] == "latent") & kin["id"].isin(set(shown["id"])) & kin["kin"].isin(set(stored.ids))]
    spectra = stored.select(list(dict.fromkeys([*shown["id"], *near["kin"]])))
    told = taught(worklist.learned)
    columns = [Column(name, f"Rank {when} ({told})", ucd="stat.rank") for name, when in RANKS.items() if told]
    data = ExplorerData(
        spectra, load(run.need("model", "03_train")).reconstruct(spectra), explanations,
        kin=pd.DataFrame({"query": near["id"], "id": near["kin"], **{
            name: near[name] for name in ("rank", "label", "distance", "weight")}}),
        matches=matches, labels=LabelLog(run / LABELS).history(), columns=[*catalogue.columns, *columns],
        links=not simulated(run),
    )
    title = f"Unusual spectra of {run.path.resolve().name}" + (f", {told}" if told else "")
    return write_explorer(run / "explorer", shown, data=data, title=title)
