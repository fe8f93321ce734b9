"""Tables, packed files, arrays and Zarr groups that lie: refused with a reason, at once, in little memory."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks._fuzz_files import Files
from benchmarks._fuzz_judge import OPENERS
from specanom.errors import DataError, SpecanomError
from specanom.surveys import read
from specanom.triage.crossmatch.reading import read_table
from tests.foreign.kept import little_memory
from tests.surveys.lying_tables import GZIPPED, OTHERS, TABLES, zarr_files

SECONDS = 2.0
GOOD = "id,wave,flux,ivar,z\n" + "".join(f"good,{4000 + i},1,1,0.1\n" for i in range(9))


@pytest.fixture(autouse=True, scope="module")
def _loaded(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Load what is loaded once: the limits are for the files."""
    import astropy.io.votable  # noqa: F401
    import pyarrow.dataset  # noqa: F401
    import zarr  # noqa: F401

    whole = written(tmp_path_factory.mktemp("whole"), "a", zarr_files())
    OPENERS[".zarr"](str(whole))


def written(folder: Path, name: str, content: bytes | Files) -> Path:
    """Write a file, or the files of a group; return what is opened."""
    if isinstance(content, bytes):
        (folder / name).write_bytes(content)
        return folder / name
    for one, raw in content.items():
        (folder / one).parent.mkdir(parents=True, exist_ok=True)
        (folder / one).write_bytes(raw)
    return folder / next(iter(content)).partition("/")[0]


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_lies_is_skipped_and_the_good_one_beside_it_read(tmp_path: Path, name: str) -> None:
    file, make, reason = TABLES[name]
    path, good = written(tmp_path, file, make()), tmp_path / "good.csv"
    good.write_text(GOOD)
    start = time.process_time()
    with little_memory():
        survey = read([path, good])
        assert [s.id for s in survey] == ["good"]
        assert {one.path for one in survey.skipped} == {str(path)}
        assert reason in survey.skipped[0].reason
        assert len(survey.skipped[0].reason) <= 500
        assert survey.skipped[0].reason.isprintable()
        if (table := _as_catalogue(path)) is not None:
            assert len(table.columns) < 10
    assert time.process_time() - start < SECONDS


def _as_catalogue(path: Path) -> pd.DataFrame | None:
    """Read it as a table to match with: what has no spectra may still be one; else the error names it."""
    try:
        return read_table(path)
    except DataError as exc:
        if path.name not in str(exc):
            raise
    return None


@pytest.mark.parametrize("name", GZIPPED)
def test_a_packed_file_that_lies_is_skipped_and_the_good_one_beside_it_read(tmp_path: Path, data: Path,
                                                                           name: str) -> None:
    file, make, reason = GZIPPED[name]
    path = written(tmp_path, file, make())
    (tmp_path / "good.fits").write_bytes((data / "spec-1045-52725-0628.fits").read_bytes())
    start = time.process_time()
    with little_memory():
        survey = read(tmp_path)
        assert [s.id for s in survey] == ["1045-52725-0628"]
        assert {one.path for one in survey.skipped} == {str(path)}
        assert reason in survey.skipped[0].reason
    assert time.process_time() - start < SECONDS


@pytest.mark.parametrize("name", OTHERS)
def test_a_file_beside_spectra_that_lies_is_refused(tmp_path: Path, name: str) -> None:
    file, make, reason = OTHERS[name]
    path = written(tmp_path, file, make())
    start = time.process_time()
    with little_memory(), pytest.raises(SpecanomError) as told:
        OPENERS[path.suffix](str(path))
    assert time.process_time() - start < SECONDS
    assert reason in str(told.value)
    assert str(told.value).isprintable()


def test_what_lies_is_made_of_what_is_read(tmp_path: Path) -> None:
    """Else it would be refused for another reason."""
    from benchmarks._fuzz_kept import kept

    for name, files in kept().items():
        (tmp_path / name).mkdir()
        for one, raw in files.items():
            written(tmp_path / name, one, {one: raw})
        (path,) = (tmp_path / name).iterdir()
        OPENERS[path.suffix](str(path))
    (one,) = read(written(tmp_path, "good.csv", GOOD.encode()))
    assert np.isfinite(one.flux).all()
