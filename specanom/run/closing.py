"""The last sections of the report: the kin of the oddest spectra, the catalogue, and where anomalies crowd."""

from __future__ import annotations

from typing import Any

import pandas as pd

from .. import plots
from ..triage.catalogue import Catalogue
from ..triage.quality import Rates
from .content import Content
from .tabulate import fixed, grid, number, percent

KIN_TEXT = (
    "Kin are the spectra nearest in latent space, where like shapes lie together. Their classes vote, and a spectrum "
    "whose kin lie further away than those of 99 % of the sample is far from everything known here."
)
TRUST_TEXT = (
    "How far the vote can be trusted: every spectrum of a class of ten or more is asked for without itself."
)
CROWDS_TEXT = (
    "A plate or fibre with more anomalies than chance explains speaks of the instrument, not of the objects. Odd is "
    "here what reaches the silver threshold; bars are 95 % intervals."
)
NO_TICKETS = "Anomalies crowd nowhere: not on a plate, not on a fibre, not at an observed wavelength."
DRAWN = ("plate", "tile", "petal", "snr")
"""Columns whose rates are drawn."""
FAR = 12
"""Spectra far from all that are listed."""


def kin_section(content: Content) -> dict[str, Any]:
    """What the kin of the explained spectra say, and how far they may be believed."""
    votes, trust = content.run.table("votes", "07_kin"), content.run.tables("kin_trust")
    far = votes[votes["far"].astype(bool)].head(FAR) if len(votes) else votes
    told = f"{number(int(votes['far'].sum()))} of {number(len(votes))} explained spectra are far from all." \
        if len(votes) else "The sample is too small for kin."
    good = trust is not None and len(trust) > 0
    return {
        "text": f"{KIN_TEXT} {told}", "trust_text": TRUST_TEXT if good else "",
        "trust": grid(trust, {"label": ("class", str), "n": ("spectra", number), "precision": ("precision", percent),
                              "recall": ("recall", percent), "f1": ("F1", fixed(2)), "f1_low": ("from", fixed(2)),
                              "f1_high": ("to", fixed(2))}) if trust is not None and good else None,
        "far": grid(far, {"id": ("spectrum", str), "distance": ("distance to the nearest", fixed(2)),
                          "quantile": ("further than", _nearly_all), "vote": ("vote of its kin", str),
                          "share": ("share of the vote", percent)}, text=(0, 3)) if len(far) else None,
    }


def _nearly_all(share: Any) -> str:
    """Return a share near 1 as a percentage that does not claim to be all."""
    return "–" if pd.isna(share) else f"{min(100 * float(share), 99.9):.1f} %"


def catalogue_section(content: Content, figures: dict[str, Any]) -> dict[str, Any]:
    """Tiers, verdicts of the rules, rates of anomalies and tickets."""
    made = Catalogue.read(content.run.need("catalogue.parquet", "08_catalogue"))
    tickets, rates = content.run.tables("tickets"), content.run.tables("rates")
    if rates is not None:
        for name in DRAWN:
            part = rates[rates["by"] == name].drop(columns="by")
            if len(part) > 1:
                figures[f"rates_{name}"] = plots.rates(_rates(part, name))
    tiers = made.table["tier"].value_counts()
    verdict = made.table["verdict"] if "verdict" in made.table else pd.Series(dtype=str)
    counted = verdict[verdict != ""].value_counts().rename_axis("verdict").reset_index(name="n")
    few = tickets.head(10) if tickets is not None else pd.DataFrame()
    return {
        "tiers": f"{number(int(tiers.get('gold', 0)))} spectra are gold and {number(int(tiers.get('silver', 0)))} "
                 f"silver: {made.meta.get('tiers', {}).get('sentence', '')}",
        "explorer": "explorer/index.html" if (content.run / "explorer" / "index.html").exists() else "",
        "files": "catalogue.parquet, catalogue.fits and catalogue.vot hold one row a spectrum with units, descriptions "
                 "and UCDs; worklist.parquet says what to look at first, and why.",
        "verdicts": grid(counted, {"verdict": ("verdict of the rules", str), "n": ("spectra", number)})
        if len(counted) else None,
        "crowds": CROWDS_TEXT,
        "tickets": list(few["text"]) if len(few) else [], "no_tickets": "" if len(few) else NO_TICKETS,
    }


def _rates(table: pd.DataFrame, by: str) -> Rates:
    kind = "numbers" if by == "snr" else "names"
    facts = {"n": int(table["n"].sum()), "odd": int(table["odd"].sum()), "unknown": 0, "level": 0.05, "kind": kind}
    return Rates(table.reset_index(drop=True), by, facts)
