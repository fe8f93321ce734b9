"""Pictures of the sky, and links to where more is known of an object."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import numpy as np

IMAGE_SUFFIXES = {".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".png": "image/png"}
TIMEOUT = 4.0  # seconds; a report does not wait for a server that does not answer
SIDE = 200  # pixels
SCALE = 0.4  # arcsec a pixel: 80 arcsec, a galaxy and its neighbours
SDSS_IMAGES = "https://skyserver.sdss.org/dr18/SkyServerWS/ImgCutout/getjpeg"
SDSS_EXPLORER = "https://skyserver.sdss.org/dr18/VisualTools/explore/summary"
LEGACY = "https://www.legacysurvey.org/viewer"
SIMBAD = "https://simbad.cds.unistra.fr/simbad/sim-coo"
LARGEST = 2_000_000  # bytes


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

    def of(self, id: str, ra: float, dec: float) -> str | None:
        """Return the picture as a ``data:`` address that needs no network later, or None."""
        local = self._local(id)
        if local is not None:
            return local
        if not (self.network and self._reachable and np.isfinite([ra, dec]).all()):
            return None
        return self._fetch(ra, dec)

    def _local(self, id: str) -> str | None:
        if self.folder is None or "/" in id or "\\" in id or id.startswith("."):
            return None
        for suffix, kind in IMAGE_SUFFIXES.items():
            path = self.folder / f"{id}{suffix}"
            if path.is_file() and path.stat().st_size <= LARGEST:
                return _data(path.read_bytes(), kind)
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


def _data(content: bytes, kind: str) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def links(row: Any) -> list[dict[str, str]]:
    """Return where more is known: the SDSS explorer by plate, and viewers and SIMBAD by position.

    Parameters
    ----------
    row : mapping
        A row of the table: plate, mjd, fiber, ra, dec where known.
    """
    found = []
    plate, mjd, fiber = (row.get(name) for name in ("plate", "mjd", "fiber"))
    if plate is not None and mjd is not None and fiber is not None:
        query = urlencode({"plate": int(plate), "mjd": int(mjd), "fiber": int(fiber)})
        found.append({"name": "SDSS explorer", "url": f"{SDSS_EXPLORER}?{query}"})
    ra, dec = row.get("ra"), row.get("dec")
    if ra is not None and dec is not None and np.isfinite([ra, dec]).all():
        place = urlencode({"ra": f"{ra:.6f}", "dec": f"{dec:.6f}", "zoom": 14, "layer": "ls-dr10"})
        found.append({"name": "Legacy Surveys", "url": f"{LEGACY}?{place}"})
        near = urlencode({"Coord": f"{ra:.6f} {dec:+.6f}", "Radius": 5, "Radius.unit": "arcsec"})
        found.append({"name": "SIMBAD", "url": f"{SIMBAD}?{near}"})
    return found
