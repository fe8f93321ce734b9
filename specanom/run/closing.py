"""The last sections of the report: the kin of the oddest spectra, the catalogue, and where anomalies crowd."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from .. import plots
from ..retrieve import KnowledgeBase
from ..scores import LatentCorrelations
from ..triage import LabelLog, WorkList, agreement
from ..triage.catalogue import Catalogue
from ..triage.quality import Rates
from ..triage.quality.confident import LEAST
from .anomalies import CARDS
from .cataloguing import near_parts
from .content import Content
from .kin import KNOWLEDGE, SPACES, SameKind, same_kind
from .latents import RARITY
from .matching import LABELS
from .tabulate import ShownTable, fixed, grid, number, percent
from .telling import label_sentence, match_sentences
from .worklisting import judged_as, taught

KIN_TEXT = (
    "Kin are the spectra nearest in latent space, where like shapes lie together; their classes vote. By the weights "
    "of their explanations other spectra are kin: those that are odd for the same reason."
)
FAR_TEXT = (
    "A spectrum whose kin lie further away than those of about 99 % of the sample is far from everything known here, "
    "and their vote says little."
)
TRUST_TEXT = (
    "How far the vote can be trusted: every spectrum of a class of ten or more is asked for without itself."
)
NEAREST_TEXT = (
    "The nearest of each of the oddest: those that look alike by their encoding, out of the whole sample, and those "
    "whose explanations put the weight on the same segments, out of the explained spectra."
)
LATENT_TEXT = (
    "What the latent numbers follow. One that follows S/N or missing pixels describes the observation, and neighbours "
    "are alike in it for that reason; bold where q < 0.05 over all cells."
)
RARITY_TEXT = (
    "A spectrum may also be odd because its encoding is rare, however well it is reconstructed. These scores stand "
    "beside the others in the catalogue; what a network cannot encode they do not see."
)
RARITIES = {"gmm": "density, by a Gaussian mixture", "knn": "distance to the tenth nearest",
            "forest": "isolation forest", "kl": "divergence from the prior"}
SURE_TEXT = (
    "Of these the pipeline has no doubt: the best template fits better than the next by Δχ² of {least:g} or more, and "
    "no warning is set. That says that no other redshift comes near, not that the template is right: wrong redshifts "
    "nobody flagged, blends, and what the templates do not know."
)
CROWDS_TEXT = (
    "A plate or fibre with more anomalies than chance explains speaks of the instrument, not of the objects. Odd is "
    "here what reaches the silver threshold; bars are 95 % intervals."
)
NO_TICKETS = "Anomalies crowd nowhere: not on a plate, not on a fibre, not at an observed wavelength."
DRAWN = ("plate", "tile", "petal", "snr")
"""Columns whose rates are drawn."""
SIGNIFICANT = 0.05
"""Chance below which one kind of kin is called better than the other."""
SURE = 12
"""Spectra of which the pipeline is sure that are listed."""
FIRST = 8
"""Spectra of the work list whose earlier rank is told."""
NEAREST = 2
"""Kin that are named of each."""
FAR = 12
"""Spectra far from all that are listed."""


def kin_section(content: Content, figures: dict[str, Any]) -> dict[str, Any]:
    """What the kin of the explained spectra say, how far they may be believed, and what the latent numbers know."""
    content.run.need("votes.parquet", "07_kin")
    votes, trust = near_parts(content.run)["votes"], content.run.tables("kin_trust")
    far = votes[votes["far"].astype(bool)].head(FAR) if len(votes) else votes
    many = int(votes["far"].sum()) if len(votes) else 0
    first = f"; the first {FAR} by score" if many > FAR else ""
    good = trust is not None and len(trust) > 0
    correlations = content.run.tables("latent_correlations")
    kin = content.run.table("kin", "07_kin")
    if correlations is not None and correlations["spearman"].notna().any():
        figures["latent_correlations"] = plots.latent_correlations(LatentCorrelations(correlations))
    return {
        "text": f"{KIN_TEXT} {_voting(votes)}".strip(),
        "far_text": f"{FAR_TEXT} So are {number(many)} of {number(len(votes))} explained spectra{first}.",
        "nearest_text": f"{NEAREST_TEXT} {_alike(_kinds(content, kin))}".strip() if len(kin) else "",
        "nearest": _nearest(kin, votes, content.explanations.ids[:CARDS]) if len(kin) else None,
        "trust_text": TRUST_TEXT if good else "",
        "trust": grid(trust, {"label": ("class", str), "n": ("spectra", number), "precision": ("precision", percent),
                              "recall": ("recall", percent), "f1": ("F1", fixed(2)), "f1_low": ("from", fixed(2)),
                              "f1_high": ("to", fixed(2))}) if trust is not None and good else None,
        "far": grid(far, {"id": ("spectrum", str), "distance": ("distance to the nearest", fixed(2)),
                          "quantile": ("further than", _nearly_all), "vote": ("vote of its kin", str),
                          "share": ("share of the vote", percent)}, text=(0, 3)) if len(far) else None,
        "latents": LATENT_TEXT, "redshift": _redshift(content.run.tables("latent_redshift")),
        **_rarity(content.run.tables("rarity")),
    }


def _voting(votes: pd.DataFrame) -> str:
    """Say whose words vote, and why nothing does."""
    if not len(votes):
        return "The sample is too small for kin."
    people = int(votes["vote_by"].str.startswith("people").sum())
    if people:
        return f"Where people called some of the kin something, these words vote alone: for {number(people)} spectra."
    some = (votes["vote"] != "").any()
    return "" if some else "All spectra here are of one class, so that there is nothing to vote on."


def _nearest(kin: pd.DataFrame, votes: pd.DataFrame, ids: Sequence[str]) -> ShownTable:
    """Return the kin of some spectra in both spaces, and what those in latent space vote for."""
    vote = votes.set_index("id")["vote"].to_dict() if len(votes) else {}
    rows = []
    for id in ids:
        mine = kin[kin["id"] == id].sort_values("rank", kind="stable").groupby("space")["kin"]
        found = {str(space): ", ".join(names.head(NEAREST)) for space, names in mine}
        rows.append({"id": id, "vote": vote.get(id, ""), **{space: found.get(space, "–") for space in SPACES}})
    return grid(pd.DataFrame(rows), {"id": ("spectrum", str), "vote": ("vote of its kin", str),
                                     "latent": ("look alike", str), "reason": ("odd for the same reason", str)},
                text=(1, 2, 3))


def _kinds(content: Content, kin: pd.DataFrame) -> SameKind | None:
    """Ask the knowledge bases that have kin here whether the nearest of known anomalies is of their kind."""
    folders = {space: content.run / KNOWLEDGE / space for space in SPACES if space in set(kin["space"])}
    if content.truth is None or not all(folder.is_dir() for folder in folders.values()):
        return None
    return same_kind({space: KnowledgeBase.load(folder) for space, folder in folders.items()}, content.truth)


def _alike(found: SameKind | None) -> str:
    """Say how often the nearest of a known anomaly is of its kind, and by which of the two more often."""
    if found is None:
        return ""
    reason, latent = found.share("reason"), found.share("latent")
    p = "p < 0.001" if found.p < 0.001 else f"p = {found.p:.2g}" if found.p < SIGNIFICANT else f"p = {found.p:.2f}"
    better = "reasons bring" if reason > latent else "looks bring"
    ends = f"Here {better} like to like more often ({p})." if found.p < SIGNIFICANT else (
        f"The two differ by no more than chance would ({p}).")
    return (f"Of the {number(len(found.table))} known anomalies among the {number(found.pool)} explained spectra, the "
            f"nearest of these spectra is of the same kind for {percent(reason)} by reason, for {percent(latent)} by "
            f"looks, and for {percent(found.chance)} where it is drawn at random. {ends}")


def _redshift(table: pd.DataFrame | None) -> str:
    """Say how well latent numbers tell the redshift."""
    if table is None:
        return ""
    row = table.iloc[0]
    return (f"The latent numbers alone tell the redshift to σ_NMAD = {row['sigma_nmad']:.3f} in Δz/(1 + z) (95 %: "
            f"{row['sigma_low']:.3f} to {row['sigma_high']:.3f}), and {100 * row['outlier_share']:.1f} % are off by "
            f"more than {row['outlier']:g}; to say the median of the sample of every spectrum would reach "
            f"{row['sigma_guess']:.3f}. Each of {number(int(row['n']))} spectra was predicted by a fit to others. They "
            "are at rest, so this is what is left of the distance: what objects of that redshift look like, how "
            "noisy they are, and where their spectra end.")


def _rarity(table: pd.DataFrame | None) -> dict[str, Any]:
    """What scores of the encoding share with the one that ranks, and what they find."""
    if table is None:
        return {"rarity_text": "", "rarity": None}
    columns: dict[str, Any] = {"name": ("how rare the encoding is", str),
                               "rho": ("ρ with the ranking score", fixed(2)),
                               "shared": (f"of the {int(table['top'].iloc[0])} oddest, among the rarest", number)}
    if "auc" in table:
        columns |= {"auc": ("ROC AUC", fixed(3)), "auc_ranking": ("of the ranking score", fixed(3))}
    names = [RARITIES.get(str(name).removeprefix(RARITY), str(name)) for name in table["score"]]
    return {"rarity_text": RARITY_TEXT, "rarity": grid(table.assign(name=names), columns)}


def _nearly_all(share: Any) -> str:
    """Return a share near 1 as a percentage that does not claim to be all."""
    return "–" if pd.isna(share) else f"{min(100 * float(share), 99.9):.1f} %"


def catalogue_section(content: Content, figures: dict[str, Any]) -> dict[str, Any]:
    """Tiers, verdicts of the rules, rates of anomalies and tickets."""
    made = Catalogue.read(content.run.need("catalogue.parquet", "08_catalogue"), columns=("tier", "verdict"))
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
                 "and UCDs; worklist.parquet says what to look at first, and why; worklist.ecsv has all ranks.",
        **_from_outside(content),
        "worklist": listed(WorkList.load(content.run.need("worklist.parquet", "08_catalogue"))),
        "verdicts": grid(counted, {"verdict": ("verdict of the rules", str), "n": ("spectra", number)})
        if len(counted) else None,
        "rules": _rules(content), **_confident(content.run.tables("confident")),
        "crowds": CROWDS_TEXT,
        "tickets": list(few["text"]) if len(few) else [], "no_tickets": "" if len(few) else NO_TICKETS,
    }


def _from_outside(content: Content) -> dict[str, Any]:
    """What services answered, what of the labels is of no use, and how far people agree."""
    run, log = content.run, LabelLog(content.run / LABELS)
    matches = run.table("matches") if (run / "matches.parquet").exists() else None
    said = label_sentence(log, content.objects.ids, agreement(log)) if log.path.exists() else ""
    return {"services": match_sentences(matches), "labels": said}


def listed(work: WorkList) -> str:
    """Say how many spectra the work list has, in which order, and what it leaves out."""
    left = [f"{number(count)} {why}" for why, count in work.counts.items()]
    told, learned = taught(work.learned), work.learned
    said = f"The work list has {number(len(work))} spectra"
    said += f", {told}: {judged_as(learned)}. " if told else ". "
    if told:
        before = [number(int(rank)) for rank in work.table["rank_before"].head(FIRST)]
        said += f"Ranks that the first {len(before)} had before: {', '.join(before)}. " if before else ""
    return said + (f"Left out: {', '.join(left)}." if left else "Nothing is left out.")


def _rules(content: Content) -> str:
    """Say which rules are the user's, and which were not tried."""
    table, own = content.run.tables("rules"), str(content.settings.get("rules", ""))
    said = [f"Rules are those of {own}."] if own else []
    lacking = table[table["lacking"] != ""] if table is not None else pd.DataFrame()
    if len(lacking):
        which = "; ".join(f"{row['rule']} ({row['lacking']})" for row in lacking.to_dict("records"))
        said.append(f"Not tried, because the catalogue lacks their columns: {which}.")
    return " ".join(said)


def _confident(table: pd.DataFrame | None) -> dict[str, Any]:
    """The odd spectra of which the pipeline is sure."""
    if table is None:
        return {"sure_text": "", "sure_told": "", "sure": None}
    odd, unsure, unknown = (int(table.attrs.get(name, 0)) for name in ("odd", "unsure", "unknown"))
    rest = [f"of {number(count)} {why}" for count, why in ((unsure, "the pipeline is not sure"),
                                                          (unknown, "it does not say")) if count]
    told = f"{number(len(table))} of {number(odd)} spectra that reach the silver threshold" \
        + (f"; {', '.join(rest)}." if rest else ".") + (f" The first {SURE} by score:" if len(table) > SURE else "")
    columns: dict[str, Any] = {
        "id": ("spectrum", str), "score": ("score", fixed(1)), "deltachi2": ("Δχ²", number), "class": ("class", str),
        "z": ("z", fixed(4)), "vote": ("vote of its kin", str), "top_1_segment": ("points at", str),
        "artefact": ("artefact?", percent), "verdict": ("verdict", str)}
    shown = {name: form for name, form in columns.items() if name in table}
    words = [place for place, name in enumerate(shown) if name in ("id", "class", "vote", "top_1_segment", "verdict")]
    few = table.head(SURE)
    return {"sure_text": SURE_TEXT.format(least=LEAST), "sure_told": told,
            "sure": grid(few, shown, text=words) if len(few) else None}


def _rates(table: pd.DataFrame, by: str) -> Rates:
    kind = "numbers" if by == "snr" else "names"
    facts = {"n": int(table["n"].sum()), "odd": int(table["odd"].sum()), "unknown": 0, "level": 0.05, "kind": kind}
    return Rates(table.reset_index(drop=True), by, facts)
