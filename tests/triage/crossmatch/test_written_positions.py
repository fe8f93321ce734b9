"""Positions are read as they are written, or counted and told; what cannot be read is never an empty sky."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import Angle, SkyCoord
from astropy.table import MaskedColumn, QTable, Table
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import DataError
from specanom.triage.crossmatch import LocalTable, crossmatch
from specanom.triage.crossmatch.degrees import degrees, unread

RA, DEC = 150.7891666667, -3.5855555556  # 10:03:09.4 −03:35:08
HERE = pd.DataFrame({"id": ["a"], "ra": [RA], "dec": [DEC]})


def found(table, **settings) -> pd.Series:
    return crossmatch(HERE, LocalTable(table, 1.0, service="mine", **settings)).table.iloc[0]


@pytest.mark.parametrize(("ra", "dec"), [
    ("10:03:09.4", "-03:35:08"), ("10 03 09.4", "-03 35 08"), ("10h03m09.4s", "-03d35m08s"),
    ("10h 03m 09.4s", "-3° 35′ 08″"), (" 10:03:09.40 ", "−03:35:08.0"), (f"{RA}", f"{DEC}"), ("150d47m21s", "-3:35:8"),
])
@pytest.mark.parametrize("kind", ["frame", "csv", "ecsv", "fits"])
def test_text_is_read_as_it_is_written(ra, dec, kind, tmp_path) -> None:
    frame = pd.DataFrame({"ra": [ra, "11:00:00"], "dec": [dec, "+10:00:00"], "name": ["x", "y"]})
    path = tmp_path / f"mine.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind in ("ecsv", "fits"):
        if not (ra + dec).isascii():
            pytest.skip("FITS holds ASCII")
        Table.from_pandas(frame).write(path)
    row = found(frame if kind == "frame" else path)
    assert (row["status"], row["name"]) == ("matched", "x")
    assert row["separation"] < 0.01


@pytest.mark.parametrize("unit", [u.hourangle, u.rad, u.arcsec, u.deg])
@pytest.mark.parametrize("kind", ["memory", "quantity", "ecsv", "vot"])
def test_the_unit_of_a_column_holds(unit, kind, tmp_path) -> None:
    values = [[RA, 20.0] * u.deg, [DEC, 5.0] * u.deg]
    ra, dec = values[0].to(unit), values[1].to(u.deg if unit is u.hourangle else unit)
    made = QTable({"ra": ra, "dec": dec}) if kind == "quantity" else Table(
        {"ra": MaskedColumn(ra.value, unit=ra.unit), "dec": MaskedColumn(dec.value, unit=dec.unit)})
    if kind in ("ecsv", "vot"):
        made.write(tmp_path / f"mine.{kind}", **({"format": "votable"} if kind == "vot" else {}))
        made = tmp_path / f"mine.{kind}"
    assert found(made)["separation"] < 0.01
    assert found(LocalTable(made, 1.0).table)["separation"] < 0.01, "what was read is not turned again"


def test_a_unit_that_is_none_of_angle_is_refused() -> None:
    with pytest.raises(DataError, match=r"column ra: expected a right ascension in degrees or another.*unit 'mag'"):
        LocalTable(Table({"ra": [1.0] * u.mag, "dec": [1.0] * u.deg}), 1.0)


def test_a_column_of_coordinates_is_taken_in_its_frame() -> None:
    at = SkyCoord([RA, 20.0] * u.deg, [DEC, 5.0] * u.deg).galactic
    row = found(Table({"place": at, "name": ["x", "y"]}))
    assert (row["name"], row["separation"] < 0.01) == ("x", True)
    told = Table({"place": at, "ra": [1.0, RA], "dec": [1.0, DEC], "name": ["x", "y"]})
    assert found(told)["name"] == "y", "columns of degrees come first"


@pytest.mark.parametrize(("table", "text"), [
    ({"ra": ["150,789", "1,5"], "dec": ["-3,585", "2,0"]}, r"column ra: .*got '150,789'.*none of 2 rows"),
    ({"ra": [np.nan, np.nan], "dec": [1.0, 2.0]}, r"column ra: .*got blanks: none of 2 rows has one"),
    ({"ra": [999.0], "dec": [0.0]}, r"column ra: .*got '999\.0'.*none of 1 row"),
    ({"ra": [10.0], "dec": [91.0]}, r"column dec: .*got '91\.0'"),
    ({"ra": [10.0, np.nan], "dec": [np.nan, 1.0]}, r"column ra: .*got blanks: none of 2 rows has one"),
    ({"ra": [], "dec": []}, r"column ra: .*no rows"),
])
def test_a_table_without_one_readable_position_is_refused(table, text) -> None:
    with pytest.raises(DataError, match=text):
        LocalTable(pd.DataFrame(table), 1.0)


def test_rows_that_cannot_be_read_are_counted_where_others_can() -> None:
    table = pd.DataFrame({"ra": [RA, np.nan, 999.0, "x"], "dec": [DEC, 1.0, 1.0, 1.0]})
    with pytest.warns(UserWarning, match=r"mine: 3 of 4 rows have no position that can be read, as ra '999\.0'"):
        matcher = LocalTable(table, 1.0, service="mine")
    assert repr(matcher) == "LocalTable 'mine': 4 rows, 3 of them without a position, 1\""
    matches = crossmatch(HERE, matcher)
    assert matches.table["status"].tolist() == ["matched"]
    assert "3 of them without a position" in matches.provenance["services"]["mine"]["matcher"]
    assert "(3 of 4 rows of the table have no position)" in repr(matches)


def test_objects_whose_position_cannot_be_read_are_not_checked() -> None:
    here = pd.DataFrame({"id": list("abcde"), "ra": ["10:03:09.4", "150,789", 999.0, "", 150.0],
                         "dec": ["-03:35:08", 1.0, 0.0, 0.0, "25:61:00"]})
    table = crossmatch(here, LocalTable(HERE, 1.0)).table
    assert table["status"].tolist() == ["matched", *["not_checked"] * 4]
    assert table["reason"].tolist() == [
        "", "no position: ra '150,789' cannot be read", "the right ascension 999° lies outside −360° … 360°",
        "no position: ra is blank or not a number", "no position: dec '25:61:00' cannot be read"]


@given(st.integers(0, 23), st.integers(0, 59), st.floats(0, 59.99),
       st.sampled_from(["{}:{}:{}", "{} {} {}", "{}h{}m{}s"]))
def test_sexagesimal_right_ascensions_are_those_of_astropy(hours, minutes, seconds, form) -> None:
    text = form.format(f"{hours:02d}", f"{minutes:02d}", f"{seconds:06.3f}")
    assert degrees([text], "ra")[0] == pytest.approx(Angle(text, unit=u.hourangle).deg, abs=1e-9)


@given(st.sampled_from("+- "), st.integers(0, 89), st.integers(0, 59), st.floats(0, 59.99),
       st.sampled_from(["{}:{}:{}", "{} {} {}", "{}d{}m{}s"]))
def test_sexagesimal_declinations_are_those_of_astropy(sign, whole, minutes, seconds, form) -> None:
    text = (sign + form.format(f"{whole:02d}", f"{minutes:02d}", f"{seconds:05.2f}")).strip()
    assert degrees([text], "dec")[0] == pytest.approx(Angle(text, unit=u.deg).deg, abs=1e-9)


@pytest.mark.parametrize("text", ["10:61:00", "10:00:60", "12 30", "1:2:3:4", "10h", "abc", "1e5:00:00", "10:1.5:30",
                                  "150,789", "10-03-09", "24:00:01"])
def test_what_is_no_right_ascension_is_not_guessed(text) -> None:
    made = degrees([text], "ra")
    assert np.isnan(made[0])
    assert list(unread([text], made, "ra")) == [0]


def test_a_unit_of_degrees_makes_sexagesimal_text_degrees() -> None:
    assert degrees(["150:47:21"], "ra", "deg")[0] == pytest.approx(150.789166667)
    assert degrees(["10 03 09.4"], "ra", '"h:m:s"')[0] == pytest.approx(RA)
    assert degrees([10.0], "ra", "hours")[0] == 150.0
    assert np.isnan(degrees(["10h00m00s"], "dec")[0])
