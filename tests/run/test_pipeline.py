"""What a run makes again and what it skips, how it fails, and how it goes on."""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from specanom.errors import ArgumentError, DataError
from specanom.run.failure import StageFailed
from specanom.run.lock import RunBusy
from specanom.run.manifest import Manifest
from specanom.run.parameters import STAGES
from specanom.run.pipeline import run_pipeline


def test_all_stages_run_once_and_then_none(stages, tmp_path) -> None:
    assert stages.again(tmp_path / "run") == list(STAGES)
    assert stages.again(tmp_path / "run") == []
    assert stages.again(tmp_path / "run", force=True) == list(STAGES)


@pytest.mark.parametrize(("change", "first"), [({"n": 90}, 0), ({"z_max": 0.4}, 1), ({"epochs": 3}, 2),
                                               ({"overlap": 7}, 3), ({"segments": 9}, 4), ({"clusters": "3"}, 5)])
def test_a_changed_parameter_remakes_its_stage_and_what_comes_after(stages, tmp_path, change, first) -> None:
    stages.again(tmp_path)
    # The fake products hold the parameters, so only stages that are told the new value change theirs.
    assert stages.again(tmp_path, change)[0] == STAGES[first]
    assert set(stages.again(tmp_path, change)) == set()


def test_stages_after_one_with_the_same_products_are_skipped(stages, tmp_path) -> None:
    stages.again(tmp_path)
    (tmp_path / "03_train.product").unlink()
    assert stages.again(tmp_path) == ["03_train"]


@pytest.mark.parametrize("harm", ["delete", "alter"])
def test_a_product_that_was_touched_is_made_again(stages, tmp_path, harm) -> None:
    stages.again(tmp_path)
    product = tmp_path / "05_explain.product"
    whole = product.read_text()
    if harm == "delete":
        product.unlink()
    else:
        product.write_text(whole + " ")
    assert stages.again(tmp_path) == ["05_explain"]
    assert product.read_text() == whole


def test_a_moved_folder_is_up_to_date(stages, tmp_path) -> None:
    stages.again(tmp_path / "here")
    shutil.move(tmp_path / "here", tmp_path / "there")
    assert stages.again(tmp_path / "there") == []
    assert Manifest(tmp_path / "there").parameters["run_dir"] == str(tmp_path / "there")


def test_until_stops_and_leaves_the_rest_out_of_date(stages, tmp_path) -> None:
    stages.again(tmp_path)
    assert stages.again(tmp_path, {"epochs": 2}, until="03_train") == ["03_train"]
    Manifest(tmp_path).require(STAGES[:3])
    with pytest.raises(DataError, match="04_score done, got out of date"):
        Manifest(tmp_path).require(STAGES)
    with pytest.raises(ArgumentError, match="until"):
        stages.again(tmp_path, until="train")


def test_a_failure_is_told_kept_and_resumed(stages, tmp_path) -> None:
    stages.fail["04_score"] = KeyError("mse")
    with pytest.raises(StageFailed, match="04_score: KeyError") as told:
        stages.again(tmp_path)
    assert stages.ran == list(STAGES[:4])
    assert told.value.executed.read_text() == "executed 04_score"
    record = Manifest(tmp_path).stage("04_score")
    assert record["status"] == "failed"
    assert "KeyError" in record["error"]
    stages.fail.clear()
    assert stages.again(tmp_path) == list(STAGES[3:])
    Manifest(tmp_path).require(STAGES)


def test_an_interruption_is_noted_and_resumed(stages, tmp_path) -> None:
    stages.fail["02_preprocess"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        stages.again(tmp_path)
    assert Manifest(tmp_path).stage("02_preprocess")["status"] == "interrupted"
    stages.fail.clear()
    assert stages.again(tmp_path) == list(STAGES[1:])


def test_a_run_that_was_killed_goes_on_with_the_stage_it_was_in(stages, tmp_path) -> None:
    stages.again(tmp_path)
    manifest = Manifest(tmp_path)
    manifest.write(stage="03_train", record={**manifest.stage("03_train"), "status": "running"})
    assert stages.again(tmp_path) == ["03_train"]


def test_a_stage_that_names_a_product_it_did_not_make_fails(stages, tmp_path, monkeypatch) -> None:
    from specanom.run import pipeline

    def careless(source, target, parameters) -> None:
        stages(source, target, parameters)
        (Path(parameters["run_dir"]) / f"{source.stem}.product").unlink()

    monkeypatch.setattr(pipeline, "_papermill", careless)
    with pytest.raises(StageFailed, match=r"not there: 01_acquire\.product"):
        run_pipeline(tmp_path, {"survey": "mock"})
    assert Manifest(tmp_path).stage("01_acquire")["status"] == "failed"


@pytest.mark.parametrize("exc", [OSError(errno.ENOSPC, "No space left on device"),
                                 RuntimeError("I/O error: No space left on device (os error 28)")])
def test_a_full_disk_is_called_that(stages, tmp_path, exc) -> None:
    stages.fail["03_train"] = exc
    with pytest.raises(StageFailed, match=r"a full disk.*Try: free some space"):
        stages.again(tmp_path)


def test_a_disk_that_fills_up_under_the_manifest_tells_of_the_first_failure(stages, tmp_path, monkeypatch) -> None:
    stages.fail["03_train"] = OSError(errno.ENOSPC, "No space left on device")
    write = Manifest.write

    def failing(self, **what) -> None:
        if (what.get("record") or {}).get("status") == "failed":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(self, **what)

    monkeypatch.setattr(Manifest, "write", failing)
    with pytest.raises(StageFailed, match="03_train: disk: expected free space"):
        stages.again(tmp_path)


def test_a_process_killed_for_memory_is_called_that(stages, tmp_path) -> None:
    stages.fail["03_train"] = type("DeadKernelError", (RuntimeError,), {})("Kernel died")
    with pytest.raises(StageFailed, match="for want of memory"):
        stages.again(tmp_path)


def test_an_error_in_a_notebook_is_placed(stages, tmp_path) -> None:
    exc = RuntimeError("papermill")
    exc.ename, exc.evalue, exc.exec_count = "ValueError", "too odd", 4  # type: ignore[attr-defined]
    exc.traceback = ["Cell \x1b[32mIn[4]\x1b[39m\x1b[32m, line 2\x1b[39m\n      1 x = 1\n",  # type: ignore[attr-defined]
                     "\x1b[32m----> 2\x1b[39m score(x)\n"]
    stages.fail["04_score"] = exc
    with pytest.raises(StageFailed, match=r"ValueError: too odd\nIn cell 4, line 2: score\(x\)\nThe failed"):
        stages.again(tmp_path)


def test_another_versions_folder_is_left_alone(stages, tmp_path) -> None:
    text = json.dumps({"format": "specanom run", "version": 99})
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="new folder"):
        stages.again(tmp_path)
    assert (tmp_path / "manifest.json").read_text() == text
    assert stages.ran == []


@pytest.mark.parametrize(("name", "value", "words"), [
    ("top", -1, "top: expected at least 0"), ("segments", -3, "at least 0"), ("n", 0, "at least 1"),
    ("bins", -1, "at least 0"),
    ("trim", 1.0, "below 1"), ("folds", "many", "auto"), ("clusters", "0", "auto"), ("survey", "sds", "mean 'sdss'"),
    ("perturbation", "scal", "mean 'scale'"), ("target", "galaxies", "mean 'galaxy'"), ("rank_by", "ms", "mean 'mse'"),
    ("cluster_frame", "obsrved", "mean 'observed'"),
    ("preset", "papr", "mean 'paper'"), ("z_max", 0.001, "more than z_min"), ("min_snr", float("nan"), "at least 0"),
    ("path", "somewhere", "none for the simulated survey"), ("segmets", 3, "mean 'segments'")])
def test_a_parameter_that_cannot_be_meant_stops_before_the_first_stage(stages, tmp_path, name, value, words) -> None:
    with pytest.raises(ArgumentError, match=words):
        stages.again(tmp_path / "run", {name: value})
    assert not (tmp_path / "run").exists()


def test_files_that_change_are_read_again(stages, tmp_path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "spec-1.fits").write_text("1")
    given = {"survey": "sdss", "path": str(tmp_path / "in")}
    assert stages.again(tmp_path / "run", given) == list(STAGES)
    assert stages.again(tmp_path / "run", given) == []
    (tmp_path / "in" / "spec-2.fits").write_text("2")
    assert stages.again(tmp_path / "run", given)[0] == "01_acquire"


HOLD = """
import sys, time
from pathlib import Path
from specanom.run.lock import only_one
with only_one(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(120)
"""


def test_a_folder_in_use_is_refused_until_the_process_ends(stages, tmp_path) -> None:
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == "held\n"
            with pytest.raises(RunBusy, match=f"in use by process {other.pid}"):
                stages.again(tmp_path)
        finally:
            other.kill()  # a process that dies leaves nothing to clear away
    assert stages.again(tmp_path) == list(STAGES)
