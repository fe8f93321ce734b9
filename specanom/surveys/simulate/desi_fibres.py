"""Fibres of one file of DESI: quasars, galaxies, stars and blank sky, seen through three arms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specanom.surveys.simulate import desi_galaxies
from specanom.surveys.simulate.anomalies_sky import SKY_KINDS
from specanom.surveys.simulate.deck import Deck
from specanom.surveys.simulate.desi_faults import FAULTS
from specanom.surveys.simulate.desi_galaxies import GALAXIES
from specanom.surveys.simulate.desi_grid import WAVE
from specanom.surveys.simulate.desi_night import SKY, Night, expose
from specanom.surveys.simulate.desi_objects import ROLES, Made, make, places
from specanom.surveys.simulate.fibres import extinction_curve
from specanom.surveys.simulate.quasar_anomalies import QUASAR_KINDS, WINDS

Array = NDArray[np.float64]

#: Kinds of anomalies; broad absorption (`WINDS`) has a share of its own.
KINDS: tuple[str, ...] = tuple(dict.fromkeys((*QUASAR_KINDS, *SKY_KINDS, *FAULTS)))
#: Largest share of quasars: dark time holds no more.
MOST_QUASARS = 0.45
#: Share of the fibres that do not work, and the bits of COADD_FIBERSTATUS that say why.
BROKEN_SHARE, BROKEN_BITS = 0.02, (1 << 2, 1 << 9, 1 << 20)
_CLASSES = {"sky": "GALAXY", "STAR": "STAR", "QSO": "QSO"}


@dataclass(frozen=True)
class DesiPlan:
    """What a survey is to hold: shares of anomalies, quasars and broad absorption, and the kinds to choose from."""

    anomaly_share: float
    kinds: tuple[str, ...]
    quasar_share: float
    bal_share: float


@dataclass(eq=False)
class DesiFibres:
    """n fibres of one file.

    Attributes
    ----------
    flux, ivar, clean : (n, p) float32 on the pixels of all arms
        Flux in 10⁻¹⁷ erg/s/cm²/Å, inverse variance, and the flux without noise.
    mask : (n, p) int32, bits of the pixel mask of DESI
    rows : one dictionary a fibre: what is in it, and what the pipeline says of it
    """

    flux: NDArray[np.float32]
    ivar: NDArray[np.float32]
    clean: NDArray[np.float32]
    mask: NDArray[np.int32]
    rows: list[dict[str, Any]]

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(eq=False)
class _Known:
    """What was drawn for n fibres besides their light."""

    ids: list[int]
    role: NDArray[np.int64]
    kind: list[str]
    broken: NDArray[np.int64]
    ebv: Array
    seconds: Array
    fibre: NDArray[np.int64]


def shares(programme: str, quasar_share: float) -> tuple[float, ...]:
    """Share of each of `ROLES` in a programme; dark and bright, of equal size, together hold `quasar_share` quasars."""
    if programme == "bright":
        return 0.05, 0.10, 0.0, 0.85, 0.0, 0.0
    rest = 0.91 - 2 * quasar_share
    return 0.05, 0.04, 2 * quasar_share, 0.0, 0.55 * rest, 0.45 * rest


def simulate(ids: Sequence[int], programme: str, *, seed: int, plan: DesiPlan) -> DesiFibres:
    """Simulate fibres of one file.

    A fibre depends on `seed` and its own id, not on its neighbours: any block gives the same numbers.

    Parameters
    ----------
    ids : sequence of n positive numbers
    programme : {"dark", "bright"}
        Dark time is for quasars and faint galaxies, bright time for bright galaxies and stars.
    seed : int
    plan : DesiPlan
    """
    names = [str(one) for one in ids]
    chance = Deck(seed, names, purpose="role", width=12)
    role = chance.choice(shares(programme, plan.quasar_share))
    odd, which = chance.uniform() < plan.anomaly_share, chance.uniform()
    windy, broken = chance.uniform() < plan.bal_share, chance.uniform()
    deck = Deck(seed, names, purpose="object")
    drawn = desi_galaxies.draw(deck, np.clip(role - ROLES.index("BGS"), 0, None))
    ebv = np.clip(-0.018 * np.log(deck.uniform() * deck.uniform()), 0.004, 0.25)
    z = places(names, seed, role, drawn)[0]
    kind = _kinds(role, z, (odd, which, windy), plan)
    made = make(names, seed, role, kind, drawn)
    made.light *= 10 ** (-0.4 * ebv[:, None] * extinction_curve(WAVE))
    seconds = _seconds(programme, role, z, chance)
    bits = np.array(BROKEN_BITS)[(chance.uniform() * len(BROKEN_BITS)).astype(int)]
    known = _Known(list(ids), role, kind, np.where(broken < BROKEN_SHARE, bits, 0), ebv, seconds,
                   (chance.uniform() * 5000).astype(np.int64))
    return _observed(known, made, expose(seed, names, SKY[programme], seconds))


def _kinds(role: NDArray[np.int64], z: Array, drawn: tuple[NDArray[Any], ...], plan: DesiPlan) -> list[str]:
    """What is odd about each fibre: a kind that can be seen in an object of its class and redshift."""
    kinds = []
    for i, (what, odd, which, windy) in enumerate(zip(role, *drawn, strict=True)):
        possible: list[str] = []
        if ROLES[what] == "QSO":
            possible = [name for name, (_, low, high) in {**QUASAR_KINDS, **WINDS}.items() if low < z[i] < high]
            if windy and not odd:
                # one wind in seven holds cool gas, and only its Mg II is in view at low redshift
                wind = "lobal" if which < 1 / 7 else "bal"
                kinds.append(wind if wind in possible else "")
                continue
            possible = [name for name in possible if name not in WINDS] + list(FAULTS)
        elif ROLES[what] == "BGS":
            possible = [*SKY_KINDS, *FAULTS]
        elif ROLES[what] in GALAXIES:
            possible = ["background_emitter", *FAULTS] if ROLES[what] == "LRG" else list(FAULTS)
        possible = [name for name in possible if name in plan.kinds]
        kinds.append(possible[int(which * len(possible))] if odd and possible else "")
    return kinds


def _seconds(programme: str, role: NDArray[np.int64], z: Array, chance: Deck) -> Array:
    """Effective exposure: quasars behind the forest are visited up to four times."""
    visits = 1 + (chance.uniform() * np.where((role == ROLES.index("QSO")) & (z > 2.1), 4, 1.4)).astype(int)
    return np.asarray((1000.0 if programme == "dark" else 200.0) * visits * np.exp(chance.normal(0.05, 0.12)))


def _observed(known: _Known, made: Made, night: Night) -> DesiFibres:
    clean = made.light
    weak = np.where(known.broken > 0, 0.15, 1.0)[:, None]
    variance = (night.background + np.clip(clean, 0, None) / np.maximum(night.photons, 1e-3) + (0.006 * clean) ** 2)
    variance = variance / weak
    sigma = np.sqrt(variance)
    flux = clean * weak * night.calibration + night.residual + sigma * night.draw
    for i, target in made.targets.items():
        if known.kind[i] in FAULTS:
            target.flux, target.noise, target.stars = flux[i], sigma[i], flux[i].copy()
            FAULTS[known.kind[i]](target)
            flux[i] = target.flux
    masked = night.mask != 0
    # a masked pixel means nothing: the flux is that of a cosmic ray or of a bad column, whatever its weight
    flux = np.where(masked, flux + 40 * sigma * (0.5 + np.abs(np.roll(night.draw, 7, axis=1))), flux)
    ivar = np.where(night.dead, 0.0, 1 / variance).astype(np.float32)
    snr = [float(np.median((f * np.sqrt(v))[(v > 0) & (m == 0)]))
           for f, v, m in zip(flux, ivar, night.mask, strict=True)]
    rows = [_row(i, known, made, snr[i]) for i in range(len(known.ids))]
    return DesiFibres(flux.astype(np.float32), ivar, clean.astype(np.float32), night.mask, rows)


def _row(i: int, known: _Known, made: Made, snr: float) -> dict[str, Any]:
    """What the truth table and the pipeline's tables say of one fibre."""
    what, kind, target = ROLES[known.role[i]], known.kind[i], made.targets.get(i)
    z = float(made.z[i])
    believed = target.z_catalogue if target else z
    spans = sorted((a * (1 + z) / (1 + believed), b * (1 + z) / (1 + believed)) for a,
                   b in target.odd) if target else []
    sky = what == "sky"
    # a continuum without lines pins no redshift down; lines of emission do
    sure = 9.0 * snr**2 * (6.0 if made.types[i] in ("star-forming", "quasar") else 2.0) + (60.0 if what == "ELG" else 0)
    return {
        "id": str(-known.ids[i] if sky else known.ids[i]), "fiber": int(known.fibre[i]),
        "petal": int(known.fibre[i]) // 500, "objtype": "SKY" if sky else "TGT", "target": what, "kind": kind,
        "type": made.types[i], "z_true": z, "z_catalogue": 0.0 if sky else believed, "snr": snr,
        "magnitude": float(made.magnitude[i]), "ebv": float(known.ebv[i]), "seconds": float(known.seconds[i]),
        "fiberstatus": int(known.broken[i]),
        "intervals_rest": ";".join(f"{a:.1f}-{b:.1f}" for a, b in spans),
        "class": _CLASSES.get(what, "GALAXY"), "subclass": made.subclasses[i],
        "deltachi2": 0.5 if sky else sure, "zwarning": 4 if sky or sure < 9 else 0,
    }  # fmt: skip
