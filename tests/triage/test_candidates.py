"""Candidates come from a real PostgreSQL server as they come from a file, and no error tells a password."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest

from specanom.errors import ArgumentError, DataError, MissingDependency
from specanom.triage.candidates import Candidates, from_frame, from_parquet, from_postgres
from specanom.triage.postgres import address, query_of

TARGETID = 39633345008634465
PASSWORD = "p:w/hunter2@x'y"
ROWS = f"""
CREATE SCHEMA survey;
CREATE TABLE survey.vae (targetid bigint, score double precision, exact numeric, snr real, counts integer,
                         note text, good boolean, embedding real[], bytes bytea);
INSERT INTO survey.vae VALUES
 ({TARGETID}, 9.5, 0.1, 3, 7, 'Hα', true, '{{1,2,3}}', 'a'),
 ({TARGETID + 1}, 8.5, NULL, NULL, NULL, NULL, NULL, '{{4,5,6}}', NULL),
 ({TARGETID + 2}, 7.5, 0.3, 5, 9, '', false, NULL, NULL),
 ({TARGETID + 3}, 6.5, 0.4, 5, 9, '', false, '{{1,2}}', NULL),
 ({TARGETID + 4}, 5.5, 0.5, 5, 9, '', false, '{{1,NaN,3}}', NULL),
 ({TARGETID + 5}, 4.5, 0.5, 5, 9, '', false, '{{1,NULL,3}}', NULL),
 ({TARGETID}, 1.0, 0.5, 5, 9, 'again', false, '{{7,8,9}}', NULL),
 (NULL, 1.0, 0.5, 5, 9, 'nobody', false, '{{7,8,9}}', NULL);
CREATE TABLE plain (id text, score double precision);
INSERT INTO plain SELECT 'o-' || i, i FROM generate_series(1, 1000) AS i;
"""


def programs() -> Path | None:
    """Return where initdb and pg_ctl are: Debian does not have them on the path."""
    found = [path.parent for path in sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))]
    on_path = shutil.which("initdb")
    return found[-1] if found else Path(on_path).resolve().parent if on_path else None


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A server of its own, reached through a socket only; without the programs, tests are skipped on a laptop."""
    bin = programs()
    if bin is None:
        if os.environ.get("CI") == "true":
            pytest.fail("continuous integration needs PostgreSQL: make postgres")
        pytest.skip("needs PostgreSQL: sudo apt-get install postgresql")
    folder = Path(tempfile.mkdtemp(prefix="pg", dir="/tmp"))  # a name of a socket has 107 characters at most
    as_user: list[str] = []
    if os.getuid() == 0:  # the server refuses to run as root
        as_user = ["runuser", "-u", "postgres", "--"]
        shutil.chown(folder, "postgres")

    def call(*words: str, text: str | None = None) -> None:
        done = subprocess.run([*as_user, *words], input=text, capture_output=True, text=True, check=False, cwd="/",
                              env={**os.environ, "PGPASSWORD": PASSWORD})
        assert done.returncode == 0, done.stdout + done.stderr

    base = folder / "base"
    (folder / "word").write_text(PASSWORD)
    (folder / "word").chmod(0o644)
    call(str(bin / "initdb"), "-D", str(base), "-U", "tester", "-A", "scram-sha-256", f"--pwfile={folder / 'word'}",
         "--no-sync", "-E", "UTF8", "--locale=C")
    options = f"-k {folder} -c listen_addresses='' -c fsync=off -c shared_buffers=16MB"
    call(str(bin / "pg_ctl"), "-D", str(base), "-o", options, "-w", "-l", str(folder / "log"), "start")
    try:
        call(str(bin / "psql"), "-h", str(folder), "-U", "tester", "-d", "postgres", "-v", "ON_ERROR_STOP=1",
             text=ROWS)
        yield f"postgresql://tester:{quote(PASSWORD, safe='')}@/postgres?host={folder}"
    finally:
        call(str(bin / "pg_ctl"), "-D", str(base), "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


# -- a server ----------------------------------------------------------------------------------------------------------


def test_a_table_of_scores_and_embeddings_becomes_a_work_list_with_vectors(server) -> None:
    found = from_postgres(server, "survey.vae", id="targetid", vector="embedding")
    assert found.ids == [str(TARGETID), str(TARGETID + 1)]
    np.testing.assert_array_equal(found.vectors, [[1, 2, 3], [4, 5, 6]])
    first, second = found.table.to_dict("records")
    assert (first["score"], first["exact"], first["note"], first["counts"]) == (9.5, 0.1, "Hα", 7)
    assert pd.isna(second["counts"])
    assert pd.isna(second["exact"])
    assert found.table["counts"].dtype == "Int32", "a blank does not make floats of whole numbers"
    assert dict(found.skipped[:4]) == {
        str(TARGETID + 2): "no vector", str(TARGETID + 3): "a vector of 2 numbers, others have 3",
        str(TARGETID + 4): "its vector is not finite", str(TARGETID + 5): "its vector is not finite"}
    assert found.skipped[4:] == ((str(TARGETID), "second row of this id"), ("", "no id"))
    assert "Candidates: 2 objects" in repr(found)


def test_a_query_may_choose_and_take_parameters(server) -> None:
    found = from_postgres(server, "SELECT targetid AS name, score FROM survey.vae WHERE score > $1 ORDER BY score",
                          id="name", parameters=[7.0])
    assert found.ids == [str(TARGETID + i) for i in (2, 1, 0)]
    assert found.vectors is None
    assert len(from_postgres(server, "plain")) == 1000


def test_vectors_may_be_columns(server) -> None:
    found = from_postgres(server, "SELECT id, score, score * 2 AS twice FROM plain", vector=["score", "twice"])
    assert found.vectors.shape == (1000, 2)
    assert found.table.columns.tolist() == ["id"]


def test_what_is_no_array_is_told_how_to_become_one(server) -> None:
    for name in ("bytes", "note"):
        with pytest.raises(DataError, match=r"arrays of numbers.*embedding::real\[\]"):
            from_postgres(server, "survey.vae", id="targetid", vector=name)


def test_a_query_cannot_write(server) -> None:
    with pytest.raises(DataError, match="read-only transaction"):
        from_postgres(server, "WITH gone AS (DELETE FROM plain RETURNING id) SELECT id FROM gone")
    assert len(from_postgres(server, "plain")) == 1000


@pytest.mark.parametrize("change", [
    lambda uri: uri.replace("tester:", "nobody:"),                                  # refused
    lambda uri: uri.replace("/postgres?", "/nowhere?"),                             # no such base
    lambda uri: re.sub(r"host=[^&]+", "host=nowhere.invalid", uri),                 # no server
    lambda uri: uri.replace(quote(PASSWORD, safe=""), PASSWORD),                    # taken for host and port
    lambda uri: "host=/nowhere user=tester password=hunter2",
    lambda uri: "postgresql://tester@/postgres?host=/nowhere&password=hunter2",
    lambda uri: "postgresql://tester:hunter2@localhost:port/postgres",
    lambda uri: "postgresql://tester:%zzhunter2@localhost/postgres",
])
def test_an_error_of_the_server_does_not_tell_the_password(server, change) -> None:
    with pytest.raises(DataError, match="uri: expected an answer from") as caught:
        from_postgres(change(server), "plain")
    assert "hunter2" not in "".join(traceback.format_exception(caught.value))


def test_a_table_that_is_not_there_is_named(server) -> None:
    with pytest.raises(DataError, match='relation "none" does not exist'):
        from_postgres(server, "none")
    with pytest.raises(ArgumentError, match="did you mean 'targetid'"):
        from_postgres(server, "survey.vae", id="target_id")


# -- without one -------------------------------------------------------------------------------------------------------


def test_addresses_are_shown_without_passwords() -> None:
    assert address("postgresql://me:a@b:c@host/base") == "postgresql://me:***@host/base"
    assert address("host=x password='a b' user=me") == "host=x password=*** user=me"
    assert address("postgresql://me@host/base") == "postgresql://me@host/base"


def test_a_name_is_quoted_and_anything_but_a_query_refused() -> None:
    assert query_of("scores") == 'SELECT * FROM "scores"'
    assert query_of(" with x as (select 1) select * from x") == " with x as (select 1) select * from x"
    for bad in ("DROP TABLE scores", "scores; DELETE FROM scores", ""):
        with pytest.raises(ArgumentError, match="the name of a table, or a query"):
            query_of(bad)


def test_without_the_driver_the_extra_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "adbc_driver_postgresql.dbapi", None)
    with pytest.raises(MissingDependency, match=r"specanom\[postgres\]"):
        from_postgres("postgresql://me@host/base", "scores")


def test_a_file_gives_what_a_frame_gives(tmp_path) -> None:
    frame = pd.DataFrame({"id": [TARGETID, TARGETID + 1], "score": [1.0, 2.0], "z": [[1.0, 2.0], [3.0, 4.0]]})
    frame.to_parquet(tmp_path / "x.parquet")
    for found in (from_frame(frame, vector="z"), from_parquet(tmp_path / "x.parquet", vector="z")):
        assert isinstance(found, Candidates)
        assert found.ids == [str(TARGETID), str(TARGETID + 1)]
        np.testing.assert_array_equal(found.vectors, [[1, 2], [3, 4]])
    (tmp_path / "y.parquet").write_bytes(b"PAR1")
    with pytest.raises(DataError, match="a readable Parquet file"):
        from_parquet(tmp_path / "y.parquet")


def test_a_blank_among_ids_does_not_cost_digits(tmp_path) -> None:
    frame = pd.DataFrame({"id": pd.array([TARGETID, None], dtype="Int64"), "score": [1.0, 2.0]})
    frame.to_parquet(tmp_path / "x.parquet")
    found = from_parquet(tmp_path / "x.parquet")
    assert (found.ids, found.skipped) == ([str(TARGETID)], (("", "no id"),))
    with pytest.raises(DataError, match="floats lose digits"):
        from_frame(frame.astype({"id": "float64"}))
    with pytest.raises(DataError, match=r"at least one row.*no id"):
        from_frame(frame.iloc[1:])


def test_a_page_shows_text_as_text() -> None:
    page = from_frame(pd.DataFrame({"id": ["<b>x</b>"], "note": ["<script>"]}))._repr_html_()
    assert "<script>" not in page
    assert "<b>" not in page
