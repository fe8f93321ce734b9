"""Blocks of fibres: galaxies, the other targets and the blank sky of a plate, seen through the spectrograph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from specanom.surveys.simulate.anomalies_fibre import FIBRE_KINDS
from specanom.surveys.simulate.anomalies_sky import SKY_KINDS
from specanom.surveys.simulate.deck import Deck, generator
from specanom.surveys.simulate.emission import Gas, add_gas, draw_gas, lsf_kms
from specanom.surveys.simulate.galaxies import TYPES, Galaxies, draw, stars
from specanom.surveys.simulate.grid import NPIX, PIXEL_KMS, WAVE
from specanom.surveys.simulate.others import ROLE_SHARES, ROLES, quasar, star
from specanom.surveys.simulate.spectrograph import Exposure, expose, scale_to_snr, variance
from specanom.surveys.simulate.target import Target

Array = NDArray[np.float64]

#: True E(B-V) per E(B-V) on the scale of Schlegel, Finkbeiner & Davis (Schlafly & Finkbeiner 2011).
SFD_TO_TRUE = 0.86
#: All kinds of anomalies.
KINDS: tuple[str, ...] = (*SKY_KINDS, *FIBRE_KINDS)


@dataclass(eq=False)
class Fibres:
    """n fibres of one plate.

    Attributes
    ----------
    ids : names
    flux, ivar, sky, wdisp, clean : (n, p) float32
        Flux in 1e-17 erg/s/cm²/Å, inverse variance (0: bad), sky that was subtracted, line-spread sigma in pixels, and
        the flux without noise.
    mask : (n, p) int32, bits of SPPIXMASK
    rows : one dictionary a fibre, with the columns of the truth table and what the pipeline says of it
    """

    ids: list[str]
    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    mask: NDArray[np.int32]
    sky: NDArray[np.float32]
    wdisp: NDArray[np.float32]
    clean: NDArray[np.float32]
    rows: list[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.ids)


def simulate(ids: Sequence[str], plate: str, *, seed: int, anomaly_share: float, kinds: Sequence[str]) -> Fibres:
    """Simulate fibres of one plate.

    A fibre depends on `seed`, its own id and its plate, not on its neighbours: any block gives the same numbers.

    Parameters
    ----------
    ids : sequence of n fibre names
    plate : str
        Name of the plate, whose night all its fibres share.
    seed : int
    anomaly_share : float
        Share of the galaxies that become an anomaly.
    kinds : sequence of str
        Kinds to choose from, of `KINDS`.
    """
    names = list(ids)
    chance = Deck(seed, names, purpose="role", width=4)
    role = chance.choice(ROLE_SHARES)
    odd = chance.uniform() < anomaly_share
    which = (chance.uniform() * len(kinds)).astype(int) if kinds else np.zeros(len(names), dtype=int)
    deck = Deck(seed, names, purpose="object")
    galaxies = draw(deck)
    gas = draw_gas(deck, galaxies)
    kind = [kinds[which[i]] if odd[i] and kinds and ROLES[role[i]] == "galaxy" else "" for i in range(len(names))]
    exposure = expose(Deck(seed, names, purpose="exposure"), Deck(seed, [plate] * len(names), purpose="night"),
                      (seed, names))
    targets, clean = _light(names, seed, role, kind, (galaxies, gas), exposure)
    flux, sigma = _observed(clean, exposure)
    _fibre_anomalies(flux, sigma, targets, kind)
    return _finish(names, role, kind, (flux, sigma, clean), exposure, (galaxies, gas, targets))


def extinction_curve(wave: Array) -> Array:
    """A(λ)/E(B-V) (p,) of the Milky Way at vacuum Å: the spline of Fitzpatrick (1999, Table 3), R_V = 3.1."""
    anchors = ((26500, 0.265), (12200, 0.829), (6000, 2.688), (5470, 3.055), (4670, 3.806), (4110, 4.315), (2700,
        6.265), (2600, 6.591))
    anchor, ratio = np.array(anchors).T
    return np.asarray(CubicSpline(1e4 / anchor, ratio)(1e4 / wave))


@cache
def foreground() -> Array:
    """:func:`extinction_curve` (p,) on the observed grid."""
    return extinction_curve(WAVE)


def _light(
    names: list[str], seed: int, role: NDArray[np.int64], kind: list[str], drawn: tuple[Galaxies, Gas],
    exposure: Exposure
) -> tuple[dict[int, Target], Array]:
    """Noiseless flux (n, p) of every fibre, and the targets of those that hold an astrophysical anomaly."""
    galaxies, gas = drawn
    light = stars(galaxies, np.full(len(names), 65.0))
    targets = {}
    old = light.copy()
    add_gas(light, galaxies, gas)
    dim = 10 ** (-0.4 * galaxies.ebv[:, None] * foreground())
    scale = scale_to_snr(light * dim, exposure, galaxies.snr)
    for i, name in enumerate(names):
        what = ROLES[role[i]]
        rng = generator(seed, name, what)
        if what == "galaxy" and kind[i]:
            targets[i] = Target(
                light[i], old[i], np.zeros(NPIX), float(galaxies.z[i]), float(galaxies.sigma[i]),
                float(gas.equivalent[i]),
                generator(seed, name, "anomaly"), z_catalogue=float(galaxies.z[i]),
            )  # fmt: skip
            if kind[i] in SKY_KINDS:
                SKY_KINDS[kind[i]](targets[i])
                light[i] = targets[i].flux
        elif what == "sky":
            light[i] = 0.0
        elif what in ("standard", "star"):
            light[i], galaxies.z[i], _ = star(rng, what == "standard")
            scale[i] = 10 ** (rng.normal(1.75, 0.12) if what == "standard" else rng.normal(1.1, 0.3))
        elif what == "quasar":
            light[i], galaxies.z[i] = quasar(rng)
            scale[i] = 10 ** rng.normal(0.95, 0.22)
    return targets, light * dim * scale[:, None]


def _observed(clean: Array, exposure: Exposure) -> tuple[Array, Array]:
    sigma = np.sqrt(variance(clean, exposure.throughput, exposure.sky))
    return clean * exposure.telluric + exposure.residual + sigma * exposure.draw, sigma


def _fibre_anomalies(flux: Array, sigma: Array, targets: dict[int, Target], kind: list[str]) -> None:
    for i, target in targets.items():
        if kind[i] in FIBRE_KINDS:
            target.flux, target.noise, target.stars = flux[i], sigma[i], flux[i]
            FIBRE_KINDS[kind[i]](target)
            flux[i] = target.flux


def _finish(
    names: list[str], role: NDArray[np.int64], kind: list[str], pixels: tuple[Array, Array, Array], exposure: Exposure,
    drawn: tuple[Galaxies, Gas, dict[int, Target]],
) -> Fibres:  # fmt: skip
    flux, sigma, clean = pixels
    galaxies, gas, targets = drawn
    ivar = np.where(exposure.bad, 0.0, 1 / sigma**2).astype(np.float32)
    # what the extraction leaves in a bad pixel is of the order of the flux, but means nothing
    flux = np.where(exposure.bad & exposure.covered, flux + 4 * sigma * np.roll(exposure.draw, 7, axis=1), flux)
    stored = np.where(exposure.covered, flux, 0.0).astype(np.float32)
    snr = [float(np.median((f * np.sqrt(v))[v > 0])) for f, v in zip(stored, ivar, strict=True)]
    rows = [
        _row(i, names[i], ROLES[role[i]], kind[i], snr[i], (galaxies, gas, targets.get(i))) for i in range(len(names))
    ]
    wdisp = np.broadcast_to((lsf_kms(WAVE) / PIXEL_KMS).astype(np.float32), stored.shape)
    return Fibres(names, stored, ivar, exposure.mask, exposure.sky.astype(np.float32), wdisp, clean.astype(np.float32),
                  rows)


_PIPELINE = {
    "sky": ("SKY", "GALAXY", "", 1), "standard": ("SPECTROPHOTO_STD", "STAR", "F9", 0), "star": ("STAR_BHB", "STAR",
        "K3", 0),
    "quasar": ("QSO", "QSO", "BROADLINE", 0),
}  # fmt: skip


def _row(i: int, name: str, role: str, kind: str, snr: float, drawn: tuple[Galaxies, Gas,
    Target | None]) -> dict[str, Any]:
    """What the truth table and the pipeline's table say of one fibre."""
    galaxies, gas, target = drawn
    plate, mjd, fiber = (int(part) for part in name.split("-"))
    z = float(galaxies.z[i])
    believed = target.z_catalogue if target else z
    objtype, label, subclass, warning = _PIPELINE.get(role, ("GALAXY", "GALAXY", "", 0))
    spans = sorted((a * (1 + z) / (1 + believed), b * (1 + z) / (1 + believed)) for a,
                   b in target.odd) if target else []
    if role == "galaxy":
        strong = gas.equivalent[i] > 10 or kind == "extreme_emission"
        forming = "STARBURST" if gas.equivalent[i] > 50 else "STARFORMING"
        subclass = ("AGN" if gas.active[i] > 0.5 else forming) if strong else ""
        warning = 16 if kind in ("extreme_emission", "red_sky") else 0
    return {
        "id": name, "plate": plate, "mjd": mjd, "fiber": fiber, "objtype": objtype, "kind": kind,
        "type": TYPES[galaxies.type[i]] if role == "galaxy" else role, "z_true": z if role != "sky" else float("nan"),
        "z_catalogue": believed, "snr": snr, "ebv": float(galaxies.ebv[i]),
        "intervals_rest": ";".join(f"{a:.1f}-{b:.1f}" for a, b in spans),
        "class": label, "subclass": subclass, "zwarning": warning, "vdisp": float(galaxies.sigma[i]),
    }  # fmt: skip
