"""What differs between releases of DESI: names of columns and files, and where the archive has them.

All of it is in ``data/desi_releases.json``. Fuji is the production of the early release, Iron of DR1, Loa of DR2, whose
catalogues (v2) are split and give ``Z_BEST``; from DR3 on, targets are grouped by UNIQPIX and no longer by HEALPIX.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any

import numpy as np

from ..errors import ArgumentError, choice, message
from .blocks import COLUMNS

NSIDE = 64
"""Resolution of the column ``healpix`` (nested)."""
TILE_PREFIX = {"cumulative": "thru", "pernight": "", "perexp": "exp"}
TAKEN = frozenset(COLUMNS)
FILE_KINDS = ("coadd", "redrock", "spectra", "qso_qn", "qso_mgii", "emline")


@lru_cache(maxsize=1)
def table() -> Mapping[str, Any]:
    """Return the table of releases, columns and names."""
    found: dict[str, Any] = json.loads((files(__package__) / "data" / "desi_releases.json").read_text("utf-8"))
    return found


def releases() -> tuple[str, ...]:
    """Return the names of the releases that are known."""
    return tuple(table()["releases"])


def release_of(name: str) -> Mapping[str, str]:
    """Return what is known of a release.

    Raises
    ------
    ArgumentError
        When there is none of that name.
    """
    found: Mapping[str, str] = table()["releases"][choice("release", name.lower(), releases())]
    return found


def find_column(names: Iterable[str], options: Iterable[str]) -> str:
    """Return the first of `options` that is among the lower-case `names`, in lower case, or ""."""
    there = set(names)
    return next((option.lower() for option in options if option.lower() in there), "")


def options_of(kind: str, key: str, own: Mapping[str, str] | None = None) -> list[str]:
    """Return the names that a column may have, a user's own first.

    Parameters
    ----------
    kind : {"targets", "redshifts", "places"}
        Which table.
    key : str
        Our name of it, such as ``"z"``.
    own : mapping, optional
        Our names → those of the user's table.
    """
    known: list[str] = table()["columns"][kind].get(key, [])
    return [own[key], *known] if own and key in own else known


def our_columns() -> tuple[str, ...]:
    """Return what we call the columns of redshifts and places."""
    return tuple(dict.fromkeys([*table()["columns"]["redshifts"], *table()["columns"]["places"]]))


def check_columns(columns: str | Iterable[str] | Mapping[str, str] | None) -> dict[str, str]:
    """Return a user's map of columns: our names → theirs, and a name → itself of each that is kept as it is.

    Parameters
    ----------
    columns : mapping, names, text or None
        ``{"z": "Z_HELIO", "BAL_PROB": "BAL_PROB"}``, ``["BAL_PROB"]``, or ``"z=Z_HELIO, BAL_PROB"``.

    Raises
    ------
    ArgumentError
        When a column that is given another name is none of ours, or one that is kept is called as one that every
        spectrum has.

    Examples
    --------
    >>> check_columns("z=Z_HELIO, BAL_PROB")
    {'z': 'Z_HELIO', 'BAL_PROB': 'BAL_PROB'}
    """
    if isinstance(columns, str):
        columns = [one.strip() for one in columns.split(",") if one.strip()]
    if not isinstance(columns, Mapping):
        pairs = [str(one).partition("=")[::2] for one in columns or ()]
        columns = {ours.strip(): (theirs or ours).strip() for ours, theirs in pairs}
    given = {str(key): str(name) for key, name in columns.items()}
    for key, name in given.items():
        if key != name:
            choice("columns", key, our_columns())
        elif key not in our_columns() and key.lower() in TAKEN:
            raise ArgumentError(message("columns", expected="names that no column of a spectrum has", got=repr(key),
                                        hint=f"{{{key.lower()!r}: {key!r}}} if it is meant to be that"))
    return given


def kept_columns(own: Mapping[str, str]) -> list[str]:
    """Return the columns of a user's map that are kept as they are."""
    return [key for key in own if key not in our_columns()]


def healpix_64(pixel: int, nside: int = NSIDE) -> int:
    """Return the nested pixel at NSIDE 64 that holds `pixel` of a finer map; −1 of a coarser one.

    Examples
    --------
    >>> healpix_64(27247), healpix_64(4 * 27247 + 3, 128), healpix_64(12, 2)
    (27247, 27247, -1)
    """
    while nside > NSIDE and pixel >= 0:
        nside, pixel = nside // 2, pixel // 4
    return int(pixel) if nside == NSIDE and pixel >= 0 else -1


def from_uniqpix(uniq: int) -> tuple[int, int]:
    """Return pixel and NSIDE of ``UNIQPIX = pixel + 4·NSIDE²``; (−1, 64) when it is none.

    Examples
    --------
    >>> from_uniqpix(27247 + 4 * 64**2)
    (27247, 64)
    """
    if uniq < 4:
        return -1, NSIDE
    nside = 1 << ((int(uniq).bit_length() - 3) // 2)
    return int(uniq) - 4 * nside**2, nside


def is_word(text: str) -> bool:
    """Tell whether a text may be part of a path of the archive: letters, digits, - and _, at most 32."""
    return 0 < len(text) <= 32 and text.isascii() and text.replace("-", "a").replace("_", "a").isalnum()


def file_url(survey: str, program: str, pixel: int, *, release: str = "dr1", kind: str = "coadd",
             specprod: str = "") -> str:
    """Return where the archive has the spectra or redshifts of a pixel of the sky.

    Parameters
    ----------
    survey, program : str
        ``"main"``, ``"sv1"``, ``"sv3"``, …; ``"dark"``, ``"bright"``, ``"backup"``, ``"other"``.
    pixel : int
        HEALPix pixel (NSIDE 64, nested); UNIQPIX for DR3 and later.
    release : {"edr", "dr1", "dr2", "dr3"}
        Data release.
    kind : {"coadd", "redrock", "spectra", "qso_qn", "qso_mgii", "emline"}
        Which of the pixel's files; ``spectra`` are the single exposures.
    specprod : str
        Name of the production where the table does not know it.

    Examples
    --------
    >>> file_url("main", "dark", 27247).removeprefix("https://data.desi.lbl.gov/public/")
    'dr1/spectro/redux/iron/healpix/main/dark/272/27247/coadd-main-dark-27247.fits'
    """
    choice("kind", kind, FILE_KINDS)
    known = release_of(release)
    for argument, value in (("survey", survey), ("program", program)):
        if not is_word(value):
            raise ArgumentError(message(argument, expected="a word such as main or dark", got=repr(value)[:80]))
    pixel = _whole("pixel", pixel)
    name = known["healpix"].format(survey=survey.lower(), program=program.lower(), group=pixel // 100, pixel=pixel,
                                   kind=kind)
    return f"{_base(known, release, specprod)}/{name}" + (".gz" if kind == "spectra" else "")


def tile_url(tile: int, night: int, petal: int, *, release: str = "dr1", kind: str = "coadd",
             grouping: str = "cumulative") -> str:
    """Return where the archive has the spectra or redshifts of a petal of a tile.

    Parameters
    ----------
    tile, night, petal : int
        TILEID; the last night as YYYYMMDD (LASTNIGHT); 0–9.
    release, kind
        As in :func:`file_url`.
    grouping : {"cumulative", "pernight", "perexp"}
        Which exposures are added up; for ``"perexp"`` `night` is the exposure's number.
    """
    choice("kind", kind, FILE_KINDS)
    choice("grouping", grouping, tuple(TILE_PREFIX))
    known = release_of(release)
    if not 0 <= _whole("petal", petal) <= 9:
        raise ArgumentError(message("petal", expected="0 to 9", got=petal))
    group = f"{int(night):08d}"
    name = known["tile"].format(grouping=grouping, tile=_whole("tile", tile), night=group, petal=int(petal), kind=kind,
                                prefix=TILE_PREFIX[grouping])
    return f"{_base(known, release, '')}/{name}" + (".gz" if kind == "spectra" else "")


def catalogue_url(release: str = "dr1") -> str:
    """Return where the archive has the redshifts of all targets of a release: a table of tens of GB."""
    known = release_of(release)
    return f"{_base(known, release, '')}/{known['catalogue'].format(specprod=known['specprod'])}"


def _base(known: Mapping[str, str], release: str, specprod: str) -> str:
    production = specprod or known["specprod"]
    if not production:
        raise ArgumentError(message("specprod", expected=f"the name of the production of {release}", got="none"))
    return known["base"].format(specprod=production)


def _whole(name: str, value: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 0:
        raise ArgumentError(message(name, expected="a whole number from 0", got=repr(value)))
    return int(value)
