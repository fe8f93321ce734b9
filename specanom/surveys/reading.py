"""``read`` and ``read_one``: from paths to a Survey or one Spectrum."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from ..errors import ArgumentError, DataError, choice, message
from ..ids import plain
from ..spectrum import Spectrum
from .desi_releases import check_columns
from .desi_releases import table as desi_table
from .desi_tree import UNKNOWN, prefix_of
from .files import Opener, Sidecar, shown
from .finding import find_files
from .gate import Gate
from .kept import NAMED
from .survey import LONGEST, Entry, Log, Source, Survey, alive, make_spectrum
from .tables import is_table_name

NOT_FOUND = (UNKNOWN, "no spZbest file")
"""How notes begin that say of what beside the spectra was not found."""
SURVEYS = ("auto", "sdss", "desi")


def read(path: Any, survey: str = "auto", *, target: str | None = None, preset: str | None = None,
         catalogue: Any = None, columns: str | Iterable[str] | Mapping[str, str] | None = None) -> Survey:
    """Read a survey lazily.

    Parameters
    ----------
    path : path-like or list
        A folder (searched through), a glob, a file, or a list of these. What a file is, its content says.
        SDSS: spec files (lite or full), spSpec files, plates (spPlate, joined with the spZbest beside them) and their
        variants. DESI: coadd and spectra files, arms joined, with redrock files beside them or a catalogue; a whole
        tree of a production is one survey. Catalogues and redshift files are neither spectra nor skipped. A CSV, ECSV
        or Parquet file of spectra is read when it is named (see :class:`specanom.surveys.tables.TableSource` for its
        columns).
    survey : {"auto", "sdss", "desi"}
        Which survey the files are of; "auto" reads both, and skips neither. Its ``name`` is then that of the first.
    target : {None, "galaxy", "qso", "star"}
        Which objects to let through, by the pipeline's CLASS; None: every astronomical one. Sky and unplugged fibres
        never pass. See :class:`~specanom.surveys.Gate` for the flags that reject.
    preset : {None, "paper"}
        ``"paper"``: galaxies of the SDSS spectrographs with ZWARNING = 0, without those of SEGUE.
    catalogue : path-like or DataFrame, optional
        Redshifts of DESI targets by TARGETID (``zall-pix-iron.fits``, a value-added catalogue), taken instead of
        those of redrock files. Without it, catalogues among the files are asked where no redrock file knows a target.
        Of SDSS spectra: a table with columns to keep, by id, by plate, mjd and fiberid, or by specobjid.
    columns : mapping or names, optional
        What columns of redshifts are called where it is not usual, ours → theirs: ``{"z": "Z_HELIO"}``. Ours are
        targetid, z, z_err, zwarning, class, subclass, deltachi2, ebv, survey, program, healpix, uniqpix, tile. Any
        other column that is named is kept under its name in the meta of spectra and in tables: ``["BAL_PROB"]``,
        ``{"z": "Z_HELIO", "BAL_PROB": "BAL_PROB"}``, or as text ``"z=Z_HELIO, BAL_PROB"``. A catalogue without
        redshifts leaves those to the redrock files.

    Returns
    -------
    Survey
        With ``.skipped`` and ``.notes``.

    Raises
    ------
    DataError
        When there is nothing at `path`, or nothing in it can be read.
    ArgumentError
        When a name is unknown; when redshifts of SDSS are to be taken from a catalogue, or columns of them are to be
        kept without one that names spectra.

    Examples
    --------
    >>> survey = specanom.read("spectra/", target="galaxy")        # doctest: +SKIP
    >>> sample = specanom.Preprocessor().fit_transform(survey)     # doctest: +SKIP
    """
    choice("survey", survey, SURVEYS)
    gate = Gate(target, preset)
    own = check_columns(columns)
    files = find_files(path)
    opener = Opener(files, survey=survey, catalogue=catalogue, columns=own)
    name = _survey_of_one(files, opener)
    if own or catalogue is not None:
        _check_catalogue(name, files, opener, own)
    return Survey(partial(_sources, files, opener), gate=gate, name=name)


def _sources(files: Sequence[str], opener: Opener, log: Log) -> Iterator[Source]:
    for file in files:
        try:
            yield opener.open(file)
        except Sidecar:
            continue
        except (DataError, OSError) as exc:
            log.skip(file, _reason(exc))


def _check_catalogue(name: str, files: Sequence[str], opener: Opener, own: Mapping[str, str]) -> None:
    """Raise when a catalogue, or columns of one, are of another survey than all of the spectra."""
    if name == "desi" and opener.names_sdss:
        raise ArgumentError(message("catalogue", expected="a column TARGETID for spectra of DESI", got="none",
                                    hint="columns={'targetid': its name}"))
    desi = opener.survey == "auto" and any(prefix_of(file) in desi_table()["names"]["spectra"] for file in files)
    if name == "sdss" and not opener.names_sdss and not desi:
        got = f"columns={', '.join(own)}" if own else "one of DESI targets, or none that names spectra"
        hint = "read(path, catalogue='masses.csv', columns=['logmass']); redshifts of SDSS are in the files of spectra"
        raise ArgumentError(message("catalogue", expected=f"a table of SDSS spectra ({NAMED}) with columns to keep",
                                    got=got, hint=hint))


def _reason(exc: Exception) -> str:
    return plain(exc.strerror or str(exc) if isinstance(exc, OSError) else str(exc), LONGEST)


def _survey_of_one(files: Sequence[str], opener: Opener) -> str:
    """Return the survey of the first spectrum that can be read, "sdss" of a table; raises when none can."""
    reasons, sidecars = [], 0
    for file in files:
        try:
            source = opener.open(file)
            first = source.entries()[:1]
            source.pixels([entry.row for entry in first])
            return "desi" if opener.survey == "desi" or any(one.meta["survey"] == "desi" for one in first) else "sdss"
        except Sidecar:
            sidecars += 1
        except (DataError, OSError) as exc:
            reasons.append(f"{plain(os.path.basename(file), 80)}: {_reason(exc)}")
    got = [f"{sidecars} table{'s that are no spectra' if sidecars > 1 else ' that is no spectrum'}"] if sidecars else []
    got += reasons[:3] + ([f"and {len(reasons) - 3} more"] if len(reasons) > 3 else [])
    kind = {"sdss": "SDSS spectrum", "desi": "DESI spectrum"}.get(opener.survey, "SDSS or DESI spectrum")
    raise DataError(message("path", expected=f"at least one readable {kind}", got="; ".join(got),
                            hint="" if any("Try: " in one for one in reasons) else _what_to_try(files)))


def _what_to_try(files: Sequence[str]) -> str:
    """Return what to do when not one of some files is read."""
    if all(is_table_name(file) for file in files):
        return ("columns wave (vacuum Å) and flux, with ivar or err, z and class where they are known; an ECSV file "
                "may say units")
    return "spec-*.fits, spSpec-*.fit, spPlate-*.fits or coadd-*.fits; cut files have to be fetched again"


def read_one(path: Any, row: int | None = None, id: str | None = None) -> Spectrum:
    """Read one spectrum of a file; nothing is refused but what cannot be read.

    Parameters
    ----------
    path : path-like
        A file of any known kind.
    row : int, optional
        Which row of a file of many objects, from 0; of the exposures of one target the first, as ``meta["row"]`` says.
    id : str, optional
        Which object, e.g. ``"0266-51602-0001"``, or a TARGETID such as ``"39633345008634465"``.

    Returns
    -------
    Spectrum

    Raises
    ------
    DataError
        When the file cannot be read, holds many objects and neither `row` nor `id` is given, or has no such one.
    """
    return read_known(path, row, id, known={})


def read_known(path: Any, row: int | None, id: str | None, *, known: Mapping[str, Any]) -> Spectrum:
    """Read one spectrum as :func:`read_one` does, of which something is known from elsewhere.

    Parameters
    ----------
    path, row, id
        As :func:`read_one` takes them.
    known : mapping
        Keys of ``Spectrum.meta`` → values, instead of those that the file and what lies beside it tell.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise ArgumentError(message("path", expected="one file", got=repr(path), hint="specanom.read takes lists"))
    file = os.path.expanduser(os.fspath(path))
    if not os.path.isfile(file):
        hint = "specanom.read takes folders" if os.path.isdir(file) else "check the spelling"
        raise DataError(message("path", expected="an existing file", got=repr(file), hint=hint))
    try:
        source = Opener([file]).open(file)
        entry = informed(_pick(source.entries(), row, id, file), known)
        kept, pixels = alive(source, [entry], Log())
        if not kept:
            pixels = source.pixels([entry.row])
        return make_spectrum(source, entry, pixels, 0)
    except Sidecar:
        raise DataError(message("path", expected="a file with spectra", got=f"a table: {shown(file)}")) from None
    except OSError as exc:
        raise DataError(message("path", expected="a readable file", got=f"{shown(file)}: {_reason(exc)}")) from exc
    except DataError as exc:
        if str(exc).startswith(("id:", "row:")):
            raise
        raise DataError(message("path", expected="an SDSS or DESI spectrum",
                                got=f"{shown(file)}: {_reason(exc)}")) from exc


def informed(entry: Entry, known: Mapping[str, Any]) -> Entry:
    """Return an object with what is known of it from elsewhere; then nothing is said of what was not found."""
    if not known:
        return entry
    notes = tuple(note for note in entry.notes if not note.startswith(NOT_FOUND))
    return entry._replace(meta={**entry.meta, **known}, notes=notes)


def _pick(entries: Sequence[Entry], row: int | None, id: str | None, file: str) -> Entry:
    name = Path(file).name
    some = ", ".join(str(entry.meta["id"]) for entry in entries[:3])
    if id is not None:
        found = [entry for entry in entries if entry.meta["id"] == str(id)]
        if not found:
            raise DataError(message("id", expected=f"an object of {name}", got=repr(id), hint=f"{some}, …"))
        return found[0]
    if row is not None:
        at = {entry.row: entry for entry in entries}
        if row not in at:
            last = max(at, default=-1)
            expected = f"0 to {last}" if len(at) == last + 1 else f"one of {', '.join(map(str, sorted(at)[:5]))}, …"
            raise DataError(message("row", expected=f"{expected} in {name}", got=row))
        return at[row]
    if len(entries) != 1:
        raise DataError(message("row", expected=f"one of the {len(entries)} objects of {name}", got="None",
                                hint=f"row=0, or id= one of {some}, …"))
    return entries[0]
