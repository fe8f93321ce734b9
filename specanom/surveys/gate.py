"""Which fibres are let through: the gate between a survey's files and the sample."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import choice

TARGETS = (None, "galaxy", "qso", "star")
PRESETS = (None, "paper")
ZWARNING = {
    0: "SKY", 1: "LITTLE_COVERAGE", 2: "SMALL_DELTA_CHI2", 3: "NEGATIVE_MODEL", 4: "MANY_OUTLIERS", 5: "Z_FITLIMIT",
    6: "NEGATIVE_EMISSION", 7: "UNPLUGGED", 8: "BAD_TARGET", 9: "NODATA", 10: "BAD_MINFIT", 11: "POORDATA",
}
"""Bits of ZWARNING of SDSS and, the same up to 9, of ZWARN of redrock for DESI."""
OTHER_SURVEYS = ("seg", "boss", "eboss")        # how SURVEY or PROGRAMNAME begins: segue1, segcluster, …
FATAL_BITS = (0, 1, 3, 5, 7, 8, 9)


def bits(value: int) -> list[int]:
    """Return the bits that are set in a mask, lowest first."""
    return [bit for bit in range(value.bit_length()) if value >> bit & 1]


def _named(numbers: list[int]) -> str:
    return ", ".join(f"{bit} {ZWARNING.get(bit, 'unknown')}" for bit in numbers)


def _of_the_paper(instrument: str, program: str) -> tuple[str, str]:
    """Return (reason, note) of the paper's choice of survey; SEGUE used the same spectrographs."""
    if instrument != "SDSS":
        return f"instrument {instrument} (the paper's sample is of the SDSS spectrographs)", ""
    if program.startswith(OTHER_SURVEYS):
        return f"survey {program} (the paper's sample is of the survey sdss)", ""
    if not program:
        return "", "the file does not say of which survey: taken for sdss"
    return "", "" if program in ("sdss", "legacy") else f"programme {program}: taken for the survey sdss"


@dataclass(frozen=True)
class Gate:
    """Decides from what the pipeline says of an object whether it belongs to the sample.

    Sky and unplugged fibres never pass. ZWARNING bits 0, 1, 3, 5, 7, 8 and 9 reject; 2, 4 and 6 pass with a note, as
    do 10 and 11, which only redrock sets (ZWARN of DESI, a bad fit to the minimum of χ² and poor data),
    because bit 4 (many outliers) sits on good objects with strong lines: a cut at ZWARNING = 0 drops the very
    spectra a search for anomalies is for.

    Parameters
    ----------
    target : {None, "galaxy", "qso", "star"}
        None lets every astronomical object pass; otherwise the pipeline's CLASS decides, so that an AGN with broad
        lines, which the SDSS pipeline calls QSO, is no galaxy.
    preset : {None, "paper"}
        ``"paper"``: galaxies of the SDSS survey (not BOSS, not SEGUE) with ZWARNING = 0, as in Ortiz & Boquien 2025.
        Where the file does not say of which survey it is, as plates do not, they pass with a note.
    """

    target: str | None = None
    preset: str | None = None

    def __post_init__(self) -> None:
        choice("target", self.target, TARGETS)
        choice("preset", self.preset, PRESETS)
        if self.preset == "paper" and self.target is None:
            object.__setattr__(self, "target", "galaxy")

    def judge(self, meta: Mapping[str, Any]) -> tuple[str, str]:
        """Return ``(reason, note)``: a reason to leave the object out, or "", and a remark when it passes, or "".

        Parameters
        ----------
        meta : mapping
            With ``objtype``, ``class``, ``zwarning``, ``instrument`` and, if known, ``survey_program``: the file's
            SURVEY, or else its PROGRAMNAME, in lower case.
        """
        warning = int(meta["zwarning"])
        reason = self._fibre(str(meta["objtype"]), warning) or self._class(meta) or self._warning(warning)
        program = ""
        if not reason and self.preset == "paper":
            reason, program = _of_the_paper(str(meta["instrument"]), str(meta.get("survey_program", "")))
        if reason:
            return reason, ""
        notes = [program] if program else []
        if warning:
            notes.append(f"ZWARNING {_named(bits(warning))} passes")
        if self.target and not meta["class"]:
            notes.append(f"no pipeline class: taken for what it was targeted as ({meta['objtype']})")
        return "", "; ".join(notes)

    def _fibre(self, objtype: str, warning: int) -> str:
        if warning >> 7 & 1:
            return "unplugged fibre (ZWARNING bit 7)"
        if objtype.upper() == "SKY":
            return "sky fibre (target type SKY)"
        return "sky fibre (ZWARNING bit 0)" if warning & 1 else ""

    def _class(self, meta: Mapping[str, Any]) -> str:
        if self.target is None:
            return ""
        named = str(meta["class"]).upper()
        if named:
            return "" if named == self.target.upper() else f"class {named}, not {self.target.upper()}"
        targeted = str(meta["objtype"]).upper()
        if meta.get("survey") == "desi":
            return f"no redshift and class, and only class {self.target.upper()} was asked for"
        if targeted.startswith(self.target.upper()):
            return ""
        return f"no pipeline class, and targeted as {targeted or 'unknown'}, not {self.target.upper()}"

    def _warning(self, warning: int) -> str:
        if self.preset == "paper":
            return f"ZWARNING {_named(bits(warning))} (the paper asks for 0)" if warning else ""
        fatal = [bit for bit in bits(warning) if bit in FATAL_BITS]
        return f"ZWARNING {_named(fatal)}" if fatal else ""
