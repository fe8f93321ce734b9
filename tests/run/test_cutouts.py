"""Pictures come from a folder or the network, and neither can break a report."""

from __future__ import annotations

import numpy as np
import requests
import responses

from specanom.run.cutouts import SDSS_IMAGES, Cutouts, links

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
