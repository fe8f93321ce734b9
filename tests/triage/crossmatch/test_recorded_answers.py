"""Answers that servers once gave, as astroquery ships them for its own tests, are read as they are meant."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import SkyCoord
from astropy.table import Table

from specanom.triage.crossmatch import LocalTable, Ned, Simbad, XMatch, asking, crossmatch
from specanom.triage.crossmatch.positions import Positions, positions_of
from specanom.triage.crossmatch.votables import BadAnswer, read_votable, role, write_votable

SHIPPED = Path(pytest.importorskip("astroquery").__file__).parent
ORION = (83.822083, -5.391111)


def shipped(name: str) -> bytes:
    path = SHIPPED / name
    if not path.is_file():
        pytest.skip(f"this astroquery comes without {name}")
    return path.read_bytes()


def at(*places: tuple[float, float]) -> Positions:
    ra, dec = np.transpose(places)
    return positions_of(pd.DataFrame({"id": [str(i) for i in range(len(ra))], "ra": ra, "dec": dec}), None)[0]


def test_a_cone_of_ned_holds_what_ned_says_of_it() -> None:
    """475 objects within 2′ of the Trapezium, asked on 18 July 2013."""
    raw = shipped("ipac/ned/tests/data/query_near_position.xml")
    pairs = Ned(121.0).parse(raw, at(ORION)).sort_values("separation", ignore_index=True)
    assert len(pairs) == 475
    assert set(pairs["row"]) == {0}
    theirs = read_votable(raw).to_pandas().sort_values("No.", ignore_index=True)
    # NED writes positions to 0.036" and distances to 0.06"
    distance = dict(zip(theirs["Object Name"].str.strip(), 60 * theirs["Distance (arcmin)"], strict=True))
    np.testing.assert_allclose(pairs["separation"], pairs["name"].map(distance), atol=0.08)
    assert pairs["name"].is_unique
    assert not pairs["type"].eq("").any()
    assert {"XrayS", "IrS", "*", "Neb"} & set(pairs["type"])
    assert pairs["z"].notna().sum() == theirs["Redshift"].notna().sum() < 10
    near = crossmatch(pd.DataFrame({"id": ["trapezium"], "ra": ORION[:1], "dec": ORION[1:]}), Kept(Ned(20.0), raw))
    one = near.table.iloc[0]
    assert (one["status"], one["name"]) == ("matched", pairs["name"][0])
    assert one["candidates"] == (pairs["separation"] <= 20.0).sum() > 1


@pytest.mark.parametrize("name", ["near_name", "iau_format", "object", "refcode"])
def test_every_list_of_objects_of_ned_has_the_columns_that_are_looked_for(name: str) -> None:
    table = read_votable(shipped(f"ipac/ned/tests/data/query_{name}.xml"))
    assert [role(table.colnames, what, {}) for what in ("name", "ra", "dec", "type", "z")] == [
        "Object Name", "RA(deg)", "DEC(deg)", "Type", "Redshift"]


def test_an_answer_of_xmatch_has_separations_of_its_own_positions() -> None:
    """Eleven sources of 2MASS near two positions; asked for as CSV, given here in the VOTable that is asked for now."""
    table = Table.read(io.BytesIO(shipped("xmatch/tests/data/query_res.csv")), format="ascii.csv")
    assert table.colnames[:4] == ["angDist", "ra", "dec", "my_id"]
    sent = SkyCoord(table["ra"], table["dec"], unit="deg")
    there = SkyCoord(table["RAJ2000"], table["DEJ2000"], unit="deg")
    np.testing.assert_allclose(table["angDist"], sent.separation(there).to_value(u.arcsec), atol=0.004)
    table.rename_columns(["my_id", "ra", "dec"], ["specanom_row", "specanom_ra", "specanom_dec"])
    table["specanom_row"] -= 1
    first = table[np.unique(np.asarray(table["specanom_row"]), return_index=True)[1]]
    places = at(*zip(first["specanom_ra"].tolist(), first["specanom_dec"].tolist(), strict=True))
    pairs = XMatch("vizier:II/246/out", 5.0, columns=["Jmag", "Qfl"]).parse(write_votable(table), places)
    assert pairs["row"].tolist() == table["specanom_row"].tolist()
    assert pairs["name"].tolist() == [str(name).strip() for name in table["2MASS"]]
    np.testing.assert_array_equal(pairs["Jmag"], table["Jmag"])
    np.testing.assert_array_equal(pairs["separation"], table["angDist"])
    np.testing.assert_array_equal(pairs["ra"], table["RAJ2000"])
    assert set(pairs["Qfl"]) == {str(flag) for flag in table["Qfl"]}


def test_simbad_has_the_columns_that_are_asked_for_and_read() -> None:
    columns = read_votable(shipped("simbad/tests/data/simbad_basic_columns.xml"))
    names = {str(name) for name in columns["column_name"]}
    assert {"main_id", "ra", "dec", "otype", "rvz_redshift"} <= names
    written = read_votable((Path(__file__).resolve().parents[2] / "data/crossmatch/simbad.vot").read_bytes())
    assert set(written.colnames) <= names


def test_an_answer_of_simbad_is_read_with_and_without_a_row() -> None:
    crab = Simbad(3.0).parse(shipped("esa/jwst/tests/data/simbad_M1.vot"), at((83.6287, 22.0147), (10.0, 10.0)))
    assert crab["name"].tolist() == ["M   1"]
    assert crab["row"].tolist() == [0]
    assert len(Simbad(3.0).parse(shipped("esa/jwst/tests/data/simbad_TEST.vot"), at(ORION))) == 0


@pytest.mark.parametrize(("name", "said"), [
    ("vo_conesearch/tests/data/conesearch_error1.xml", "Error in input RA value: as3f"),
    ("vo_conesearch/tests/data/conesearch_error2.xml", "Error in input RA value: as3f"),
    ("vo_conesearch/tests/data/conesearch_error3.xml", "Invalid data type: text/html"),
    ("vo_conesearch/tests/data/conesearch_error4.xml", "Invalid data type: text/html"),
    ("ipac/ned/tests/data/error.xml", "No note found"),
])
def test_an_error_is_found_wherever_services_put_it(name: str, said: str) -> None:
    with pytest.raises(BadAnswer, match=f"the service says: {said}"):
        read_votable(shipped(name))


def test_an_answer_without_a_table_does_not_say_that_nothing_is_there() -> None:
    with pytest.raises(BadAnswer, match="no table"):
        read_votable(b'<?xml version="1.0"?><VOTABLE version="1.1"><RESOURCE type="results"/></VOTABLE>')


def test_sources_of_gaia_keep_the_digits_of_their_names(tmp_path: Path) -> None:
    (tmp_path / "gaia.vot").write_bytes(shipped("gaia/tests/data/1710099405832VAL-result.vot"))
    table = Table.read(tmp_path / "gaia.vot", format="votable")
    names = [str(int(source)) for source in table["SOURCE_ID" if "SOURCE_ID" in table.colnames else "source_id"]]
    assert all(len(name) > 16 for name in names)
    here = pd.DataFrame({"id": ["a", "b"], "ra": np.asarray(table["ra"]), "dec": np.asarray(table["dec"]),
                         "epoch": np.asarray(table["ref_epoch"])})
    found = crossmatch(here, LocalTable(tmp_path / "gaia.vot", 0.1, columns=["solution_id"])).table
    assert found["name"].tolist() == names
    assert found["solution_id"].tolist() == [str(int(one)) for one in table["solution_id"]]


def test_a_source_of_irsa_is_called_by_its_designation() -> None:
    table = read_votable(shipped("ipac/irsa/tests/data/Cone.xml"))
    assert role(table.colnames, "name", {}) == "designation"
    pairs = LocalTable(table, 1.0)(at((float(table["ra"][0]), float(table["dec"][0])))).pairs
    assert pairs["name"].tolist() == [str(table["designation"][0]).strip()]


class Kept:
    """A service that has been asked already."""

    def __init__(self, service: Ned, raw: bytes) -> None:
        self._service, self._raw = service, raw
        self.service, self.radius, self.columns, self.url = "ned", service.radius, (), "http://nowhere.example"
        self.chunk, self.gap, self.limit, self.shifted = 1, 0.0, 5.0, False

    def request(self, positions: Positions) -> bytes:
        return self._raw

    def parse(self, raw: bytes, positions: Positions) -> pd.DataFrame:
        return self._service.parse(raw, positions)

    def __call__(self, positions: Positions, access: object) -> object:
        return asking.ask(self, positions, access)


@pytest.mark.parametrize("said", ["Name checking server EGRET error.", "404 Not Found", "Table II/999 not found"])
def test_trouble_of_a_server_is_not_taken_for_an_empty_sky(said: str) -> None:
    """The first is what NED told on 22 August 2023 (astroquery issue 2818)."""
    raw = ('<?xml version="1.0"?><VOTABLE version="1.1"><RESOURCE type="results">'
           f'<INFO name="QUERY_STATUS" value="OK"/><PARAM name="Error" value=" {said}"/></RESOURCE></VOTABLE>')
    with pytest.raises(BadAnswer, match=said):
        read_votable(raw.encode())
    nothing = raw.replace(said, "No object found.")  # what NED says of a cone without objects (astroquery issue 662)
    assert len(Ned(5.0).parse(nothing.encode(), at(ORION))) == 0


def test_rows_without_positions_are_no_empty_sky() -> None:
    """Should a service rename its columns, nothing is called uncatalogued."""
    table = Table({"prefname": ["M 87"], "longitude": [187.7], "latitude": [12.39], "z": [0.004]})
    with pytest.raises(BadAnswer, match="no positions; its columns are prefname, longitude"):
        Ned(5.0).parse(write_votable(table), at((187.7, 12.39)))
    table.rename_columns(["longitude", "latitude"], ["ra", "dec"])
    pairs = Ned(5.0).parse(write_votable(table), at((187.7, 12.39)))
    assert pairs[["name", "z"]].values.tolist() == [["M 87", 0.004]]
