"""Getting DESI spectra: files of the public archive (:func:`download`), and single spectra by TARGETID (:func:`fetch`).

The archive keeps spectra by pixel of the sky, survey and programme, or by tile and petal; a catalogue tells which
(``HEALPIX``, ``SURVEY``, ``PROGRAM``). :func:`file_url`, :func:`tile_url` and :func:`catalogue_url` say where they are.
SPARCL of NOIRLab hands out single spectra, arms joined, and needs the package ``sparclclient``.

Examples
--------
>>> from specanom.surveys import desi_archive
>>> desi_archive.download(table, "desi")                                        # doctest: +SKIP
>>> survey = specanom.read("desi", survey="desi", target="galaxy")              # doctest: +SKIP
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, DataError, choice, message, require
from ..folders import write_whole
from ..foreign import open_fits
from ..ids import id_texts
from .columns import number, text
from .desi_releases import (
    FILE_KINDS,
    catalogue_url,
    file_url,
    find_column,
    is_word,
    options_of,
    release_of,
    releases,
    tile_url,
)
from .fits_write import Column, image, table
from .transfer import FetchedFile, Report, Task, fetch_all, is_whole, probe

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["catalogue_url", "download", "fetch", "file_url", "releases", "tile_url"]

CHUNK = 500
"""TARGETIDs a request to SPARCL: its own limit."""
LIMIT = 24_000
"""Records of one answer: a target may have several, of different surveys and programmes."""
FIELDS = ("targetid", "ra", "dec", "redshift", "redshift_err", "redshift_warning", "spectype", "subtype", "deltachi2",
          "survey", "program", "healpix", "exptime", "specprimary", "wavelength", "flux", "ivar", "mask")
NEEDED = ("targetid", "wavelength", "flux", "ivar")
sleep = time.sleep

OFFLINE = ("connect to the network; or give specanom.read a folder of coadd-*.fits and redrock-*.fits that were "
           "fetched elsewhere (https://data.desi.lbl.gov/public)")


# -- whole files ---------------------------------------------------------------------------------------------------


def download(targets: pd.DataFrame, folder: Any, *, release: str = "dr1", kinds: Sequence[str] = ("coadd", "redrock"),
             workers: int = 4, retries: int = 4) -> Report:
    """Fetch the files that hold some targets, in the archive's own tree, so that :func:`specanom.read` reads it.

    A file is fetched once however many of its targets are asked for. Files that are there and whole are kept,
    unfinished ones continued; see :func:`specanom.surveys.archive.download`.

    Parameters
    ----------
    targets : DataFrame
        With survey, program and healpix (or uniqpix), as catalogues have them in any case of letters; or with tile
        (TILEID), petal (PETAL_LOC) and night (LASTNIGHT).
    folder : path-like
        Where to put them; made when missing.
    release : {"edr", "dr1", "dr2", "dr3"}
        Data release.
    kinds : sequence of str
        Which files of a pixel or petal: coadd, redrock, spectra, qso_qn, qso_mgii, emline.
    workers : int
        Requests at a time, 1 to 8: the archive is shared by all.
    retries : int
        How often a file that failed is tried again.

    Returns
    -------
    Report
        One outcome a file, and a failed one for each target whose place is blank or −1, which stops nothing.

    Raises
    ------
    ArgumentError
        When the table has neither set of columns.
    DataError
        When the archive cannot be reached (at once), or the disk is full.
    """
    if not 1 <= workers <= 8:
        raise ArgumentError(message("workers", expected="1 to 8", got=workers, hint="the archive is shared by all"))
    base = release_of(release)["base"]
    for kind in kinds:
        choice("kinds", kind, FILE_KINDS)
    groups, lost = _groups(targets, release)
    urls = [url_of(kind) for url_of in groups for kind in kinds]
    tasks = [Task(url.rpartition("/")[2].partition(".fits")[0], url, url.removeprefix(base).lstrip("/"))
             for url in dict.fromkeys(urls)]
    report = fetch_all(tasks, folder, workers=workers, retries=retries, progress=False,
                       probe=probe("the DESI archive", OFFLINE))
    return Report((*report.outcomes, *lost))


def _groups(targets: pd.DataFrame, release: str) -> tuple[list[Callable[[str], str]], list[FetchedFile]]:
    """Return for each pixel or petal what makes a URL of a kind of file, and the targets whose place is not known."""
    lower = {str(name).lower(): name for name in targets.columns}
    names = {key: find_column(lower, [key, *options_of("places", key)]) for key in ("survey", "program")}
    pixels = release_of(release)["pixels"]
    pixel = find_column(lower, [pixels, "uniqpix"] if pixels == "uniqpix" else [pixels, "hpxpixel"])
    if all(names.values()) and pixel:
        places, lost = _places(targets, [lower[name] for name in (names["survey"], names["program"], pixel)],
                               (_word, _word, _number))
        return [partial(_file_url, place, release) for place in places], lost
    tile, petal, night = (find_column(lower, options) for options in
                          (("tile", "tileid"), ("petal", "petal_loc"), ("night", "lastnight")))
    if not (tile and petal and night):
        raise ArgumentError(message("targets", expected=f"columns survey, program and {pixels}, or tile, petal and "
                                    "night", got=f"{', '.join(map(str, targets.columns[:8]))}"))
    places, lost = _places(targets, [lower[name] for name in (tile, night, petal)], (_number, _number, _petal))
    return [partial(_tile_url, place, release) for place in places], lost


def _places(targets: pd.DataFrame, names: Sequence[str], kinds: Sequence[Callable[[Any], Any]]) -> tuple[
        list[tuple[Any, ...]], list[FetchedFile]]:
    """Return the places that there are in some columns, each once, and an outcome for each row that has none."""
    id = next((name for name in targets.columns if str(name).lower() == "targetid"), None)
    ids = id_texts(targets[id]) if id is not None else [f"row {row}" for row in range(len(targets))]
    places: dict[tuple[Any, ...], None] = {}
    lost = []
    for one, *values in zip(ids, *(targets[name] for name in names), strict=True):
        place = tuple(kind(value) for kind, value in zip(kinds, values, strict=True))
        if None in place:
            said = ", ".join(f"{name} {value}" for name, value in zip(names, values, strict=True))
            lost.append(FetchedFile(one, "", "", "failed", f"its place is not known: {said}"))
        else:
            places[place] = None
    return list(places), lost


def _word(value: Any) -> str | None:
    """Return a survey or programme; None for what is none, such as a way out of the folder that files are put in."""
    found = text(value) if isinstance(value, (str, bytes)) else ""
    return found if is_word(found) else None


def _number(value: Any) -> int | None:
    found = number(value, -1.0) if value is not None and str(value) != "<NA>" else -1.0
    return int(found) if found >= 0 and found.is_integer() else None


def _petal(value: Any) -> int | None:
    found = _number(value)
    return found if found is not None and found <= 9 else None


def _file_url(place: tuple[str, str, int], release: str, kind: str) -> str:
    return file_url(*place, release=release, kind=kind)


def _tile_url(place: tuple[int, int, int], release: str, kind: str) -> str:
    return tile_url(*place, release=release, kind=kind)


# -- single spectra ------------------------------------------------------------------------------------------------


def fetch(ids: Sequence[str | int], folder: Any, *, release: str = "dr1", client: Any = None, chunk: int = CHUNK,
          retries: int = 4) -> Report:
    """Fetch single spectra from SPARCL by TARGETID, and keep them as DESI files of some hundreds each.

    Each file holds the joined spectra of up to `chunk` targets (``BRZ_FLUX``, …) with their FIBERMAP and REDSHIFTS, and
    is read by :func:`specanom.read`. A file that is there and whole is not asked for again, so that an interrupted
    call is made again as it was.

    Parameters
    ----------
    ids : sequence of str or int
        TARGETIDs.
    folder : path-like
        Where to put the files; made when missing.
    release : {"edr", "dr1", "dr2"}
        Data release.
    client : object, optional
        A ``sparcl.client.SparclClient``; made when not given, which asks the server at once.
    chunk : int
        TARGETIDs per request, 1 to 500.
    retries : int
        How often a request that failed is made again, after 1, 2, 4, … seconds.

    Returns
    -------
    Report
        One outcome an id; what SPARCL does not have is "failed", with a reason.

    Raises
    ------
    ArgumentError
        When an id is no whole number, or a float, which has lost digits.
    MissingDependency
        When sparclclient is not installed.
    DataError
        When SPARCL cannot be reached.
    """
    if not 1 <= chunk <= CHUNK:
        raise ArgumentError(message("chunk", expected=f"1 to {CHUNK}", got=chunk))
    dataset = release_of(release)["sparcl"]
    if not dataset:
        raise ArgumentError(message("release", expected="a release that SPARCL has", got=repr(release), hint="'dr1'"))
    wanted = list(dict.fromkeys(_as_id(one) for one in ids))
    root = Path(folder).expanduser()
    root.mkdir(parents=True, exist_ok=True)
    outcomes: list[FetchedFile] = []
    for start in range(0, len(wanted), chunk):
        some = wanted[start : start + chunk]
        path = root / f"sparcl-{release.lower()}-{sha256(' '.join(map(str, some)).encode()).hexdigest()[:16]}.fits"
        if is_whole(path):
            outcomes += _outcomes(some, path, "kept")
            continue
        client = client or _client()
        records, reason = _asked(client, some, dataset=dataset, retries=retries)
        if records:
            _write(records, path)
            outcomes += _outcomes(some, path, "fetched")
        else:
            outcomes += [FetchedFile(str(id), dataset, "", "failed", reason or "SPARCL has no such target")
                         for id in some]
    return Report(tuple(outcomes))


def _as_id(value: str | int) -> int:
    try:
        if isinstance(value, (float, np.floating)):
            raise ValueError
        return int(value)
    except (TypeError, ValueError):
        raise ArgumentError(message("ids", expected="TARGETIDs as text or whole numbers", got=repr(value),
                                    hint="a float keeps 16 of their digits only")) from None


def _client() -> Any:
    module = require("sparcl.client", extra="desi")
    try:
        return module.SparclClient()
    except Exception as exc:                        # the constructor asks the server, and raises what it likes
        raise DataError(message("fetch", expected="the SPARCL server", got=f"no answer: {exc}",
                                hint=OFFLINE)) from exc


def _asked(client: Any, ids: Sequence[int], *, dataset: str, retries: int) -> tuple[list[Mapping[str, Any]], str]:
    """Return the records of some targets, the best of each, or none and a reason."""
    reason = ""
    for attempt in range(retries + 1):
        try:
            there = set(client.get_available_fields(dataset_list=[dataset]))
            fields = [name for name in FIELDS if name in there or name in NEEDED]
            answer = client.retrieve_by_specid(list(ids), include=fields, dataset_list=[dataset],
                                               limit=LIMIT)
            return _best_of_each([dict(record) for record in answer.records]), ""
        except Exception as exc:                    # of requests, of sparcl, or of what the server sent
            reason = f"{type(exc).__name__}: {exc}"
        if attempt < retries:
            sleep(2.0**attempt)
    return [], reason


def _best_of_each(records: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return one record a target: the one that SPARCL calls primary, else the first."""
    best: dict[int, Mapping[str, Any]] = {}
    for record in records:
        id = int(record["targetid"])
        if id not in best or (record.get("specprimary") and not best[id].get("specprimary")):
            best[id] = record
    return list(best.values())


def _outcomes(ids: Sequence[int], path: Path, status: str) -> list[FetchedFile]:
    """Return an outcome an id: whether it is in the file."""
    with open_fits(path) as hdus:
        there = set(next(one for one in hdus if one.name == "FIBERMAP").data["TARGETID"].tolist())
    absent = "SPARCL has no spectrum of it on the grid of DESI"
    return [FetchedFile(str(id), "SPARCL", str(path), status) if id in there else
            FetchedFile(str(id), "SPARCL", "", "failed", absent) for id in ids]


def _write(records: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Write records as one file of joined spectra, in place only when it is whole."""
    wave = np.asarray(records[0]["wavelength"], np.float64)
    kept = [one for one in records if np.array_equal(np.asarray(one["wavelength"], np.float64), wave)]

    def pixels(name: str) -> Any:
        return np.stack([np.asarray(one.get(name, np.zeros(wave.size))) for one in kept])

    def values(name: str, default: Any) -> list[Any]:
        return [default if one.get(name) is None else one[name] for one in kept]

    ids = [int(one["targetid"]) for one in kept]
    nan = float("nan")
    targets = [Column("TARGETID", "K", ids), Column("OBJTYPE", "3A", ["TGT"] * len(ids)),
               Column("TARGET_RA", "D", values("ra", nan)), Column("TARGET_DEC", "D", values("dec", nan)),
               Column("COADD_FIBERSTATUS", "J", [0] * len(ids)), Column("COADD_EXPTIME", "E", values("exptime", nan)),
               Column("HEALPIX", "J", values("healpix", -1)), Column("SURVEY", "8A", values("survey", "")),
               Column("PROGRAM", "8A", values("program", ""))]
    redshifts = [Column("TARGETID", "K", ids), Column("Z", "D", values("redshift", nan)),
                 Column("ZERR", "D", values("redshift_err", nan)), Column("ZWARN", "K", values("redshift_warning", 0)),
                 Column("SPECTYPE", "6A", values("spectype", "")), Column("SUBTYPE", "20A", values("subtype", "")),
                 Column("DELTACHI2", "D", values("deltachi2", nan))]
    hdus = [image(None, primary=True), table(targets, "FIBERMAP"), table(redshifts, "REDSHIFTS"),
            image(wave, ">f8", name="BRZ_WAVELENGTH"), image(pixels("flux"), name="BRZ_FLUX"),
            image(pixels("ivar"), name="BRZ_IVAR"), image(pixels("mask").astype(np.int32), ">i4", name="BRZ_MASK")]
    write_whole(path, lambda part: part.write_bytes(b"".join(hdus)))


def __dir__() -> list[str]:
    return sorted(__all__)
