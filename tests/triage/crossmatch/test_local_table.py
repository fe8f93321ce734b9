from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky
from astropy.table import Table
from astropy.time import Time
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError
from specanom.triage.crossmatch import LocalTable, crossmatch


def objects(ra, dec, **more) -> pd.DataFrame:
    return pd.DataFrame({"id": [str(i) for i in range(len(ra))], "ra": ra, "dec": dec, **more})


def cluttered(n: int = 300, m: int = 400, seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Positions over the whole sky, poles and RA 0 among them, with sources a few arcsec from many of them."""
    rng = np.random.default_rng(seed)
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    ra[:20], dec[20:40], dec[40:60] = rng.uniform(-1e-3, 1e-3, 20) % 360, 90 - 1e-4 * rng.random(20), -90 + 1e-4
    rows = rng.integers(0, n, m)
    at = SkyCoord(ra[rows], dec[rows], unit="deg").directional_offset_by(rng.uniform(0, 360, m) * u.deg,
                                                                       rng.uniform(0, 6, m) * u.arcsec)
    return objects(ra, dec), pd.DataFrame({"ra": at.ra.deg, "dec": at.dec.deg, "name": [f"s{i}" for i in range(m)]})


def test_matches_are_those_of_astropy_over_poles_and_the_wrap():
    here, there = cluttered()
    table = crossmatch(here, LocalTable(there, 3.0, service="s")).table
    a, b = (SkyCoord(t["ra"], t["dec"], unit="deg") for t in (here, there))
    i, _, _, _ = search_around_sky(a, b, 3 * u.arcsec)
    j, nearest, _ = a.match_to_catalog_sky(b)
    inside = nearest.arcsec <= 3.0
    assert inside.sum() > 100
    assert (table["status"] == "matched").tolist() == inside.tolist()
    assert table["name"][inside].tolist() == [f"s{k}" for k in j[inside]]
    np.testing.assert_allclose(table["separation"][inside], nearest.arcsec[inside], atol=1e-9)
    assert table["candidates"].tolist() == np.bincount(i, minlength=len(here)).tolist()


@given(st.floats(0, 359.99), st.floats(-90, 90), st.floats(0, 359), st.floats(0.0, 4.0))
def test_the_separation_is_what_a_source_was_moved_by(ra, dec, angle, arcsec):
    at = SkyCoord(ra, dec, unit="deg").directional_offset_by(angle * u.deg, arcsec * u.arcsec)
    there = pd.DataFrame({"ra": [at.ra.deg], "dec": [at.dec.deg]})
    row = crossmatch(objects([ra], [dec]), LocalTable(there, 5.0)).table.iloc[0]
    assert row["status"] == "matched"
    assert row["separation"] == pytest.approx(arcsec, abs=1e-5)


def test_right_ascensions_outside_the_circle_are_the_same_place():
    there = pd.DataFrame({"ra": [-0.0001, -355.0], "dec": [0.0, 5.0]})
    table = crossmatch(objects([359.9999, 5.0], [0.0, 5.0]), LocalTable(there, 0.5)).table
    assert table["status"].tolist() == ["matched", "matched"]
    assert (table["separation"] < 1e-6).all()


def test_objects_at_one_place_all_get_the_same_counterpart():
    there = pd.DataFrame({"ra": [10.0, 10.0], "dec": [0.0, 0.0], "name": ["first", "second"]})
    table = crossmatch(objects([10.0, 10.0, 10.0], [0.0, 0.0, 0.0]), LocalTable(there, 1.0)).table
    assert table["name"].tolist() == ["first"] * 3
    assert table["candidates"].tolist() == [2, 2, 2]


def test_objects_without_a_position_are_not_checked_and_told_why():
    table = crossmatch(objects([np.nan, 10.0, 10.0, "x"], [0.0, np.inf, 95.0, 0.0]),
                       LocalTable(pd.DataFrame({"ra": [10.0], "dec": [0.0]}), 1.0)).table
    assert table["status"].tolist() == ["not_checked"] * 4
    assert table["reason"].str.contains("no position").tolist() == [True, True, False, True]
    assert "95° lies outside" in table["reason"][2]
    assert table["candidates"].tolist() == [0] * 4


def test_rows_of_the_catalogue_without_a_position_are_left_out_and_no_objects_have_no_matches():
    there = pd.DataFrame({"ra": [np.nan, 10.0, 10.0], "dec": [0.0, 0.0, 91.0], "name": ["a", "b", "c"]})
    with pytest.warns(UserWarning, match="2 of 3 rows have no position that can be read, as dec '91.0'"):
        matcher = LocalTable(there, 1.0)
    assert crossmatch(objects([10.0], [0.0]), matcher).table["name"].tolist() == ["b"]
    assert crossmatch(objects([], []), matcher).table.empty


def test_the_chance_rate_of_a_random_sky_is_its_density_times_the_circle():
    rng = np.random.default_rng(2)
    n, m, radius = 2000, 20_000, 10.0
    ra, dec = rng.uniform(10, 13, n), rng.uniform(-1.5, 1.5, n)
    there = pd.DataFrame({"ra": rng.uniform(9.8, 13.2, m), "dec": rng.uniform(-1.7, 1.7, m)})
    table = crossmatch(objects(ra, dec), LocalTable(there, radius)).table
    expected = 1 - np.exp(-m / (3.4 * 3600) ** 2 * np.pi * radius**2)
    assert table["chance"][0] == pytest.approx(expected, rel=0.07)
    hits = table["status"] == "matched"
    assert hits.mean() == pytest.approx(expected, rel=0.25)
    # Nothing belongs to anything here, so the coincidence of the matches is spread evenly up to the chance rate.
    assert table.loc[hits, "coincidence"].mean() == pytest.approx(expected / 2, rel=0.2)


def test_true_counterparts_do_not_raise_the_chance_rate():
    rng = np.random.default_rng(3)
    ra, dec = rng.uniform(0, 40, 500), rng.uniform(-20, 20, 500)
    matches = crossmatch(objects(ra, dec), LocalTable(pd.DataFrame({"ra": ra, "dec": dec}), 2.0))
    assert matches.summary()["matched"].tolist() == [500]
    assert matches.table["chance"][0] < 0.002
    assert matches.summary()["chance_from"][0] == "positions shifted in 8 directions"


def test_proper_motions_are_those_of_astropy_at_the_epoch_of_each_object():
    ra, dec, pmra, pmdec = [269.452, 10.0, 50.0], [4.6934, 89.9995, -30.0], [-802.8, 900.0, 5.0], [10362.5, -400.0, 0.0]
    stars = pd.DataFrame({"ra": ra, "dec": dec, "pmra": pmra, "pmdec": pmdec})
    for year in (2000.0, 2024.3):
        then = SkyCoord(ra * u.deg, dec * u.deg, pm_ra_cosdec=pmra * u.mas / u.yr, pm_dec=pmdec * u.mas / u.yr,
                        distance=[1e9] * 3 * u.pc, obstime=Time(2016.0, format="jyear")
                        ).apply_space_motion(Time(year, format="jyear"))
        here = objects(then.ra.deg, then.dec.deg, epoch=[year] * 3)
        table = crossmatch(here, LocalTable(stars, 1.0, epoch=2016.0)).table
        assert table["status"].tolist() == ["matched"] * 3
        assert table["separation"].max() < 0.01
        unmoved = crossmatch(here, LocalTable(stars[["ra", "dec"]], 1.0)).table
        assert unmoved["status"].tolist() == ["none", "none", "matched"]


def test_an_epoch_is_a_year_or_a_column_and_objects_of_several_epochs_keep_their_rows():
    stars = pd.DataFrame({"ra": [10.0], "dec": [0.0], "pmra": [0.0], "pmdec": [1000.0], "ref_epoch": [2016.0]})
    here = objects([10.0, 10.0, 10.0], [0.0, 4 / 3600, -16 / 3600], year=[2016.0, 2020.0, 2000.0])
    assert crossmatch(here, LocalTable(stars, 0.2), epoch="year").table["separation"].max() < 1e-6
    of_2020 = crossmatch(here, LocalTable(stars, 0.2), epoch=2020.0).table
    assert of_2020["status"].tolist() == ["none", "matched", "none"]
    with pytest.raises(ArgumentError, match=r"51544\.5"):
        crossmatch(here, LocalTable(stars, 0.2), epoch=59000.0)
    with pytest.raises(ArgumentError, match="a column of the table, got 'mjd'"):
        crossmatch(here, LocalTable(stars, 0.2), epoch="mjd")


def test_columns_are_handed_on_and_long_identifiers_keep_their_digits():
    there = pd.DataFrame({"ra": [10.0], "dec": [0.0], "W1mag": [14.5], "nb": [3], "TARGETID": [39633345008634465]})
    table = crossmatch(objects([10.0, 20.0], [0.0, 0.0]),
                       LocalTable(there, 1.0, columns=["W1mag", "nb", "TARGETID"])).table
    assert table["W1mag"].tolist()[0] == 14.5
    assert np.isnan(table["W1mag"][1])
    assert table["nb"][0] == 3
    assert table["TARGETID"][0] == "39633345008634465"


def test_outside_the_sky_of_a_table_nobody_looked():
    there = pd.DataFrame({"ra": np.linspace(10, 12, 50), "dec": np.zeros(50)})
    table = crossmatch(objects([11.003, 200.0], [0.05, 40.0]), LocalTable(there, 1.0, cells=32, service="deep")).table
    assert table["status"].tolist() == ["none", "not_checked"]
    assert table["reason"][1] == "outside the sky of deep"


@pytest.mark.parametrize("suffix", ["parquet", "csv", "fits", "ecsv", "vot"])
def test_a_table_is_read_from_a_file(tmp_path, suffix):
    frame = pd.DataFrame({"RAJ2000": [10.0, 11.0], "DEJ2000": [0.0, 0.0], "Name": ["A 1", "B 2"], "z": [0.1, 0.2]})
    path = tmp_path / f"mine.{suffix}"
    if suffix in ("parquet", "csv"):
        getattr(frame, f"to_{suffix}")(path, index=False)
    else:
        Table.from_pandas(frame).write(path, **({"format": "votable"} if suffix == "vot" else {}))
    row = crossmatch(objects([11.0], [0.0]), LocalTable(path, 1.0)).table.iloc[0]
    assert (row["service"], row["name"], row["z"]) == ("mine", "B 2", 0.2)


@pytest.mark.parametrize("suffix", ["parquet", "csv", "fits", "ecsv", "vot"])
def test_long_ids_keep_their_digits_beside_blanks(tmp_path, suffix):
    frame = pd.DataFrame({"RAJ2000": [10.0, 11.0, 12.0], "DEJ2000": 0.0,
                          "TARGETID": pd.array([39633345008634465, None, 39633345008634467], dtype="Int64"),
                          "count": pd.array([3, None, 5], dtype="Int64")})
    path = tmp_path / f"mine.{suffix}"
    if suffix in ("parquet", "csv"):
        getattr(frame, f"to_{suffix}")(path, index=False)
    else:
        Table.from_pandas(frame).write(path, **({"format": "votable"} if suffix == "vot" else {}))
    matcher = LocalTable(path, 1.0, columns=("TARGETID", "count"), names={"name": "TARGETID"})
    made = crossmatch(objects([12.0, 10.0, 11.0, 50.0], [0.0] * 4), matcher).table
    assert made["name"].tolist() == ["39633345008634467", "39633345008634465", "", ""]
    assert made["TARGETID"].fillna("").tolist() == ["39633345008634467", "39633345008634465", "", ""]
    assert made["count"].fillna(-1.0).tolist() == [5.0, 3.0, -1.0, -1.0]


def test_wrong_settings_say_what_is_wrong(tmp_path):
    there = pd.DataFrame({"ra": [10.0], "dec": [0.0], "lon": [1.0]})
    with pytest.raises(ArgumentError, match="radius: expected above 0"):
        LocalTable(there, 0.0)
    with pytest.raises(ArgumentError, match="a column of dec"):
        LocalTable(there[["ra"]], 1.0)
    with pytest.raises(ArgumentError, match=r"names\['z'\]: expected one of ra, dec, lon, got 'zz'"):
        crossmatch(objects([1.0], [1.0]), LocalTable(there, 1.0, names={"z": "zz"}))
    with pytest.raises(ArgumentError, match="names: expected some of ra, dec"):
        LocalTable(there, 1.0, names={"longitude": "lon"})
    with pytest.raises(ArgumentError, match="columns: expected some of ra, dec, lon, got 'W1'"):
        LocalTable(there, 1.0, columns=["W1"])
    with pytest.raises(ArgumentError, match=r"columns=\['lon'\]"):
        LocalTable(there, 1.0, columns="lon")
    with pytest.raises(ArgumentError, match="power of two"):
        LocalTable(there, 1.0, cells=3)
    with pytest.raises(DataError, match=r"none\.fits"):
        LocalTable(tmp_path / "none.fits", 1.0)


def test_usual_names_are_found_in_any_case():
    there = pd.DataFrame({"RADEG": [10.0], "DeDeg": [0.0], "NAME": ["x"]})
    assert crossmatch(objects([10.0], [0.0]), LocalTable(there, 1.0)).table["name"].tolist() == ["x"]


def test_a_magnitude_is_not_taken_for_a_redshift():
    there = pd.DataFrame({"ra": [10.0], "dec": [0.0], "g": [19.0], "r": [18.5], "i": [18.0], "z": [17.5]})
    assert np.isnan(crossmatch(objects([10.0], [0.0]), LocalTable(there, 1.0)).table["z"][0])
    told = LocalTable(there.rename(columns={"z": "zmag"}).assign(z=0.3)[["ra", "dec", "z"]], 1.0)
    assert crossmatch(objects([10.0], [0.0]), told).table["z"][0] == 0.3


def test_a_role_that_the_user_names_is_taken():
    there = pd.DataFrame({"ra": [10.0], "dec": [0.0], "lon": [20.0], "lat": [5.0], "who": ["me"], "kind": ["lens"]})
    matcher = LocalTable(there, 1.0, names={"ra": "lon", "dec": "lat", "name": "who", "type": "kind"})
    row = crossmatch(objects([20.0], [5.0]), matcher).table.iloc[0]
    assert (row["name"], row["type"], row["ra"], row["dec"]) == ("me", "lens", 20.0, 5.0)


def test_names_that_lost_their_digits_before_they_came_are_refused():
    table = pd.DataFrame({"ra": [10.0, 20.0], "dec": [0.0, 0.0], "source_id": [39633345008634465.0, np.nan]})
    with pytest.raises(DataError, match="column source_id: expected text or an integer"):
        LocalTable(table, 1.0)
    small = LocalTable(table.assign(source_id=[7.0, np.nan]), 1.0)
    assert crossmatch(pd.DataFrame({"id": ["a", "b"], "ra": [10.0, 20.0], "dec": [0.0, 0.0]}), small
                      ).table["name"].tolist() == ["7", ""]


def test_names_in_a_csv_are_text(tmp_path):
    (tmp_path / "own.csv").write_text("ID,ra,dec,w1\n00123,10.0,0.0,14.5\n,20.0,0.0,15\n")
    here = pd.DataFrame({"id": ["a", "b"], "ra": [10.0, 20.0], "dec": [0.0, 0.0]})
    found = crossmatch(here, LocalTable(tmp_path / "own.csv", 1.0, columns=["w1"])).table
    assert found["name"].tolist() == ["00123", ""]
    assert found["w1"].tolist() == [14.5, 15.0]


@pytest.mark.parametrize("column", ["TARGETID", "bestObjID", "parent_id"])
def test_ids_that_lost_their_digits_are_not_joined_either(column):
    table = pd.DataFrame({"ra": [1.0, 2.0], "dec": [0.0, 1.0], column: [39633345008634465.0, np.nan], "flux": 1e20})
    with pytest.raises(DataError, match=f"column {column}: .*3.96333450086344.*may have lost digits"):
        LocalTable(table, 1.0, columns=(column,))
    assert LocalTable(table, 1.0, columns=("flux",)).columns == ("flux",), "a number that is no name may be large"
    small = LocalTable(table.assign(**{column: [5.0, np.nan]}), 1.0, service="s", columns=(column, "flux"))
    found = crossmatch(objects([1.0], [0.0]), small).table
    assert found[column].tolist() == [5.0]


def test_a_votable_with_lists_in_its_cells_is_read_without_them(tmp_path):
    lists = np.empty(2, dtype=object)
    lists[:] = [np.ones(2), np.ones(3)]
    Table({"id": ["a", "b"], "ra": [1.0, 2.0], "dec": [0.0, 0.0], "fluxes": lists, "pair": np.ones((2, 2))}).write(
        tmp_path / "own.vot", format="votable")
    found = crossmatch(objects([1.0], [0.0]), LocalTable(tmp_path / "own.vot", 1.0)).table
    assert found["name"].tolist() == ["a"]
