"""Where spectral lines lie: rest wavelengths in vacuum, sky lines, telluric bands and arm joins.

Wavelengths are vacuum Å throughout. The published line list of Ortiz & Boquien (2025) is in air although the
spectra are in vacuum; it is kept under the name ``"paper"`` so that the published scores can be reproduced.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import ArgumentError, choice, message

__all__ = ["ABSORPTION", "AIRGLOW_5577", "ARM_JOINS", "BROAD_KMS", "Band", "C_KMS", "EMISSION", "FILTER_KMS",
           "FILTER_LINES", "IRON_BANDS", "LINES", "Line", "NARROW_KMS", "OH_FOREST", "PAPER_FILTER_AIR",
           "QUASAR_FILTER_LINES", "SKY_LINES", "TELLURIC_BANDS", "ULTRAVIOLET", "air_to_vacuum", "blend_label",
           "filter_waves", "line", "line_mask", "nearest_line", "vacuum_to_air"]

C_KMS = 299792.458
"""Speed of light in km/s."""

NARROW_KMS, BROAD_KMS = 600.0, 2500.0
"""Half widths of the lines of galaxies, and of the strong broad lines of quasars, km/s."""
_STRONG = ("Lya", "NV1241", "SiIV1400", "CIV1549", "CIII1909", "MgII2799")


@dataclass(frozen=True)
class Line:
    """A spectral line.

    Attributes
    ----------
    name : str
        Short ASCII key, e.g. ``"OIII5008"``.
    label : str
        How it is written on a plot, e.g. ``"[O III] 5008"``.
    wave : float
        Wavelength in vacuum Å (rest frame, or observed frame for sky lines).
    kind : str
        ``"emission"``, ``"absorption"``, ``"uv"`` or ``"sky"``.
    """

    name: str
    label: str
    wave: float
    kind: str

    @property
    def half_width(self) -> float:
        """Half of the width within which a pixel counts as this line's, km/s; wide for what quasars show broad."""
        if self.kind != "uv" or self.label.startswith("["):
            return NARROW_KMS
        return BROAD_KMS if self.name in _STRONG else 0.5 * BROAD_KMS


@dataclass(frozen=True)
class Band:
    """An interval of observed wavelengths, vacuum Å, with a name."""

    lo: float
    hi: float
    name: str


def _lines(kind: str, *rows: tuple[str, str, float]) -> tuple[Line, ...]:
    return tuple(Line(name, label, wave, kind) for name, label, wave in rows)


EMISSION = _lines(
    "emission",
    ("OII3727", "[O II] 3727", 3727.092), ("OII3730", "[O II] 3730", 3729.875), ("NeIII3870", "[Ne III] 3870", 3869.86),
    ("Hzeta", "Hζ", 3890.16), ("Hepsilon", "Hε", 3971.20), ("Hd", "Hδ", 4102.892), ("Hg", "Hγ", 4341.692),
    ("OIII4364", "[O III] 4364", 4364.436), ("HeII4687", "He II 4687", 4687.02), ("Hb", "Hβ", 4862.69),
    ("OIII4960", "[O III] 4960", 4960.295), ("OIII5008", "[O III] 5008", 5008.240), ("HeI5877", "He I 5877", 5877.25),
    ("OI6302", "[O I] 6302", 6302.046), ("OI6366", "[O I] 6366", 6365.536), ("NII6550", "[N II] 6550", 6549.86),
    ("Ha", "Hα", 6564.61), ("NII6585", "[N II] 6585", 6585.27), ("SII6718", "[S II] 6718", 6718.294),
    ("SII6733", "[S II] 6733", 6732.674),
)
ABSORPTION = _lines(
    "absorption",
    ("CaK", "Ca K", 3934.78), ("CaH", "Ca H", 3969.59), ("Gband", "G band", 4305.61), ("Mgb", "Mg b", 5176.63),
    ("NaD", "Na D", 5894.57),
)
ULTRAVIOLET = _lines(
    "uv",
    ("CIII977", "C III 977", 977.02), ("Lyb", "Lyβ", 1025.72), ("OVI1034", "O VI", 1033.82),
    ("Lya", "Lyα", 1215.67), ("NV1241", "N V", 1240.81), ("SiII1263", "Si II 1263", 1262.59),
    ("OI1305", "O I 1305", 1304.35), ("CII1335", "C II 1335", 1335.30), ("SiIV1400", "Si IV+O IV]", 1399.8),
    ("CIV1549", "C IV", 1549.06), ("HeII1640", "He II 1640", 1640.42), ("OIII1663", "O III] 1663", 1663.48),
    ("NIII1750", "N III] 1750", 1750.26), ("AlIII1857", "Al III", 1857.40), ("SiIII1892", "Si III]", 1892.03),
    ("CIII1909", "C III]", 1908.73), ("FeIII2077", "Fe III 2077", 2076.62), ("CII2326", "C II] 2326", 2326.44),
    ("NeIV2424", "[Ne IV] 2424", 2423.83), ("MgII2799", "Mg II", 2798.75), ("NeV3347", "[Ne V] 3347", 3346.79),
    ("NeV3427", "[Ne V]", 3426.84),
)
LINES: tuple[Line, ...] = tuple(sorted(EMISSION + ABSORPTION + ULTRAVIOLET, key=lambda item: item.wave))
"""Rest-frame lines, by wavelength."""

IRON_BANDS = (
    Band(2020.0, 2130.0, "Fe III UV48"), Band(2200.0, 2680.0, "Fe II"), Band(2830.0, 3090.0, "Fe II"),
    Band(4434.0, 4684.0, "Fe II"), Band(5100.0, 5477.0, "Fe II"),
)
"""Where multiplets of iron blend into bumps in the spectra of quasars, rest frame (Vestergaard & Wilkes 2001; Boroson
& Green 1992)."""

SKY_LINES = _lines(
    "sky",
    ("Hg4048", "Hg I 4048", 4047.7), ("Hg4359", "Hg I 4359", 4359.6), ("Hg5462", "Hg I 5462", 5462.3),
    ("OI5579", "[O I] 5577 sky", 5578.89), ("NaD1", "Na I sky", 5891.58), ("NaD2", "Na I sky", 5897.56),
    ("OI6302sky", "[O I] 6300 sky", 6302.05), ("OI6366sky", "[O I] 6364 sky", 6365.54),
)
"""Lines of the night sky in the observed frame, vacuum Å."""

OH_FOREST = Band(7200.0, 10400.0, "OH forest")
"""Where airglow of OH crowds, observed frame."""

TELLURIC_BANDS = (
    Band(6860.0, 6960.0, "telluric B"), Band(7160.0, 7340.0, "telluric H₂O"), Band(7590.0, 7720.0, "telluric A"),
    Band(8100.0, 8350.0, "telluric H₂O"), Band(8900.0, 9800.0, "telluric H₂O"),
)
"""Absorption of the Earth's atmosphere, observed frame."""

ARM_JOINS: dict[str, tuple[Band, ...]] = {
    "SDSS": (Band(5800.0, 6200.0, "SDSS arm join"),),
    "BOSS": (Band(5900.0, 6300.0, "BOSS arm join"),),
    "DESI": (Band(5760.0, 5800.0, "DESI b/r join"), Band(7520.0, 7620.0, "DESI r/z join")),
}
"""Where the arms of an instrument are joined, observed frame."""

AIRGLOW_5577 = Band(5565.0, 5590.0, "5577 mask")
"""Observed pixels around [O I] 5577 that preprocessing sets aside."""

FILTER_LINES = ("OII3727", "OII3730", "Hd", "Hg", "Hb", "OIII4960", "OIII5008", "NII6550", "Ha", "NII6585", "SII6718",
                "SII6733")
"""Lines left out by a line filter: those of the paper, and the [O II] line its list misses."""

QUASAR_FILTER_LINES = ("CIII977", "Lyb", "OVI1034", "Lya", "NV1241", "SiII1263", "OI1305", "CII1335", "SiIV1400",
                       "CIV1549", "HeII1640", "OIII1663", "NIII1750", "AlIII1857", "SiIII1892", "CIII1909", "CII2326",
                       "MgII2799", "Hd", "Hg", "Hb", "OIII4960", "OIII5008")
"""Lines of a line filter for quasars (Vanden Berk et al. 2001, Table 2); a half width of 2,500 km/s covers them."""

FILTER_KMS = {"vacuum": 250.0, "quasar": BROAD_KMS, "paper": 250.0}
"""Half widths of a line filter, km/s, by the list of lines it leaves out: as published, and one for broad lines."""

PAPER_FILTER_AIR = (3726.040, 4101.734, 4340.472, 4861.352, 4958.911, 5006.843, 6548.041, 6562.787, 6583.461, 6716.440,
                    6730.812)
"""The published filter list, Å in air, applied by the published code to vacuum spectra."""

_BY_NAME = {item.name: item for item in LINES + SKY_LINES}
_BY_LABEL = {item.label: item for item in SKY_LINES + LINES}


def line(name: str) -> Line:
    """Return the line called `name`, or written so on a plot: ``"Ha"`` and ``"Hα"`` are the same.

    Raises
    ------
    ArgumentError
        When there is none of that name; the nearest is offered.
    """
    return _BY_LABEL[name] if name in _BY_LABEL else _BY_NAME[choice("line", name, _BY_NAME)]


def blend_label(lines: Sequence[Line]) -> str:
    """Return what a person calls some lines that are seen as one.

    Examples
    --------
    >>> blend_label([line("NII6550"), line("Ha"), line("NII6585")])
    'Hα+[N II]'
    """
    if len(lines) == 1:
        return lines[0].label
    first = sorted(lines, key=lambda item: item.name != "Ha")  # Hα leads its complex; others in the order given
    return "+".join(dict.fromkeys(_species(item) for item in first))


def _species(item: Line) -> str:
    head, _, tail = item.label.rpartition(" ")
    return head if tail.isdigit() else item.label


def filter_waves(lines: str | Sequence[str] = "vacuum") -> NDArray[np.float64]:
    """Return the centres a line filter uses, Å: ``"vacuum"``, ``"quasar"``, ``"paper"`` (air), or the named lines."""
    if isinstance(lines, str):
        if choice("lines", lines, ("vacuum", "quasar", "paper")) == "paper":
            return np.array(PAPER_FILTER_AIR)
        lines = QUASAR_FILTER_LINES if lines == "quasar" else FILTER_LINES
    return np.array([line(name).wave for name in lines])


def line_mask(
    wave: NDArray[np.float64], velocity: float, lines: str | Sequence[str] = "vacuum"
) -> NDArray[np.bool_]:
    """Say which pixels lie within ±`velocity` of a line.

    Parameters
    ----------
    wave : (p,) array
        Rest-frame vacuum Å.
    velocity : float
        Half width in km/s: a line at λ covers λ ± λ·v/c.
    lines : "vacuum", "quasar", "paper" or names
        Which lines. ``"quasar"`` takes those of the ultraviolet and Hβ, ``"paper"`` the published air wavelengths as
        they were used.

    Returns
    -------
    (p,) bool array
        True inside a line.
    """
    if not np.isfinite(velocity) or velocity <= 0:
        raise ArgumentError(message("velocity", expected="a half width above 0 km/s", got=velocity, hint="250"))
    centres = filter_waves(lines)[:, None]
    return np.asarray((np.abs(wave[None, :] - centres) <= centres * velocity / C_KMS).any(axis=0))


def nearest_line(wave: float, tolerance: float = 10.0, lines: Sequence[Line] = LINES) -> Line | None:
    """Return the line nearest to `wave` (Å), or None when none is within `tolerance` Å."""
    best = min(lines, key=lambda item: abs(item.wave - wave))
    return best if abs(best.wave - wave) <= tolerance else None


def air_to_vacuum(wave: ArrayLike) -> NDArray[np.float64]:
    """Turn wavelengths in standard air into vacuum, Å, by inverting :func:`vacuum_to_air`."""
    air = np.asarray(wave, dtype=np.float64)
    vacuum = air.copy()
    for _ in range(4):  # converges by a factor 1e4 a step
        vacuum = air * _refraction(vacuum)
    return vacuum


def vacuum_to_air(wave: ArrayLike) -> NDArray[np.float64]:
    """Turn vacuum wavelengths into standard air, Å (Ciddor 1996, as in the SDSS documentation, for λ > 2000 Å)."""
    vacuum = np.asarray(wave, dtype=np.float64)
    return vacuum / _refraction(vacuum)


def _refraction(vacuum: NDArray[np.float64]) -> NDArray[np.float64]:
    s2 = (1e4 / vacuum) ** 2
    return 1.0 + 0.05792105 / (238.0185 - s2) + 0.00167917 / (57.362 - s2)


def __dir__() -> list[str]:
    return sorted(__all__)
