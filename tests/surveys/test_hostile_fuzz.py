"""A short run of the fuzzer: small surveys changed as Hypothesis draws, read in this process.

``benchmarks/fuzz.py`` makes the long runs, and says what must hold of each input.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import hypothesis as hy
import pytest
from hypothesis import strategies as st

from benchmarks._fuzz_changes import headers
from benchmarks._fuzz_files import seeds
from benchmarks._fuzz_judge import Fault, Judge
from benchmarks._fuzz_mutants import mutant
from benchmarks._fuzz_picks import FromBytes, FromDraw, FromRandom

pytestmark = pytest.mark.xdist_group("fuzz")  # what is counted is counted in one process


@pytest.fixture(scope="module")
def judge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Judge]:
    made = Judge(tmp_path_factory.mktemp("fuzz"))
    yield made
    assert made.counts["inputs"] > 100
    assert made.counts["spectra"], "some are still read"
    assert made.counts["refused"] + made.counts["skipped"], "some are not"


@hy.settings(max_examples=150, deadline=None, database=None, derandomize=True,
             suppress_health_check=list(hy.HealthCheck))
@hy.given(st.data())
def test_whatever_is_changed_nothing_but_a_refusal_comes_of_it(judge: Judge, data: Any) -> None:
    judge(mutant(FromDraw(data.draw)))


@hy.settings(max_examples=100, deadline=None, database=None, derandomize=True,
             suppress_health_check=list(hy.HealthCheck))
@hy.given(st.binary(max_size=20_000), st.sampled_from(["a.fits", "a.fits.gz", "a.csv", "a.ecsv", "a.parquet"]),
          st.sampled_from([b"", b"SIMPLE  =                    T", b"PAR1", b"# %ECSV 1.0\n# ---\n", b"\x1f\x8b\x08"]))
def test_whatever_bytes_a_file_has(judge: Judge, content: bytes, name: str, magic: bytes) -> None:
    judge({name: magic + content})


def test_equal_choices_make_equal_files_and_the_whole_ones_are_read(judge: Judge) -> None:
    assert mutant(FromRandom(7)) == mutant(FromRandom(7))
    assert mutant(FromBytes(b"abc")) == mutant(FromBytes(b"abc"))
    for files in (files for name, files in seeds().items() if not name.startswith("real")):
        before = judge.counts["spectra"]
        judge(files)
        assert judge.counts["spectra"] > before
    assert len(headers(next(iter(seeds()["spec"].values())))) == 4


def test_the_judge_finds_what_is_wrong(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """A check that cannot fail is none: a reader that hands out what it should not is caught."""
    from specanom.surveys import files

    whole = seeds()["spec"]
    monkeypatch.setattr(files, "sound_pixels",
                        lambda pixels, rows: pixels._replace(ivar=pixels.ivar - 2.0 * (pixels.flux > 9)))
    with pytest.raises(Fault, match="ivar"):
        judge(whole)
    monkeypatch.setattr(files, "sound_pixels", lambda pixels, rows: 1 / 0)
    with pytest.raises(Fault, match="ZeroDivisionError"):
        judge(whole)

