"""What the card of one object tells, as plain values for JSON."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd

from ..explain.explanation import Explanation
from ..plots.drawing import pixel_edges
from ..surveys.viewers import links
from ..triage.label import FIELDS, Label, displaces, moment
from .packing import packed, plain
from .record import ExplorerData

DESI = ("desi",)
LINKED = ("ra", "dec", "plate", "mjd", "fiber", "targetid")
KIN = ("label", "distance", "weight")
MATCH = ("service", "status", "name", "type", "separation", "z")


class Cards:
    """Makes the cards of a catalogue, one after the other.

    Parameters
    ----------
    rows : DataFrame
        The catalogue.
    data : ExplorerData

    Attributes
    ----------
    ids : list of str
        The objects of the catalogue, then kin that have a spectrum and are not among them.
    objects : int
        How many objects the catalogue has.
    without_spectrum : int
        How many objects of the catalogue have none.
    """

    def __init__(self, rows: pd.DataFrame, data: ExplorerData) -> None:
        self._data = data
        self._rows = {row["id"]: row for row in rows.to_dict("records")}
        self._spectra = {} if data.spectra is None else {id: at for at, id in enumerate(data.spectra.ids)}
        self._explained = {} if data.explanations is None else {id: at for at, id in enumerate(data.explanations.ids)}
        self._kin = _grouped(data.kin, "query")
        self._matches = _grouped(data.matches, "id")
        self._labels: dict[str, list[Label]] = {}
        for said in sorted(data.labels, key=moment):  # files of several people follow each other in any order
            self._labels.setdefault(said.id, []).append(said)
        kin = dict.fromkeys(str(row["id"]) for found in self._kin.values() for row in found)
        self.ids = [*self._rows, *(id for id in kin if id not in self._rows and id in self._spectra)]
        self.objects = len(self._rows)
        self.without_spectrum = sum(id not in self._spectra for id in self._rows)

    def __len__(self) -> int:
        return len(self.ids)

    def chunks(self, size: int) -> Iterator[list[tuple[str, dict[str, Any]]]]:
        """Yield (id, card) of `size` objects at a time."""
        for start in range(0, len(self.ids), size):
            yield [(id, self.card(id)) for id in self.ids[start : start + size]]

    def standing(self) -> list[dict[str, Any]]:
        """Return what stands of each object by each author, what was taken back among it."""
        return [_fields(one) for id in self.ids for one in _latest(self._labels.get(id, ())).values()]

    def card(self, id: str) -> dict[str, Any]:
        """Return the card of one object; what is not known is not there."""
        about = self._about(id)
        made: dict[str, Any] = {"links": links(about) if self._data.links else []}
        at = self._spectra.get(id)
        if at is not None and self._data.spectra is not None:
            spectrum, model = self._data.spectra[at], self._data.reconstruction
            made["spectrum"] = packed(spectrum, None if model is None else np.asarray(model[at], dtype=np.float64))
            made["z"] = plain_exact(spectrum.z)
        if id in self._explained and self._data.explanations is not None:
            made["explanation"] = explained(self._data.explanations[self._explained[id]])
        if id in self._kin:
            made["kin"] = [{"id": str(row["id"])} | _told(row, KIN) for row in self._kin[id]]
        if id in self._matches:
            made["matches"] = [_told(row, MATCH) for row in self._matches[id]]
        if id in self._labels:
            made["labels"] = [_fields(one) for one in self._labels[id]]
        return made

    def _about(self, id: str) -> dict[str, Any]:
        """What the survey viewers ask for: from the catalogue, else from the table of the spectra."""
        sources: list[Mapping[Any, Any]] = [self._rows.get(id, {})]
        if id in self._spectra and self._data.spectra is not None:
            sources.append(self._data.spectra.table.iloc[self._spectra[id]].to_dict())
        about = {name: next((row[name] for row in sources if name in row and _known(row[name])), None)
                 for name in (*LINKED, "survey")}
        if str(about.pop("survey")).lower() in DESI:
            about["targetid"] = id
        return about


def explained(e: Explanation) -> dict[str, Any]:
    """Return an explanation: runs of pixels of one segment with weight and interval, names, context and grade."""
    change = np.flatnonzero(np.diff(e.segments)) + 1
    starts, stops = np.concatenate([[0], change]), np.concatenate([change, [e.segments.size]])
    edges = pixel_edges(np.asarray(e.wave))
    score = e.settings.get("score")
    return {
        "segment": e.segments[starts].tolist(), "left": np.round(edges[starts], 2).tolist(),
        "right": np.round(edges[stops], 2).tolist(), "weights": [plain(one) for one in e.weights.tolist()],
        "low": [plain(one) for one in e.interval[:, 0].tolist()],
        "high": [plain(one) for one in e.interval[:, 1].tolist()], "names": [str(one) for one in e.names],
        "frame": e.frame, "grade": e.grade, "reason": e.reason, "r2": plain(e.r2), "value": plain(e.score),
        "artefact": plain(e.artefact), "untold": e.untold, "z_second": plain_exact(e.z_second),
        "score": score if isinstance(score, str) else "score",
        "shares": {str(name): plain(float(value)) for name, value in e.context.shares.items()},
    }


def _fields(said: Label) -> dict[str, Any]:
    return {name: getattr(said, name) for name in FIELDS} | dict(said.more)


def _latest(labels: Iterable[Label]) -> dict[str, Label]:
    """Return what stands by each author, of labels in the order of time."""
    found: dict[str, Label] = {}
    for said in labels:
        if displaces(said, found.get(said.author)):
            found[said.author] = said
    return found


def plain_exact(value: Any) -> float | None:
    """Return a number as it is, None when there is none."""
    return float(value) if value is not None and np.isfinite(value) else None


def _grouped(table: pd.DataFrame | None, key: str) -> dict[str, list[dict[Any, Any]]]:
    found: dict[str, list[dict[Any, Any]]] = {}
    if table is None:
        return found
    ordered = table.sort_values("rank", kind="stable") if "rank" in table else table
    for row in ordered.to_dict("records"):
        found.setdefault(str(row[key]), []).append(row)
    return found


def _told(row: Mapping[Any, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """Return what is known of some columns: numbers with a few digits, anything else as text."""
    made: dict[str, Any] = {}
    for name in names:
        value = row.get(name)
        if isinstance(value, (int, float, np.number)) and not isinstance(value, bool):
            made[name] = plain(float(value))
        elif _known(value):
            made[name] = str(value)
    return made


def _known(value: Any) -> bool:
    return value is not None and value is not pd.NA and bool(value == value) and value != ""
