from __future__ import annotations

import io
import json
import threading
import time

import numpy as np
import pandas as pd
import pytest
from astropy.table import Table

from specanom.errors import ArgumentError, DataError
from specanom.triage.crossmatch import LocalTable, Simbad, XMatch, asking, crossmatch, found, network
from specanom.triage.crossmatch.cache import Question, ResponseCache
from specanom.triage.crossmatch.positions import positions_of

from .conftest import Reply, written
from .made import xmatch_answer

WISE = "vizier:II/328/allwise"


def objects(n: int = 30) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame({"id": [str(39633345008634465 + i) for i in range(n)], "ra": rng.uniform(0, 360, n),
                         "dec": rng.uniform(-80, 80, n)})


def test_an_answer_of_a_thousand_rows_is_joined_as_a_plain_reading_of_it(xmatch_server):
    table = objects(1361)
    got = crossmatch(table, XMatch(WISE, 3.0, columns=["W1mag", "ID"])).table
    raw = xmatch_answer(xmatch_server.uploads[0])
    answer = Table.read(io.BytesIO(raw), format="votable").to_pandas()
    assert len(answer) == 1000
    first = answer.sort_values("angDist").drop_duplicates("specanom_row").set_index("specanom_row")
    hits = got[got["status"] == "matched"]
    assert hits.index.tolist() == sorted(first.index)
    assert hits["name"].tolist() == first.loc[hits.index, "AllWISE"].tolist()
    np.testing.assert_array_equal(hits["W1mag"], first.loc[hits.index, "W1mag"])
    np.testing.assert_array_equal(hits["separation"], first.loc[hits.index, "angDist"])
    assert hits["ID"].tolist() == first.loc[hits.index, "ID"].astype(str).tolist()
    assert got["candidates"].sum() == 1000
    assert got["id"].tolist() == table["id"].tolist()
    assert set(got["status"]) == {"matched", "none"}


def test_chunks_are_sent_one_after_the_other_in_one_post_each(xmatch_server):
    got = crossmatch(objects(30), XMatch(WISE, 3.0, chunk=12)).table
    assert [len(rows) for rows in xmatch_server.uploads] == [12, 12, 6]
    assert {asked["method"] for asked in xmatch_server.asked} == {"POST"}
    assert {asked["cat2"] for asked in xmatch_server.asked} == {WISE}
    assert {asked["distMaxArcsec"] for asked in xmatch_server.asked} == {3.0}
    whole = crossmatch(objects(30)[12:24].reset_index(drop=True), XMatch(WISE, 3.0)).table
    assert got["status"][12:24].tolist() == whole["status"].tolist()


def test_the_chance_rate_comes_from_the_outer_half_of_the_circles_or_a_shifted_query(xmatch_server):
    matches = crossmatch(objects(30), XMatch(WISE, 1.3))
    # Every tenth of the two thirds with a source has a second one at 1.2", beyond 1.3"/√2: 2 of 30.
    assert matches.summary()["chance_from"][0] == "outer half of the search circles"
    assert matches.table["chance"][0] == pytest.approx(1 - np.exp(-2 * 2 / 30))
    shifted = crossmatch(objects(30), XMatch(WISE, 1.3, shifted=True))
    assert len(xmatch_server.uploads) == 3
    sent, moved = xmatch_server.uploads[1:]
    assert sent[0]["specanom_dec"] != moved[0]["specanom_dec"]
    assert shifted.table["chance"][0] == pytest.approx(20 / 30)
    assert shifted.summary()["chance_from"][0] == "a second query at 30 shifted positions"


def test_an_answer_is_kept_and_serves_the_same_question_without_a_network(xmatch_server, tmp_path, monkeypatch):
    first = crossmatch(objects(), XMatch(WISE, 3.0), cache=tmp_path)
    known = json.loads(next(tmp_path.glob("*.json")).read_text())
    assert known["service"] == WISE
    assert known["radius"] == 3.0
    assert known["rows"] == 30
    assert len(known["input"]) == 16
    assert known["date"].endswith("Z")

    def offline(url):
        raise network.Offline("offline: no connection to there")

    monkeypatch.setattr(asking, "knock", offline)
    again = crossmatch(objects(), XMatch(WISE, 3.0), cache=tmp_path)
    pd.testing.assert_frame_equal(again.table, first.table)
    assert len(xmatch_server.uploads) == 1
    for other in (XMatch(WISE, 2.0), XMatch("vizier:I/355/gaiadr3", 3.0)):
        assert set(crossmatch(objects(), other, cache=tmp_path).table["status"]) == {"not_checked"}
    assert set(crossmatch(objects(29), XMatch(WISE, 3.0), cache=tmp_path).table["status"]) == {"not_checked"}
    fresh = crossmatch(objects(), XMatch(WISE, 3.0), cache=tmp_path, refresh=True)
    assert set(fresh.table["status"]) == {"not_checked"}


def test_refresh_asks_again_and_a_torn_file_is_asked_for_again(xmatch_server, tmp_path):
    crossmatch(objects(), XMatch(WISE, 3.0), cache=tmp_path)
    crossmatch(objects(), XMatch(WISE, 3.0), cache=tmp_path, refresh=True)
    assert len(xmatch_server.uploads) == 2
    kept = next(tmp_path.glob("*.vot"))
    kept.write_bytes(kept.read_bytes()[:900])
    assert "matched" in set(crossmatch(objects(), XMatch(WISE, 3.0), cache=tmp_path).table["status"])
    assert len(xmatch_server.uploads) == 3
    assert len(list(tmp_path.iterdir())) == 2
    kept.write_bytes(kept.read_bytes().replace(b"<TD>0.2</TD>", b"<TD>0.1</TD>", 1))    # of the same length
    assert set(crossmatch(objects(), XMatch(WISE, 3.0), cache=tmp_path).table["separation"].dropna()) == {0.2}
    assert len(xmatch_server.uploads) == 4


def test_offline_it_says_so_and_no_row_reads_as_uncatalogued(monkeypatch, no_real_network):
    def offline(url):
        raise network.Offline("offline: no connection to cdsxmatch.u-strasbg.fr")

    monkeypatch.setattr(asking, "knock", offline)
    matches = crossmatch(objects(), XMatch(WISE, 3.0, chunk=10))
    assert set(matches.table["status"]) == {"not_checked"}
    assert set(matches.table["reason"]) == {"offline: no connection to cdsxmatch.u-strasbg.fr"}
    assert matches.table["chance"].isna().all()
    assert "30 not_checked" in repr(matches)
    assert "offline" in repr(matches)
    assert not no_real_network


def test_a_refusal_stops_everything_with_the_reason(xmatch_server, tmp_path):
    replies = iter([Reply(b"", 403)])
    xmatch_server.answer = lambda rows: next(replies) if len(xmatch_server.uploads) == 2 else Reply(xmatch_answer(rows))
    with pytest.raises(DataError, match=r"HTTP 403.*banned.*one cross-match at a time"):
        crossmatch(objects(), XMatch(WISE, 3.0, chunk=10), cache=tmp_path)
    assert len(xmatch_server.uploads) == 2
    assert len(list(tmp_path.glob("*.vot"))) == 1


def test_trouble_that_passes_is_waited_for(xmatch_server, no_real_network):
    xmatch_server.answer = lambda rows: (Reply(b"<html>busy</html>", 503) if len(xmatch_server.uploads) < 3
                                         else Reply(xmatch_answer(rows)))
    assert "failed" not in set(crossmatch(objects(), XMatch(WISE, 3.0)).table["status"])
    assert {2.0, 4.0} <= set(no_real_network)


def test_after_two_failed_chunks_the_rest_is_not_asked(xmatch_server):
    xmatch_server.answer = lambda rows: Reply(b"<html>busy</html>", 503)
    table = crossmatch(objects(40), XMatch(WISE, 3.0, chunk=10)).table
    assert table["status"].tolist() == ["failed"] * 20 + ["not_checked"] * 20
    assert table["reason"][0] == "HTTPError: 503 Server Error, 3 times"
    assert table["reason"][39].startswith("not asked: 2 requests before it failed")
    assert len(xmatch_server.uploads) == 6


@pytest.mark.parametrize(("raw", "reason"), [
    (b"<html>maintenance</html>", "no VOTable came but '<html>maintenance</html>'"),
    (written("xmatch_error.vot"), "the service says: Unknown table II/999/nothing"),
    (xmatch_answer([]).replace(b"specanom_row", b"another"), "the answer lacks specanom_row"),
    (xmatch_answer([]).replace(b"<TABLE", b'<INFO name="QUERY_STATUS" value="OVERFLOW"/><TABLE'), "OVERFLOW"),
    (xmatch_answer([{"specanom_row": "76", "specanom_ra": "1", "specanom_dec": "1"}]), "positions that were not sent"),
    (b"", "no VOTable came"),
], ids=["page", "error", "foreign", "cut", "strange rows", "empty"])
def test_an_answer_that_is_none_is_failed_and_not_kept(xmatch_server, tmp_path, raw, reason):
    xmatch_server.answer = lambda rows: Reply(raw)
    table = crossmatch(objects(), XMatch(WISE, 3.0), cache=tmp_path).table
    assert set(table["status"]) == {"failed"}
    assert reason in table["reason"][0]
    assert list(tmp_path.iterdir()) == []


def test_an_answer_without_rows_says_that_nothing_is_there(xmatch_server):
    xmatch_server.answer = lambda rows: Reply(xmatch_answer([]))
    table = crossmatch(objects(), XMatch(WISE, 3.0, columns=["W1mag"])).table
    assert set(table["status"]) == {"none"}
    assert table["chance"].tolist() == [0.0] * 30
    assert table["W1mag"].isna().all()


def test_a_silent_server_is_not_waited_for():
    with pytest.raises(network.Late, match=r"no answer within 0\.05 s"):
        network.within(0.05, lambda: __import__("time").sleep(1))
    with pytest.raises(KeyError):
        network.within(5, lambda: {}["x"])


def test_a_late_answer_is_failed_and_not_asked_for_beside_the_first(xmatch_server, monkeypatch):
    def late(seconds, work, server):
        work()
        raise network.Late("no answer within 320 s")

    monkeypatch.setattr(asking, "within", late)
    table = crossmatch(objects(), XMatch(WISE, 3.0)).table
    assert set(table["reason"]) == {"no answer within 320 s"}
    assert len(xmatch_server.uploads) == 1


def test_a_closed_port_is_offline_at_once():
    import socket

    with socket.socket() as busy:
        busy.bind(("127.0.0.1", 0))
        port = busy.getsockname()[1]
        with pytest.raises(network.Offline, match=r"offline: no connection to 127\.0\.0\.1"):
            network.knock(f"http://127.0.0.1:{port}/xmatch")
        busy.listen()
        network.knock(f"http://127.0.0.1:{port}/xmatch")


def test_a_proxy_is_knocked_at_instead_of_the_server(monkeypatch):
    monkeypatch.setenv("https_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "")
    assert network._door("https://simbad.cds.unistra.fr/simbad") == ("proxy.example", 3128)
    monkeypatch.delenv("https_proxy")
    assert network._door("http://cdsxmatch.u-strasbg.fr/xmatch/api") == ("cdsxmatch.u-strasbg.fr", 80)


def test_a_pace_is_kept(monkeypatch):
    waits = []
    monkeypatch.setattr(network, "sleep", waits.append)
    pace = network.Pace(1.0)
    pace.wait()
    pace.wait()
    assert len(waits) == 1
    assert waits[0] == pytest.approx(1.0, abs=0.2)


def test_wrong_settings_say_what_is_wrong(xmatch_server, tmp_path):
    with pytest.raises(ArgumentError, match="up to 180 arcsec, got 181"):
        XMatch(WISE, 181.0)
    with pytest.raises(ArgumentError, match="'vizier:II/328/allwise'"):
        XMatch("II/328/allwise", 3.0)
    with pytest.raises(ArgumentError, match="chunk: expected 1 to 50000"):
        XMatch(WISE, 3.0, chunk=60_000)
    with pytest.raises(ArgumentError, match=r"columns: expected some of AllWISE, RAJ2000.*got 'W9mag'"):
        crossmatch(objects(), XMatch(WISE, 3.0, columns=["W9mag"]))
    with pytest.raises(ArgumentError, match="each with its own name"):
        crossmatch(objects(), [XMatch(WISE, 3.0), XMatch(WISE, 2.0)])
    with pytest.raises(ArgumentError, match="one or more"):
        crossmatch(objects(), [])
    (tmp_path / "file").write_text("")
    with pytest.raises(ArgumentError, match="cache: expected a folder"):
        crossmatch(objects(), LocalTable(objects(), 1.0), cache=tmp_path / "file")


class Slow:
    """A service of one server whose requests take their time; counts how many run at once."""

    radius, columns, url, chunk, gap, shifted = 1.0, (), "http://slow.example", 1, 0.0, False

    def __init__(self, service: str, limit: float, work) -> None:
        self.service, self.limit, self._work = service, limit, work
        self.running = self.most = self.begun = 0

    def request(self, positions) -> bytes:
        self.begun += 1
        self.running += 1
        self.most = max(self.most, self.running)
        self._work()
        self.running -= 1
        return b""

    def parse(self, raw, positions):
        return found.no_pairs()

    def __call__(self, positions, access=found.Access()):  # noqa: B008
        return asking.ask(self, positions, access)


def test_a_request_that_is_late_is_waited_for_before_the_next():
    service = Slow("slow", 0.3, lambda: time.sleep(0.5) if service.begun == 1 else None)
    table = crossmatch(objects(3), service).table
    assert table["status"].tolist() == ["failed", "none", "none"]
    assert (service.begun, service.most) == (3, 1)


def test_a_server_that_never_ends_a_request_is_not_asked_again_by_anybody():
    hold = threading.Event()
    first, second = Slow("first", 0.1, hold.wait), Slow("second", 0.1, hold.wait)
    table = crossmatch(objects(3), [first, second]).table.set_index("service")
    assert table.loc["first", "status"].tolist() == ["failed", "not_checked", "not_checked"]
    assert table.loc["second", "status"].tolist() == ["not_checked"] * 3
    assert table.loc["second", "reason"].str.contains("an earlier request").all()
    assert (first.begun, second.begun) == (1, 0)
    hold.set()
    again = Slow("again", 5.0, lambda: None)
    assert set(crossmatch(objects(3), again).table["status"]) == {"none"}


def test_answers_of_two_clients_of_one_catalogue_are_kept_apart(tmp_path):
    positions, _ = positions_of(objects(3), None)
    one, other = (Question.of(service, positions) for service in (XMatch("simbad", 2.0), Simbad(2.0)))
    assert one.stem != other.stem
    cache = ResponseCache(tmp_path)
    cache.put(one, b"of XMatch", "2026-01-01T00:00:00Z")
    cache.put(other, b"of SIMBAD", "2026-01-02T00:00:00Z")
    assert cache.get(one) == (b"of XMatch", "2026-01-01T00:00:00Z")
    assert cache.get(other) == (b"of SIMBAD", "2026-01-02T00:00:00Z")
