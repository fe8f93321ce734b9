"""Simulated surveys: repeatable, read back as written, noisy as they say, and odd where they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pytest

from specanom.errors import ArgumentError
from specanom.lines import line
from specanom.surveys import mock, read
from specanom.surveys.mock_survey import KINDS, MockSurvey, join
from specanom.surveys.simulate.anomalies_fibre import FIBRE_KINDS
from specanom.surveys.simulate.deck import Deck
from specanom.surveys.simulate.emission import GAS_LINES, draw_gas
from specanom.surveys.simulate.fibres import Fibres, simulate
from specanom.surveys.simulate.galaxies import TYPES, draw
from specanom.surveys.simulate.grid import WAVE

PLATE = "7001-52013"


def names(n: int) -> list[str]:
    return [f"{PLATE}-{i + 1:04d}" for i in range(n)]


def fibres(n: int, share: float, kinds: Sequence[str] = KINDS) -> Fibres:
    blocks = [names(n)[i : i + 64] for i in range(0, n, 64)]
    return join([simulate(ids, PLATE, seed=1, anomaly_share=share, kinds=kinds) for ids in blocks])


@pytest.fixture(scope="module")
def plain() -> Fibres:
    return fibres(384, 0.0)


@pytest.fixture(scope="module")
def changed() -> Fibres:
    return fibres(384, 1.0)


@pytest.fixture(scope="module")
def drawn() -> tuple[pd.DataFrame, pd.DataFrame]:
    """Properties of 4000 galaxies and their line ratios."""
    deck = Deck(3, [f"g{i}" for i in range(4000)], purpose="object")
    galaxies = draw(deck)
    gas = draw_gas(deck, galaxies)
    table = pd.DataFrame({"z": galaxies.z, "snr": galaxies.snr, "type": np.array(TYPES)[galaxies.type],
                          "ew": gas.equivalent})
    return table, pd.DataFrame(gas.flux, columns=list(GAS_LINES))


def spans(text: str) -> list[tuple[float, float]]:
    return [(float(a), float(b)) for a, b in (part.split("-") for part in text.split(";") if part)]


# ---- repeatable ----------------------------------------------------------------------------------------------------


def test_same_seed_writes_the_same_bytes(tmp_path):
    for folder in ("a", "b"):
        mock(24, 5).write(tmp_path / folder)
    files = sorted(p.name for p in (tmp_path / "a").iterdir())
    assert len(files) == 3
    assert all((tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes() for name in files)


def test_another_seed_gives_other_spectra():
    assert not np.array_equal(next(mock(4, 1).fibres(0)).flux, next(mock(4, 2).fibres(0)).flux)


def test_fibre_depends_neither_on_the_number_of_fibres_nor_on_the_block():
    whole = simulate(names(12), PLATE, seed=1, anomaly_share=0.5, kinds=KINDS)
    for part in ([3], [3, 7, 8], list(range(3, 12))):
        alone = simulate([names(12)[i] for i in part], PLATE, seed=1, anomaly_share=0.5, kinds=KINDS)
        assert [row["kind"] for row in alone.rows] == [whole.rows[i]["kind"] for i in part]
        np.testing.assert_array_equal(alone.flux, whole.flux[part])
        np.testing.assert_array_equal(alone.ivar, whole.ivar[part])
        np.testing.assert_array_equal(alone.mask, whole.mask[part])


def test_bytes_of_a_fibre_do_not_depend_on_n():
    small, large = next(mock(5, 2).fibres(0)), next(mock(40, 2).fibres(0))
    assert small.flux.tobytes() == large.flux[:5].tobytes()
    assert small.ivar.tobytes() == large.ivar[:5].tobytes()


# ---- the face of a survey ------------------------------------------------------------------------------------------


def test_truth_has_one_row_a_fibre_sky_and_stars_included():
    survey = mock(200, 1)
    truth = survey.truth
    assert len(truth) == 200
    assert truth["id"].is_unique
    assert {"GALAXY", "SKY", "SPECTROPHOTO_STD"} <= set(truth["objtype"])
    assert list(truth.columns[:7]) == ["id", "plate", "mjd", "fiber", "objtype", "kind", "type"]


def test_sky_fibres_are_skipped_with_a_reason_and_the_rest_is_read():
    survey = mock(200, 1)
    spectra = list(survey)
    skies = set(survey.truth.query("objtype == 'SKY'")["id"])
    assert {one.id for one in survey.skipped} == skies
    assert [s.id for s in spectra] == [i for i in survey.truth["id"] if i not in skies]
    assert all("sky" in one.reason for one in survey.skipped)


def test_blocks_hold_what_was_simulated_bit_for_bit():
    survey = mock(70, 3)
    made = join(list(survey.fibres(0)))
    (block,) = survey.blocks(100)
    at = int(np.argmin(np.abs(block.wave - WAVE[0])))
    rows = [made.ids.index(i) for i in block.ids]
    part = slice(at, at + WAVE.size)
    np.testing.assert_allclose(block.wave[part], WAVE, rtol=1e-9)
    assert block.flux[:, part].astype("f4").tobytes() == made.flux[rows].tobytes()
    assert block.ivar[:, part].astype("f4").tobytes() == made.ivar[rows].tobytes()
    np.testing.assert_array_equal(block.mask[:, part].astype(np.int64), made.mask[rows])


@pytest.mark.parametrize("layout", ["plate", "spec"])
def test_written_surveys_read_back_as_they_were_made(tmp_path, layout):
    survey = mock(30, 4)
    survey.write(tmp_path, layout=layout)
    truth = pd.read_csv(tmp_path / "truth.csv").set_index("id")
    made = join(list(survey.fibres(0)))
    back = {s.id: s for s in read(tmp_path)}
    assert len(truth) == 30
    assert set(back) == set(truth.index[truth["objtype"] != "SKY"])
    for i, name in enumerate(made.ids):
        if name not in back:
            continue
        s = back[name]
        start = int(np.argmin(np.abs(WAVE - s.wave[0])))
        assert s.flux.tobytes() == made.flux[i, start : start + s.wave.size].tobytes()
        assert s.z == pytest.approx(truth.loc[name, "z_catalogue"], abs=1e-5)
        assert s.meta["ebv"] * 0.86 == pytest.approx(truth.loc[name, "ebv"], rel=1e-3)
        assert s.meta["snr"] == pytest.approx(truth.loc[name, "snr"], rel=1e-3)


def test_survey_may_be_gone_through_twice_and_its_files_go_with_it():
    survey = mock(20, 1)
    first = [s.flux for s in survey]
    assert all(np.array_equal(a, s.flux) for a, s in zip(first, survey, strict=True))
    folder = survey.plates.folder
    assert folder.is_dir()
    del survey
    assert not folder.exists()


@pytest.mark.parametrize("wrong", [{"n": 0}, {"n": 2.5}, {"seed": -1}, {"anomaly_share": 1.5},
                                   {"kinds": ["cosmic_ray"]}])
def test_wrong_arguments_are_refused_by_name(wrong):
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        mock(**{"n": 5, **wrong})


def test_kinds_can_be_chosen():
    survey = mock(120, 1, anomaly_share=0.5, kinds=["arm_step", "supernova"])
    assert set(survey.truth["kind"]) == {"", "arm_step", "supernova"}
    assert isinstance(survey, MockSurvey)


# ---- what is in it -------------------------------------------------------------------------------------------------


def test_redshift_and_snr_are_distributed_as_published(drawn):
    table, _ = drawn
    for column, mean, std, quartiles in (("z", 0.11, 0.06, (0.07, 0.10, 0.15)), ("snr", 14.68, 7.04, (9.94, 13.15,
        17.55))):
        values = table[column]
        assert values.mean() == pytest.approx(mean, rel=0.05)
        assert values.std() == pytest.approx(std, rel=0.10)
        assert np.percentile(values, [25, 50, 75]) == pytest.approx(quartiles, rel=0.06)
    assert table["z"].between(0.01, 0.30).all()
    assert table["snr"].between(4.0, 98.1).all()
    assert -0.5 < table["z"].corr(table["snr"], method="spearman") < -0.2


def test_measured_snr_is_the_snr_aimed_at(plain):
    deck = Deck(1, plain.ids, purpose="object")
    wanted = draw(deck).snr
    galaxy = [i for i, row in enumerate(plain.rows) if row["objtype"] == "GALAXY"]
    got = np.array([plain.rows[i]["snr"] for i in galaxy])
    np.testing.assert_allclose(got, wanted[galaxy], rtol=0.05, atol=0.2)


def test_galaxies_lie_where_they_should_on_the_diagnostic_diagram(drawn):
    table, flux = drawn
    x, y = np.log10(flux["NII6585"] / flux["Ha"]), np.log10(flux["OIII5008"] / flux["Hb"])
    kauffmann = np.where(x < 0.05, 0.61 / (np.minimum(x, 0.04) - 0.05) + 1.3, -9)
    kewley = np.where(x < 0.47, 0.61 / (np.minimum(x, 0.46) - 0.47) + 1.19, -9)
    forming = table["type"] == "star-forming"
    assert (y < kauffmann)[forming].mean() > 0.95
    seyfert = table["type"] == "Seyfert"
    assert (y > kewley)[seyfert].mean() > 0.6
    assert (y > 1.05 * x + 0.45)[seyfert & (y > kewley)].mean() > 0.7
    liner = (table["type"] == "passive") & (table["ew"] > 0.5)
    assert (y < 1.05 * x + 0.45)[liner].mean() > 0.8
    between = (y > kauffmann) & (y < kewley)
    assert between[table["type"] == "green"].mean() > 0.25
    assert np.corrcoef(x[forming], y[forming])[0, 1] < -0.8


def test_recombination_lines_follow_case_b_with_dust(drawn):
    _, flux = drawn
    decrement = flux["Ha"] / flux["Hb"]
    assert decrement.min() > 2.85
    assert 3.0 < decrement.median() < 4.5
    # more dust, fewer blue lines
    assert np.corrcoef(decrement, flux["Hd"] / flux["Hb"])[0, 1] < -0.9
    np.testing.assert_allclose(flux["OIII5008"] / flux["OIII4960"], 2.98, rtol=0.03)


def test_line_centres_are_vacuum_wavelengths(plain):
    strong = [i for i, row in enumerate(plain.rows) if row["subclass"] in ("STARFORMING", "STARBURST")]
    assert len(strong) > 50
    for name in ("Ha", "OIII5008", "SII6718"):
        offsets = []
        for i in strong:
            rest = WAVE / (1 + plain.rows[i]["z_true"])
            near = np.abs(rest - line(name).wave) < 5.0
            if near.sum() < 7:
                continue
            above = plain.clean[i, near] - np.percentile(plain.clean[i, near], 10)
            offsets.append(np.sum(above**2 * rest[near]) / np.sum(above**2) - line(name).wave)
        assert abs(np.median(offsets)) < 0.3, name


def test_noise_is_what_ivar_says_away_from_sky_lines(plain):
    quiet = (WAVE > 4400) & (WAVE < 5440)
    good = (plain.ivar > 0) & quiet
    pull = ((plain.flux - plain.clean) * np.sqrt(plain.ivar))[good]
    assert np.std(pull) == pytest.approx(1.0, abs=0.02)
    assert np.mean(pull) == pytest.approx(0.0, abs=0.02)


def test_sky_residuals_make_the_red_end_worse_than_its_ivar(plain):
    sky = [i for i, row in enumerate(plain.rows) if row["objtype"] == "SKY"]
    pull = (plain.flux - plain.clean)[sky] * np.sqrt(plain.ivar[sky])
    ohlines = plain.sky[sky] > 60
    assert np.std(pull[ohlines & (plain.ivar[sky] > 0)]) > 1.1
    assert np.std(pull[:, (WAVE > 4600) & (WAVE < 5400)]) < 1.1


def test_bad_pixels_have_no_weight_but_carry_flux(plain):
    inside = (plain.ivar == 0) & ((plain.mask & (1 << 24)) == 0)
    assert 0.0002 < inside.mean() < 0.01
    assert (plain.flux[inside] != 0).mean() > 0.9
    assert np.isfinite(plain.flux).all()
    assert (plain.mask & (1 << 23)).any()


def test_breaks_and_line_strengths_go_together(drawn, plain):
    """Passive galaxies have large breaks and no Hα, star-forming ones the reverse."""
    rows = [i for i, row in enumerate(plain.rows) if row["objtype"] == "GALAXY"]
    kind = np.array([plain.rows[i]["type"] for i in rows])
    z = np.array([plain.rows[i]["z_true"] for i in rows])
    light = plain.clean[rows]

    def mean(low: float, high: float) -> np.ndarray:
        rest = WAVE[None] / (1 + z[:, None])
        inside = (rest > low) & (rest < high)
        return np.array([row[keep].mean() if keep.any() else np.nan for row, keep in zip(light, inside, strict=True)])

    d4000 = mean(4001, 4101) / mean(3851, 3951)
    assert 1.6 < np.nanmedian(d4000[kind == "passive"]) < 2.0
    assert 1.1 < np.nanmedian(d4000[kind == "star-forming"]) < 1.45


# ---- anomalies -----------------------------------------------------------------------------------------------------


def test_there_are_at_least_twelve_kinds_and_all_occur(changed):
    found = {row["kind"] for row in changed.rows if row["objtype"] == "GALAXY"}
    assert len(KINDS) >= 12
    assert found == set(KINDS)


def inside_of(row: dict[str, object]) -> np.ndarray:
    inside = np.zeros(WAVE.size, dtype=bool)
    for low, high in spans(str(row["intervals_rest"])):
        inside |= (low * (1 + row["z_catalogue"]) <= WAVE) & (high * (1 + row["z_catalogue"]) >= WAVE)
    return inside


def fine(values: np.ndarray) -> np.ndarray:
    """What is left of `values` without what varies over a thousand km/s times ten: the level of the continuum."""
    return values - np.convolve(np.pad(values, 150, mode="reflect"), np.ones(301) / 301, "valid")


CONTINUUM_KINDS = {"superposition", "supernova", "crosstalk", "post_starburst", "star_blend", "wolf_rayet",
                   "broad_line_agn",
                   "extreme_emission", "arm_step"}  # fmt: skip


def test_anomalies_are_where_the_truth_says(plain, changed):
    """In units of the noise, nearly all of the change against the fibre without its anomaly is in the intervals."""
    shares: dict[str, list[float]] = {}
    for i, row in enumerate(changed.rows):
        if row["kind"] in ("", "wrong_redshift") or row["kind"] in CONTINUUM_KINDS:
            continue
        good = (changed.ivar[i] > 0) & (plain.ivar[i] > 0)
        change = (changed.flux[i] - plain.flux[i]) ** 2 * plain.ivar[i] * good
        shares.setdefault(row["kind"], []).append(float(change[inside_of(row)].sum() / change.sum()))
    low = {kind: round(float(np.median(v)), 2) for kind, v in shares.items() if np.median(v) < 0.75}
    assert not low, low


def test_anomalies_that_move_the_continuum_have_their_features_where_the_truth_says(plain, changed):
    """Their light is everywhere; per pixel the features change more inside the intervals than outside."""
    ratios: dict[str, list[float]] = {}
    for i, row in enumerate(changed.rows):
        if row["kind"] not in CONTINUUM_KINDS:
            continue
        pair = [made.flux[i] if row["kind"] in FIBRE_KINDS else made.clean[i] for made in (changed, plain)]
        after, before = (fine(values.astype(float) / np.median(values)) for values in pair)
        change = after - before
        power, inside = change**2, inside_of(row)
        ratios.setdefault(row["kind"], []).append(float(power[inside].mean() / power[~inside].mean()))
    assert set(ratios) == CONTINUUM_KINDS
    low = {kind: round(float(np.median(v)), 2) for kind, v in ratios.items() if np.median(v) < 1.3}
    assert not low, low


def test_ordinary_fibres_are_untouched_by_the_anomalies_of_others(plain):
    some = fibres(128, 0.3)
    same = [i for i, row in enumerate(some.rows) if not row["kind"]]
    assert len(same) > 50
    np.testing.assert_array_equal(some.flux[same], plain.flux[:128][same])


def test_wrong_redshift_leaves_the_flux_and_moves_the_catalogue(plain, changed):
    hit = [i for i, row in enumerate(changed.rows) if row["kind"] == "wrong_redshift"]
    assert hit
    for i in hit:
        np.testing.assert_array_equal(changed.flux[i], plain.flux[i])
        assert 0.01 < abs(changed.rows[i]["z_true"] - changed.rows[i]["z_catalogue"]) < 0.08
