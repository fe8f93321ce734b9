"""Pictures come from a folder or the network, and neither can break a report or hold up a dashboard."""

from __future__ import annotations

import base64
from xml.etree import ElementTree

import numpy as np
import pytest
import requests
import responses

from specanom.surveys.viewers import DESI_SPECTRA, SDSS_IMAGES, Cutouts, links, placeholder

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 20


def test_a_local_picture_comes_first(tmp_path) -> None:
    (tmp_path / "a-1.png").write_bytes(PNG)
    assert (Cutouts(tmp_path).of("a-1", 1.0, 2.0) or "").startswith("data:image/png;base64,")
    assert Cutouts(tmp_path).of("b", 1.0, 2.0) is None


def test_an_id_cannot_leave_the_folder(tmp_path) -> None:
    (tmp_path / "x.png").write_bytes(PNG)
    (tmp_path / "inside").mkdir()
    assert Cutouts(tmp_path / "inside").of("../x", 1.0, 2.0) is None


@responses.activate
def test_the_server_is_asked_for_the_position() -> None:
    responses.get(SDSS_IMAGES, body=b"\xff\xd8jpeg", content_type="image/jpeg")
    made = Cutouts(network=True).of("a", 146.714, -1.0413)
    assert (made or "").startswith("data:image/jpeg;base64,")
    assert "ra=146.714000" in responses.calls[0].request.url


@responses.activate
def test_a_server_that_fails_is_asked_once() -> None:
    responses.get(SDSS_IMAGES, body=requests.ConnectionError())
    cutouts = Cutouts(network=True)
    assert cutouts.of("a", 1.0, 2.0) is None
    assert cutouts.of("b", 1.0, 2.0) is None
    assert len(responses.calls) == 1


@responses.activate
def test_what_is_no_picture_is_not_shown() -> None:
    responses.get(SDSS_IMAGES, body="<html>", content_type="text/html")
    assert Cutouts(network=True).of("a", 1.0, 2.0) is None


def test_links_need_what_they_link_by() -> None:
    full = links({"plate": 266, "mjd": 51602, "fiber": 1, "ra": 146.714, "dec": -1.0413})
    assert [one["name"] for one in full] == ["SDSS explorer", "Legacy Surveys", "SIMBAD"]
    assert "plate=266&mjd=51602&fiber=1" in full[0]["url"]
    assert links({"ra": np.nan, "dec": 1.0}) == []


@responses.activate
def test_what_is_known_at_once_never_asks() -> None:
    cutouts = Cutouts(network=True)
    assert cutouts.can_ask("a", 1.0, 2.0)
    assert "asking" in text_of(cutouts.at_once("a", 1.0, 2.0))
    assert len(responses.calls) == 0


@responses.activate
def test_a_fetched_picture_is_remembered() -> None:
    responses.get(SDSS_IMAGES, body=b"\xff\xd8jpeg", content_type="image/jpeg")
    cutouts = Cutouts(network=True)
    made = cutouts.of("a", 1.0, 2.0)
    assert cutouts.at_once("a", 1.0, 2.0) == cutouts.of("a", 1.0, 2.0) == made
    assert not cutouts.can_ask("a", 1.0, 2.0)
    assert len(responses.calls) == 1


@responses.activate
def test_nobody_is_asked_without_leave() -> None:
    cutouts = Cutouts()
    assert not cutouts.can_ask("a", 1.0, 2.0)
    assert "offline" in text_of(cutouts.at_once("a", 1.0, 2.0))
    assert cutouts.of("a", 1.0, 2.0) is None
    assert len(responses.calls) == 0


@pytest.mark.parametrize("id", ["x" * 5000, "nul\0", "<img src=x onerror=alert(1)>"])
def test_no_id_can_break_the_search(tmp_path, id) -> None:
    assert Cutouts(tmp_path).of(id, 1.0, 2.0) is None


def text_of(address: str) -> str:
    kind, _, content = address.partition(";base64,")
    assert kind == "data:image/svg+xml"
    return " ".join(ElementTree.fromstring(base64.b64decode(content)).itertext())


@pytest.mark.parametrize(
    ("ra", "dec", "where"),
    [(146.714, -1.0413, "09h 46m 51.4s −01° 02′ 29″"),
     (359.9999999, 89.9999999, "00h 00m 00.0s +90° 00′ 00″"),
     (np.nan, 2.0, "position not known"), (10.0, 91.0, "position not known")],
)
def test_a_placeholder_says_where_it_points(ra, dec, where) -> None:
    assert where in text_of(placeholder(ra, dec))


def test_a_desi_target_has_its_viewer() -> None:
    found = links({"targetid": 39627640567826910, "plate": -1, "mjd": -1, "fiber": -1, "ra": 10.0, "dec": 2.0})
    assert [one["name"] for one in found] == ["DESI viewer", "Legacy Surveys", "SIMBAD"]
    assert found[0]["url"] == f"{DESI_SPECTRA}/dr1/targetid39627640567826910"
    assert links({"targetid": "39627640567826910"})[0]["url"].endswith("targetid39627640567826910")


def test_what_is_not_known_gives_no_link() -> None:
    assert links({"plate": -1, "mjd": -1, "fiber": -1, "ra": np.nan, "dec": np.nan}) == []
    assert links({"plate": np.nan, "mjd": 1, "fiber": 1, "ra": None, "dec": "x"}) == []
    assert links({"targetid": "javascript:alert(1)"}) == []
