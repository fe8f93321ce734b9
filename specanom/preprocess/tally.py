"""Bookkeeping while blocks go by: who was dropped and why, notes, extinction."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..spectrumset import SpectrumSet
from .columns import kinds_of, numbers, texts
from .report import Cut, ExtinctionCount, Note, PreprocessReport
from .select import Drop
from .sources import Incoming

ORDER = ("class", "zwarning", "z_missing", "z_range", "no_pixels", "snr_unknown", "snr", "missing", "median")
"""The cuts, in the order in which they are made."""
_COUNTS = ("n_in", "n_out", "corrected", "pixels", "imputed")


class Tally:
    """Counts spectra in, dropped and out, block by block, and knows what columns those had that came in."""

    def __init__(self) -> None:
        self._dropped: dict[str, tuple[str, list[str]]] = {}
        self._notes: dict[str, dict[str, None]] = {}
        self.n_in = 0
        self.n_out = 0
        self.corrected = 0
        self.pixels = 0
        self.imputed = 0
        self.columns: dict[str, int] = {}
        self._hash = hashlib.blake2b(digest_size=8)

    def enter(self, block: SpectrumSet) -> None:
        """Count spectra that come in."""
        self.n_in += len(block)
        self.take_ids(block.ids)
        self._take_columns(kinds_of(block.table))

    def input_hash(self) -> str | None:
        """Return a hash of the ids that came in so far, None before the first."""
        return self._hash.hexdigest() if self.n_in else None

    def drop(self, block: SpectrumSet, *drops: Drop) -> SpectrumSet:
        """Write down each row at the first cut that it fails and return the others."""
        alive = np.ones(len(block), dtype=bool)
        names = block.table["id"].to_numpy()
        for drop in drops:
            ids = self._dropped.setdefault(drop.name, (drop.reason, []))[1]
            ids.extend(names[alive & drop.rows])
            alive &= ~drop.rows
        return block if alive.all() else block[alive]

    def leave(self, block: SpectrumSet) -> None:
        """Count spectra that stay, their notes and their imputed pixels."""
        self.n_out += len(block)
        self.corrected += int(np.isfinite(numbers(block.table, "ebv")).sum())
        for id, text in zip(block.table["id"], texts(block.table, "note"), strict=True):
            for note in filter(None, text.split("; ")):
                self._notes.setdefault(note, {})[id] = None
        if block.imputed is not None:
            self.pixels += block.imputed.size
            self.imputed += int(block.imputed.sum())

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the hash as plain values that JSON can hold; :meth:`take` adds it to another."""
        return {"dropped": {name: [reason, [str(id) for id in ids]] for name, (reason, ids) in self._dropped.items()},
                "notes": {note: [str(id) for id in ids] for note, ids in self._notes.items()},
                "columns": self.columns, **{name: getattr(self, name) for name in _COUNTS}}

    def take(self, other: Mapping[str, Any]) -> None:
        """Add what another tally counted, see :meth:`to_dict`."""
        for name, (reason, ids) in other["dropped"].items():
            self._dropped.setdefault(name, (reason, []))[1].extend(ids)
        for note, ids in other["notes"].items():
            self._notes.setdefault(note, {}).update(dict.fromkeys(ids))
        for name in _COUNTS:
            setattr(self, name, getattr(self, name) + other[name])
        self._take_columns(other["columns"])

    def _take_columns(self, kinds: Mapping[str, int]) -> None:
        for name, kind in kinds.items():
            self.columns[name] = max(kind, self.columns.get(name, kind))

    def take_ids(self, ids: Iterable[str]) -> None:
        """Take spectra that another tally counted as come in into the hash, in order."""
        self._hash.update("".join(f"{id}\n" for id in ids).encode())

    def report(
        self, action: str, source: Incoming, *, missing: NDArray[np.float64], grid: NDArray[np.float64],
        kept: NDArray[np.bool_], settings: dict[str, Any],
    ) -> PreprocessReport:
        """Make the report of all blocks so far, with what the survey skipped at its head."""
        skipped: dict[str, list[str]] = {}
        for id, reason in source.skipped():
            skipped.setdefault(reason, []).append(id)
        for id, text in source.notes():
            for note in filter(None, text.split("; ")):
                self._notes.setdefault(note, {})[id] = None
        head = [Cut("skipped", reason, len(ids), tuple(ids)) for reason, ids in skipped.items()]
        cuts = [Cut(name, self._dropped[name][0], len(self._dropped[name][1]), tuple(self._dropped[name][1]))
                for name in ORDER if name in self._dropped]
        on = settings["extinction"] is not None
        return PreprocessReport(
            action=action, waterfall=tuple(head + cuts), n_in=self.n_in + sum(cut.count for cut in head),
            n_out=self.n_out, notes=tuple(Note(text, len(ids), tuple(ids)) for text, ids in self._notes.items()),
            extinction=ExtinctionCount(on, self.corrected if on else 0, self.n_out - self.corrected if on else 0),
            wave=grid, missing=missing, kept=kept,
            imputed=self.imputed / self.pixels if self.pixels else float("nan"), settings=settings,
        )
