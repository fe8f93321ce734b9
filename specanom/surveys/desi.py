"""DESI coadds and spectra: three arms a file, many targets, redshifts in files beside them.

Only the HDUs that are needed are read, and of these only the rows that are asked for; the resolution matrices, four
fifths of the bytes, never are. Release differences are in ``data/desi_releases.json``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .blocks import Pixels
from .columns import NAN, blank_meta, text, whole
from .desi_arms import DISPERSION, Arm, join, place
from .desi_gate import refusal, remarks, spoils, together
from .desi_redshifts import KEYS, Place
from .desi_releases import NSIDE, find_column, from_uniqpix, healpix_64, options_of, table
from .desi_tree import Redshifts, table_named
from .fits_fast import BrokenFits
from .fits_full import Fits, Hdu
from .survey import Entry

ARMS = ("B", "R", "Z")
JOINED = "BRZ"
PARTS = ("WAVELENGTH", "FLUX", "IVAR")


class DesiSource:
    """The spectra of a DESI file, one target a row, arms joined.

    A ``spectra`` file has a row for each exposure: those of one target are added up by inverse variance, without the
    exposures whose FIBERSTATUS is bad, and without the arm of one whose amplifier is. A ``coadd`` file has one row a
    target already. A file that was joined before (``BRZ_FLUX``) is read as it is.

    Parameters
    ----------
    file : Fits
        With ``B_WAVELENGTH``, ``B_FLUX``, ``B_IVAR``, and ``B_MASK`` if any; so for R and Z; and FIBERMAP if any.
    redshifts : Redshifts
        Knows what redrock says of the targets.

    Raises
    ------
    BrokenFits
        When no arm is whole.
    """

    def __init__(self, file: Fits, redshifts: Redshifts) -> None:
        self.file, self.path = file, file.path
        self._best = redshifts
        self._hdus = _by_name(file)
        present = [arm for arm in ARMS if all(f"{arm}_{part}" in self._hdus for part in PARTS)]
        self.missing = [arm for arm in ARMS if arm not in present]
        if not present and all(f"{JOINED}_{part}" in self._hdus for part in PARTS):
            present, self.missing = [JOINED], []
        if not present:
            raise BrokenFits("no arm of this DESI file has wavelengths, flux and inverse variance")
        self.arms = present
        self._check_shapes()

    def _check_shapes(self) -> None:
        rows = {self._hdus[f"{arm}_FLUX"].shape[0] for arm in self.arms}
        for arm in self.arms:
            shape = self._hdus[f"{arm}_FLUX"].shape
            others = [self._hdus[name].shape for part in ("IVAR", "MASK") if (name := f"{arm}_{part}") in self._hdus]
            if len(shape) != 2 or any(other != shape for other in others):
                raise BrokenFits(f"flux, inverse variance and mask of arm {arm} differ in shape")
            if self._hdus[f"{arm}_WAVELENGTH"].shape != shape[1:]:
                raise BrokenFits(f"arm {arm} has {shape[1]} pixels and another number of wavelengths")
        if len(rows) > 1:
            raise BrokenFits(f"the arms have different numbers of rows: {sorted(rows)}")

    @cached_property
    def size(self) -> int:
        """Rows of the file."""
        return int(self._hdus[f"{self.arms[0]}_FLUX"].shape[0])

    @cached_property
    def grid(self) -> tuple[NDArray[np.float64], dict[str, int]]:
        """The common grid, and where on it each arm begins; from the wavelengths in the file."""
        waves = {arm: np.array(self._hdus[f"{arm}_WAVELENGTH"].image(), np.float64) for arm in self.arms}
        return place(waves)

    @property
    def widths(self) -> list[int]:
        """Pixels of the arms."""
        return [int(self._hdus[f"{arm}_FLUX"].shape[1]) for arm in self.arms]

    # -- what is known of the targets ------------------------------------------------------------------------------

    @cached_property
    def _targets(self) -> dict[str, list[Any]]:
        """Columns of the FIBERMAP, ours → values a row."""
        fibermap = table_named(self.file, table()["tables"]["targets"])
        if fibermap is None:
            return {}
        if fibermap.shape[0] != self.size:
            raise BrokenFits(f"the FIBERMAP has {fibermap.shape[0]} rows for {self.size} spectra")
        found = {key: find_column(fibermap.names, options_of("targets", key)) for key in table()["columns"]["targets"]}
        return {key: _values(fibermap, name) for key, name in found.items() if name}

    @cached_property
    def _rows(self) -> list[list[int]]:
        """The rows of each target, in the order in which targets first come; bad exposures among good left out."""
        ids = self._targets.get("targetid")
        if ids is None or len(set(ids)) == len(ids):
            return [[row] for row in range(self.size)]
        rows: dict[int, list[int]] = {}
        for row, id in enumerate(ids):
            rows.setdefault(id, []).append(row)
        status = self._targets.get("fiberstatus", [0] * self.size)
        return [[row for row in some if not spoils(status[row])] or some for some in rows.values()]

    @cached_property
    def _place(self) -> Place:
        """Survey, programme, pixel and tile that the headers, or else the folders, tell of."""
        headers = [hdu.header for hdu in (self.file.hdu(0), table_named(self.file, ["FIBERMAP"])) if hdu is not None]

        def get(*keys: str) -> Any:
            return next((header[key] for key in keys for header in headers if key in header), None)

        survey, program = (text(get(*keys) or "").lower() for keys in (("SURVEY",), ("PROGRAM", "FAPRGRM")))
        name = os.path.basename(self.path).lower().split(".")[0].split("-")
        if not survey and len(name) == 4 and not name[1].isdigit() and name[2].isalpha():
            survey, program = name[1], name[2]
        uniq, pixel, nside = whole(get("UNIQPIX")), whole(get("HPXPIXEL")), whole(get("HPXNSIDE"), NSIDE)
        if uniq > 0:
            pixel, nside = from_uniqpix(uniq)
        return Place(survey, program, healpix_64(pixel, nside), whole(get("TILEID")))

    def entries(self) -> list[Entry]:
        """Return every target of the file, with what the fibre map and redrock say of it."""
        columns = self._targets
        ids = columns.get("targetid")
        common = self._common_notes()
        if ids is None:
            return [self._entry(rows, {}, [*common, "no TARGETID: called by its file and row"]) for rows in self._rows]
        first = np.array([ids[rows[0]] for rows in self._rows], dtype=np.int64)
        answer = self._best.of(self.file, first, self._place)
        self._remarks = answer.remarks
        return [self._entry(rows, known, [note, *common])
                for rows, known, note in zip(self._rows, answer.known, answer.notes, strict=True)]

    _remarks: Sequence[str] = ()

    def remarks(self) -> Sequence[str]:
        """Return remarks on the file as a whole, once its entries were asked for."""
        return self._remarks

    def _common_notes(self) -> list[str]:
        notes = [f"arm {arm.lower()} is missing" for arm in self.missing]
        lacking = [name for name, key in (("OBJTYPE", "objtype"), ("COADD_FIBERSTATUS", "fiberstatus"))
                   if key not in self._targets]
        if lacking:
            notes.append(f"no {' and '.join(lacking)}: taken for a target that was observed well")
        if not any(f"{arm}_MASK" in self._hdus for arm in self.arms):
            notes.append("no mask: no pixel is flagged")
        return notes

    def _entry(self, rows: list[int], known: Mapping[str, Any], notes: Sequence[str]) -> Entry:
        row = rows[0]
        columns = {key: values[row] for key, values in self._targets.items()}
        meta = blank_meta(self.path, row)
        program = "-".join(filter(None, self._place[:2]))
        meta.update(survey="desi", instrument="DESI", lsf=DISPERSION, survey_program=program,
                    objtype=columns.get("objtype", "").upper(), tile=self._place.tile, healpix=self._place.healpix)
        meta.update(_of_target(columns), **_of_redshift(known))
        if (ebv := known.get("ebv") or NAN) > 0 and (self._best.prefers("ebv") or meta["ebv"] != meta["ebv"]):
            meta["ebv"] = float(ebv)
        if len(rows) > 1 and "exptime" in self._targets:
            meta["exptime"] = float(sum(self._targets["exptime"][one] for one in rows))
        targetid = columns.get("targetid")
        meta["id"] = f"{_stem(self.path)}-{row}" if targetid is None else str(targetid)
        status = together([int(self._targets["fiberstatus"][one]) for one in rows]) if "fiberstatus" in columns else 0
        said = [*notes, *remarks(status, meta["deltachi2"])]
        if len(rows) > 1:
            said.append(f"mean of {len(rows)} exposures")
        return Entry(row, meta, tuple(filter(None, said)), refusal(targetid, meta["objtype"], status))

    # -- pixels ----------------------------------------------------------------------------------------------------

    def pixels(self, rows: Sequence[int]) -> Pixels:
        """Read some targets, each named by its first row, and join their arms."""
        wave, starts = self.grid
        members = {some[0]: some for some in self._rows}
        group_of = {one: number for number, row in enumerate(rows) for one in members[row]}
        wanted = sorted(group_of)
        groups = np.array([group_of[row] for row in wanted], dtype=np.intp)
        arms = [(starts[arm], self._arm(arm, wanted)) for arm in self.arms]
        joined = join(arms, wave.size, groups)
        return Pixels(wave, None, joined.flux, joined.ivar, joined.mask, {})

    def _arm(self, arm: str, rows: Sequence[int]) -> Arm:
        mask = self._hdus.get(f"{arm}_MASK")
        ivar = self._hdus[f"{arm}_IVAR"].rows(rows)
        if lost := self._lost(arm, rows):
            ivar = np.where(np.isin(rows, list(lost))[:, None], 0.0, ivar)
        return Arm(self._hdus[f"{arm}_FLUX"].rows(rows), ivar, None if mask is None else mask.rows(rows))

    def _lost(self, arm: str, rows: Sequence[int]) -> set[int]:
        """Return the exposures among `rows` whose other arms are good while an amplifier of this one was not."""
        status = self._targets.get("fiberstatus")
        if status is None or len(self._rows) == self.size:
            return set()
        return {row for row in rows if spoils(status[row], arm) and not spoils(status[row])}

    def details(self, row: int) -> dict[str, Any]:
        """Nothing more is known."""
        return {}


def _by_name(file: Fits) -> dict[str, Hdu]:
    """Return the images of a file by their names."""
    found: dict[str, Hdu] = {}
    index = 1
    while (hdu := file.hdu(index)) is not None:
        name = str(hdu.header.get("EXTNAME", "")).strip().upper()
        if hdu.kind == "IMAGE":
            found.setdefault(name, hdu)
        index += 1
    return found


def is_desi(file: Fits) -> bool:
    """Tell whether a file has wavelengths of an arm of DESI."""
    names = _by_name(file)
    return any(f"{arm}_WAVELENGTH" in names for arm in (*ARMS, JOINED))


def _values(hdu: Hdu, name: str) -> list[Any]:
    values = hdu.column(name)
    if values.ndim > 1:
        values = values[:, 0]
    listed = values.tolist()
    return [text(value) for value in listed] if listed and isinstance(listed[0], (bytes, str)) else listed


def _of_target(columns: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a block's table that the fibre map gives."""
    found: dict[str, Any] = {key: float(columns[key]) for key in ("ra", "dec", "exptime") if key in columns}
    found.update({key: int(columns[key]) for key in ("petal", "tile", "fiber") if key in columns})
    if "uniqpix" in columns:
        found["healpix"] = healpix_64(*from_uniqpix(int(columns["uniqpix"])))
    elif "healpix" in columns:
        found["healpix"] = int(columns["healpix"])
    if columns.get("survey") and columns.get("program"):
        found["survey_program"] = f"{columns['survey']}-{columns['program']}".lower()
    if "mjd" in columns and columns["mjd"] == columns["mjd"]:
        found["mjd"] = int(columns["mjd"])
    found["ebv"] = ebv if (ebv := float(columns.get("ebv", NAN))) > 0 else NAN       # 0 stands for not looked up
    return found


def _of_redshift(known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the keys of a block's table that redrock gives."""
    found = {key: value for key, value in known.items() if key != "ebv" and (value is not None or key not in KEYS)}
    if "zwarning" in found:
        found["zwarning"] = int(found["zwarning"])
    for key in ("class", "subclass"):
        if key in found:
            found[key] = str(found[key]).strip().upper() if key == "class" else str(found[key]).strip()
    return found


def _stem(path: str) -> str:
    return os.path.basename(path).partition(".fit")[0]
