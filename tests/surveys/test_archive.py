"""The archive client, on answers in the server's format; the files it serves are real ones."""

from __future__ import annotations

import errno
import re
from pathlib import Path
from urllib.parse import parse_qs, urlparse

import pandas as pd
import pytest
import requests
import responses

from specanom.errors import ArgumentError, DataError
from specanom.surveys import archive, read, transfer

SERVER = re.compile(r"https://skyserver\.sdss\.org/dr16/.*")
HEAD = ("#Table1\nspecobjid,plate,mjd,fiber,ra,dec,z,z_err,z_noqso,zwarning,class,subclass,objtype,snr,run2d,survey,"
        "instrument\n")
ROWS = ["1176562823463725056,1045,52725,628,216.56289,51.5592,0.03196731,8.1e-06,0,0,GALAXY,STARFORMING,GALAXY,15.63,"
        "26,sdss,SDSS\n",
        "18446744073709551615,3586,55181,3,9.432104,-0.24518,0.588696,0.00016,0.588696,4,GALAXY,,GALAXY,2.15,v5_11_0,"
        "boss,BOSS\n"]
LITE = "spec-1045-52725-0628.fits"
URL = f"https://data.sdss.org/sas/dr16/sdss/spectro/redux/26/spectra/lite/1045/{LITE}"


@pytest.fixture(autouse=True)
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Nobody waits in tests; what would have been waited is noted."""
    noted: list[float] = []
    monkeypatch.setattr(archive, "sleep", noted.append)
    monkeypatch.setattr(transfer, "sleep", noted.append)
    return noted


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame({"plate": [1045], "mjd": [52725], "fiber": [628], "run2d": ["26"]})


def asked(server: responses.RequestsMock, index: int = -1) -> str:
    return parse_qs(urlparse(server.calls[index].request.url).query)["cmd"][0]


# -- query -------------------------------------------------------------------------------------------------------


def test_the_papers_sample_is_what_the_paper_says(server: responses.RequestsMock) -> None:
    server.get(SERVER, body=HEAD + ROWS[0])
    table = archive.query(10)
    for condition in ("s.class = 'GALAXY'", "s.survey = 'sdss'", "s.zWarning = 0", "s.snMedian > 4",
                      "BETWEEN 0.01 AND 0.50", "zNoQSO", "TOP 10 ", "ORDER BY s.specObjID"):
        assert condition in asked(server)
    assert table["id"].tolist() == ["1045-52725-0628"]
    assert table.loc[0, "z"] == pytest.approx(0.03196731)


def test_ids_keep_every_digit(server: responses.RequestsMock) -> None:
    server.get(SERVER, body=HEAD + "".join(ROWS))
    table = archive.query(5, "galaxies")
    assert table["specobjid"].tolist() == ["1176562823463725056", "18446744073709551615"]
    assert table["run2d"].tolist() == ["26", "v5_11_0"]
    assert "& 939) = 0" in asked(server)


def test_pages_go_on_after_the_last_id_until_a_short_one(server: responses.RequestsMock) -> None:
    server.get(SERVER, body=HEAD + ROWS[0])
    server.get(SERVER, body=HEAD + ROWS[1])
    server.get(SERVER, body=HEAD)
    assert len(archive.query(None, "s.z > 0", page=1)) == 2
    assert "s.specObjID > 1176562823463725056 " in asked(server, 1)
    assert "s.specObjID > 18446744073709551615 " in asked(server, 2)


def test_a_limit_ends_the_paging(server: responses.RequestsMock) -> None:
    server.get(SERVER, body=HEAD + ROWS[0])
    assert len(archive.query(1, page=100)) == 1
    assert len(server.calls) == 1
    assert "TOP 1 " in asked(server)


def test_offline_the_query_fails_at_once_and_says_what_to_do(
    server: responses.RequestsMock, waits: list[float]
) -> None:
    server.get(SERVER, body=requests.ConnectionError("Failed to resolve 'skyserver.sdss.org'"))
    with pytest.raises(DataError, match=r"no connection\. Try: connect to the network; or .*mock"):
        archive.query(10)
    assert len(server.calls) == 1
    assert waits == []


def test_a_busy_server_is_asked_again_with_growing_pauses(server: responses.RequestsMock, waits: list[float]) -> None:
    server.get(SERVER, status=503)
    server.get(SERVER, body=requests.ReadTimeout("slow"))
    server.get(SERVER, body=HEAD + ROWS[0])
    assert len(archive.query(1)) == 1
    assert waits == [1.0, 2.0]


def test_a_server_that_stays_busy_is_given_up(server: responses.RequestsMock, waits: list[float]) -> None:
    server.get(SERVER, status=503)
    with pytest.raises(DataError, match="HTTP 503"):
        archive.query(1, retries=2)
    assert len(server.calls) == 3
    assert waits == [1.0, 2.0]


@pytest.mark.parametrize("answer", ['{"error_message": "Incorrect syntax near \'zz\'."}', "<html>down</html>", ""])
def test_what_is_no_table_is_shown(server: responses.RequestsMock, answer: str) -> None:
    server.get(SERVER, body=answer)
    with pytest.raises(DataError, match="query: expected a table"):
        archive.query(1, "zz")


def test_a_limit_of_nothing_is_a_wrong_call() -> None:
    with pytest.raises(ArgumentError, match="limit"):
        archive.query(0)


# -- download ----------------------------------------------------------------------------------------------------


def test_a_spectrum_is_fetched_checked_and_read(
    server: responses.RequestsMock, table: pd.DataFrame, data: Path, tmp_path: Path
) -> None:
    server.get(URL, body=(data / LITE).read_bytes())
    report = archive.download(table, tmp_path)
    assert repr(report) == "Report: 1 fetched, 0 there already, 0 failed"
    assert report.paths == (str(tmp_path / "1045" / LITE),)
    assert Path(report.paths[0]).read_bytes() == (data / LITE).read_bytes()
    assert [s.id for s in read(tmp_path)] == ["1045-52725-0628"]
    assert report.to_frame()["status"].tolist() == ["fetched"]


def test_what_is_there_is_kept_without_a_request(
    server: responses.RequestsMock, table: pd.DataFrame, data: Path, tmp_path: Path
) -> None:
    (tmp_path / "1045").mkdir()
    (tmp_path / "1045" / LITE).write_bytes((data / LITE).read_bytes())
    assert archive.download(table, tmp_path).outcomes[0].status == "kept"
    assert len(server.calls) == 0


def test_a_cut_file_that_is_there_is_fetched_again(
    server: responses.RequestsMock, table: pd.DataFrame, data: Path, tmp_path: Path
) -> None:
    whole = (data / LITE).read_bytes()
    (tmp_path / "1045").mkdir()
    (tmp_path / "1045" / LITE).write_bytes(whole[:90_000])
    server.get(URL, body=whole)
    assert archive.download(table, tmp_path).outcomes[0].status == "fetched"
    assert (tmp_path / "1045" / LITE).read_bytes() == whole


@pytest.mark.parametrize("ranges", [True, False])
def test_an_unfinished_file_is_continued_or_begun_anew(
    server: responses.RequestsMock, table: pd.DataFrame, data: Path, tmp_path: Path, ranges: bool
) -> None:
    whole, seen = (data / LITE).read_bytes(), []
    (tmp_path / "1045").mkdir()
    (tmp_path / "1045" / f"{LITE}.part").write_bytes(whole[:50_000])

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        asked_for = request.headers.get("Range", "")
        seen.append(asked_for)
        if ranges and asked_for:
            return 206, {"Content-Range": f"bytes 50000-{len(whole) - 1}/{len(whole)}"}, whole[50_000:]
        return 200, {}, whole

    server.add_callback(responses.GET, URL, callback=answer)
    report = archive.download(table, tmp_path)
    assert seen[-1] == "bytes=50000-"
    assert Path(report.paths[0]).read_bytes() == whole
    assert not list(tmp_path.rglob("*.part"))


def test_a_piece_of_another_file_is_thrown_away(
    server: responses.RequestsMock, table: pd.DataFrame, data: Path, tmp_path: Path
) -> None:
    whole = (data / LITE).read_bytes()
    (tmp_path / "1045").mkdir()
    (tmp_path / "1045" / f"{LITE}.part").write_bytes(b"x" * (len(whole) + 5))

    def answer(request: requests.PreparedRequest) -> tuple[int, dict[str, str], bytes]:
        return (416, {}, b"") if "Range" in request.headers else (200, {}, whole)

    server.add_callback(responses.GET, URL, callback=answer)
    report = archive.download(table, tmp_path)
    assert report.outcomes[0].status == "fetched"
    assert Path(report.paths[0]).read_bytes() == whole


def test_a_short_answer_is_not_taken_for_a_file(
    server: responses.RequestsMock, table: pd.DataFrame, data: Path, tmp_path: Path, waits: list[float]
) -> None:
    whole = (data / LITE).read_bytes()
    server.get(URL, body=b"")                                   # the probe
    server.get(URL, body=whole[:100_000])
    server.get(URL, status=502)
    server.get(URL, body=whole)
    report = archive.download(table, tmp_path)
    assert report.outcomes[0].status == "fetched"
    assert Path(report.paths[0]).read_bytes() == whole
    assert waits == [1.0, 2.0]


def test_a_file_the_archive_does_not_have_fails_once_and_the_others_come(
    server: responses.RequestsMock, table: pd.DataFrame, data: Path, tmp_path: Path, waits: list[float]
) -> None:
    more = pd.concat([table.assign(fiber=1), table], ignore_index=True)
    server.get(URL.replace("0628", "0001"), status=404)
    server.get(URL, body=(data / LITE).read_bytes())
    report = archive.download(more, tmp_path, workers=2)
    assert [one.status for one in report.outcomes] == ["failed", "fetched"]
    assert report.failed[0].id == "1045-52725-0001"
    assert "404" in report.failed[0].reason
    assert waits == []
    assert "1045-52725-0001: HTTP 404" in repr(report)


def test_the_server_says_how_long_to_wait(
    server: responses.RequestsMock, table: pd.DataFrame, tmp_path: Path, waits: list[float]
) -> None:
    server.get(URL, status=429, headers={"Retry-After": "17"})
    report = archive.download(table, tmp_path, retries=1)
    assert (report.outcomes[0].status, report.outcomes[0].reason) == ("failed", "HTTP 429")
    assert waits == [17.0]


def test_offline_the_download_fails_at_once_and_says_what_to_do(
    server: responses.RequestsMock, table: pd.DataFrame, tmp_path: Path, waits: list[float]
) -> None:
    server.get(URL, body=requests.ConnectionError("no route"))
    with pytest.raises(DataError, match=r"download: expected the SDSS archive, got no connection\. Try"):
        archive.download(pd.concat([table] * 50), tmp_path)
    assert len(server.calls) == 1
    assert waits == []


def test_a_full_disk_stops_the_download(
    server: responses.RequestsMock, table: pd.DataFrame, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(url: str, part: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    server.get(URL, body=(data / LITE).read_bytes())
    monkeypatch.setattr(transfer, "_receive", full)
    with pytest.raises(DataError, match=r"room on the disk.*what is there is kept"):
        archive.download(table, tmp_path)


def test_boss_and_later_releases_have_their_own_folders() -> None:
    assert archive.spectrum_url(1045, 52725, 628) == URL
    assert archive.spectrum_url(10656, 58163, 366, run2d="v5_13_0").endswith(
        "/dr16/sdss/spectro/redux/v5_13_0/spectra/lite/10656/spec-10656-58163-0366.fits")
    assert "/dr18/spectro/sdss/redux/26/" in archive.spectrum_url(1045, 52725, 628, release=18)


def test_wrong_calls_are_refused(table: pd.DataFrame, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="workers"):
        archive.download(table, tmp_path, workers=100)
    with pytest.raises(ArgumentError, match="mjd"):
        archive.download(table.drop(columns="mjd"), tmp_path)
