"""What is injected into spectra to learn what a search finds: shapes of height 1, placed in wavelength."""

from __future__ import annotations

from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, ShapeError, choice, message
from ..lines import C_KMS
from ..spectrum import FRAMES

Doubles = NDArray[np.float64]
Place = float | tuple[float, float]
T = TypeVar("T", bound="_Placed")
REACH = 4.0  # σ of a Gaussian beyond which it counts as nothing


class Template(Protocol):
    """A shape whose largest absolute value is 1."""

    @property
    def frame(self) -> str:
        """``"rest"`` or ``"observed"``: what the wavelengths are measured in."""
        ...

    @property
    def support(self) -> tuple[float, float]:
        """Where it is not zero, Å; may be infinite on one side."""
        ...

    def placed(self, rng: np.random.Generator) -> Template:
        """Return it at one wavelength: itself, or drawn from its range."""
        ...

    def __call__(self, wave: Doubles) -> Doubles:
        """Return the shape at wavelengths ``(p,)`` in Å of its frame."""
        ...


@dataclass(frozen=True)
class _Placed:
    """A template at a wavelength, or at one drawn for each spectrum from a range."""

    wave: Place
    _: KW_ONLY
    frame: str = "rest"

    def __post_init__(self) -> None:
        choice("frame", self.frame, FRAMES)
        ends = np.asarray(self.wave, dtype=np.float64)
        positive = bool(np.isfinite(ends).all() and (ends > 0).all())
        if ends.shape not in ((), (2,)) or not positive or ends.flat[0] > ends.flat[-1]:
            raise ArgumentError(message("wave", expected="a wavelength in Å, or (lo, hi) to draw it from",
                                        got=self.wave))
        object.__setattr__(self, "wave", tuple(ends.tolist()) if ends.ndim else float(ends))

    def placed(self: T, rng: np.random.Generator) -> T:
        """Return it at one wavelength: itself, or drawn evenly from its range."""
        return replace(self, wave=float(rng.uniform(*self.wave))) if isinstance(self.wave, tuple) else self

    @property
    def centre(self) -> float:
        """The wavelength, Å; the middle of a range."""
        return float(np.mean(self.wave))


@dataclass(frozen=True)
class LineTemplate(_Placed):
    """A Gaussian emission line.

    Parameters
    ----------
    wave : float or (float, float)
        Vacuum Å; of a pair, each spectrum gets its own wavelength, drawn evenly between them.
    sigma_kms : float
        Standard deviation, km/s.
    frame : {"rest", "observed"}

    Examples
    --------
    >>> LineTemplate(5000.0, 300.0)(np.array([4995.0, 5000.0])).round(3)
    array([0.607, 1.   ])
    """

    sigma_kms: float = 150.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _positive("sigma_kms", self.sigma_kms)

    @property
    def support(self) -> tuple[float, float]:
        """Four σ to each side."""
        reach = REACH * self.centre * self.sigma_kms / C_KMS
        return self.centre - reach, self.centre + reach

    def __call__(self, wave: Doubles) -> Doubles:
        """Return the shape, ``(p,)``."""
        offset = (wave - self.centre) / (self.centre * self.sigma_kms / C_KMS)
        return np.where(np.abs(offset) <= REACH, np.exp(-0.5 * offset**2), 0.0)


@dataclass(frozen=True)
class Trough(_Placed):
    """An absorption trough: −1 over `width`, with soft edges of a tenth of it.

    With a strength in units of the continuum it takes away that share of the flux, as a broad absorption line does.

    Parameters
    ----------
    wave : float or (float, float)
        Middle, vacuum Å.
    width : float
        Full width at half depth, Å.
    frame : {"rest", "observed"}
    """

    width: float = 50.0

    def __post_init__(self) -> None:
        super().__post_init__()
        _positive("width", self.width)

    @property
    def support(self) -> tuple[float, float]:
        """The width and the soft edges."""
        return self.centre - 0.55 * self.width, self.centre + 0.55 * self.width

    def __call__(self, wave: Doubles) -> Doubles:
        """Return the shape, ``(p,)``."""
        depth = (0.55 - np.abs(wave - self.centre) / self.width) / 0.1
        return np.asarray(0.0 - np.clip(depth, 0.0, 1.0))


@dataclass(frozen=True)
class Spike(_Placed):
    """A spike of one or a few pixels, such as a cosmic ray leaves; observed frame.

    Parameters
    ----------
    wave : float or (float, float)
        Vacuum Å.
    pixels : int
        How many neighbouring pixels it fills.
    frame : {"rest", "observed"}
    """

    pixels: int = 1
    _: KW_ONLY
    frame: str = "observed"

    def __post_init__(self) -> None:
        super().__post_init__()
        _positive("pixels", self.pixels)

    @property
    def support(self) -> tuple[float, float]:
        """The wavelength alone: how wide pixels are is the grid's affair."""
        return self.centre, self.centre

    def __call__(self, wave: Doubles) -> Doubles:
        """Return the shape, ``(p,)``: 1 in the pixels nearest to the wavelength."""
        near = np.argsort(np.abs(wave - self.centre), kind="stable")[: self.pixels]
        shape = np.zeros(wave.size)
        shape[near] = 1.0
        return shape


@dataclass(frozen=True)
class Step(_Placed):
    """A jump of the level redward of a wavelength, as where two arms do not match; observed frame.

    Parameters
    ----------
    wave : float or (float, float)
        Where it begins, vacuum Å.
    width : float
        Where it ends, Å further; by default it goes on to the end of the grid.
    frame : {"rest", "observed"}
    """

    width: float = float("inf")
    _: KW_ONLY
    frame: str = "observed"

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.width > 0:
            raise ArgumentError(message("width", expected="above 0 Å", got=self.width))

    @property
    def support(self) -> tuple[float, float]:
        """From the wavelength on."""
        return self.centre, self.centre + self.width

    def __call__(self, wave: Doubles) -> Doubles:
        """Return the shape, ``(p,)``."""
        return ((wave >= self.centre) & (wave < self.centre + self.width)).astype(np.float64)


@dataclass(frozen=True, eq=False)
class ArrayTemplate:
    """Any feature given as an array, interpolated linearly and zero outside.

    Parameters
    ----------
    wave : (m,) array
        Vacuum Å, increasing, at least two.
    flux : (m,) array
        Signed flux above the spectrum in any unit; divided by its largest absolute value.
    frame : {"rest", "observed"}
    name : str
    """

    wave: Doubles
    flux: Doubles
    _: KW_ONLY
    frame: str = "rest"
    name: str = "array"
    about: ClassVar[str] = "two arrays (m,) with m ≥ 2, finite, wave increasing, flux not all 0"

    def __post_init__(self) -> None:
        choice("frame", self.frame, FRAMES)
        wave, flux = (np.array(value, dtype=np.float64) for value in (self.wave, self.flux))
        if wave.ndim != 1 or wave.shape != flux.shape or wave.size < 2:
            raise ShapeError(message("flux", expected=self.about, got=f"shapes {wave.shape} and {flux.shape}"))
        if not (np.isfinite([wave, flux]).all() and (np.diff(wave) > 0).all() and np.abs(flux).max() > 0):
            raise ArgumentError(message("flux", expected=self.about, got="other values"))
        flux /= np.abs(flux).max()
        for name, value in (("wave", wave), ("flux", flux)):
            value.flags.writeable = False
            object.__setattr__(self, name, value)

    @property
    def support(self) -> tuple[float, float]:
        """The first and the last wavelength."""
        return float(self.wave[0]), float(self.wave[-1])

    def placed(self, rng: np.random.Generator) -> ArrayTemplate:
        """Return it as it is."""
        return self

    def __call__(self, wave: Doubles) -> Doubles:
        """Return the shape, ``(p,)``."""
        return np.asarray(np.interp(wave, self.wave, self.flux, left=0.0, right=0.0))

    def __repr__(self) -> str:
        lo, hi = self.support
        return f"ArrayTemplate({self.name!r}, {lo:.0f}–{hi:.0f} Å {self.frame})"


def _positive(name: str, value: Any) -> None:
    if not (np.isfinite(value) and value > 0):
        raise ArgumentError(message(name, expected="a number above 0", got=value))
