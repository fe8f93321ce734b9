"""Artefacts grouped so that one message to the observers tells of all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ...errors import ArgumentError, message
from ...ids import id_texts
from .bins import binned
from .rates import Rates, checked, rates
from .waves import crowded, wavelength_rates

if TYPE_CHECKING:
    import pandas as pd

WHERE = ("plate", "tile", "petal", "fiber", "mjd")
"""Columns that name a part of the instrument or a night."""
WAVE = "observed wavelength"
TOLD = 3
"""Values told of each column, and ids told in one line of a listing."""


@dataclass(frozen=True)
class Ticket:
    """Anomalies that share a plate, a fibre or an observed wavelength, more than chance would have it.

    Attributes
    ----------
    by, where : str
        What they share: ``"plate"`` and ``"7004"``; ``"observed wavelength"`` and ``"5560–5620 Å"``.
    ids : tuple of str
        The odd objects there.
    n : int
        All objects there; of a wavelength, all anomalies that have one.
    rate, low, high : float
        Share of the odd among them, with its 95 % interval.
    elsewhere : float
        Share in all other places; of a wavelength, what is expected there.
    p, q : float
        Probability of such an excess, and after adjusting for the number of places looked at.
    evidence : tuple of str
        What else they have in common.
    """

    by: str
    where: str
    ids: tuple[str, ...]
    n: int
    rate: float
    low: float
    high: float
    elsewhere: float
    p: float
    q: float
    evidence: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """One line."""
        where = f"at {self.where} observed" if self.by == WAVE else f"on {self.by} {self.where}"
        return f"{len(self.ids)} anomalous spectra {where}"

    @property
    def text(self) -> str:
        """What can be pasted into a message: counts, evidence, ids."""
        if self.by == WAVE:
            what = (f"In {len(self.ids)} of {self.n} anomalous spectra ({self.rate:.1%}, 95 % interval "
                    f"{self.low:.1%} to {self.high:.1%}) the segment that makes them odd lies at {self.where} "
                    f"observed; {self.elsewhere:.1%} would lie there if it moved with the redshifts")
        else:
            what = (f"{len(self.ids)} of {self.n} spectra on {self.by} {self.where} are anomalous ({self.rate:.1%}, "
                    f"95 % interval {self.low:.1%} to {self.high:.1%}) against {self.elsewhere:.1%} elsewhere")
        lines = [self.title, "", f"{what} (p = {self.p:.1e}, q = {self.q:.1e})."]
        lines += [f"- {one}" for one in self.evidence]
        return "\n".join([*lines, "", "Spectra:", *self.ids]) + "\n"

    def __repr__(self) -> str:
        return f"Ticket: {self.title}, q = {self.q:.1e}"


@dataclass(frozen=True, eq=False)
class Tickets:
    """Tickets, the least likely by chance first.

    Attributes
    ----------
    tickets : tuple of Ticket
    rates : dict of str to Rates
        What was looked at, by what it is divided.
    """

    tickets: tuple[Ticket, ...]
    rates: dict[str, Rates]

    def __len__(self) -> int:
        return len(self.tickets)

    def __iter__(self) -> Iterator[Ticket]:
        return iter(self.tickets)

    def __getitem__(self, index: int) -> Ticket:
        return self.tickets[index]

    @property
    def text(self) -> str:
        """All of them, one under the other."""
        return "\n".join(one.text for one in self.tickets)

    def to_frame(self) -> pd.DataFrame:
        """Return one row a ticket: by, where, odd, n, rate, elsewhere, p, q, evidence and ids, joined by ``;``."""
        import pandas as pd

        rows = [{"by": one.by, "where": one.where, "odd": len(one.ids), "n": one.n, "rate": one.rate,
                 "rate_lo": one.low, "rate_hi": one.high, "elsewhere": one.elsewhere, "p": one.p, "q": one.q,
                 "evidence": "; ".join(one.evidence), "ids": ";".join(one.ids)} for one in self.tickets]
        names = ["by", "where", "odd", "n", "rate", "rate_lo", "rate_hi", "elsewhere", "p", "q", "evidence", "ids"]
        return pd.DataFrame(rows, columns=names)

    def __repr__(self) -> str:
        looked = ", ".join(f"{len(one.table)} by {name}" for name, one in self.rates.items()) or "nothing"
        return "\n".join([f"Tickets: {len(self)} (bins looked at: {looked})", *(f"  {one!r}" for one in self.tickets)])


def tickets(table: Any, odd: ArrayLike, *, by: Sequence[str] = WHERE, observed: ArrayLike | None = None,
            level: float = 0.05, least: int = 3) -> Tickets:
    """Group anomalies by what they share.

    Parameters
    ----------
    table : DataFrame or SpectrumSet
        One row an object, with ``id`` and some of the columns `by`.
    odd : (n,) bool array
        Which to group: those above a score, or better those of them that are probably artefacts.
    by : sequence of str
        Columns to look at; those the table lacks or knows nothing of are left out.
    observed : (n,) array, optional
        Observed wavelength (Å) of the leading segment of each object, NaN where there is none: looked at too, against
        the redshifts in column ``z`` where there is one. See :func:`.observed_waves`.
    level : float
        Share of false discoveries among the bins of each column.
    least : int
        Anomalies that make a ticket.

    Returns
    -------
    Tickets
        Where two would tell of the same spectra, the one by the earlier column; its evidence names the other.
    """
    frame = table.table if hasattr(table, "table") else table
    flags = checked(odd, len(frame))
    if "id" not in frame.columns:
        raise ArgumentError(message("table", expected="a column id", got=", ".join(map(str, frame.columns[:10]))))
    wave = np.full(len(frame), np.nan) if observed is None else np.asarray(observed, dtype=np.float64)
    if wave.shape != (len(frame),):
        raise ArgumentError(message("observed", expected=f"{len(frame)} wavelengths", got=f"shape {wave.shape}"))
    looked: dict[str, Rates] = {}
    made: list[Ticket] = []
    for name in (column for column in by if column in frame.columns):
        found = rates(frame, flags, by=name, level=level)
        if len(found.table) > 1:
            looked[name] = found
            made += _of_names(frame, flags, found, wave)
    if np.isfinite(wave[flags]).any():
        where = np.where(flags, wave, np.nan)
        looked[WAVE] = wavelength_rates(where, frame["z"] if "z" in frame.columns else None, level=level)
        made += _of_waves(frame, flags, wave, level)
    first = {frozenset(one.ids): one for one in reversed(made)}  # a plate that was a night's only one is told once
    kept = [one for one in made if len(one.ids) >= least and first[frozenset(one.ids)] is one]
    return Tickets(tuple(sorted(kept, key=lambda one: (one.q, one.p))), looked)


def _of_names(frame: pd.DataFrame, flags: NDArray[np.bool_], found: Rates, wave: NDArray[np.float64]) -> list[Ticket]:
    places = binned(frame, found.by, bins=10, nside=8).places
    made = []
    for place in np.flatnonzero(found.table["stands_out"] == "high").tolist():
        row = found.table.iloc[place]
        rows = np.flatnonzero(flags & (places == place))
        made.append(_ticket(found.by, str(row["bin"]), frame.iloc[rows], row, wave[rows]))
    return made


def _of_waves(frame: pd.DataFrame, flags: NDArray[np.bool_], wave: NDArray[np.float64], level: float) -> list[Ticket]:
    where = np.where(flags, wave, np.nan)
    found = crowded(where, frame["z"] if "z" in frame.columns else None, level=level)
    made = []
    for row in found.to_dict("records"):
        rows = np.flatnonzero((where >= row["low"]) & (where < row["high"]))
        made.append(_ticket(WAVE, str(row["bin"]), frame.iloc[rows], row, wave[rows]))
    return made


def _ticket(by: str, where: str, odd: pd.DataFrame, row: Any, wave: NDArray[np.float64]) -> Ticket:
    return Ticket(by, where, tuple(id_texts(odd["id"])), int(row["n"]), float(row["rate"]), float(row["rate_lo"]),
                  float(row["rate_hi"]), float(row["elsewhere"]), float(row["p"]), float(row["q"]),
                  _evidence(by, odd, wave))


def _evidence(by: str, odd: pd.DataFrame, wave: NDArray[np.float64]) -> tuple[str, ...]:
    """Return what else the spectra of a ticket have in common, as counts."""
    told = []
    for name in (column for column in WHERE if column in odd.columns and column != by):
        known = [str(value) for value in odd[name].dropna() if value != -1]
        common = [f"{value} ({count})" for value, count in Counter(known).most_common(TOLD) if count > 1]
        if common:
            told.append(f"{name}: {', '.join(common)} of {len(known)}")
    good = wave[np.isfinite(wave)]
    if good.size and by != WAVE:
        low, mid, high = np.percentile(good, [16, 50, 84])
        told.append(f"leading segments at {mid:.0f} Å observed (16–84 %: {low:.0f}–{high:.0f} Å) of {good.size}")
    for name, text in (("z", "redshifts"), ("snr", "S/N")):
        if name in odd.columns and np.isfinite(odd[name].to_numpy(np.float64)).any():
            low, high = np.nanmin(odd[name]), np.nanmax(odd[name])
            told.append(f"{text} {low:.3g} to {high:.3g}")
    return tuple(told)
