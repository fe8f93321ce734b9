"""What lies where an explanation points: lines, or the marks of sky, atmosphere, masks and instrument.

Each pixel gets one class, and each segment hands its weight to its pixels. The weight goes where the score finds
its reason, among the pixels the score counts: a positive weight is spread like the squared residual of the spectrum
as observed, a negative one like the squared difference between spectrum and fill. So the weight of a segment
50 Å wide that touches a sky line goes to the sky line when the residual sits there, and to the continuum when it
does not; sharing by width alone would always give the continuum most of it.

Where classes overlap, the first of this list takes the pixel: imputed or masked pixels and their edges; the strong
oxygen lines of the sky; rest-frame lines; other sky lines, airglow of the OH forest and bright sky; telluric bands;
the join of the arms; the whole OH forest when the noise is not known; else continuum. Where the noise is known,
sky counts only where it is raised. Artefacts that a line cannot be told from go before lines, others after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from ..lines import ARM_JOINS, C_KMS, LINES, OH_FOREST, SKY_LINES, TELLURIC_BANDS, Band, Line
from ..spectrum import Spectrum
from .naming import Place, leading_classes, name_of

CLASSES = ("lines", "imputed", "sky", "telluric", "join", "continuum")
ARTEFACTS = ("imputed", "sky", "telluric", "join")
LINE_WIDTH = 600.0  # km/s, half width of what counts as a rest-frame line
SKY_WIDTH = 5.0  # Å, half width of the residual of a sky line: two resolution elements
MASK_EDGE = 4.0  # Å beside a mask where interpolation and residual sky still show
SKY_NOISE = 0.6  # share of the local inverse variance below which a pixel shows airglow
SKY_BITS = np.uint32((1 << 23) | (1 << 27))  # SPPIXMASK BRIGHTSKY, BADSKYCHI
FWHM = 2.3548


@dataclass(frozen=True, eq=False)
class Context:
    """Shares of Σ|weight| by what lies there, and a name for each segment.

    Attributes
    ----------
    lines, imputed, sky, telluric, join, continuum : float
        Shares in 0–1 that sum to 1. NaN where the redshift, the observed frame or the instrument needed to tell is
        not known: an unknown `join` counts as continuum, an unknown sky or line makes the continuum NaN too.
    names : tuple of str
        One a segment, e.g. ``"Hα+[N II]"``, ``"5577 mask edge"``, ``"continuum 5100–5250 Å"`` (rest frame).
    narrow : (K,) bool array or None
        Segments whose main feature is narrower than the line-spread function; None when that is not known.
    narrow_share : float
        Share of Σ|weight| in narrow segments; it is not one of the classes.
    """

    lines: float
    imputed: float
    sky: float
    telluric: float
    join: float
    continuum: float
    names: tuple[str, ...]
    narrow: NDArray[np.bool_] | None = None
    narrow_share: float = float("nan")

    @property
    def shares(self) -> dict[str, float]:
        """The shares by class."""
        return {name: float(getattr(self, name)) for name in CLASSES}

    @property
    def artefact(self) -> float:
        """Share on imputed pixels, sky, telluric bands and arm joins together; NaN when none of it is known."""
        parts = np.array([getattr(self, name) for name in ARTEFACTS])
        return float("nan") if np.isnan(self.sky) else float(np.nansum(parts))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name} {value:.0%}" for name, value in self.shares.items() if value >= 0.005)
        return f"Context({shown or 'nothing known'})"


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the score saw, pixel by pixel; 0 where it does not look.

    Attributes
    ----------
    observed : (p,) array
        ``x − x′``; without a model ``x − g``.
    changed : (p,) array
        ``x − g``.
    """

    observed: NDArray[np.float64]
    changed: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        flux: NDArray[np.float32],
        fill: NDArray[np.float32],
        *,
        reconstruction: NDArray[Any] | None = None,
        keep: NDArray[np.bool_] | None = None,
        weight: NDArray[Any] | None = None,
    ) -> Evidence:
        """Build it from a spectrum, its fill, and what the score offers: x′, the pixels that count, their weights."""
        x = flux.astype(np.float64)
        changed = x - fill
        observed = changed if reconstruction is None else x - np.asarray(reconstruction, dtype=np.float64)
        seen = np.ones(x.size) if weight is None else np.sqrt(np.maximum(weight, 0.0))
        if keep is not None:
            seen = np.where(keep, seen, 0.0)
        return cls(observed * seen, changed * seen)


def context_of(
    spectrum: Spectrum, segments: NDArray[np.intp], weights: NDArray[np.float64], *, evidence: Evidence
) -> Context:
    """Say what lies where the weights are.

    Parameters
    ----------
    spectrum : Spectrum
        With `z`, frame, `imputed`, `ivar`, and ``meta["instrument"]`` and ``meta["lsf"]`` (km/s) as far as known.
    segments : (p,) int array
        Ids 0…K−1.
    weights : (K,) array
        Signed weights.
    evidence : Evidence
        Where the score found its reasons.
    """
    classes = pixel_classes(spectrum)
    mass = pixel_shares(segments, weights, evidence=evidence)
    share = np.bincount(classes, weights=mass * np.abs(weights)[segments], minlength=len(CLASSES))
    total = float(np.abs(weights).sum())
    parts = dict(zip(CLASSES, share / total if total > 0 else np.full(len(CLASSES), np.nan), strict=True))
    narrow = narrow_segments(spectrum, segments, mass)
    part = float(np.abs(weights[narrow]).sum() / total) if narrow is not None and total > 0 else float("nan")
    names = _names(spectrum, segments, classes, mass=mass)
    return Context(**_known(parts, spectrum), names=names, narrow=narrow, narrow_share=part)


def _names(
    spectrum: Spectrum, segments: NDArray[np.intp], classes: NDArray[np.intp], *, mass: NDArray[np.float64]
) -> tuple[str, ...]:
    rest, observed, masked = rest_wave(spectrum), observed_wave(spectrum), masked_pixels(spectrum)
    order = np.argsort(segments, kind="stable")
    groups = np.split(order, np.cumsum(np.bincount(segments))[:-1])
    names = []
    for pixels, leading in zip(groups, leading_classes(segments, classes, mass), strict=True):
        inside = pixels[classes[pixels] == leading]
        names.append(name_of(Place(spectrum, rest, observed, pixels, inside, mass, masked), int(leading)))
    return tuple(names)


def _known(parts: dict[str, float], spectrum: Spectrum) -> dict[str, float]:
    """Replace what cannot be known by NaN."""
    unknown: set[str] = set()
    if rest_wave(spectrum) is None:
        unknown |= {"lines", "continuum"}
    if observed_wave(spectrum) is None:
        unknown |= {"sky", "telluric", "join", "continuum"}
    if spectrum.meta.get("instrument") not in ARM_JOINS:
        unknown |= {"join"}
    return {name: float("nan") if name in unknown else float(value) for name, value in parts.items()}


def rest_wave(spectrum: Spectrum) -> NDArray[np.float64] | None:
    """Return the wavelengths in the rest frame, Å, or None without a redshift."""
    if spectrum.frame == "rest":
        return spectrum.wave
    return None if spectrum.z is None else spectrum.wave / (1.0 + spectrum.z)


def observed_wave(spectrum: Spectrum) -> NDArray[np.float64] | None:
    """Return the wavelengths in the observed frame, Å, or None without a redshift."""
    if spectrum.frame == "observed":
        return spectrum.wave
    return None if spectrum.z is None else spectrum.wave * (1.0 + spectrum.z)


def masked_pixels(spectrum: Spectrum) -> NDArray[np.bool_]:
    """Return which pixels were imputed or have no inverse variance, shape ``(p,)``."""
    masked = np.zeros(len(spectrum), dtype=np.bool_) if spectrum.imputed is None else spectrum.imputed.copy()
    return masked if spectrum.ivar is None else masked | (spectrum.ivar <= 0)


def pixel_classes(spectrum: Spectrum) -> NDArray[np.intp]:
    """Return the index into CLASSES of each pixel, shape ``(p,)``."""
    classes = np.full(len(spectrum), CLASSES.index("continuum"), dtype=np.intp)
    rest, observed = rest_wave(spectrum), observed_wave(spectrum)
    if observed is not None:  # from the lowest to the highest claim
        if spectrum.ivar is None:
            classes[_within(observed, (OH_FOREST,))] = CLASSES.index("sky")
        joins = ARM_JOINS.get(str(spectrum.meta.get("instrument")), ())
        classes[_within(observed, joins)] = CLASSES.index("join")
        classes[_within(observed, TELLURIC_BANDS)] = CLASSES.index("telluric")
        classes[_airglow(spectrum, observed)] = CLASSES.index("sky")
        classes[_sky_lines(spectrum, observed, SKY_LINES)] = CLASSES.index("sky")
    if rest is not None:
        centres = np.array([item.wave for item in LINES])
        classes[_near(rest, centres, centres * LINE_WIDTH / C_KMS)] = CLASSES.index("lines")
    if observed is not None:
        strong = tuple(item for item in SKY_LINES if item.label.startswith("[O I]"))
        classes[_sky_lines(spectrum, observed, strong)] = CLASSES.index("sky")
    masked = masked_pixels(spectrum)
    if masked.any():
        where = spectrum.wave[masked]
        reach = _near(spectrum.wave, where, np.full(where.size, MASK_EDGE), nearest=True)
        classes[masked | reach] = CLASSES.index("imputed")
    return classes


def _airglow(spectrum: Spectrum, observed: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Say which pixels the survey marks as bright sky, or lie on an airglow line of the OH forest."""
    sky = np.zeros(observed.size, dtype=np.bool_)
    if spectrum.mask is not None and spectrum.meta.get("survey") == "sdss":
        sky = (spectrum.mask & SKY_BITS) != 0
    forest = _within(observed, (OH_FOREST,))
    return sky if spectrum.ivar is None or not forest.any() else sky | (forest & _noisy(spectrum.ivar))


def _sky_lines(spectrum: Spectrum, observed: NDArray[np.float64], lines: tuple[Line, ...]) -> NDArray[np.bool_]:
    """Say which pixels lie on a line of the sky; a line that does not raise the noise was not there."""
    inside = np.zeros(observed.size, dtype=np.bool_)
    noisy = None if spectrum.ivar is None else _noisy(spectrum.ivar)
    for item in lines:
        near = np.abs(observed - item.wave) <= SKY_WIDTH
        if noisy is None or noisy[near].any():
            inside |= near
    return inside


def _noisy(ivar: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Say which pixels are noisier than their surroundings."""
    return np.asarray(ivar < SKY_NOISE * _upper(ivar.astype(np.float64)))


def _upper(values: NDArray[np.float64], block: int = 128) -> NDArray[np.float64]:
    """Return the running upper quartile, from blocks: what the inverse variance is between sky lines."""
    blocks = np.pad(values, (0, -values.size % block), mode="edge").reshape(-1, block)
    middles = np.arange(len(blocks)) * block + block / 2
    return np.interp(np.arange(values.size), middles, np.percentile(blocks, 75, axis=1))


def _within(wave: NDArray[np.float64], bands: tuple[Band, ...]) -> NDArray[np.bool_]:
    inside = np.zeros(wave.size, dtype=np.bool_)
    for band in bands:
        inside |= (wave >= band.lo) & (wave <= band.hi)
    return inside


def _near(
    wave: NDArray[np.float64], centres: NDArray[np.float64], half: NDArray[np.float64], nearest: bool = False
) -> NDArray[np.bool_]:
    """Say which wavelengths lie within `half` of a centre; `nearest` looks at ascending centres' neighbours only."""
    if not nearest:
        return np.asarray((np.abs(wave[:, None] - centres) <= half).any(axis=1))
    after = np.clip(np.searchsorted(centres, wave), 0, centres.size - 1)
    before = np.maximum(after - 1, 0)
    gap = np.minimum(np.abs(centres[after] - wave), np.abs(wave - centres[before]))
    return np.asarray(gap <= half[0])


def pixel_shares(
    segments: NDArray[np.intp], weights: NDArray[np.float64], *, evidence: Evidence
) -> NDArray[np.float64]:
    """Return how each segment shares its weight among its pixels, shape ``(p,)``; sums to 1 within a segment."""
    size = weights.size
    power = np.where((weights >= 0)[segments], evidence.observed, evidence.changed) ** 2
    total = np.bincount(segments, weights=power, minlength=size)
    even = 1.0 / np.bincount(segments, minlength=size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total[segments] > 0, power / total[segments], even[segments])


def narrow_segments(
    spectrum: Spectrum, segments: NDArray[np.intp], mass: NDArray[np.float64]
) -> NDArray[np.bool_] | None:
    """Say in which segments the leading feature is narrower than the line-spread function.

    The feature is the highest or lowest pixel, against the running median, next to where most of the segment's
    weight is (`mass`). It counts above five times the scatter around that median; "narrower" means a full width at
    half maximum below 0.8 of that of ``meta["lsf"]`` (Gaussian sigma in km/s). None when that is not known.
    """
    lsf = spectrum.meta.get("lsf")
    if lsf is None or not np.isfinite(float(lsf)) or float(lsf) <= 0:
        return None
    stands_out = spectrum.flux - median_filter(spectrum.flux, size=min(51, len(spectrum)), mode="nearest")
    scatter = 1.4826 * float(np.median(np.abs(stands_out)))
    narrow = np.zeros(int(segments.max()) + 1, dtype=np.bool_)
    order = np.argsort(-mass, kind="stable")
    _, first = np.unique(segments[order], return_index=True)
    for segment, centre in enumerate(order[first]):
        around = slice(max(0, centre - 3), centre + 4)
        peak = around.start + int(np.abs(stands_out[around]).argmax())
        if abs(stands_out[peak]) > 5.0 * scatter:
            width = _half_maximum_width(stands_out * np.sign(stands_out[peak]), peak, spectrum.wave)
            narrow[segment] = width / spectrum.wave[peak] * C_KMS < 0.8 * FWHM * float(lsf)
    return narrow


def _half_maximum_width(values: NDArray[np.float64], peak: int, wave: NDArray[np.float64]) -> float:
    level = values[peak] / 2.0
    ends = []
    for step in (-1, 1):
        here = peak
        while 0 <= here + step < values.size and values[here + step] > level:
            here += step
        beyond = here + step
        if not 0 <= beyond < values.size:
            ends.append(float(wave[here]))
            continue
        share = (values[here] - level) / (values[here] - values[beyond])
        ends.append(float(wave[here] + share * (wave[beyond] - wave[here])))
    return ends[1] - ends[0]
