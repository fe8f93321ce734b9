"""One fibre in the making, as the functions that make anomalies see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from specanom.lines import C_KMS
from specanom.surveys.simulate.emission import GAS_LINES, add_lines, lsf_kms
from specanom.surveys.simulate.galaxies import attenuation, observe
from specanom.surveys.simulate.grid import REST, WAVE
from specanom.surveys.simulate.populations import populations

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Camera:
    """What an anomaly has to know of a spectrograph.

    Attributes
    ----------
    wave : (p,) vacuum wavelengths of its pixels, Å
    lsf : observed wavelengths → dispersion of the line spread, km/s
    add_lines : adds Gaussian lines to rows of pixels, as :func:`.emission.add_lines` does
    observe : broadens and shifts rest-frame spectra on the populations' grid, as :func:`.galaxies.observe` does
    """

    wave: Array
    lsf: Callable[[Array], Array]
    add_lines: Callable[[Array, Array, Array, Array], None]
    observe: Callable[[Array, Array, Array], Array]


#: The spectrographs of SDSS.
SDSS = Camera(WAVE, lsf_kms, add_lines, observe)


@dataclass(eq=False)
class Target:
    """A galaxy before the instrument sees it, or after.

    Attributes
    ----------
    flux : (p,) spectrum on the pixels of `camera`, changed in place
    stars : (p,) its starlight without lines
    noise : (p,) one sigma per pixel; zeros before the instrument
    z, sigma, equivalent : redshift, dispersion in km/s, equivalent width of Hα in Å
    rng : random numbers of this anomaly
    odd : rest-frame intervals in Å where the spectrum is changed
    z_catalogue : what the pipeline thinks the redshift is
    camera : the spectrograph that sees it
    """

    flux: Array
    stars: Array
    noise: Array
    z: float
    sigma: float
    equivalent: float
    rng: np.random.Generator
    odd: list[tuple[float, float]] = field(default_factory=list)
    z_catalogue: float = 0.0
    camera: Camera = SDSS

    @property
    def wave(self) -> Array:
        """Observed wavelengths of the pixels, vacuum Å."""
        return self.camera.wave

    @property
    def rest(self) -> Array:
        """Rest-frame wavelengths of the pixels."""
        return np.asarray(self.wave / (1 + self.z))

    def level(self, wave: float, half: float = 30.0) -> float:
        """Median starlight near a rest-frame wavelength."""
        near = np.abs(self.rest - wave) < half
        return float(np.median(self.stars[near])) if near.any() else float(np.median(self.stars))

    def line(self, wave: float, equivalent: float, width: float, *, shift: float = 0.0,
             z: float | None = None) -> float:
        """Add a Gaussian line; return its peak relative to the starlight.

        Parameters
        ----------
        wave : float
            Rest wavelength, Å.
        equivalent : float
            Rest-frame equivalent width in Å against this galaxy's starlight; negative absorbs.
        width : float
            Dispersion in km/s before the instrument.
        shift : float
            Velocity in km/s.
        z : float, optional
            Redshift of the line when it is not the galaxy's.
        """
        at = wave * (1 + (self.z if z is None else z)) * (1 + shift / C_KMS)
        if not self.wave[0] < at < self.wave[-1]:
            return 0.0
        level = float(np.median(self.stars[np.abs(self.wave - at) < 60]))
        total = float(np.hypot(width, self.camera.lsf(np.array(at))))
        area = equivalent * at / wave * level
        self.camera.add_lines(self.flux[None], np.array([at]), np.array([area]), np.array([total]))
        return float(area / (at * total / C_KMS * np.sqrt(2 * np.pi)) / max(level, 1e-9))

    def mark(self, wave: float, width: float, *, shift: float = 0.0, z: float | None = None,
             reach: float = 3.0) -> None:
        """Remember that a line at rest wavelength `wave` was changed; the interval is in this galaxy's rest frame."""
        at = wave * (1 + (self.z if z is None else z)) * (1 + shift / C_KMS)
        if self.wave[0] < at < self.wave[-1]:
            half = reach * at * float(np.hypot(width, self.camera.lsf(np.array(at)))) / C_KMS
            self.span(at - half, at + half)

    def span(self, low: float, high: float) -> None:
        """Remember an interval of observed wavelengths."""
        self.odd.append((max(low, float(self.wave[0])) / (1 + self.z), min(high, float(self.wave[-1])) / (1 + self.z)))

    def population(self, light: dict[float, float], *, dust: float = 0.0, metals: float = 0.0,
                   z: float | None = None) -> Array:
        """Starlight (p,) of populations {age in Gyr: share of the light}, with the median of this galaxy's."""
        table = populations()
        weights = np.array([light.get(float(a), 0.0) if m == metals else 0.0 for a, m in zip(table.ages,
            table.metals, strict=True)])
        rest = (weights @ table.flux)[None] * attenuation(REST, np.array([dust]), np.array([-0.85]))
        place, width = np.array([self.z if z is None else z]), np.array([np.hypot(self.sigma, 65.0)])
        shape = self.camera.observe(rest, place, width)[0]
        return np.asarray(shape * np.median(self.stars) / np.median(shape))

    def replace_stars(self, stars: Array) -> None:
        """Put other starlight in place of this galaxy's, keeping its lines."""
        self.flux += stars - self.stars
        self.stars = stars


__all__ = ["GAS_LINES", "Target"]
