"""Where more is known of an object: links to survey viewers, and pictures of the sky as data.

A link is asked for by nobody but the reader who clicks it. The image server is asked only where that was allowed, and
only by :meth:`Cutouts.of`, which waits for it; :meth:`Cutouts.at_once` never waits.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

IMAGE_SUFFIXES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}
TIMEOUT = 4.0  # seconds; a report does not wait for a server that does not answer
SIDE = 200  # pixels
SCALE = 0.4  # arcsec a pixel: 80 arcsec, a galaxy and its neighbours
SDSS_IMAGES = "https://skyserver.sdss.org/dr18/SkyServerWS/ImgCutout/getjpeg"
SDSS_EXPLORER = "https://skyserver.sdss.org/dr18/VisualTools/explore/summary"
LEGACY = "https://www.legacysurvey.org/viewer"
DESI_SPECTRA = "https://www.legacysurvey.org/viewer/desi-spectrum"
DESI_RELEASE = "dr1"
SIMBAD = "https://simbad.cds.unistra.fr/simbad/sim-coo"
LARGEST = 2_000_000  # bytes
KEPT = 200
"""Fetched pictures that are remembered."""


@dataclass
class Cutouts:
    """Finds a picture of an object: in a local folder first, else from the SDSS image server.

    Parameters
    ----------
    folder : Path or None
        Pictures called ``ID.jpg`` or ``ID.png``.
    network : bool
        Whether the server may be asked. After the first failure it is not asked again.
    """

    folder: Path | None = None
    network: bool = False
    _reachable: bool = field(default=True, init=False, repr=False)
    _fetched: dict[str, str] = field(default_factory=dict, init=False, repr=False)

    def of(self, id: str, ra: float, dec: float) -> str | None:
        """Return the picture as a ``data:`` address that needs no network later, or None; may wait for the server."""
        known = self._known(id)
        if known is not None or not self.can_ask(id, ra, dec):
            return known
        made = self._fetch(ra, dec)
        if made is not None:
            while len(self._fetched) >= KEPT:
                self._fetched.pop(next(iter(self._fetched)))
            self._fetched[id] = made
        return made

    def at_once(self, id: str, ra: float, dec: float) -> str:
        """Return the picture when it is there without asking anybody, or a drawing that says where it points.

        Returns
        -------
        str
            A ``data:`` address. When :meth:`can_ask`, :meth:`of` may find a better one, e.g. in the background.
        """
        return self._known(id) or placeholder(ra, dec, waiting=self.can_ask(id, ra, dec))

    def can_ask(self, id: str, ra: float, dec: float) -> bool:
        """Whether :meth:`of` would ask the server."""
        return self.network and self._reachable and _on_sky(ra, dec) and self._known(id) is None

    def _known(self, id: str) -> str | None:
        return self._local(id) or self._fetched.get(id)

    def _local(self, id: str) -> str | None:
        if self.folder is None or "/" in id or "\\" in id or "\0" in id or id.startswith("."):
            return None
        for suffix, kind in IMAGE_SUFFIXES.items():
            path = Path(self.folder) / f"{id}{suffix}"
            try:
                if path.is_file() and path.stat().st_size <= LARGEST:
                    return _data(path.read_bytes(), kind)
            except OSError:  # a name that is too long for a file, or a file that may not be read
                return None
        return None

    def _fetch(self, ra: float, dec: float) -> str | None:
        import requests

        query: dict[str, str | float] = {"ra": f"{ra:.6f}", "dec": f"{dec:.6f}", "scale": SCALE, "width": SIDE,
                                         "height": SIDE}
        try:
            answer = requests.get(SDSS_IMAGES, params=query, timeout=TIMEOUT)
            answer.raise_for_status()
        except requests.RequestException:
            self._reachable = False
            return None
        kind = answer.headers.get("Content-Type", "").partition(";")[0]
        return _data(answer.content, kind) if kind in IMAGE_SUFFIXES.values() else None


def placeholder(ra: float, dec: float, *, waiting: bool = False) -> str:
    """Return a drawing for where there is no picture, as a ``data:`` address: a cross, where it points, and why.

    Parameters
    ----------
    ra, dec : float
        Degrees; NaN when not known.
    waiting : bool
        Whether a picture is being asked for.
    """
    known = _on_sky(ra, dec)
    where = (_hours(ra), _degrees(dec)) if known else ("position not known", "")
    why = "asking for a picture" if waiting else "offline: no picture" if known else "no picture"
    half = SIDE // 2
    cross = "".join(f"<path d='M{half} {half} m{x * 14} {y * 14} l{x * 24} {y * 24}'/>" for x, y in
                    ((1, 0), (-1, 0), (0, 1), (0, -1)))
    text = "".join(f"<text x='{half}' y='{y}'>{escape(line)}</text>" for y, line in
                   ((28, why), (SIDE - 34, where[0]), (SIDE - 12, where[1])))
    drawing = (f"<svg xmlns='http://www.w3.org/2000/svg' width='{SIDE}' height='{SIDE}' viewBox='0 0 {SIDE} {SIDE}'>"
               f"<rect width='{SIDE}' height='{SIDE}' fill='#14181d'/>"
               f"<g fill='none' stroke='#7cc6f2' stroke-width='1.5'><circle cx='{half}' cy='{half}' r='26'/>{cross}</g>"
               f"<g fill='#e6e9ee' font-family='sans-serif' font-size='18' text-anchor='middle'>{text}</g></svg>")
    return _data(drawing.encode(), "image/svg+xml")


def links(row: Any) -> list[dict[str, str]]:
    """Return where more is known: the SDSS explorer by plate, DESI's viewer by target, others by position.

    Parameters
    ----------
    row : mapping
        A row of a table, or the meta of a spectrum: plate, mjd, fiber, targetid, ra, dec where known. The id of a
        row whose survey is "desi" is its TARGETID.

    Returns
    -------
    list of dict
        ``name`` and ``url``. Whatever is in the row, an address holds nothing but numbers of it.
    """
    found = []
    plate, mjd, fiber = (_whole(row, name) for name in ("plate", "mjd", "fiber"))
    if plate is not None and mjd is not None and fiber is not None:
        query = urlencode({"plate": plate, "mjd": mjd, "fiber": fiber})
        found.append({"name": "SDSS explorer", "url": f"{SDSS_EXPLORER}?{query}"})
    target = _whole(row, "id" if row.get("survey") == "desi" and row.get("targetid") is None else "targetid")
    if target is not None:
        found.append({"name": "DESI viewer", "url": f"{DESI_SPECTRA}/{DESI_RELEASE}/targetid{target}"})
    ra, dec = (_number(row, name) for name in ("ra", "dec"))
    if _on_sky(ra, dec):
        place = urlencode({"ra": f"{ra:.6f}", "dec": f"{dec:.6f}", "zoom": 14, "layer": "ls-dr10"})
        found.append({"name": "Legacy Surveys", "url": f"{LEGACY}?{place}"})
        near = urlencode({"Coord": f"{ra:.6f} {dec:+.6f}", "Radius": 5, "Radius.unit": "arcsec"})
        found.append({"name": "SIMBAD", "url": f"{SIMBAD}?{near}"})
    return found


def _number(row: Any, name: str) -> float:
    try:
        return float(row.get(name))
    except (TypeError, ValueError):
        return math.nan


def _whole(row: Mapping[str, Any], name: str) -> int | None:
    """Return a whole number from 0, as it is however long; None where there is none."""
    value = row.get(name)
    try:
        number = int(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return number if number >= 0 else None


def _on_sky(ra: float, dec: float) -> bool:
    return math.isfinite(ra) and math.isfinite(dec) and -90.0 <= dec <= 90.0


def _hours(ra: float) -> str:
    tenths = round(ra / 15 * 36000) % (24 * 36000)
    return f"{tenths // 36000:02d}h {tenths // 600 % 60:02d}m {tenths / 10 % 60:04.1f}s"


def _degrees(dec: float) -> str:
    seconds = round(abs(dec) * 3600)
    return f"{'−' if dec < 0 else '+'}{seconds // 3600:02d}° {seconds // 60 % 60:02d}′ {seconds % 60:02d}″"


def _data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
