from __future__ import annotations

import pandas as pd
import pytest
from astropy.table import Table

from specanom.errors import ArgumentError, DataError
from specanom.triage.crossmatch import Ned, Simbad, crossmatch

from .conftest import Reply, written

OBJECTS = pd.DataFrame({
    "id": ["m87", "m49", "blank", "cena"],
    "ra": [187.70593, 187.4449, 10.0, 201.36506], "dec": [12.39112, 8.0005, 10.0, -43.01911],
})


@pytest.fixture
def simbad(monkeypatch, tmp_path):
    """SIMBAD, which answers every query with one table; returns the queries and uploads."""
    from astroquery.simbad import SimbadClass

    asked = []
    answer = tmp_path / "simbad.vot"
    answer.write_bytes(written("simbad.vot"))

    def query_tap(self, query, **options):
        asked.append((query, options))
        return Table.read(answer, format="votable")

    fields = Table({"name": ["otype", "rvz_redshift"], "description": ["", ""], "type": ["column of basic"] * 2})
    monkeypatch.setattr(SimbadClass, "list_votable_fields", lambda self: fields.copy())
    monkeypatch.setattr(SimbadClass, "uploadlimit", 200_000)
    monkeypatch.setattr(SimbadClass, "hardlimit", 2_000_000)
    monkeypatch.setattr(SimbadClass, "query_tap", query_tap)
    return asked


def test_simbad_is_asked_by_one_query_for_many_positions(simbad, tmp_path):
    matches = crossmatch(OBJECTS, Simbad(3.0), cache=tmp_path / "kept")
    table = matches.table.set_index("id")
    assert table["status"].to_dict() == {"m87": "matched", "m49": "matched", "blank": "none", "cena": "matched"}
    assert table.loc["m87", ["name", "type", "z", "candidates"]].tolist() == ["M  87", "AGN", 0.004283, 2]
    assert table.loc["cena", "name"] == "NGC  5128 <A>"
    assert table.loc["m87", "separation"] < 0.1
    assert len(simbad) == 1
    assert simbad[0][0].count("CIRCLE") == 4
    assert '"otype"' in simbad[0][0]
    assert '"rvz_redshift"' in simbad[0][0]
    pd.testing.assert_frame_equal(crossmatch(OBJECTS, Simbad(3.0), cache=tmp_path / "kept").table, matches.table)
    assert len(simbad) == 1


def test_more_than_three_hundred_positions_are_uploaded_in_chunks(simbad):
    many = pd.DataFrame({"id": [str(i) for i in range(700)], "ra": [187.70593] * 700, "dec": [12.39112] * 700})
    table = crossmatch(many, Simbad(3.0, chunk=350)).table
    assert [len(options["centers"]) for _, options in simbad] == [350, 350]
    assert table["name"].unique().tolist() == ["M  87"]


def test_ned_is_asked_object_by_object_and_only_for_the_first(ned_server):
    table = crossmatch(OBJECTS, Ned(5.0, most=3)).table.set_index("id")
    assert table["status"].to_dict() == {"m87": "matched", "m49": "none", "blank": "none", "cena": "not_checked"}
    assert table.loc["m87", ["name", "type", "z"]].tolist() == ["MESSIER 087", "G", 0.004283]
    assert table.loc["m87", "candidates"] == 2
    assert table.loc["cena", "reason"] == "beyond the first 3"


def test_a_service_that_says_nothing_of_one_object_fails_for_that_one(monkeypatch):
    from astroquery.ipac.ned import NedClass

    def request(self, method, url, params=None, **options):
        if abs(float(params["lon"]) - 10.0 / 15) < 1e-3:
            return Reply(b"<html>Internal error</html>", 500)
        return Reply(written("ned_m87.vot"))               # and M 87 wherever one asks

    monkeypatch.setattr(NedClass, "_request", request)
    table = crossmatch(OBJECTS.iloc[[0, 2, 3]], Ned(5.0)).table.set_index("id")
    assert table["status"].to_dict() == {"m87": "matched", "blank": "failed", "cena": "failed"}
    assert "another place" in table.loc["cena", "reason"]
    assert "500" in table.loc["blank", "reason"]


def test_ned_that_refuses_is_not_asked_again(monkeypatch):
    from astroquery.ipac.ned import NedClass

    asked = []

    def request(self, method, url, params=None, **options):
        asked.append(params)
        return Reply(b"", 403)

    monkeypatch.setattr(NedClass, "_request", request)
    with pytest.raises(DataError, match="ned: expected a server that answers, got HTTP 403"):
        crossmatch(OBJECTS, Ned(5.0))
    assert len(asked) == 1


def test_simbad_that_refuses_is_not_asked_again(monkeypatch, simbad):
    from astroquery.simbad import SimbadClass
    from pyvo.dal.exceptions import DALServiceError

    asked = []

    def query_tap(self, query, **options):
        asked.append(query)
        raise DALServiceError("403 Client Error: Forbidden", code=403)

    monkeypatch.setattr(SimbadClass, "query_tap", query_tap)
    with pytest.raises(DataError, match=r"simbad: .*HTTP 403"):
        crossmatch(OBJECTS, Simbad(3.0))
    assert len(asked) == 1


def test_a_simbad_answer_that_was_cut_is_no_answer(monkeypatch, simbad):
    import warnings

    from astroquery.simbad import SimbadClass
    from pyvo.dal.exceptions import DALOverflowWarning

    def query_tap(self, query, **options):
        warnings.warn("Partial result set", DALOverflowWarning, stacklevel=2)
        return Table()

    monkeypatch.setattr(SimbadClass, "query_tap", query_tap)
    table = crossmatch(OBJECTS, Simbad(3.0)).table
    assert set(table["status"]) == {"failed"}
    assert "cut short" in table["reason"][0]


def test_wrong_settings_say_what_is_wrong():
    with pytest.raises(ArgumentError, match="most: expected 1 to 500"):
        Ned(5.0, most=5000)
    with pytest.raises(ArgumentError, match="radius"):
        Simbad(-1.0)
