from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from specanom.errors import ArgumentError, DataError
from specanom.triage.quality import confident_yet_odd, observed_waves, tickets, wavelength_rates
from specanom.triage.quality.waves import crowded

LINES = np.array([3728.5, 4862.7, 5008.2, 6564.6, 6718.3])


def anomalies(n: int = 300, share: float = 0.15, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Leading segments on lines of galaxies, and some at the sky line at 5577 Å whatever the redshift."""
    rng = np.random.default_rng(seed)
    z = rng.uniform(0.02, 0.35, n)
    wave = rng.choice(LINES, n) * (1 + z)
    bad = rng.random(n) < share
    wave[bad] = 5577 + rng.normal(0, 8, bad.sum())
    return wave, z, bad


def test_a_sky_line_crowds_in_observed_wavelength_and_lines_of_galaxies_do_not():
    wave, z, _ = anomalies()
    out = wavelength_rates(wave, z).standing_out
    assert len(out) >= 1
    assert ((out["low"] < 5600) & (out["high"] > 5550)).all()
    clean, z, _ = anomalies(share=0.0)
    assert wavelength_rates(clean, z).standing_out.empty
    # At one redshift nothing tells lines from the sky, and nothing may be claimed.
    one = np.full(300, 0.1)
    assert wavelength_rates(np.random.default_rng(1).choice(LINES, 300) * 1.1, one).standing_out.empty


def test_clean_samples_rarely_give_anything_at_any_width():
    assert sum(bool(len(crowded(*anomalies(200, 0.0, seed)[:2]))) for seed in range(30)) <= 4


def test_every_anomaly_is_in_one_bin_and_the_expected_shares_add_up():
    wave, z, _ = anomalies()
    wave[:4] = np.nan
    found = wavelength_rates(wave, z)
    assert found.table["odd"].sum() == found.facts["n"] == 296
    assert found.facts["unknown"] == 4
    assert found.table["elsewhere"].sum() == pytest.approx(1, abs=0.12)
    assert "296 anomalies" in repr(found)


def test_without_redshifts_every_wavelength_is_alike():
    wave = np.r_[np.linspace(4000, 9000, 100), np.full(30, 5577.0)]
    out = wavelength_rates(wave).standing_out
    assert out["low"].tolist() == [5520.0]


def test_there_may_be_no_or_one_anomaly():
    assert wavelength_rates([]).table.empty
    assert wavelength_rates([np.nan], [0.1]).table.empty
    assert wavelength_rates([5000.0], [0.1]).standing_out.empty
    assert "0 anomalies" in repr(wavelength_rates([]))


def test_wide_faults_are_found_at_a_wider_width():
    rng = np.random.default_rng(5)
    z = rng.uniform(0.02, 0.5, 400)
    wave = rng.uniform(3800, 6300, 400) * (1 + z)
    wave[:60] = rng.uniform(8000, 8600, 60)
    found = crowded(wave, z)
    assert len(found) >= 1
    assert (found["high"] - found["low"]).max() >= 240
    spans = found.sort_values("low")[["low", "high"]].to_numpy()
    assert (spans[1:, 0] >= spans[:-1, 1]).all()


def table_with_faults() -> tuple[pd.DataFrame, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(7)
    n = 3000
    table = pd.DataFrame({"id": [str(39633345008634465 + i) for i in range(n)], "plate": 7000 + np.arange(n) // 300,
                          "fiber": np.arange(n) % 300 + 1, "z": rng.uniform(0.02, 0.4, n), "snr": rng.uniform(4, 30, n),
                          "petal": -1})
    wave = rng.choice(LINES, n) * (1 + table["z"].to_numpy())
    odd = rng.random(n) < 0.03
    odd |= (table["plate"] == 7003) & (rng.random(n) < 0.15)
    odd |= table["fiber"] == 42
    sky = odd & (table["plate"] == 7003)
    wave[sky] = 5577 + rng.normal(0, 5, sky.sum())
    return table, odd.to_numpy(), wave


def test_tickets_name_the_plate_the_fibre_and_the_wavelength_that_were_planted():
    table, odd, wave = table_with_faults()
    made = tickets(table, odd, observed=wave)
    assert {(one.by, one.where) for one in made if one.by != "observed wavelength"} == {("plate", "7003"),
                                                                                       ("fiber", "42")}
    waves = [one for one in made if one.by == "observed wavelength"]
    assert len(waves) == 1
    low, high = (float(edge) for edge in waves[0].where.removesuffix(" Å").split("–"))
    assert low <= 5577 <= high
    plate = next(one for one in made if one.by == "plate")
    assert set(plate.ids) == set(table["id"][odd & (table["plate"] == 7003)])
    assert plate.n == 300
    assert any("5577" in one or "557" in one for one in plate.evidence)
    assert made.to_frame()["ids"].str.match(r"(396333450086\d{5};?)+$").all()
    assert list(made.rates) == ["plate", "fiber", "observed wavelength"]


def test_a_ticket_can_be_pasted():
    table, odd, wave = table_with_faults()
    one = next(t for t in tickets(table, odd, observed=wave) if t.by == "plate")
    lines = one.text.splitlines()
    assert lines[0] == one.title == f"{len(one.ids)} anomalous spectra on plate 7003"
    assert f"{len(one.ids)} of 300 spectra on plate 7003 are anomalous" in one.text
    assert lines[-1] == one.ids[-1]
    assert f"fiber: 42 ({1})" not in one.text
    assert "Ticket: " in repr(one)


def test_without_faults_there_are_no_tickets():
    table, _, wave = table_with_faults()
    odd = np.random.default_rng(8).random(len(table)) < 0.04
    wave = np.random.default_rng(9).choice(LINES, len(table)) * (1 + table["z"].to_numpy())
    made = tickets(table, odd, observed=wave)
    assert len(made) == 0
    assert made.text == ""
    assert made.to_frame().empty
    assert len(tickets(table.drop(columns=["plate", "fiber"]), odd)) == 0


def test_a_plate_that_is_a_night_is_told_once():
    table, odd, wave = table_with_faults()
    made = tickets(table.assign(mjd=table["plate"] + 45_000), odd, observed=wave)
    assert [one.by for one in made if "7003" in one.where or "52003" in one.where] == ["plate"]
    assert any("mjd: 52003" in line for line in next(one for one in made if one.by == "plate").evidence)


def test_few_anomalies_make_no_ticket():
    table = pd.DataFrame({"id": [str(i) for i in range(1000)], "fiber": np.arange(1000) // 2, "z": 0.1})
    odd = np.arange(1000) < 2
    assert len(tickets(table, odd)) == 0
    assert len(tickets(table, odd, least=2)) == 1


def test_observed_wavelengths_come_from_the_leading_segment_and_the_redshift():
    table = pd.DataFrame({"id": ["a", "b"], "z": [0.1, np.nan], "top_1_from": [5000.0] * 2,
                          "top_1_to": [5020.0] * 2})
    np.testing.assert_allclose(observed_waves(table), [5511.0, np.nan])
    apart = observed_waves(table[["id", "z"]], table[["id", "top_1_from", "top_1_to"]].iloc[:1])
    np.testing.assert_allclose(apart, [5511.0, np.nan])
    with pytest.raises(ArgumentError, match="no top_1_from, top_1_to"):
        observed_waves(table[["id", "z"]])


@pytest.mark.parametrize("name", ["frame", "explanation_frame"])
def test_observed_wavelengths_of_explanations_in_the_observed_frame_are_not_shifted_again(name):
    table = pd.DataFrame({"id": list("abcd"), "z": [0.1, 0.1, np.nan, 0.1], "top_1_from": [5000.0, 5000, 5000, np.nan],
                          "top_1_to": [5020.0, 5020, 5020, np.nan], name: ["rest", "observed", "observed", ""]})
    np.testing.assert_allclose(observed_waves(table), [5511.0, 5010.0, 5010.0, np.nan])
    apart = observed_waves(table[["id", "z"]], table.drop(columns="z").iloc[:2])
    np.testing.assert_allclose(apart, [5511.0, 5010.0, np.nan, np.nan])


def test_wrong_calls_say_what_is_wrong():
    table, odd, wave = table_with_faults()
    with pytest.raises(ArgumentError, match="3000 wavelengths"):
        tickets(table, odd, observed=wave[:5])
    with pytest.raises(ArgumentError, match="a column id"):
        tickets(table.drop(columns="id"), odd)
    with pytest.raises(ArgumentError, match="observed: expected one wavelength above 0"):
        wavelength_rates([-1.0])
    with pytest.raises(ArgumentError, match="z: expected 2 redshifts"):
        wavelength_rates([5000.0, 6000.0], [0.1])
    with pytest.raises(ArgumentError, match="width"):
        wavelength_rates([5000.0], width=0)


def test_the_list_of_the_confident_is_sure_clean_and_odd():
    table = pd.DataFrame({"id": list("abcdef"), "deltachi2": [500.0, 100.0, 10.0, np.nan, 900.0, 900.0],
                          "zwarning": [0, 0, 0, 0, 4, 0], "class": "GALAXY"})
    odd = np.array([True, True, True, True, True, False])
    made = confident_yet_odd(table, odd, score=[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    assert made["id"].tolist() == ["b", "a"]
    assert made.columns.tolist() == ["id", "score", "deltachi2", "class"]
    assert made.attrs == {"odd": 5, "unsure": 2, "unknown": 1}
    assert confident_yet_odd(table, odd, least=5.0)["id"].tolist() == ["a", "b", "c"]
    with pytest.raises(ArgumentError, match="no deltachi2"):
        confident_yet_odd(table[["id"]], odd)


def test_ids_are_texts_whatever_they_come_as():
    big = 39633345008634465
    table = pd.DataFrame({"id": pd.array([big, None, *range(998)], dtype="Int64"), "z": 0.1, "deltachi2": 100.0,
                          "plate": np.repeat([1, 2, 3, 4], 250), "top_1_from": 5000.0, "top_1_to": 5020.0})
    odd = np.arange(1000) < 60
    found = tickets(table, odd)
    assert found[0].ids[:3] == (str(big), "", "0")
    assert confident_yet_odd(table, odd)["id"].tolist()[:3] == [str(big), "", "0"]
    texts = table.assign(id=table["id"].astype("str"))
    np.testing.assert_allclose(observed_waves(table[["id", "z"]], texts.iloc[:1])[0], 5511.0)
    with pytest.raises(DataError, match="lose digits"):
        tickets(table.assign(id=float(big)), odd)
