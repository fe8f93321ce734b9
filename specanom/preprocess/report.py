"""What preprocessing did: the waterfall of cuts, missing pixels, extinction, notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..face import opener
from .names import Names

if TYPE_CHECKING:
    import pandas as pd


MANY = 1000
"""Ids from which on a list of them is held in the memory of their letters alone."""


def _compact(ids: Sequence[str]) -> Sequence[str]:
    if isinstance(ids, Names):
        return ids if len(ids) >= MANY else tuple(ids)
    return Names(ids) if len(ids) >= MANY else ids


@dataclass(frozen=True)
class Cut:
    """One step of the waterfall.

    Attributes
    ----------
    name : str
        Key: ``"skipped"`` for what the survey itself left out, else the cut.
    reason : str
        In words.
    count : int
        Spectra dropped here.
    ids : sequence of str
        Which ones (the path where there is no id).
    """

    name: str
    reason: str
    count: int
    ids: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", _compact(self.ids))


@dataclass(frozen=True)
class Note:
    """A remark on spectra that were kept, or by the reader, with their ids."""

    text: str
    count: int
    ids: Sequence[str] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "ids", _compact(self.ids))


@dataclass(frozen=True)
class ExtinctionCount:
    """How many of the kept spectra were corrected for the dust of the Milky Way; `on` says whether it was tried."""

    on: bool
    corrected: int
    not_corrected: int

    @property
    def mixed(self) -> bool:
        """Whether corrected and uncorrected spectra stand side by side."""
        return self.on and self.corrected > 0 and self.not_corrected > 0

    def __str__(self) -> str:
        if not self.on:
            return "Milky Way extinction: switched off"
        text = f"Milky Way extinction: {self.corrected} corrected, {self.not_corrected} not corrected (E(B-V) unknown)"
        hint = "a column ebv of all, or Preprocessor(dust_map=\"sfd\") in Python with the map at hand, corrects all"
        return f"{text}; the two do not mix well: {hint}" if self.mixed else text


@dataclass(frozen=True, eq=False)
class PreprocessReport:
    """What happened to every spectrum that went in.

    Attributes
    ----------
    action : str
        ``"fit"``, ``"fit_transform"`` or ``"transform"``.
    waterfall : tuple of Cut
        In the order in which the cuts were made; what the survey skipped comes first. A spectrum counts at the first
        cut that it fails.
    n_in, n_out : int
        Spectra before the first cut (skipped ones included) and after the last.
    notes : tuple of Note
        Remarks that drop nothing.
    extinction : ExtinctionCount
        Corrected and not corrected.
    wave : (m,) array
        The grid before wavelengths were dropped, Å.
    missing : (m,) array
        Share of the kept spectra in which each wavelength is missing; NaN when there are none.
    kept : (m,) bool array
        Wavelengths that stayed.
    imputed : float
        Share of the pixels of the result that were filled in.
    settings : mapping
        The options of the Preprocessor.
    """

    action: str
    waterfall: tuple[Cut, ...]
    n_in: int
    n_out: int
    notes: tuple[Note, ...]
    extinction: ExtinctionCount
    wave: NDArray[np.float64]
    missing: NDArray[np.float64]
    kept: NDArray[np.bool_]
    imputed: float
    settings: Mapping[str, Any] = field(default_factory=dict)

    def to_frame(self) -> pd.DataFrame:
        """Return the waterfall as a table: name, reason, count, remaining, ids."""
        import pandas as pd

        counts = np.array([cut.count for cut in self.waterfall], dtype=np.int64)
        return pd.DataFrame({
            "name": [cut.name for cut in self.waterfall],
            "reason": [cut.reason for cut in self.waterfall],
            "count": counts,
            "remaining": self.n_in - np.cumsum(counts),
            "ids": [list(cut.ids) for cut in self.waterfall],
        })

    def reason(self, id: str) -> str | None:
        """Return why the spectrum called `id` was dropped, or None when it was not."""
        return next((cut.reason for cut in self.waterfall if id in cut.ids), None)

    def plot(self, **options: Any) -> Any:
        """Return a bokeh figure of the waterfall; see :func:`specanom.plots.waterfall`."""
        return opener("plot report")(self, **options)

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain values that JSON can hold; :meth:`from_dict` reads them."""
        return {
            "action": self.action, "n_in": self.n_in, "n_out": self.n_out,
            "waterfall": [{"name": c.name, "reason": c.reason, "count": c.count, "ids": list(c.ids)}
                          for c in self.waterfall],
            "notes": [{"text": n.text, "count": n.count, "ids": list(n.ids)} for n in self.notes],
            "extinction": {"on": self.extinction.on, "corrected": self.extinction.corrected,
                           "not_corrected": self.extinction.not_corrected},
            "wave": self.wave.tolist(), "kept": self.kept.tolist(),
            "missing": [None if np.isnan(share) else float(share) for share in self.missing],
            "imputed": None if np.isnan(self.imputed) else self.imputed, "settings": dict(self.settings),
        }

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> PreprocessReport:
        """Make a report from what :meth:`to_dict` returned."""
        plain = dict(content)
        plain["waterfall"] = tuple(Cut(**{**cut, "ids": tuple(cut["ids"])}) for cut in content["waterfall"])
        plain["notes"] = tuple(Note(**{**note, "ids": tuple(note["ids"])}) for note in content["notes"])
        plain["extinction"] = ExtinctionCount(**content["extinction"])
        plain["wave"] = np.array(content["wave"], dtype=np.float64)
        plain["missing"] = np.array(content["missing"], dtype=np.float64)
        plain["kept"] = np.array(content["kept"], dtype=bool)
        plain["imputed"] = float("nan") if content["imputed"] is None else float(content["imputed"])
        return cls(**plain)

    def __repr__(self) -> str:
        lines = [f"PreprocessReport of {self.action}: {self.n_out} of {self.n_in} spectra kept", waterfall_text(self)]
        lines.append(f"wavelengths: {int(self.kept.sum())} of {self.kept.size} kept")
        if not np.isnan(self.imputed):
            lines.append(f"imputed: {100 * self.imputed:.2f} % of the pixels")
        lines.append(str(self.extinction))
        lines += [f"note: {note.text} ({note.count})" for note in self.notes]
        return "\n".join(lines)

    def _repr_html_(self) -> str:
        frame = self.to_frame()[["reason", "count", "remaining"]]
        rest = "<br>".join(escape(line) for line in repr(self).splitlines() if not line.startswith("  "))
        return f"{frame.to_html(index=False)}<p>{rest}</p>"


def waterfall_text(report: PreprocessReport) -> str:
    """Return the waterfall as indented lines: what remains, what was dropped, why, and a few ids."""
    left, lines = report.n_in, [f"  {report.n_in:>8} in"]
    for cut in report.waterfall:
        left -= cut.count
        if cut.count:
            some = ", ".join(cut.ids[:3]) + (", …" if cut.count > 3 else "")
            lines.append(f"  {left:>8} after -{cut.count}: {cut.reason} ({some})")
    return "\n".join(lines)
