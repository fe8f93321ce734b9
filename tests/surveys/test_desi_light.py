"""Light and noise of simulated DESI fibres: lines where they belong, absorption where it is told, noise as real."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from specanom.lines import C_KMS
from specanom.surveys.simulate.anomalies_sky import SKY_KINDS
from specanom.surveys.simulate.desi_faults import FAULTS
from specanom.surveys.simulate.desi_fibres import KINDS, DesiFibres, DesiPlan, simulate
from specanom.surveys.simulate.desi_grid import ARMS, WAVE, add_lines, lsf_kms
from specanom.surveys.simulate.desi_night import expose
from specanom.surveys.simulate.forest import forest, mean_depth

Array = NDArray[Any]

IDS = list(range(10**6, 10**6 + 64))
ODD_IDS = list(range(9 * 10**6, 9 * 10**6 + 24))


def plan(**changed: object) -> DesiPlan:
    given = {"anomaly_share": 0.0, "kinds": KINDS, "quasar_share": 0.45, "bal_share": 0.0, **changed}
    return DesiPlan(**given)  # type: ignore[arg-type]


def spans(text: str) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in (part.split("-") for part in text.split(";") if part)]


@pytest.fixture(scope="module")
def dark() -> DesiFibres:
    return simulate(IDS, "dark", seed=1, plan=plan())


@pytest.fixture(scope="module")
def windy() -> DesiFibres:
    return simulate(IDS, "dark", seed=1, plan=plan(bal_share=1.0))


def test_without_anomalies_objects_are_what_they_would_have_been(dark: DesiFibres, windy: DesiFibres) -> None:
    plain = [i for i, row in enumerate(windy.rows) if not row["kind"]]
    assert 5 < len(plain) < 64
    np.testing.assert_array_equal(windy.flux[plain], dark.flux[plain])


@pytest.mark.parametrize("at", [4000.0, 5779.3, 7570.2, 9000.0])
def test_a_line_keeps_its_area_and_place_in_every_arm_that_sees_it(at: float) -> None:
    flux = np.zeros((1, WAVE.size))
    add_lines(flux, np.array([at]), np.array([12.0]), np.hypot(90.0, lsf_kms(np.array([at]))))
    seen = 0
    for arm in ARMS.values():
        wave, row = WAVE[arm.pixels], flux[0, arm.pixels]
        if arm.first + 10 < at < arm.last - 10:
            seen += 1
            assert row.sum() * 0.8 == pytest.approx(12.0, rel=1e-3)
            assert (row * wave).sum() / row.sum() == pytest.approx(at, abs=0.02)
    assert seen == (2 if at in (5779.3, 7570.2) else 1)


def test_oxygen_of_an_emission_line_galaxy_lies_at_its_observed_vacuum_wavelength() -> None:
    made = simulate(range(5 * 10**6, 5 * 10**6 + 128), "dark", seed=4, plan=plan(quasar_share=0.0))
    found = 0
    for row, clean in zip(made.rows, made.clean, strict=True):
        if row["target"] != "ELG" or row["z_true"] > 1.55:
            continue
        for wave in (3727.092, 3729.875):
            at = wave * (1 + row["z_true"])
            near = np.flatnonzero(np.abs(WAVE - at) < 1.6)
            peak = WAVE[near[np.argmax(clean[near])]]
            found += abs(peak - at) <= 0.81
            assert clean[near].max() > 1.2 * np.median(clean[np.abs(WAVE - at) < 80])
    assert found > 60


def test_broad_lines_of_quasars_lie_at_their_redshift(dark: DesiFibres) -> None:
    offsets = []
    for row, clean in zip(dark.rows, dark.clean, strict=True):
        if row["target"] == "QSO" and 0.8 < row["z_true"] < 2.4:
            rest = WAVE / (1 + row["z_true"])
            near = np.abs(rest - 2798.75) < 60
            slope = np.polyval(np.polyfit(rest[near][[0, -1]], clean[near][[0, -1]], 1), rest[near])
            light = np.clip(clean[near] - slope, 0, None)
            light[light < 0.6 * light.max()] = 0
            offsets.append((light * rest[near]).sum() / light.sum() - 2798.75)
    assert len(offsets) > 20
    assert abs(np.median(offsets)) < 2.0
    assert np.std(offsets) < 6.0


def test_the_forest_absorbs_as_much_as_is_observed() -> None:
    rng = np.random.default_rng(3)
    rows = np.array([forest(rng, 3.0) for _ in range(40)])
    wave = WAVE[ARMS["B"].pixels]
    window = (wave > 1050 * 4) & (wave < 1180 * 4)
    measured = -np.log(rows[:, ARMS["B"].pixels][:, window].mean())
    assert measured == pytest.approx(float(mean_depth(wave[window] / 1215.67 - 1).mean()), rel=0.12)
    assert (rows[:, WAVE > 1215.67 * 4] == 1).all()


def test_winds_absorb_where_the_truth_says_and_nowhere_redward(dark: DesiFibres, windy: DesiFibres) -> None:
    kinds = [row["kind"] for row in windy.rows]
    assert kinds.count("bal") > 10
    assert kinds.count("lobal") >= 1
    for i, row in enumerate(windy.rows):
        if row["kind"] != "bal":
            continue
        rest = WAVE / (1 + row["z_true"])
        ratio = windy.clean[i] / np.maximum(dark.clean[i], 1e-6)
        ratio = ratio / np.median(ratio[rest > 1560])  # both have the magnitude they were drawn with
        inside = np.zeros(WAVE.size, dtype=bool)
        for low, high in spans(row["intervals_rest"]):
            inside |= (rest >= low - 0.1) & (rest <= high + 0.1)
        carbon = inside & (rest > 1400) & (rest < 1549)
        assert ratio[carbon].min() < 0.6, row
        np.testing.assert_allclose(ratio[~inside & (rest > 1240)], 1.0, atol=0.13)
        np.testing.assert_allclose(ratio[rest > 1560], 1.0, atol=1e-5)
        # blueward of C IV, within 30,000 km/s
        assert all(high < 1549.06 * (1 - 300 / C_KMS) for _, high in spans(row["intervals_rest"]))


def test_low_ionisation_winds_also_take_magnesium(dark: DesiFibres) -> None:
    made = simulate(range(8 * 10**6, 8 * 10**6 + 128), "dark", seed=1, plan=plan(bal_share=1.0))
    seen = 0
    for i, row in enumerate(made.rows):
        if row["kind"] == "lobal" and row["z_true"] < 2.4:
            rest = WAVE / (1 + row["z_true"])
            deep = [(a, b) for a, b in spans(row["intervals_rest"]) if 2500 < a < 2799]
            assert deep
            assert deep[0][1] < 2799
            trough = (rest > deep[0][0] + 2) & (rest < deep[0][1] - 2)
            beside = (rest > 2830) & (rest < 2900)
            assert np.median(made.clean[i][trough]) < np.median(made.clean[i][beside])
            seen += 1
    assert seen >= 2


@pytest.fixture(scope="module")
def ordinary() -> DesiFibres:
    return simulate(ODD_IDS, "dark", seed=2, plan=plan())


def pairs(ordinary: DesiFibres, kind: str) -> Iterator[tuple[Array, Array, Array, dict[str, Any]]]:
    """Rest wavelengths, the odd quasar, the same without what is odd, and its row."""
    made = simulate(ODD_IDS, "dark", seed=2, plan=plan(anomaly_share=1.0, kinds=(kind,)))
    found = [i for i, row in enumerate(made.rows) if row["kind"] == kind and row["target"] == "QSO"]
    assert len(found) > 2
    for i in found:
        yield WAVE / (1 + made.rows[i]["z_true"]), made.clean[i], ordinary.clean[i], made.rows[i]


@pytest.mark.parametrize("kind", ["weak_lines", "odd_ratios", "shifted_lines", "foreground_emitter", "proximate_dla"])
def test_odd_quasars_differ_most_where_they_are_marked(kind: str, ordinary: DesiFibres) -> None:
    contrast = []
    for rest, odd, plain, row in pairs(ordinary, kind):
        inside = np.zeros(WAVE.size, dtype=bool)
        for low, high in spans(row["intervals_rest"]):
            inside |= (rest >= low) & (rest <= high)
        change = np.abs(odd / np.median(odd) - plain / np.median(plain))
        contrast.append(change[inside].mean() / change[~inside].mean())
    assert np.median(contrast) > 1.5


def level(rest: Array, flux: Array, low: float, high: float) -> float:
    inside = (rest > low) & (rest < high)
    return float(np.median(flux[inside])) if inside.sum() > 20 else np.nan


@pytest.mark.parametrize(("kind", "band", "beside", "least", "most"), [
    ("red_quasar", (2000, 2100), (2900, 3000), 0.2, 0.85), ("strong_iron", (2450, 2600), (2690, 2740), 1.08, 2.0),
    ("weak_lines", (2785, 2810), (2870, 2900), 0.2, 0.85)])
def test_odd_quasars_differ_as_their_name_says(kind: str, band: tuple[float, float], beside: tuple[float, float],
                                               least: float, most: float, ordinary: DesiFibres) -> None:
    changes = [level(rest, odd, *band) / level(rest, odd, *beside) / level(rest, plain, *band)
               * level(rest, plain, *beside) for rest, odd, plain, _ in pairs(ordinary, kind)]
    assert least < np.nanmedian(changes) < most


def test_a_galaxy_in_front_makes_a_quasar_redder(ordinary: DesiFibres) -> None:
    for _, odd, plain, row in pairs(ordinary, "foreground_galaxy"):
        assert level(WAVE, odd, 8300, 9000) / level(WAVE, odd, 3700, 4000) \
            > 1.1 * level(WAVE, plain, 8300, 9000) / level(WAVE, plain, 3700, 4000), row


# ---- noise and masks -----------------------------------------------------------------------------------------------


def test_noise_is_as_large_as_the_inverse_variance_says(dark: DesiFibres) -> None:
    good = (dark.mask == 0) & (dark.ivar > 0)
    pull = (dark.flux - dark.clean) * np.sqrt(dark.ivar)
    sky = [i for i, row in enumerate(dark.rows) if row["target"] == "sky" and not row["fiberstatus"]]
    dim = sky or [int(np.argmin([row["snr"] for row in dark.rows]))]
    values = pull[dim][good[dim]]
    assert np.std(values[np.abs(values) < 6]) == pytest.approx(1.0, abs=0.08)


def test_depth_raises_the_signal_as_its_root_where_the_sky_rules() -> None:
    shallow, deep = (expose(1, ["a"], 1.0, np.array([seconds])) for seconds in (1000.0, 4000.0))
    np.testing.assert_allclose(shallow.background / deep.background, 4.0, rtol=1e-6)
    bright = expose(1, ["a"], 2.4, np.array([1000.0]))
    assert np.median(bright.background / shallow.background) == pytest.approx(2.4, rel=0.05)


def test_arms_are_as_noisy_as_those_of_real_coadds() -> None:
    night = expose(1, [str(i) for i in range(32)], 1.0, np.full(32, 1000.0))
    ivar = np.median(1 / night.background, axis=0)
    # medians of a public coadd of 23,916 s in dark time, per 1000 s
    for low, real in ((3900, 0.75), (4500, 1.9), (5100, 3.7), (6060, 5.4), (6660, 9.4), (7260, 11.1), (8120, 21.6),
                      (8420, 26.3), (9020, 23.6)):
        near = (low <= WAVE) & (low + 150 > WAVE)
        assert 0.55 < np.median(ivar[near]) / real < 1.6, low


def test_some_masked_pixels_keep_a_weight_and_a_wrong_flux(dark: DesiFibres) -> None:
    masked = dark.mask != 0
    trap = masked & (dark.ivar > 0)
    assert trap.sum() > 50
    assert (masked & (dark.ivar == 0)).sum() > 20
    assert np.median(((dark.flux - dark.clean) * np.sqrt(dark.ivar))[trap]) > 10
    assert (dark.ivar[~masked] > 0).all()


# ---- faults and galaxies -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bright() -> DesiFibres:
    return simulate(ODD_IDS, "bright", seed=2, plan=plan())


@pytest.mark.parametrize("kind", [*FAULTS])
def test_faults_change_what_they_mark_by_more_than_the_noise(kind: str, bright: DesiFibres) -> None:
    made = simulate(ODD_IDS, "bright", seed=2, plan=plan(anomaly_share=1.0, kinds=(kind,)))
    seen = []
    for i, row in enumerate(made.rows):
        if row["kind"] != kind:
            continue
        if kind == "wrong_redshift":
            assert abs(row["z_catalogue"] - row["z_true"]) > 0.01
            np.testing.assert_array_equal(made.flux[i], bright.flux[i])
            seen.append(9.0)
            continue
        change = (np.abs(made.flux[i] - bright.flux[i]) * np.sqrt(bright.ivar[i]))
        rest, inside = WAVE / (1 + row["z_true"]), np.zeros(WAVE.size, dtype=bool)
        for low, high in spans(row["intervals_rest"]):
            inside |= (rest >= low - 0.1) & (rest <= high + 0.1)
        if kind not in ("arm_step", "crosstalk"):  # which mark where they show, at the joins and in the lines
            assert change[~inside].max() < 0.02 * change.max() + 1.0, row
        seen.append(float(np.percentile(change[inside], 90)))
    assert len(seen) > 5
    assert np.median(seen) > 1.0


@pytest.mark.parametrize("kind", [*SKY_KINDS])
def test_odd_galaxies_of_sdss_are_odd_in_desi_too(kind: str, bright: DesiFibres) -> None:
    made = simulate(ODD_IDS, "bright", seed=2, plan=plan(anomaly_share=1.0, kinds=(kind,)))
    found = [i for i, row in enumerate(made.rows) if row["kind"] == kind]
    assert len(found) > 5
    marked = [made.rows[i] for i in found if made.rows[i]["intervals_rest"]]
    assert len(marked) >= 0.8 * len(found)
    for i in found:
        assert np.isfinite(made.clean[i]).all()
    changes = [np.abs(made.clean[i] / np.median(made.clean[i]) - bright.clean[i] / np.median(bright.clean[i])).max()
               for i in found]
    assert np.median(changes) > 0.1
