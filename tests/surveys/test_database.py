"""What is too large for memory lies among the temporary files while it is needed."""

from __future__ import annotations

from pathlib import Path

import pytest

from specanom.surveys.database import database


def test_what_is_too_large_for_memory_is_not_put_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here, temporary = tmp_path / "here", tmp_path / "temporary"
    here.mkdir()
    temporary.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr("tempfile.tempdir", str(temporary))
    with database(threads=1) as base:
        assert base.execute("SELECT current_setting('threads')").fetchone() == (1,)
        assert not list(temporary.iterdir())
        base.execute("SET memory_limit = '50MB'")
        base.execute("CREATE TABLE t AS SELECT i, hash(i)::VARCHAR AS h FROM range(2_000_000) r(i) ORDER BY h")
        assert [path.name.startswith("specanom-") for path in temporary.iterdir()] == [True]
    assert not list(temporary.iterdir())
    assert not list(here.iterdir())
