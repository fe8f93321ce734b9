"""The SDSS archive: which spectra there are (:func:`query`), and getting them (:func:`download`).

Both go through astroquery.sdss, whose settings (servers, time limits) therefore hold:
``astroquery.sdss.conf.sas_baseurl = …`` points to a mirror.
"""

from __future__ import annotations

import io
import time
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, DataError, message
from .columns import sdss_id
from .transfer import Report, Task, fetch_all, is_offline, probe

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["COLUMNS", "GALAXIES", "PAPER", "SAMPLES", "download", "query", "spectrum_url", "sql"]

COLUMNS = {
    "specobjid": "s.specObjID", "plate": "s.plate", "mjd": "s.mjd", "fiber": "s.fiberID", "ra": "s.ra",
    "dec": "s.dec", "z": "s.z", "z_err": "s.zErr", "z_noqso": "s.zNoQSO", "zwarning": "s.zWarning",
    "class": "s.class", "subclass": "s.subClass", "objtype": "s.sourceType", "snr": "s.snMedian",
    "run2d": "s.run2d", "survey": "s.survey", "instrument": "s.instrument",
}
PAPER = (
    "s.class = 'GALAXY' AND s.survey = 'sdss' AND s.zWarning = 0 AND s.snMedian > 4 AND "
    "(CASE WHEN s.zNoQSO <> 0 THEN s.zNoQSO ELSE s.z END) BETWEEN 0.01 AND 0.50"
)
"""The sample of Ortiz & Boquien 2025: 791 738 galaxies of DR16."""
GALAXIES = (
    "s.class = 'GALAXY' AND s.snMedian > 4 AND s.z BETWEEN 0.01 AND 0.50 AND s.sourceType <> 'SKY' "
    "AND (s.zWarning & 939) = 0"
)
"""The default gate of this package: warning bits 0, 1, 3, 5, 7, 8 and 9 (together 939) reject, bits 2, 4, 6 pass."""
SAMPLES = {"paper": PAPER, "galaxies": GALAXIES}
TIMEOUT = 600.0         # seconds; the server gives up on a query after ten minutes
sleep = time.sleep

OFFLINE = ("connect to the network; or give specanom.read a folder of spec-*.fits that were fetched elsewhere "
           "(SDSS: https://dr16.sdss.org/optical/spectrum/search); or specanom.surveys.mock simulates a survey")


def sql(where: str, *, rows: int, after: str = "0") -> str:
    """Return the query for the next `rows` spectra with a specObjID above `after`.

    Parameters
    ----------
    where : str
        Condition on ``SpecObj AS s`` (the best spectrum of each object).
    rows : int
        How many at most.
    after : str
        The last specObjID that is known; digits.
    """
    picked = ", ".join(f"{column} AS {name}" if name not in ("class", "plate", "mjd", "ra", "dec", "z") else column
                       for name, column in COLUMNS.items())
    return f"SELECT TOP {rows} {picked} FROM SpecObj AS s WHERE {where} AND s.specObjID > {after} ORDER BY s.specObjID"


def query(limit: int | None = 1000, where: str = "paper", *, release: int = 16, page: int = 100_000,
          retries: int = 4) -> pd.DataFrame:
    """Ask the catalogue server (CAS) which spectra there are.

    Parameters
    ----------
    limit : int or None
        How many at most, by rising specObjID; None: all.
    where : {"paper", "galaxies"} or str
        The published sample, this package's default gate, or a condition in SQL on ``SpecObj AS s``.
    release : int
        Data release, 8 or later.
    page : int
        Rows per request: the server returns no more than 500 000 at once.
    retries : int
        How often a request that failed is made again.

    Returns
    -------
    DataFrame
        One row a spectrum, with ``id`` ("0266-51602-0001") first; ``id``, ``specobjid`` and ``run2d`` are text.

    Raises
    ------
    DataError
        When the server cannot be reached (at once), or answers with an error.

    Examples
    --------
    >>> table = specanom.surveys.archive.query(100)                        # doctest: +SKIP
    >>> report = specanom.surveys.archive.download(table, "spectra")      # doctest: +SKIP
    """
    import pandas as pd

    if (limit is not None and limit < 1) or page < 1:
        raise ArgumentError(message("limit", expected="at least 1, or None for all", got=limit))
    pages: list[pd.DataFrame] = []
    condition, last, count = SAMPLES.get(where, where), "0", 0
    while limit is None or count < limit:
        rows = page if limit is None else min(page, limit - count)
        got = _page(sql(condition, rows=rows, after=last), release, retries, first=not pages)
        pages.append(got)
        count += len(got)
        if len(got) < rows:
            break
        last = str(got["specobjid"].iloc[-1])
    table = pd.concat(pages, ignore_index=True)
    ids = [sdss_id(*row) for row in table[["plate", "mjd", "fiber"]].itertuples(index=False)]
    table.insert(0, "id", ids)
    return table


def _page(text: str, release: int, retries: int, *, first: bool) -> pd.DataFrame:
    from astroquery.sdss import SDSS
    from requests import RequestException

    for attempt in range(retries + 1):
        try:
            answer = SDSS.query_sql_async(text, data_release=release, cache=False, timeout=TIMEOUT)
            if answer.status_code < 500 and answer.status_code != 429:
                return _parsed(answer.text, answer.status_code)
            trouble = f"HTTP {answer.status_code}"
        except RequestException as exc:
            trouble = f"{type(exc).__name__}: {exc}"
            if first and is_offline(exc):
                raise DataError(message("query", expected="the SDSS catalogue server", got="no connection",
                                        hint=OFFLINE)) from exc
        if attempt < retries:
            sleep(2.0**attempt)
    raise DataError(message("query", expected="an answer of the SDSS catalogue server", got=trouble,
                            hint="try again later, or ask for fewer rows with limit= or page="))


def _parsed(text: str, status: int) -> pd.DataFrame:
    import pandas as pd

    head = text.lstrip()[:2000]
    if status >= 400 or "error_message" in head or head.startswith("<") or "specobjid" not in head.lower():
        said = " ".join(head.split())[:300] or f"an empty answer (HTTP {status})"
        raise DataError(message("query", expected="a table of the SDSS catalogue server", got=said,
                                hint="check the condition in where="))
    as_text = dict.fromkeys(("specobjid", "run2d", "class", "subclass", "objtype", "survey", "instrument"), str)
    table = pd.read_csv(io.StringIO(text), comment="#", dtype=as_text, keep_default_na=False)
    table.columns = [str(name).lower() for name in table.columns]
    return table[list(COLUMNS)]


def spectrum_url(plate: int, mjd: int, fiber: int, *, run2d: str = "26", release: int = 16) -> str:
    """Return where the archive has the lite file of a spectrum, by astroquery's pattern."""
    from astroquery.sdss import SDSS, conf

    path = "spectro/sdss/redux" if release > 17 else "sdss/spectro/redux"
    url: str = SDSS.SPECTRA_URL_SUFFIX.format(base=conf.sas_baseurl, dr=release, redux_path=path, run2d=run2d,
                                              spectra_path="spectra/lite", plate=plate, mjd=mjd, fiber=fiber)
    return url


def download(table: pd.DataFrame, folder: Any, *, release: int = 16, workers: int = 4, retries: int = 4,
             progress: bool = False) -> Report:
    """Fetch spectra (lite files) into ``folder/PLATE/``.

    Files that are there and whole are kept, unfinished ones (``.part``) are continued where the server allows it, so
    that an interrupted download is called again as it was. Each file is checked: the size that the server promised,
    and the size that its own headers promise.

    Parameters
    ----------
    table : DataFrame
        With plate, mjd, fiber and run2d ("26" when missing), as :func:`query` returns it.
    folder : path-like
        Where to put them; made when missing.
    release : int
        Data release.
    workers : int
        Requests at a time, 1 to 8: the archive is shared by all.
    retries : int
        How often a file that failed is tried again, after 1, 2, 4, … seconds or what the server asks for.
    progress : bool
        Show a bar.

    Returns
    -------
    Report
        How many were fetched and kept, and which failed and why; ``.paths`` are the files.

    Raises
    ------
    DataError
        When the archive cannot be reached (at once), or the disk is full.
    """
    if not 1 <= workers <= 8:
        raise ArgumentError(message("workers", expected="1 to 8", got=workers, hint="the archive is shared by all"))
    missing = {"plate", "mjd", "fiber"} - set(table.columns)
    if missing:
        raise ArgumentError(message("table", expected="columns plate, mjd and fiber", got=f"no {sorted(missing)}",
                                    hint="specanom.surveys.archive.query makes such a table"))
    runs = table["run2d"].astype(str) if "run2d" in table.columns else ["26"] * len(table)
    tasks = [_task(int(plate), int(mjd), int(fiber), run2d=str(run2d), release=release) for plate, mjd, fiber, run2d
             in zip(table["plate"], table["mjd"], table["fiber"], runs, strict=True)]
    return fetch_all(tasks, folder, workers=workers, retries=retries, progress=progress,
                     probe=probe("the SDSS archive", OFFLINE))


def _task(plate: int, mjd: int, fiber: int, *, run2d: str, release: int) -> Task:
    url = spectrum_url(plate, mjd, fiber, run2d=run2d, release=release)
    return Task(sdss_id(plate, mjd, fiber), url, f"{plate:04d}/{url.rpartition('/')[2]}")


def __dir__() -> list[str]:
    return sorted(__all__)
