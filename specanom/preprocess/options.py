"""The options of preprocessing: their defaults, what ``preset="paper"`` makes of them, and their checks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, choice, message
from ..presets import PRESETS, ByPreset, by_preset, resolve
from ..quantities import as_quantity, doubt
from ..spectrum import as_wavelength
from .extinction import R_V, SFD_SCALE
from .presets import QUASAR_PRESETS
from .resample import METHODS
from .select import ZWARNING_FATAL

GRID = (3500.0, 7500.0, 4000)
"""The grid of galaxies: first and last rest-frame wavelength in Å, and how many."""


@dataclass(eq=False, repr=False)
class Options:
    """The options of :class:`~specanom.preprocess.Preprocessor`, which describes them.

    An option that is not given has its default, or the paper's value when ``preset="paper"``, or that of a bin of
    quasars when ``preset="qso-…"``.
    """

    grid: Any = by_preset(GRID, paper=GRID)  # noqa: RUF009
    _: KW_ONLY
    preset: str | None = None
    redshift: str = by_preset("z", paper="z_noqso")
    z_range: tuple[float, float] | None = by_preset((0.01, 0.50), paper=(0.01, 0.50))
    target: str | Sequence[str] | None = by_preset(None, paper="galaxy")
    zwarning: Sequence[int] | str | None = by_preset(ZWARNING_FATAL, paper="any")
    min_snr: float | None = by_preset(4.0, paper=4.0)
    mask_bits: Sequence[int] | None = by_preset(None, paper=())
    keep_mask: bool = True
    airglow: str | None = by_preset("mask", paper="overwrite")
    min_pixel_snr: float | None = by_preset(None, paper=1.0)
    extinction: str | None = "F99"
    ebv_scale: float = SFD_SCALE
    r_v: float = R_V
    dust_map: str | None = None
    conserve: str | None = None
    resample: str = by_preset("linear", paper="linear")
    max_missing: float = 0.10
    max_missing_wave: float = 0.10
    impute: str = by_preset("median", paper="self")
    bins: int = by_preset(1, paper=4)
    block: int = 512

    def __post_init__(self) -> None:
        choice("preset", self.preset, (*PRESETS, *QUASAR_PRESETS))
        own = {} if self.preset is None else QUASAR_PRESETS.get(self.preset, {})
        for item in fields(self):
            value = getattr(self, item.name)
            if item.name in own and isinstance(value, ByPreset):
                setattr(self, item.name, own[item.name])
            else:
                setattr(self, item.name, resolve(value, None if own else self.preset))
        check(self)

    def settings(self) -> dict[str, Any]:
        """Return every option as a plain value that JSON can hold; wavelengths in Å."""
        return {item.name: _plain(getattr(self, item.name)) for item in fields(self)}

    def plain(self) -> Options:
        """Return these options alone, without anything that was learnt with them."""
        return Options(**{item.name: getattr(self, item.name) for item in fields(Options)})


def full_grid(grid: Any) -> NDArray[np.float64]:
    """Return the wavelengths of `grid`: (first, last, number) in Å or Quantities, or the wavelengths themselves.

    Raises
    ------
    ArgumentError, DataError, ShapeError
        Among others for plain numbers that look like nm or µm.
    """
    if isinstance(grid, (tuple, list)) and len(grid) == 3:
        try:
            first, last, count = _angstrom(grid[0]), _angstrom(grid[1]), float(grid[2])
        except (TypeError, ValueError):
            first = last = count = float("nan")
        if not (0 < first < last < np.inf and count >= 2 and count == int(count)):
            raise ArgumentError(message("grid", expected="(first, last, number): first < last in Å, at least 2 pixels",
                                        got=repr(grid), hint="(3500, 7500, 4000)"))
        if not hasattr(grid[0], "unit"):
            _check_angstrom(first, last, repr(grid))
        return np.linspace(first, last, int(count))
    short = isinstance(grid, (tuple, list)) and len(grid) == 2
    try:
        if short or np.ndim(grid) != 1:
            raise TypeError(grid)
        wave = as_wavelength(grid)
    except TypeError as exc:
        got = "(first, last) without a number" if short else \
            repr(grid) if isinstance(grid, (str, int, float)) else type(grid).__name__
        raise ArgumentError(message("grid", expected="(first, last, number of pixels) in Å, or an array of wavelengths",
                                    got=got, hint="(3500, 7500, 4000)")) from exc
    if wave.size < 2:
        raise ArgumentError(message("grid", expected="at least 2 wavelengths", got=wave.size,
                                    hint="(3500, 7500, 4000)"))
    if as_quantity(grid) is None:
        _check_angstrom(float(wave[0]), float(wave[-1]), f"{wave[0]:g} to {wave[-1]:g}")
    return wave


def _check_angstrom(first: float, last: float, got: str) -> None:
    """Refuse plain numbers that are hardly Å."""
    if looks := doubt(first, last):
        raise ArgumentError(message("grid", expected="rest wavelengths in Å", got=f"{got}, which looks like {looks}",
                                    hint="(3500, 7500, 4000), or the ends with astropy.units"))


_CHOICES: dict[str, tuple[Any, ...]] = {
    "redshift": ("z", "z_noqso"), "airglow": ("mask", "overwrite", None), "extinction": ("F99", None),
    "dust_map": (None, "sfd"), "conserve": (None, "flux"), "resample": METHODS, "impute": ("median", "self"),
}

_RULES: tuple[tuple[str, str, Callable[[Any], bool]], ...] = (
    ("z_range", "None or (low, high) with -1 <= low < high",
     lambda v: v is None or (len(v) == 2 and -1 <= v[0] < v[1])),
    ("target", 'None, a class such as "galaxy", or several', lambda v: v is None or len(v) > 0),
    ("zwarning", 'None, "any" or bits from 0 to 31', lambda v: v is None or v == "any" or _are_bits(v)),
    ("mask_bits", "None or bits from 0 to 31", lambda v: v is None or _are_bits(v)),
    ("min_snr", "None or a number", lambda v: v is None or np.isfinite(v)),
    ("min_pixel_snr", "None or a number", lambda v: v is None or np.isfinite(v)),
    ("ebv_scale", "a number above 0", lambda v: bool(np.isfinite(v)) and v > 0),
    ("r_v", "a number from 2 to 6", lambda v: 2 <= v <= 6),
    ("keep_mask", "True or False", lambda v: v in (True, False)),
    ("max_missing", "a share in [0, 1]", lambda v: 0 <= v <= 1),
    ("max_missing_wave", "a share in [0, 1]", lambda v: 0 <= v <= 1),
    ("bins", "a whole number of at least 1", lambda v: int(v) == v and v >= 1),
    ("block", "a whole number of at least 1", lambda v: int(v) == v and v >= 1),
)

_PLURALS = {"galaxies": "galaxy", "quasars": "qso", "qsos": "qso", "stars": "star"}


def check(options: Options) -> None:
    """Refuse an option with a value that cannot be used.

    Raises
    ------
    ArgumentError
        Naming the option.
    """
    for name, allowed in _CHOICES.items():
        choice(name, getattr(options, name), allowed)
    for name, expected, fits in _RULES:
        value = getattr(options, name)
        try:
            good = fits(value)
        except (TypeError, ValueError):
            good = False
        if not good:
            raise ArgumentError(message(name, expected=expected, got=repr(value)))
    for name in [options.target] if isinstance(options.target, str) else options.target or ():
        if meant := _PLURALS.get(str(name).casefold()):
            raise ArgumentError(message("target", expected="a class as surveys call it", got=repr(name),
                                        hint=repr(meant)))


def _are_bits(value: Any) -> bool:
    return not isinstance(value, str) and all(int(bit) == bit and 0 <= bit < 32 for bit in value)


def _angstrom(end: Any) -> float:
    """Return one end of the grid in Å; 350 nm is 3500 Å to the last digit, so that equal grids are equal."""
    return round(float(as_wavelength(end.reshape(1))[0]), 6) if hasattr(end, "unit") else float(end)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "unit"):
        return _angstrom(value) if value.ndim == 0 else as_wavelength(value).tolist()
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value]
    return value
