"""What a run finds out around its anomalies: verdicts, where they crowd, and a page to browse them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..errors import DataError
from ..explorer import ExplorerData, write_explorer
from ..models import load
from ..scores import arm_residuals
from ..triage import LabelLog
from ..triage.catalogue import Catalogue
from ..triage.quality import Taxonomy, Tickets, observed_waves, several, tickets
from .acquire import simulated
from .folder import RunFolder

WHERE = ("plate", "fiber", "petal", "tile", "exptime", "snr", "sky")
"""Columns by which rates of anomalies are told."""
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


def verdicts(catalogue: Catalogue, ids: Sequence[str]) -> pd.DataFrame:
    """Return the class that rules give the explained objects: ``id``, ``verdict``, ``rule``."""
    explained = catalogue.table[catalogue.table["id"].isin(set(map(str, ids)))]
    found = Taxonomy.default()(explained, missing="skip").table
    return found.rename(columns={"class": "verdict"})


def crowds(catalogue: Catalogue) -> tuple[pd.DataFrame, Tickets]:
    """Return rates of anomalies by plate, fibre, depth and place, one table; and tickets of where they crowd.

    Odd is what reaches the silver threshold, whether an artefact or not.
    """
    table, tiers = catalogue.table, catalogue.meta["tiers"]
    with np.errstate(invalid="ignore"):
        odd = table[tiers["score"]].to_numpy(np.float64) >= tiers["silver"]
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
            matches: pd.DataFrame | None) -> Path:
    """Write the explorer of the oddest objects of a catalogue to ``explorer/``; returns its page."""
    score = catalogue.meta["tiers"]["score"]
    shown = catalogue.table.nlargest(CARDS, score)
    near = kin[(kin["space"] == "latent") & kin["id"].isin(set(shown["id"]))]
    spectra = run.sample().select(list(dict.fromkeys([*shown["id"], *near["kin"]])))
    data = ExplorerData(
        spectra, load(run.need("model", "03_train")).reconstruct(spectra), explanations,
        kin=pd.DataFrame({"query": near["id"], "id": near["kin"], **{
            name: near[name] for name in ("rank", "label", "distance", "weight")}}),
        matches=matches, labels=LabelLog(run / "labels.jsonl").history(), columns=catalogue.columns,
        links=not simulated(run),
    )
    return write_explorer(run / "explorer", shown, data=data, title=f"Unusual spectra of {run.path.resolve().name}")
