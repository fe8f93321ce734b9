"""The light of what the fibres of DESI are put on, before the dust of the Milky Way, the night and the instrument."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from specanom.surveys.simulate import desi_galaxies, quasars
from specanom.surveys.simulate.anomalies_sky import SKY_KINDS
from specanom.surveys.simulate.deck import generator
from specanom.surveys.simulate.desi_galaxies import BANDS, GALAXIES, DesiGalaxies
from specanom.surveys.simulate.desi_grid import DESI, NPIX, WAVE, observe
from specanom.surveys.simulate.forest import absorbers, forest
from specanom.surveys.simulate.galaxies import TYPES
from specanom.surveys.simulate.populations import dwarf
from specanom.surveys.simulate.quasar_anomalies import QUASAR_KINDS, WINDS, QuasarTarget
from specanom.surveys.simulate.target import Target

Array = NDArray[np.float64]

#: What fibres hold.
ROLES = ("sky", "STAR", "QSO", *GALAXIES)
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)
_QUASAR_Z = PchipInterpolator(_QUANTILES, (0.80, 0.92, 1.30, 1.80, 2.35, 2.95, 3.20))
_QUASAR_R = PchipInterpolator(_QUANTILES, (17.3, 18.4, 19.7, 20.5, 21.2, 21.9, 22.4))
_STARS = (("M", 3300.0), ("M", 3700.0), ("K", 4600.0), ("G", 5600.0), ("F", 6300.0), ("A", 8800.0), ("B", 11500.0))


@dataclass(eq=False)
class Made:
    """The light of some fibres and what is known of it; lists and first axes have one item a fibre.

    Attributes
    ----------
    light : (n, p) flux density, 10⁻¹⁷ erg/s/cm²/Å
    z, magnitude : redshift; AB magnitude in the band of the class (`BANDS`)
    types, subclasses : what it is, in the words of the simulation and of the pipeline
    targets : the fibres that hold an anomaly
    """

    light: Array
    z: Array
    magnitude: Array
    types: list[str]
    subclasses: list[str]
    targets: dict[int, Target]


def places(names: list[str], seed: int, role: NDArray[np.int64], drawn: DesiGalaxies) -> tuple[Array, Array]:
    """Redshift and magnitude (n,) of each fibre's object; a blank sky has neither."""
    z, magnitude = drawn.galaxies.z.copy(), drawn.magnitude.copy()
    for i, name in enumerate(names):
        rng = generator(seed, name, "place")
        what = ROLES[role[i]]
        if what == "QSO":
            z[i] = float(_QUASAR_Z(rng.random()))
            magnitude[i] = float(_QUASAR_R(rng.random()))
        elif what == "STAR":
            z[i], magnitude[i] = rng.normal(0, 2.5e-4), rng.uniform(16.0, 19.5)
        elif what == "sky":
            z[i], magnitude[i] = np.nan, np.nan
    return z, magnitude


def make(names: list[str], seed: int, role: NDArray[np.int64], kind: list[str], drawn: DesiGalaxies) -> Made:
    """Make the light of n fibres, with the anomalies of the sky among them.

    Parameters
    ----------
    names : list of n fibre names
    seed : int
    role : (n,) indices into `ROLES`
    kind : what is odd about each fibre; "" for nothing
    drawn : DesiGalaxies
        What each would be as a galaxy.
    """
    n = len(names)
    z, magnitude = places(names, seed, role, drawn)
    made = Made(np.zeros((n, NPIX)), z, magnitude, ["sky"] * n, [""] * n, {})
    _put_galaxies(made, names, seed, np.flatnonzero(role >= ROLES.index("BGS")), (kind, drawn))
    for i in np.flatnonzero(role < ROLES.index("BGS")).tolist():
        if ROLES[role[i]] == "QSO":
            _put_quasar(made, i, names[i], seed, kind[i])
        elif ROLES[role[i]] == "STAR":
            rng = generator(seed, names[i], "star")
            letter, kelvin = _STARS[int(rng.integers(len(_STARS)))]
            rest = dwarf(kelvin * rng.uniform(0.96, 1.04))
            made.light[i] = observe(rest[None], z[i : i + 1], np.array([40.0]))[0]
            made.types[i], made.subclasses[i] = "star", letter
    for i, number in enumerate(role):
        if ROLES[number] != "sky":
            made.light[i] *= _scale(made.light[i], magnitude[i], ROLES[number])
    return made


def _scale(light: Array, magnitude: float, what: str) -> float:
    middle, low, high = BANDS[what]
    return float(desi_galaxies.flux_of(np.array(magnitude), middle) / light[(low < WAVE) & (high > WAVE)].mean())


def _put_galaxies(made: Made, names: list[str], seed: int, rows: NDArray[np.intp],
                  drawn: tuple[list[str], DesiGalaxies]) -> None:
    kind, everything = drawn
    if not rows.size:
        return
    some = everything.take(rows)
    stars, light = desi_galaxies.light(some)
    for k, i in enumerate(rows.tolist()):
        made.types[i] = TYPES[some.galaxies.type[k]]
        equivalent = float(some.gas.equivalent[k])
        made.subclasses[i] = ""
        if kind[i]:
            target = Target(light[k], stars[k], np.zeros(NPIX), made.z[i], float(some.galaxies.sigma[k]), equivalent,
                            generator(seed, names[i], "anomaly"), z_catalogue=made.z[i], camera=DESI)
            made.targets[i] = target
            if kind[i] in SKY_KINDS:
                SKY_KINDS[kind[i]](target)
                light[k] = target.flux
        made.light[i] = light[k]


def _put_quasar(made: Made, i: int, name: str, seed: int, kind: str) -> None:
    rng, z = generator(seed, name, "quasar"), float(made.z[i])
    quasar = quasars.draw(rng, z, -0.4 * (made.magnitude[i] - 20.5))
    target = QuasarTarget(quasar, generator(seed, name, "anomaly"))
    odd = {**QUASAR_KINDS, **WINDS}
    if kind in odd:
        odd[kind][0](target)
    light = quasars.continuum(target.quasar, target.rest) + quasars.emission(target.quasar, target.rest)
    light *= forest(rng, z) * absorbers(rng, z)[0] * target.through
    made.light[i] = light + target.added * np.median(light)
    made.types[i] = "quasar"
    if kind:
        made.targets[i] = Target(made.light[i], made.light[i], np.zeros(NPIX), z, 2000.0, -1.0, target.rng,
                                 odd=target.odd, z_catalogue=z, camera=DESI)


__all__ = ["ROLES", "Made", "make", "places"]
