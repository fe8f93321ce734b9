"""A survey: many spectra in files or in memory, read when they are asked for."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, message
from ..ids import encodable, plain
from ..quantities import check_angstrom
from ..slips import OF_SURVEY, slip
from ..spectrum import Spectrum, median_snr
from ..spectrumset import SpectrumSet
from .blocks import Pixels, Stacker
from .gate import Gate

if TYPE_CHECKING:
    import pandas as pd

GROUP = 256         # rows of a large source that are held at a time
LONGEST = 500       # characters of a reason
LEAST = 2.0**-150      # inverse variance up to this is zero in single precision: nothing is known there


class Skipped(NamedTuple):
    """What was left out, and why: `id` is "" when the file could not tell it."""

    id: str
    path: str
    reason: str


class Note(NamedTuple):
    """A remark on a spectrum that was let through."""

    id: str
    path: str
    note: str


class Entry(NamedTuple):
    """One object of a source: its row, what is known of it, and remarks; a `reject` is a reason to leave it out."""

    row: int
    meta: Mapping[str, Any]
    notes: tuple[str, ...] = ()
    reject: str = ""


class Source(Protocol):
    """One file, or anything else that holds spectra on one grid."""

    @property
    def path(self) -> str:
        """Where it is; shown beside every reason and note."""
        ...

    def entries(self) -> Sequence[Entry]:
        """Return every object, without reading pixels. Their meta has the keys of ``blocks.COLUMNS``, and any more."""
        ...

    def pixels(self, rows: Sequence[int]) -> Pixels:
        """Read the pixels of some rows."""
        ...

    def details(self, row: int) -> Mapping[str, Any]:
        """Return what only ``Spectrum.meta`` holds, such as the survey's own line fluxes."""
        ...


@dataclass
class Log:
    """What happened in one pass over a survey."""

    skipped: list[Skipped] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    first: dict[str, str] = field(default_factory=dict)     # id -> path of the copy that was taken
    count: int = 0

    def skip(self, path: str, reason: str, id: str = "") -> None:
        """Remember that something was left out; reasons come from files and are put in one line that can be printed."""
        self.skipped.append(Skipped(id, encodable(path), sys.intern(plain(reason, LONGEST))))  # most have few reasons

    def forget(self, entries: Iterable[Entry]) -> None:
        """Take back that objects were let through, so that another copy of them may be."""
        gone = {str(entry.meta["id"]) for entry in entries}
        for id in gone:
            self.first.pop(id, None)
        self.notes = [note for note in self.notes if note.id not in gone]


class Survey:
    """Spectra that are read when they are asked for, and a list of those that were left out.

    A Survey may be gone through any number of times; each pass holds one block in memory.

    Parameters
    ----------
    sources : callable
        Takes the :class:`Log` of a pass and yields :class:`Source` objects; what it cannot open it logs.
    gate : Gate
        Which objects pass.
    name : str
        What the survey is called: ``"sdss"``, ``"desi"``.

    Attributes
    ----------
    truth : DataFrame or None
        What is in a simulated survey, one row a fibre; None for a real one.

    Examples
    --------
    >>> survey = specanom.read("spectra/", target="galaxy")                             # doctest: +SKIP
    >>> for spectrum in survey: ...                                                     # doctest: +SKIP
    >>> survey.skipped[:2]                                                              # doctest: +SKIP
    [Skipped(id='1942-53415-0005', path='spectra/spec-1942-53415-0005.fits', reason='sky fibre (target type SKY)'), …]
    """

    truth: pd.DataFrame | None = None

    def __init__(self, sources: Callable[[Log], Iterable[Source]], *, gate: Gate | None = None,
                 name: str = "sdss") -> None:
        self._sources = sources
        self.gate = gate or Gate()
        self.name = name
        self._log: Log | None = None

    if not TYPE_CHECKING:  # which would take any attribute for granted

        def __getattr__(self, name):
            raise slip(self, name, OF_SURVEY)

    @property
    def target(self) -> str | None:
        """Which objects were asked for: "galaxy", "qso", "star" or None for all."""
        return self.gate.target

    @property
    def preset(self) -> str | None:
        """``"paper"`` when the published selection was asked for."""
        return self.gate.preset

    # -- what was left out -----------------------------------------------------------------------------------------

    @property
    def log(self) -> Log:
        """The log of the last whole pass; makes one when there was none."""
        if self._log is None:
            for _ in self._accepted():
                pass
        assert self._log is not None
        return self._log

    @property
    def skipped(self) -> list[Skipped]:
        """Every object and file that was left out, with the reason."""
        return list(self.log.skipped)

    @property
    def notes(self) -> list[Note]:
        """Remarks on spectra that were let through."""
        return list(self.log.notes)

    def __len__(self) -> int:
        return self.log.count

    def __getitem__(self, key: object) -> Spectrum:
        """Refuse: a survey is read in passes, from its first spectrum to its last."""
        raise TypeError(message("survey", expected="a loop over its spectra, since it is read when asked for",
                                got=f"an index, {key!r}", hint="next(iter(survey)) is the first spectrum; "
                                "Preprocessor(...).fit_transform(survey)[0] the first that is prepared"))

    def waterfall(self) -> dict[str, int]:
        """Return reason → count of what was left out, most frequent first; numbers in a reason are left out."""
        counts: dict[str, int] = {}
        for one in self.skipped:
            reason = one.reason.partition(" (")[0].partition(":")[0]
            counts[reason] = counts.get(reason, 0) + 1
        return dict(sorted(counts.items(), key=lambda item: -item[1]))

    # -- reading ---------------------------------------------------------------------------------------------------

    def __iter__(self) -> Iterator[Spectrum]:
        for source, entries, pixels in self._accepted():
            for i, entry in enumerate(entries):
                yield make_spectrum(source, entry, pixels, i)

    def blocks(self, n: int = 1024) -> Iterator[SpectrumSet]:
        """Yield the spectra in blocks of `n`, in order, in the observed frame and in the survey's flux unit.

        Spectra on the SDSS grid 10**(k·1e-4) Å share a block, whatever their ranges: outside its coverage a spectrum
        is NaN with ivar 0. Those of DESI share one of 7781 pixels. Each other grid gets blocks of its own.

        Parameters
        ----------
        n : int
            Spectra per block.

        Yields
        ------
        SpectrumSet
            ``flux``, ``ivar``, ``mask`` as in the files; ``table`` with the columns of ``COLUMNS`` and those kept of a
            catalogue.
        """
        if not isinstance(n, (int, np.integer)) or n < 1:
            raise ArgumentError(message("n", expected="a number of spectra per block, at least 1", got=repr(n)))
        stacker = Stacker(int(n))
        for _, entries, pixels in self._accepted(int(n)):
            yield from stacker.add([entry.meta for entry in entries], pixels)
        yield from stacker.flush()

    def _accepted(self, limit: int = GROUP) -> Iterator[tuple[Source, Sequence[Entry], Pixels]]:
        log = Log()
        for source in self._sources(log):
            kept: list[Entry] = []
            start, group = 0, min(limit, getattr(source, "together", GROUP))
            try:
                kept = self._select(source, log)
                for start in range(0, len(kept), group):
                    entries, pixels = alive(source, kept[start : start + group], log)
                    if entries:
                        log.count += len(entries)
                        yield source, entries, pixels.observed()
            except (DataError, OSError) as exc:
                log.forget(kept[start:])
                log.skip(source.path, str(exc), str(kept[0].meta["id"]) if len(kept) == 1 else "")
        self._log = log

    def _select(self, source: Source, log: Log) -> list[Entry]:
        kept: list[Entry] = []
        for entry in source.entries():
            id = str(entry.meta["id"])
            reason, note = self.gate.judge(entry.meta)
            reason = entry.reject or reason
            if not reason and id in log.first:
                reason = f"second copy of a spectrum (the first is {log.first[id]})"
            if reason:
                log.skip(source.path, reason, id)
                continue
            log.first[id] = source.path
            kept.append(entry)
            log.notes.extend(Note(id, source.path, text) for text in (*entry.notes, note) if text)
        log.notes.extend(Note("", source.path, text) for text in getattr(source, "remarks", tuple)())
        return kept

    def _repr_html_(self) -> str:
        rows = "".join(f"<tr><td>{escape(reason)}</td><td>{count}</td></tr>"
                       for reason, count in self.waterfall().items())
        left_out = f"<table><tr><th>left out because</th><th>spectra</th></tr>{rows}</table>" if rows else ""
        return f"<p>{escape(repr(self))}</p>{left_out}"

    def __repr__(self) -> str:
        known = "not read yet"
        if self._log is not None:
            known = f"{self._log.count} spectra, {len(self._log.skipped)} skipped"
        return f"Survey {self.name!r}: {known}, target {self.target or 'any'}"


def make_spectrum(source: Source, entry: Entry, pixels: Pixels, row: int) -> Spectrum:
    """Make the Spectrum of row `row` of `pixels`, which belongs to `entry`."""
    meta: dict[str, Any] = dict(entry.meta)
    meta.update({name: values[row] for name, values in pixels.extra.items()}, **source.details(entry.row))
    arrays: list[NDArray[Any] | None] = []
    for values, kind in ((pixels.flux, np.float32), (pixels.ivar, np.float32), (pixels.mask, np.uint32)):
        arrays.append(None if values is None else np.array(values[row], dtype=kind))
    return Spectrum(pixels.wave, arrays[0], arrays[1], arrays[2],  # type: ignore[arg-type]
                    z=meta["z"], id=meta["id"], frame="observed" if pixels.shift == 1 else "rest", meta=meta)


def alive(source: Source, entries: Sequence[Entry], log: Log) -> tuple[Sequence[Entry], Pixels]:
    """Read pixels, and leave out rows without a single valid one."""
    pixels = source.pixels([entry.row for entry in entries])
    if pixels.start is None and not _ascends(pixels.wave):      # on the common grid they do anyway
        raise DataError("wavelengths are not finite, positive and increasing")
    check_angstrom(pixels.wave, given=True, level=0)  # the file says what they are
    pixels = _with_snr(entries, pixels)
    dead = ~_has_valid(pixels)
    if not dead.any():
        return entries, pixels
    gone = [entry for entry, lost in zip(entries, dead, strict=True) if lost]
    log.forget(gone)
    for entry in gone:
        log.skip(source.path, "no valid pixel: ivar is 0 or flux is not finite everywhere", str(entry.meta["id"]))
    live = np.flatnonzero(~dead).tolist()
    kept: dict[str, Any] = {name: None if values is None else values[live] for name, values in
                            (("flux", pixels.flux), ("ivar", pixels.ivar), ("mask", pixels.mask))}
    extra = {name: [values[i] for i in live] for name, values in pixels.extra.items()}
    return [entries[i] for i in live], pixels._replace(**kept, extra=extra)


def _ascends(wave: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(wave).all() and wave[0] > 0 and (np.diff(wave) > 0).all())


def _with_snr(entries: Sequence[Entry], pixels: Pixels) -> Pixels:
    """Add the median signal-to-noise ratio of the valid pixels where the survey does not give one."""
    given = [float(entry.meta["snr"]) for entry in entries]
    unknown = [i for i, value in enumerate(given) if value != value]
    if not unknown or pixels.ivar is None:
        return pixels
    for i in unknown:
        given[i] = median_snr(np.asarray(pixels.flux[i], np.float64), np.asarray(pixels.ivar[i], np.float64))
    return pixels._replace(extra={**pixels.extra, "snr": given})


def _has_valid(pixels: Pixels) -> NDArray[np.bool_]:
    """Tell which rows have a valid pixel; nearly all show one among every 32nd, so the rest is rarely looked at."""
    found = np.zeros(len(pixels.flux), bool)
    for step in (32, 1):
        rows = np.flatnonzero(~found)
        if rows.size:
            whole = rows.size == found.size
            good = np.isfinite((pixels.flux if whole else pixels.flux[rows])[:, ::step])
            if pixels.ivar is not None:
                good &= (pixels.ivar if whole else pixels.ivar[rows])[:, ::step] > LEAST
            found[rows] = good.any(axis=1)
    return found
