"""Emission lines at a second redshift: another galaxy in the fibre, behind or in front of the one that was meant.

What a model leaves over of a galaxy is searched for peaks; three or more that are lines of *one* other redshift, and
that hold most of what there is of peaks, are no sky and no cosmic rays. Lenses were found so (Bolton et al. 2004, AJ
127, 1860; 2006, ApJ 638, 703), and so are chance superpositions. Emission lines only: absorption lines of quasars and
of galaxies in front are not looked for, and neither are single lines, which could be any.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, ShapeError, message
from ..lines import C_KMS, line
from ..spectrum import Spectrum, is_quasar
from .peaks import Peaks, find_peaks
from .second_lines import GROUPS, LEADING, OWN, OWN_REACH, PAIRS, SOUGHT, WAVES, scrambled

Doubles = NDArray[np.float64]


MOVING = 500.0
"""How fast a galaxy may come towards us, km/s."""
NUCLEUS = 7000.0
"""How far from the galaxy hydrogen lines may be those of gas around its own nucleus, km/s."""
BALMER = ("Hd", "Hg", "Hb", "Ha")
_LEADING = tuple(j for j, item in enumerate(SOUGHT) if item.name in LEADING)
AS_WELL = 0.9
"""Share of what the best redshift explains from which another does as well."""


@dataclass(frozen=True)
class SecondLine:
    """A line found at a second redshift.

    Attributes
    ----------
    name, label : str
    wave : float
        Where its peak lies, observed vacuum Å.
    snr : float
        Signal-to-noise ratio.
    velocity : float
        From where the redshift puts it, km/s.
    """

    name: str
    label: str
    wave: float
    snr: float
    velocity: float


@dataclass(frozen=True)
class SecondRedshift:
    """What was found at a redshift that is not that of the galaxy.

    Attributes
    ----------
    z, z_error : float
        The second redshift and its error, from the scatter of the lines and no less than what their S/N allows; NaN
        when there is none.
    lines : tuple of SecondLine
        By wavelength.
    share : float
        Share of the lines in Σ(S/N)² of all peaks, up and down, that are not lines of the galaxy itself, 0–1.
    chance : float
        Share of scrambled line lists that explain the same peaks as well, by as many lines; NaN without lines.
    peaks : int
        Peaks that are not lines of the galaxy itself.
    reason : str
        Why there is none; empty when there is one.
    z_galaxy : float
        The redshift that was given.
    """

    z: float = float("nan")
    z_error: float = float("nan")
    lines: tuple[SecondLine, ...] = ()
    share: float = 0.0
    chance: float = float("nan")
    peaks: int = 0
    reason: str = ""
    z_galaxy: float = float("nan")

    @property
    def found(self) -> bool:
        """Whether there is a second redshift."""
        return bool(np.isfinite(self.z))

    @property
    def behind(self) -> bool:
        """Whether it is behind the galaxy; False also when there is none."""
        return self.found and self.z > self.z_galaxy

    def __repr__(self) -> str:
        if not self.found:
            return f"SecondRedshift: none ({self.reason})"
        named = ", ".join(f"{item.label} S/N {item.snr:.1f}" for item in self.lines)
        return (f"SecondRedshift: z = {self.z:.5f} ± {self.z_error:.5f} {'behind' if self.behind else 'in front of'} "
                f"z = {self.z_galaxy:.4f}: {named}; {self.share:.0%} of the peaks, chance {self.chance:.3g}")


@dataclass(frozen=True)
class _Match:
    """Lines at one redshift: ln(1 + z), the peak of each line, Σ(S/N)² of those that are free, whether others do."""

    x: float
    hits: dict[int, int]
    held: float
    rival: bool = False


@dataclass(frozen=True)
class SecondSearch:
    """How lines at a second redshift are looked for; called with a spectrum and its reconstruction, it looks.

    Attributes
    ----------
    threshold : float
        S/N of a peak.
    tolerance : float
        Greatest distance of a peak from where a redshift puts the line, km/s.
    min_lines : int
        Lines that are needed, 3 or more, of two groups of lines.
    min_share : float
        Share of Σ(S/N)² of the peaks that they must hold.
    max_chance : float
        Greatest chance of a scrambled line list to do as well.
    apart : float
        Least distance from the galaxy's own redshift, km/s: nearer, it is one galaxy in motion, or two that merge.
    z_max : float
        Greatest redshift that is tried.

    Examples
    --------
    >>> SecondSearch(min_share=0.8).min_lines
    3
    """

    threshold: float = 5.0
    tolerance: float = 200.0
    min_lines: int = 3
    min_share: float = 0.7
    max_chance: float = 0.02
    apart: float = 2000.0
    z_max: float = 1.8

    def __post_init__(self) -> None:
        if self.min_lines < 3:
            raise ArgumentError(message("min_lines", expected="3 or more: one or two lines could be any",
                                        got=self.min_lines))
        for name in ("threshold", "tolerance", "apart", "z_max"):
            if not getattr(self, name) > 0:
                raise ArgumentError(message(name, expected="a number above 0", got=getattr(self, name)))
        for name in ("min_share", "max_chance"):
            if not 0 < getattr(self, name) <= 1:
                raise ArgumentError(message(name, expected="a share above 0, at most 1", got=getattr(self, name)))

    def __call__(self, spectrum: Spectrum, reconstruction: NDArray[np.floating]) -> SecondRedshift:
        """Look for lines at a second redshift; see :func:`second_redshift`."""
        typical = np.asarray(reconstruction, dtype=np.float64)
        if typical.shape != spectrum.flux.shape:
            raise ShapeError(message("reconstruction", expected=f"shape {spectrum.flux.shape}", got=typical.shape))
        why = _refused(spectrum)
        if why or spectrum.z is None or spectrum.ivar is None:
            return SecondRedshift(reason=why)
        z = float(spectrum.z)
        wave = spectrum.wave * (1.0 + z) if spectrum.frame == "rest" else spectrum.wave
        ivar = np.where(spectrum.valid & np.isfinite(typical), spectrum.ivar, 0.0)
        flux = spectrum.flux.astype(np.float64)
        return self.among(find_peaks(wave, flux - typical, ivar, threshold=self.threshold, flux=flux), z=z)

    def among(self, peaks: Peaks, *, z: float) -> SecondRedshift:
        """Look for a second redshift among the peaks of what is left of a galaxy at `z`.

        Peaks on lines of the galaxy itself speak neither for nor against it, but may be lines of the other one too.
        """
        free = ~_own(peaks.wave - np.log1p(z))
        total, n = float((peaks.snr[free] ** 2).sum()), int(free.sum())
        up = peaks.snr > 0
        light, free = peaks.some(up), free[up]
        if free.sum() < self.min_lines:
            return SecondRedshift(peaks=n, reason=f"{free.sum()} peaks", z_galaxy=z)
        best = self._best(light, free, least=self.min_share * total, z=z)
        if best is None:
            return SecondRedshift(peaks=n, reason=f"no redshift explains {self.min_share:.0%} of {n} peaks", z_galaxy=z)
        if best.rival:
            return SecondRedshift(share=best.held / total, peaks=n, reason="two redshifts do as well", z_galaxy=z)
        chance = self._chance(light.some(free), best.held, sum(free[i] for i in best.hits.values()))
        if chance > self.max_chance:
            return SecondRedshift(share=best.held / total, chance=chance, peaks=n, reason=f"chance {chance:.2g}",
                                  z_galaxy=z)
        return SecondRedshift(float(np.expm1(best.x)), _error(light, best), lines=_lines_of(light, best),
                              share=best.held / total, chance=chance, peaks=n, z_galaxy=z)

    def _best(self, light: Peaks, free: NDArray[np.bool_], *, least: float, z: float) -> _Match | None:
        """Return the redshift whose lines hold most of Σ(S/N)², at least `least`, among peaks that are free."""
        reach = self.tolerance / C_KMS
        middles, held = _windows(light.some(free), reach, count=self.min_lines)
        ok = ((held >= least) & (np.abs(middles - np.log1p(z)) > self.apart / C_KMS)
              & (middles > -MOVING / C_KMS) & (middles < np.log1p(self.z_max)))
        best: _Match | None = None
        for x, limit in sorted(zip(middles[ok].tolist(), held[ok].tolist(), strict=True), key=lambda one: -one[1]):
            if best is not None and limit < AS_WELL * best.held:
                break
            found = _matched(light, x, reach, free=free)
            near = abs(found.x - np.log1p(z)) < NUCLEUS / C_KMS
            if found.held < least or not self._plausible(light, found, free, near=near):
                continue
            if best is None:
                best = found
            elif abs(found.x - best.x) > 2 * reach and found.held > AS_WELL * best.held:
                return replace(best, rival=True)
        return best

    def _plausible(self, light: Peaks, match: _Match, free: NDArray[np.bool_], *, near: bool) -> bool:
        """Say whether a galaxy can have these lines, and enough of them are free; near, hydrogen tells nothing."""
        certain = [j for j, i in match.hits.items() if free[i] and not (near and SOUGHT[j].name in BALMER)]
        if len(certain) < self.min_lines or len({int(GROUPS[j]) for j in certain}) < 2:
            return False
        snr = {SOUGHT[j].name: float(light.snr[i]) for j, i in match.hits.items()}
        if max(snr, key=lambda name: snr[name]) not in LEADING:
            return False
        return all(faint not in snr or _brighter(light, snr, (faint, bright), match.x) for faint, bright in PAIRS)

    def _chance(self, free: Peaks, held: float, count: int) -> float:
        """Return the share of scrambled line lists by which as many lines hold as much."""
        lists = scrambled()
        pairs = (free.wave[None, :, None] - lists[:, None, :]).reshape(len(lists), -1)
        order = np.argsort(pairs, axis=1)
        pairs = np.take_along_axis(pairs, order, axis=1) + 10.0 * np.arange(len(lists))[:, None]  # one ascending row
        sums = np.concatenate([[0.0], np.cumsum(np.repeat(free.snr**2, WAVES.size)[order])])
        flat = pairs.ravel()
        starts, stops = np.arange(flat.size), np.searchsorted(flat, flat + 2 * self.tolerance / C_KMS, side="right")
        close = np.flatnonzero((stops - starts >= count) & (sums[stops] - sums[starts] >= held * (1 - 1e-9)))
        well: set[int] = set()
        for k in close.tolist():
            if k // order.shape[1] not in well:
                peaks, lines = np.divmod(order.ravel()[k : stops[k]], WAVES.size)
                some = np.unique(peaks)
                leads = lines[np.argmax(free.snr[peaks])] in _LEADING
                if (leads and min(some.size, np.unique(lines).size) >= count
                        and (free.snr[some] ** 2).sum() >= held * (1 - 1e-9)):
                    well.add(k // order.shape[1])
        return (1.0 + len(well)) / (1.0 + len(lists))


def second_redshift(
    spectrum: Spectrum, reconstruction: NDArray[np.floating], *, search: SecondSearch | None = None
) -> SecondRedshift:
    """Look for emission lines at a second redshift in what a model leaves over of a galaxy.

    Parameters
    ----------
    spectrum : Spectrum
        A galaxy with redshift and inverse variance, in either frame.
    reconstruction : (p,) array
        What the galaxy is expected to look like, in the units and on the pixels of the spectrum.
    search : SecondSearch, optional
        Thresholds.

    Returns
    -------
    SecondRedshift
        ``.found`` says whether there is one, ``.reason`` why not. Quasars are not searched: what stands out of their
        spectra are broad lines, and absorbers in front of them are no emission.

    Raises
    ------
    ShapeError
        When the reconstruction is of another length.
    """
    return (SecondSearch() if search is None else search)(spectrum, reconstruction)


def _refused(spectrum: Spectrum) -> str:
    if spectrum.z is None or not np.isfinite(spectrum.z) or spectrum.z <= -0.9:
        return "no redshift"
    if spectrum.meta.get("wave") == "pixels":
        return "no wavelengths"
    if spectrum.ivar is None:
        return "no noise"
    return "a quasar" if is_quasar(spectrum) else ""


def _own(wave: Doubles) -> NDArray[np.bool_]:
    """Say which peaks may be lines of the galaxy itself, by ln λ in its frame."""
    return np.asarray((np.abs(wave[:, None] - OWN) <= OWN_REACH).any(axis=1))


def _windows(free: Peaks, reach: float, *, count: int) -> tuple[Doubles, Doubles]:
    """Return ln(1 + z) at which `count` or more peaks may be lines, and the Σ(S/N)² they may hold at most."""
    pairs = (free.wave[:, None] - WAVES[None, :]).ravel()
    order = np.argsort(pairs, kind="stable")
    pairs = pairs[order]
    sums = np.concatenate([[0.0], np.cumsum(np.repeat(free.snr**2, WAVES.size)[order])])
    stops = np.searchsorted(pairs, pairs + 2 * reach, side="right")
    starts = np.flatnonzero(stops - np.arange(pairs.size) >= count)
    stops = stops[starts]
    return 0.5 * (pairs[starts] + pairs[stops - 1]), sums[stops] - sums[starts]


def _matched(light: Peaks, x: float, reach: float, *, free: NDArray[np.bool_]) -> _Match:
    """Return what is matched near ln(1 + z): each peak to the nearest line, each line to the strongest of its peaks."""
    hits: dict[int, int] = {}
    for _ in range(3):
        gap = np.abs(light.wave[:, None] - WAVES[None, :] - x)
        nearest = gap.argmin(axis=1)
        near = np.flatnonzero(gap[np.arange(nearest.size), nearest] <= reach)
        hits = {int(nearest[i]): i for i in near[np.argsort(light.snr[near])].tolist()}  # the strongest comes last
        if not hits:
            break
        lines, peaks = np.array(list(hits)), np.array(list(hits.values()))
        x = float(np.average(light.wave[peaks] - WAVES[lines], weights=_trust(light.snr[peaks])))
    held = float(sum(light.snr[i] ** 2 for i in hits.values() if free[i]))
    return _Match(x, hits, held)


def _trust(snr: Doubles) -> Doubles:
    """Return weights for the mean redshift; shapes and blends, not noise, limit the brightest lines."""
    return np.asarray(np.minimum(snr, 30.0) ** 2)


def _brighter(light: Peaks, snr: dict[str, float], pair: tuple[str, str], x: float) -> bool:
    """Say whether the brighter line of a pair is there and brighter, or lies where nothing is known."""
    faint, bright = pair
    return snr[bright] > snr[faint] if bright in snr else not light.known(float(np.log(line(bright).wave)) + x)


def _lines_of(light: Peaks, match: _Match) -> tuple[SecondLine, ...]:
    return tuple(SecondLine(SOUGHT[j].name, SOUGHT[j].label, float(np.exp(light.wave[i])), float(light.snr[i]),
                            float((light.wave[i] - WAVES[j] - match.x) * C_KMS))
                 for j, i in sorted(match.hits.items()))


def _error(light: Peaks, match: _Match) -> float:
    """Return the standard error of z: of the weighted mean, from the scatter, at least from the S/N."""
    lines, peaks = np.array(list(match.hits)), np.array(list(match.hits.values()))
    weight = _trust(light.snr[peaks])
    scatter = float(np.average((light.wave[peaks] - WAVES[lines] - match.x) ** 2, weights=weight)) / (lines.size - 1)
    return float(np.exp(match.x) * np.sqrt(max(scatter, light.width**2 / weight.sum())))
