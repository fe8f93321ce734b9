"""The sections of the report on single anomalies and on clusters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import plots
from ..explain.troughs import absorber
from ..scores.named import CALIBRATED
from ..scores.rows import batches
from ..surveys.viewers import Cutouts, links
from .acquire import SIMULATED
from .content import Content
from .sections import ranks_of
from .tabulate import fixed, grid, number, percent

CARDS = 12
CLASS_NAMES = {"lines": "rest-frame lines", "imputed": "masked or dead pixels and their edges", "sky": "sky lines",
               "telluric": "telluric bands", "join": "join of the arms", "narrow": "narrower than the instrument",
               "continuum": "continuum"}
COLOURS = {"lines": "#0072b2", "continuum": "#8fa3b8", "imputed": "#b0a8a0", "sky": "#d55e00", "telluric": "#e69f00",
           "join": "#cc79a7", "narrow": "#8c3b3b"}
RATIOS = {"decrement": "Hα/Hβ", "N2": "[N II]/Hα", "O3": "[O III]/Hβ", "O32": "[O III]/[O II]", "O3N2": "O3N2"}
ARTEFACT = 0.5
"""Above this probability, at even odds, sky or instrument is the likelier story than the object."""
CARD_TEXT = (
    "The {} oddest spectra, each with what LIME says of it: the weight of a segment says how much it raises the score "
    "as observed, against what stands in for it. Thin bars are 95 % intervals. Physics sits on lines and continuum, "
    "artefacts on the rest. Over the flux lies what the model makes of the spectrum: weight on flat flux is there "
    "because the model expects something else."
)
CLUSTER_TEXT = (
    "Spectra that are odd for the same reason: absolute LIME weights, each row of unit length, grouped by k-means. "
    "Bands hold the middle 68 % of the members. Line ratios are the 45th to 55th percentile of members in which all "
    "lines are detected."
)


def anomaly_section(content: Content, figures: dict[str, Any]) -> dict[str, Any]:
    """The oddest spectra as cards, and all that were explained as a table."""
    explanations = content.explanations
    images = _images(content)
    cards = [_card(content, figures, images, i) for i in range(min(CARDS, len(explanations)))]
    table = explanations.context.assign(id=explanations.ids, score=_values(content, explanations.ids))
    known = content.sample.select(explanations.ids).table
    table = table.assign(z=known["z"].to_numpy(), snr=known["snr"].to_numpy(), grade=explanations.grades,
                         points=[_leading(explanations[i]) for i in range(len(explanations))])
    columns: dict[str, Any] = {
        "id": ("id", str), "score": ("score", number), "z": ("z", fixed(4)), "snr": ("S/N", fixed(1)),
        "points": ("points at", str), "lines": ("on lines", percent), "artefact": ("artefact?", percent),
        "grade": ("explanation", str)}
    intervals = content.run.tables("rank_intervals")
    if intervals is not None:
        spans = {row["id"]: f"{row['low']:.0f}–{row['high']:.0f}" for row in intervals.to_dict("records")}
        table["interval"] = [spans.get(id, "–") for id in table["id"]]
        columns["interval"] = ("rank in repeated fits", str)
    table["artefact"] = explanations.artefact
    notes = [one for one in dict.fromkeys(explanations.untold) if one]
    told = "".join(f" The probability of an artefact is {one}, and not told of them." for one in notes)
    columns_of_words = (0, 4, 7)
    return {"cards": cards, "anomalies": {"text": CARD_TEXT.format(len(cards)) + told, "count": len(explanations),
                                          "table": grid(table, columns, text=columns_of_words)}}


def _values(content: Content, ids: list[str]) -> Any:
    return content.scores.set_index("id")[content.column].loc[ids].to_numpy()


def _images(content: Content) -> Cutouts:
    folders = [content.run.path / "images"]
    folders += [Path(content.settings["path"]) / "images"] if content.settings["path"] else []
    local = next((folder for folder in folders if folder.is_dir()), None)
    return Cutouts(local, network=content.settings["survey"] not in SIMULATED)


def _leading(explanation: Any, n: int = 3) -> str:
    total = float(np.abs(explanation.weights).sum()) or 1.0
    found: dict[str, float] = {}
    for k in explanation.order[:n]:
        name = explanation.names[k]
        found[name] = found.get(name, 0.0) + abs(float(explanation.weights[k])) / total
    return ", ".join(f"{name} ({share:.0%})" for name, share in found.items())


def _card(content: Content, figures: dict[str, Any], images: Cutouts, i: int) -> dict[str, Any]:
    explanation = content.explanations[i]
    one = content.sample.select([explanation.id])
    row = one.table.iloc[0]
    name = f"card{i}"
    figures[name] = plots.explanation(explanation, one[0], reconstruction=_reconstruction(content.model, one))
    lines = content.lines[content.lines["id"] == explanation.id].iloc[0]
    return {"id": explanation.id, "chips": _chips(content, explanation, row),
            "verdict": _verdict(content, explanation, z=float(row["z"])), "figure": name, "lines": line_table(lines),
            "ranks": ranks_of(content, explanation.id), "links": _links(content, row),
            "image": images.of(explanation.id, *(float(row.get(c, np.nan)) for c in ("ra", "dec")))}


def _reconstruction(model: Any, one: Any) -> Any:
    """Return what the model made of a set of one spectrum when it was scored: by the fit that has not seen it."""
    return next(batches(one)).reconstruction(model)[0]


def _links(content: Content, row: Any) -> list[dict[str, str]]:
    """Return where more is known; a simulated object is nowhere on the real sky."""
    return [] if content.settings["survey"] in SIMULATED else links(row)


def _chips(content: Content, explanation: Any, row: Any) -> list[dict[str, str]]:
    chips = [{"text": f"z = {row['z']:.4f}", "kind": ""}, {"text": f"S/N {row['snr']:.1f}", "kind": ""}]
    if explanation.context.artefact > ARTEFACT:
        chips.append({"text": "likely artefact", "kind": "warm"})
    if np.isfinite(explanation.z_second):
        chips.append({"text": f"lines at z = {explanation.z_second:.4f}", "kind": "good"})
    if _absorption(explanation):
        chips.append({"text": "broad absorption", "kind": "good"})
    grade = "good" if explanation.grade == "trusted" else "warm"
    chips.append({"text": f"explanation: {explanation.grade}", "kind": grade})
    if content.truth is not None:
        kind = content.truth.loc[content.truth["id"] == explanation.id, "kind"]
        known = str(kind.iloc[0]) if len(kind) else ""
        chips.append({"text": f"truth: {known.replace('_', ' ') or 'ordinary'}", "kind": ""})
    return chips


def _verdict(content: Content, explanation: Any, *, z: float) -> str:
    value = float(_values(content, [explanation.id])[0])
    if content.column.endswith(CALIBRATED):
        said = f"{value:.1f} robust σ above {content.against}. "
    else:
        said = f"Score {number(value)}. "
    said += f"The explanation points at {_leading(explanation)}"
    context = explanation.context
    if context.artefact > ARTEFACT:
        said += (f"; sky or instrument made it with a probability of {percent(context.artefact)} at even odds, and "
                 f"{percent(context.artefact_share)} of its weight lies on sky, masks, spikes, telluric bands or the "
                 f"arm join.")
    elif np.isfinite(context.z_second):
        where = "behind it" if context.z_second > z else "in front of it"
        said += (f"; several emission lines share one other redshift, z = {context.z_second:.4f}: another galaxy "
                 f"{where}, or a wrong redshift.")
    elif context.lines > ARTEFACT:
        said += f"; {percent(context.lines)} of its weight lies on lines at the object's redshift"
        said += f"{_absorption(explanation)}."
    else:
        said += f"{_absorption(explanation)}."
    return said


def _absorption(explanation: Any, n: int = 3) -> str:
    """Say which lines absorb broadly in the leading segments of a quasar; empty when none does."""
    found = dict.fromkeys(filter(None, (absorber(explanation.names[k]) for k in explanation.order[:n])))
    return f"; broad absorption of {' and '.join(found)}" if found else ""


def shares(values: Mapping[str, float]) -> list[dict[str, Any]]:
    """Return the context shares with names and colours; none where nothing is known."""
    return [{"name": label, "share": values[name], "colour": COLOURS[name]} for name, label in CLASS_NAMES.items()
            if np.isfinite(values.get(name, np.nan))]


def line_table(row: Any) -> Any:
    """Return the line ratios of one spectrum as a grid."""
    found = [{"ratio": label, "value": row.get(name, np.nan)} for name, label in RATIOS.items()]
    found.append({"ratio": "BPT", "value": row.get("bpt", "–")})
    return grid(pd.DataFrame(found, dtype=object), {"ratio": ("ratio", str), "value": ("value", _cell)})


def _cell(value: Any) -> str:
    return value if isinstance(value, str) else number(value)


def cluster_section(content: Content, figures: dict[str, Any]) -> dict[str, Any]:
    """The clusters: how many, what they look like, what they are."""
    summary, curves = content.summary, content.run.tables("curves")
    if curves is not None and len(curves):
        figures["elbow"] = plots.elbow_silhouette(curves, len(summary))
    assigned = content.run.table("clusters", "06_clusters").set_index("id")["cluster"]
    lines = content.lines.assign(cluster=[f"cluster {assigned.get(id, -1)}" for id in content.lines["id"]])
    figures["bpt"] = plots.bpt(lines, groups="cluster")
    members = []
    for one in summary:
        figures[f"cluster{one.label}"] = plots.clusters(replace(summary, clusters=(replace(one, story=""),)))
        chips = [{"text": "likely artefacts", "kind": "warm"}] if one.artefact > ARTEFACT else []
        chips += _known_kinds(content, one.ids)
        members.append({"label": one.label, "size": one.size, "story": one.story, "shares": shares(one.context),
                        "figure": f"cluster{one.label}", "members": ", ".join(one.nearest[:5]), "chips": chips})
    return {"text": CLUSTER_TEXT, "table": _ratio_table(list(summary)), "members": members}


def _known_kinds(content: Content, ids: Sequence[str]) -> list[dict[str, str]]:
    if content.truth is None:
        return []
    kinds = content.truth.set_index("id")["kind"].reindex(list(ids)).fillna("").value_counts()
    return [{"text": f"truth: {count} {str(kind).replace('_', ' ') or 'ordinary'}", "kind": ""}
            for kind, count in kinds.head(3).items()]


def _ratio_table(clusters: Sequence[Any]) -> Any:
    rows = []
    for one in clusters:
        row = {"label": str(one.label), "size": one.size, "z": one.z[1], "snr": one.snr[1]}
        spans = {} if one.ratios is None else one.ratios[["low", "high"]].to_dict("index")
        rows.append(row | {name: _span(spans.get(name)) for name in RATIOS})
    columns: dict[str, Any] = {"label": ("cluster", str), "size": ("spectra", number), "z": ("median z", fixed(3)),
                               "snr": ("median S/N", fixed(1))}
    columns |= {name: (label, str) for name, label in RATIOS.items()}
    return grid(pd.DataFrame(rows, columns=list(columns)), columns)


def _span(ends: Mapping[str, float] | None) -> str:
    if ends is None or not np.isfinite([ends["low"], ends["high"]]).all():
        return "–"
    return f"{number(ends['low'])} to {number(ends['high'])}"
