"""Line opacity of stellar gas on the rest-frame grid: Balmer lines, metals, molecules and the forest of weak lines."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from specanom.lines import air_to_vacuum
from specanom.surveys.simulate.grid import PIXEL_KMS, REST
from specanom.surveys.simulate.opacity import BOLTZMANN, saha
from specanom.surveys.simulate.stellar_lines import ATOMIC, BANDS, DISSOCIATION, ELEMENTS, GROUND

Array = NDArray[np.float64]

# (species, excitation in eV, ionised) of the groups whose lines share one population
_ATOMS = tuple(sorted({(name, round(row[1] * 2) / 2) for name, rows in ATOMIC.items() for row in rows}))
_FOREST = (("Fe I", 1.0), ("Fe I", 3.0), ("Fe II", 1.5))
#: Keys of the rows of `metal_profiles` in order.
METAL_KEYS: tuple[tuple[str, float], ...] = (
    *_ATOMS, *((name, 0.0) for name in BANDS), *((f"forest {name}", chi) for name, chi in _FOREST),
)  # fmt: skip
#: Pixels of the fine grid, on which metal lines saturate, per pixel of `REST`.
FINE = 5
#: Which rows of `metal_profiles` are molecular bands.
BANDED: NDArray[np.bool_] = np.array([name in BANDS for name, _ in METAL_KEYS])
# lines are drawn this wide (in fine pixels of 14 km/s) instead of a few km/s, and the weaker for it
_WIDTH = 0.6
_SATURATION = 0.13
_HYDROGEN_CORE = 0.04
# wings of damped lines: half width in Å at 10^17 particles per cm³, before the scaling with density
_DAMPING = 1.4e-4
# correction of the saturation of single species, whose lines are stronger or weaker than the typical one
_SPECIES = {"Mg I": 5.0, "Na I": 1.5, "Ca I": 0.39, "Ca II": 2.5, "Ti I": 0.1, "Cr I": 0.15, "Fe II": 0.5, "Ti II": 0.5}
# how sharp the heads of bands are, Å: heads of several isotopes and vibrational levels lie side by side
_HEAD = {"TiO": 5.0, "C2": 7.0, "CH": 3.0, "CN": 2.0}
FOREST_RED = 0.10
SLOPE = 1.6


def _line(wave: float, strength: float) -> tuple[slice, Array]:
    """A line on the fine grid: where, and its profile per Å."""
    centre = (float(np.interp(wave, REST, np.arange(len(REST)))) + 0.5) * FINE - 0.5
    lo, hi = max(int(centre) - 3, 0), min(int(centre) + 5, len(REST) * FINE)
    x = np.arange(lo, hi) - centre
    pixel = wave * PIXEL_KMS / FINE / 299792.458
    return slice(lo, hi), strength * np.exp(-0.5 * (x / _WIDTH) ** 2) / (_WIDTH * np.sqrt(2 * np.pi) * pixel)


def _atomic_row(name: str, chi: float) -> tuple[Array, Array]:
    core, wing = np.zeros(len(REST) * FINE), np.zeros(len(REST))
    for air, energy, loggf in ATOMIC[name]:
        if round(energy * 2) / 2 != chi:
            continue
        wave = float(air_to_vacuum(np.array([air]))[0])
        area = 8.853e-21 * wave**2 * 10**loggf
        where, values = _line(wave, area * _SATURATION * _SPECIES.get(name, 1.0))
        core[where] += values
        if loggf > -0.9 and energy < 4.5:
            wing += area * _DAMPING * _SPECIES.get(name, 1.0) / np.pi / ((REST - wave) ** 2 + 0.8**2)
    return core, wing


def _band_row(name: str) -> Array:
    row = np.zeros(len(REST))
    rng = np.random.default_rng([20, *name.encode()])
    texture = np.exp(rng.normal(0, 0.45, len(REST)))
    for air, direction, length, strength in BANDS[name]:
        head = float(air_to_vacuum(np.array([air]))[0])
        x = direction * (REST - head)
        edge = 1 / (1 + np.exp(np.clip(-x / _HEAD.get(name, 0.8), -60, 60)))
        row += strength * edge * np.exp(-np.clip(x, 0, 20 * length) / length)
    return np.asarray(row * texture)


def _forest_row(name: str, chi: float) -> Array:
    """The lines too weak and too many to list, as a random texture that thickens to the blue."""
    rng = np.random.default_rng([21, *name.encode(), int(chi * 10)])
    slope, level = {"Fe I": (13.0, 1.0), "Fe II": (11.0, 0.5)}[name]
    thick = np.clip((REST / 4200) ** (-slope * (SLOPE if name == "Fe I" else 1.0)), 0,
                    200) + FOREST_RED * (REST / 5500) ** -4
    texture = np.exp(rng.normal(0, 2.0, len(REST) * FINE) - 2.0)
    return np.asarray(level * np.repeat(thick, FINE) * texture)


def metal_profiles() -> tuple[Array, Array]:
    """Opacity of one absorber of each key of `METAL_KEYS`, cm²: cores (k, p·FINE), and wings and bands (k, p)."""
    rows = [_atomic_row(name, chi) for name, chi in _ATOMS]
    nothing = np.zeros(len(REST) * FINE)
    rows += [(nothing, _band_row(name)) for name in BANDS]
    rows += [(_forest_row(name, chi), np.zeros(len(REST))) for name, chi in _FOREST]
    return np.array([r[0] for r in rows], dtype=np.float32), np.array([r[1] for r in rows], dtype=np.float32)


#: Opacity per molecule where its band is 1, and per iron atom where the forest is 1, cm²; set so that the indices of
#: stars of the solar type and of old populations come out right.
BAND_STRENGTH = {"CH": 3.8e-18, "CN": 3.0e-18, "C2": 3.0e-17, "MgH": 5.0e-20, "CaH": 2.0e-19, "TiO": 3.0e-19}
STARK = 0.0127
FOREST_STRENGTH = {"Fe I": 9.4e-21, "Fe II": 3.5e-19}


def _stages(element: str, temperature: Array, pe: Array) -> tuple[Array, Array]:
    """Shares of the neutral and the singly ionised stage."""
    _, first, second, u1, u2 = ELEMENTS[element]
    one, two = saha(temperature, first, u1) / pe, saha(temperature, second, u2) / pe
    total = 1 + one + one * two
    return 1 / total, one / total


def _atoms(name: str, chi: float, temperature: Array, pe: Array) -> Array:
    element, stage = name.split()
    shares = _stages(element, temperature, pe)
    ground = GROUND[element] * (1.0 if stage == "I" else 2 * ELEMENTS[element][3] / 2)
    share = shares[0] if stage == "I" else shares[1]
    return np.asarray(ELEMENTS[element][0] * share * 10 ** (-5040.0 * chi / temperature) / ground)


def _molecules(name: str, temperature: Array, pressure: Array, pe: Array) -> Array:
    """Molecules per hydrogen nucleus; carbon that is not locked in CO, oxygen in excess of it."""
    theta = 5040.0 / temperature
    constant = {k: 10 ** (a + b * theta) for k, (a, b) in DISSOCIATION.items()}
    hydrogen = pressure / 1.085
    oxygen = ELEMENTS["O"][0] * hydrogen
    carbon = ELEMENTS["C"][0] / (1 + 0.45 * oxygen / constant["CO"]) * _stages("C", temperature, pe)[0]
    if name == "TiO":
        free = ELEMENTS["Ti"][0] * _stages("Ti", temperature, pe)[0]
        x = 0.45 * oxygen / constant[name]
        return np.asarray(free * x / (1 + x))
    if name == "C2":
        return np.asarray(carbon * carbon * hydrogen / constant[name])
    if name == "CN":
        return np.asarray(carbon * ELEMENTS["N"][0] * hydrogen / constant[name])
    element = {"CH": carbon, "MgH": ELEMENTS["Mg"][0] * _stages("Mg", temperature, pe)[0],
               "CaH": ELEMENTS["Ca"][0] * _stages("Ca", temperature, pe)[0]}[name]  # fmt: skip
    x = hydrogen / constant[name] * pe / (pe + saha(temperature, 13.598, 0.5))
    return np.asarray(element * x / (1 + x))


def populations(temperature: Array, pressure: Array, pe: Array, metals: float) -> tuple[Array, Array]:
    """Absorbers per hydrogen nucleus (depths, keys) for the cores, and for wings (times the density) and bands."""
    columns = []
    for name, chi in METAL_KEYS:
        if name in BANDS:
            power = 2 if name in ("CN", "C2") else 2 if name == "TiO" else 1
            columns.append(_molecules(name, temperature, pressure, pe) * BAND_STRENGTH[name] * metals**power)
            if name == "TiO":  # without this the bands of dwarfs drown in H⁻, which real ones do not
                columns[-1] = columns[-1] * (pressure / 1e3) ** 0.45
        elif name.startswith("forest"):
            species = name.removeprefix("forest ")
            columns.append(_atoms(species, chi, temperature, pe) * GROUND["Fe"] * FOREST_STRENGTH[species] * metals)
        else:
            columns.append(_atoms(name, chi, temperature, pe) * (1.0 if name == "He I" else metals))
    amount = np.stack(columns, axis=1)
    density = (pressure / (BOLTZMANN * temperature) / 1e17)[:, None]
    return amount, np.where(BANDED, amount, amount * density)


def _oscillator(lower: int, upper: int) -> float:
    """Oscillator strength of a hydrogen line, exact for the first Balmer lines, Kramers' law beyond."""
    exact = {(2, 3): 0.6407, (2, 4): 0.1193, (2, 5): 0.0447, (2, 6): 0.0221, (2, 7): 0.0127, (2, 8): 0.0080}
    gap = 1 / lower**2 - 1 / upper**2
    return exact.get((lower, upper), 1.96 / lower**5 / upper**3 / gap**3 * 0.87)


def hydrogen_lines(temperature: Array, pe: Array) -> Array:
    """Balmer and Paschen lines (depths, p) with the wings of the linear Stark effect (Holtsmark), cm² per nucleus."""
    neutral = pe / (pe + saha(temperature, 13.598, 0.5))
    electrons = (pe / (BOLTZMANN * temperature))[:, None]
    total = np.zeros((len(temperature), len(REST)))
    for lower in (2, 3):
        level = (neutral * lower**2 * 10 ** (-5040.0 * 13.598 * (1 - 1 / lower**2) / temperature))[:, None]
        for upper in range(lower + 1, 24):
            wave = 911.7634 / (1 / lower**2 - 1 / upper**2)
            lo, hi = np.searchsorted(REST, [wave - 150, wave + 150])
            if lo == hi:
                continue
            delta = np.abs(REST[lo:hi] - wave)[None, :]
            # mean displacement in Å per unit of the normal field 1.25e-9 Ne^(2/3)
            shift = STARK * (wave / 4861) ** 2 * upper**2 / 4
            wing = 6.6e-14 * shift**1.5 * electrons * (delta**2 + 0.7**2) ** -1.25 * np.exp(-((delta / 80.0) ** 2))
            core = np.exp(-0.5 * (delta / 0.9) ** 2) / 2.25 * _HYDROGEN_CORE
            total[:, lo:hi] += level * (8.853e-21 * wave**2 * _oscillator(lower, upper)) * (core + wing)
    return total
