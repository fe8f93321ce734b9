"""Partitions that fail are counted, listed, shown and tried again; the others have their results."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from specanom.errors import DataError
from specanom.parallel import Partitioned, partitions
from specanom.parallel.partitioned import failure_table
from specanom.run import parted
from specanom.run.cli import DONE, main
from specanom.run.digest import digests
from specanom.run.failures import failed_in, failed_stages, failure_counts, failures_of, of_models
from specanom.run.folder import RunFolder
from specanom.run.kernels import IN_A_RUN
from specanom.run.manifest import Manifest
from specanom.run.pipeline import run_pipeline
from specanom.surveys.parted import PartedSurvey
from tests.run.conftest import TINY, FakeStages

FAILED = [{"partition": 2, "start": 64, "stop": 96, "attempts": 1, "error": "ValueError", "text": "no <b>flux</b>"},
          {"partition": 4, "start": 128, "stop": 140, "attempts": 3, "error": "WorkerDied", "text": "killed"}]


def failing(folder: Path, stage: str = "04_score") -> Path:
    """Leave a table of failures."""
    return RunFolder(folder).write(failure_table(FAILED), f"tables/failures_{stage}")
class Spiteful:
    """An executor of somebody, that cannot work on one of the calls it is given."""

    _max_workers = 2

    def __init__(self, bad: int) -> None:
        self._bad = bad

    def submit(self, fn, task, part, ledger) -> Future:
        future: Future = Future()
        if part.number == self._bad:
            future.set_exception(RuntimeError(f"no luck with {part.name}"))
        else:
            future.set_result(fn(task, part, ledger))
        return future


class Poison:
    """What cannot be brought to another process: unpacking it there is an error."""

    def __reduce__(self):
        return (_spill, ())


def _spill() -> None:
    raise ValueError("spilt")


def rows_of(part, poison=None):
    """Return the rows of a partition as a table."""
    return {"rows": pd.DataFrame({"n": range(part.start, part.stop)})}


class WithPoison:
    """A task that is poisoned for one partition: what it returns there cannot be written."""

    def __call__(self, part):
        return rows_of(part) if part.number != 1 else {"rows": Poison()}


def test_an_executor_that_fails_one_call_loses_its_partition_alone(tmp_path) -> None:
    done = Partitioned(tmp_path, "a", Spiteful(1))(rows_of, partitions(100, 30))
    assert list(done.table("rows")["n"]) == [*range(30), *range(60, 100)]
    row = done.failures.iloc[0]
    assert (row["partition"], row["start"], row["stop"], row["error"]) == (1, 30, 60, "RuntimeError")
    assert row["text"] == "no luck with part-00001"


@pytest.mark.parametrize("executor", [None, "threads:2"])
def test_a_poisoned_result_is_listed(executor, tmp_path) -> None:
    done = Partitioned(tmp_path, "a", executor)(WithPoison(), partitions(100, 30))
    assert list(done.failures["partition"]) == [1]
    assert len(done.table("rows")) == 70


def test_a_run_knows_its_failures(tmp_path) -> None:
    assert failures_of(tmp_path).empty
    assert failed_in(tmp_path, "04_score") is None
    assert failure_counts(tmp_path, "04_score") == {}
    failing(tmp_path)
    failing(tmp_path, "02_preprocess")
    assert failed_stages(tmp_path) == ["02_preprocess", "04_score"]
    table = failures_of(tmp_path, ["04_score"])
    assert list(table["stage"]) == ["04_score"] * 2
    assert list(table["spectra"]) == [32, 12]
    found = failed_in(tmp_path, "04_score")
    assert found is not None
    assert str(found) == ("04_score: 2 partitions failed, and 44 spectra in them have no result (ValueError: no <b>flux"
                          f"</b>); listed in {tmp_path / 'tables' / 'failures_04_score.parquet'}")
    assert failure_counts(tmp_path, "04_score") == {"failed partitions": 2, "spectra in failed partitions": 44}


def test_what_two_models_fail_at_is_listed_twice_and_counted_once(tmp_path) -> None:
    table = of_models({"VAE": failure_table(FAILED[:1]), "PCA": failure_table(FAILED)})
    RunFolder(tmp_path).write(table, "tables/failures_04_score")
    assert list(failures_of(tmp_path)["model"]) == ["VAE", "PCA", "PCA"]
    assert failure_counts(tmp_path, "04_score") == {"failed partitions": 2, "spectra in failed partitions": 44}
    found = failed_in(tmp_path, "04_score")
    assert found is not None
    assert found.first == "ValueError of the VAE: no <b>flux</b>"
    assert of_models({"VAE": failure_table([]), "PCA": failure_table([])}).empty


def test_a_forged_table_of_failures_is_told(tmp_path) -> None:
    RunFolder(tmp_path).write(pd.DataFrame({"partition": [1]}), "tables/failures_04_score")
    with pytest.raises(DataError, match=r"failures_04_score.parquet \(ValueError: no column start"):
        failures_of(tmp_path)
    RunFolder(tmp_path).write(pd.DataFrame({"id": [1] * 10**7}), "scores")  # 10 million in some kilobytes
    with pytest.raises(DataError, match="10000000 values"):
        RunFolder(tmp_path).table("scores")


def test_a_stage_counts_what_failed_and_keeps_what_is_done_of_it(tmp_path) -> None:
    run = RunFolder(tmp_path)
    for stage in ("04_score", "05_explain"):
        (run.work(stage) / "done").mkdir(parents=True)
    failing(tmp_path)
    run.record("04_score", {"spectra": 140}, [])
    run.record("05_explain", {"explained": 8}, [])
    assert run.recorded("04_score")["counts"] == {"spectra": 140, "failed partitions": 2,
                                                  "spectra in failed partitions": 44}
    assert run.recorded("05_explain")["counts"] == {"explained": 8}
    assert run.work("04_score").exists()
    assert not run.work("05_explain").exists()


def test_the_work_of_a_stage_stays_until_the_run_has_it_in_its_manifest(tmp_path, monkeypatch) -> None:
    run = RunFolder(tmp_path)
    (run.work("05_explain") / "done").mkdir(parents=True)
    monkeypatch.setenv(IN_A_RUN, "1")  # which may be killed before its manifest says that the stage is done
    run.record("05_explain", {"explained": 8}, [])
    assert run.work("05_explain").exists()
    run.settle("05_explain")
    assert not (tmp_path / "work").exists()
    (run.work("05_explain") / "done").mkdir(parents=True)
    monkeypatch.delenv(IN_A_RUN)  # a notebook that somebody runs by hand
    run.record("05_explain", {"explained": 8}, [])
    assert not (tmp_path / "work").exists()


def test_a_run_that_is_killed_before_its_manifest_says_so_keeps_the_work(stages: FakeStages, tmp_path,
                                                                        monkeypatch) -> None:
    work, seen = RunFolder(tmp_path).work("04_score"), []

    def written(self: Manifest, *, stage: str | None = None, record: Any = None, **more: Any) -> None:
        if stage == "04_score" and record["status"] == "running":
            work.mkdir(parents=True)
        if stage == "04_score" and record["status"] == "done":
            seen.append(work.exists())
        write(self, stage=stage, record=record, **more)

    write = Manifest.write
    monkeypatch.setattr(Manifest, "write", written)
    stages.again(tmp_path)
    assert seen == [True]
    assert not work.exists()


def test_a_retry_runs_what_failed_and_what_depends_on_it(stages: FakeStages, tmp_path) -> None:
    stages.again(tmp_path)
    assert stages.again(tmp_path) == []
    failing(tmp_path)
    assert stages.again(tmp_path) == []
    assert stages.again(tmp_path, retry=True) == ["04_score"]  # its products are the same: nothing after it is run


# -- whole runs --------------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.xdist_group("run")
class TestPoisonedRun:
    """A run in which one object cannot be read, or not scored."""

    def test_spectra_that_cannot_be_read_are_told_of(self, tmp_path, monkeypatch, without_kernels) -> None:
        read = PartedSurvey.read

        def spoilt(self, part):
            if part.number == 1:
                raise RuntimeError("poison")
            return read(self, part)

        monkeypatch.setattr(PartedSurvey, "read", spoilt)
        results = run_pipeline(tmp_path, {**TINY, "partition": 40}, until="02_preprocess")
        counts = results[-1].counts
        assert (counts["failed partitions"], counts["spectra in failed partitions"]) == (1, 40)
        row = failures_of(tmp_path).iloc[0]
        assert (row["stage"], row["partition"], row["error"], row["text"]) == ("02_preprocess", 1, "RuntimeError",
                                                                               "poison")
        aside = pd.read_parquet(tmp_path / "tables" / "waterfall.parquet")
        assert aside.set_index("reason").loc["its partition failed", "count"] == 40
        monkeypatch.setattr(PartedSurvey, "read", read)
        results = run_pipeline(tmp_path, {**TINY, "partition": 40}, until="02_preprocess", retry=True)
        assert results[-1].why == "some of its partitions failed"
        assert "failed partitions" not in results[-1].counts
        assert failures_of(tmp_path).empty

    def test_the_others_have_their_results_and_a_retry_brings_the_rest(self, finished: Path, tmp_path, monkeypatch,
                                                                       without_kernels, capsys) -> None:
        made, calls = parted.ScorePart.__call__, []
        bad = {("model", 1), ("pca", 1), ("pca", 2)}

        def spoilt(self, part):
            calls.append((self.model.path.name, part.number))
            if calls[-1] in bad:
                raise ValueError("<b>poison</b>")
            return made(self, part)

        monkeypatch.setattr(parted.ScorePart, "__call__", spoilt)
        given = ["run", "--run-dir", str(tmp_path), "--survey", "mock"]
        for name, value in {**TINY, "partition": 32}.items():
            given += ["-p", f"{name}={value}"] if name != "survey" else []
        assert main(given) == DONE
        said = capsys.readouterr()
        listed = tmp_path / "tables" / "failures_04_score.parquet"
        assert "2 failed partitions, 64 spectra in failed partitions" in said.out
        assert (f"WARNING: 04_score: 2 partitions failed, and 64 spectra in them have no result (ValueError of the "
                f"VAE: <b>poison</b>); listed in {listed}") in said.err
        assert f"specanom run --run-dir {tmp_path} --retry" in said.err
        assert list(failures_of(tmp_path)["model"]) == ["VAE", "PCA", "PCA"]
        for name, lost in (("scores", 32), ("scores_pca", 64)):
            whole, some = (pd.read_parquet(one / f"{name}.parquet").set_index("id") for one in (finished, tmp_path))
            gone = some["mse"].isna()
            assert gone.sum() == lost
            pd.testing.assert_series_equal(some["mse"][~gone], whole["mse"][~gone])
        page = (tmp_path / "report.html").read_text(encoding="utf-8")
        assert 'id="failed"' in page
        assert "&lt;b&gt;poison&lt;/b&gt;" in page
        assert "<b>poison</b>" not in page

        tried = set(bad)
        bad.clear()
        calls.clear()
        assert main([*given, "--retry"]) == DONE
        said = capsys.readouterr()
        assert "WARNING" not in said.err
        assert "(again: some of its partitions failed)" in said.out
        assert set(calls) == tried  # what was done of it stayed
        assert 'id="failed"' not in (tmp_path / "report.html").read_text(encoding="utf-8")
        assert not (tmp_path / "work").exists()
        assert digests(tmp_path) == digests(finished)
