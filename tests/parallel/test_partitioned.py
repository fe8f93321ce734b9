"""A partitioned work is done once, whatever happens to its workers, and says what it could not do."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.disk import DiskError
from specanom.errors import ArgumentError, DataError, SpecanomError
from specanom.parallel import Partition, Partitioned, partitions
from specanom.parallel.ledger import Ledger
from specanom.parallel.partitioned import FAILURES, PartitionsFailed
from tests.parallel.jobs import Trap, refuses, squares

N = 100


def digest_of(folder: Path) -> dict[str, bytes]:
    """Return every file of a folder with its content."""
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*"))
            if path.is_file()}


def expect_squares(table: pd.DataFrame) -> None:
    assert list(table["square"]) == [n**2 for n in range(N)]


@pytest.fixture(scope="module")
def truth(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("truth")
    Partitioned(folder, "v1")(squares, partitions(N, 10))
    return digest_of(folder)


@given(n=st.integers(0, 5000), size=st.integers(1, 999))
def test_partitions_cover_every_row_once(n: int, size: int) -> None:
    parts = partitions(n, size)
    assert [row for part in parts for row in range(n)[part.rows]] == list(range(n))
    assert [part.number for part in parts] == list(range(len(parts)))
    assert all(0 < len(part) <= size for part in parts)


@pytest.mark.parametrize("size", [0, -1, 2.0, True])
def test_a_size_that_is_none_is_refused(size: object) -> None:
    with pytest.raises(ArgumentError, match="size"):
        partitions(10, size)  # type: ignore[arg-type]


def test_hashes_must_be_one_a_partition() -> None:
    assert [part.inputs for part in partitions(5, 3, inputs=["a", "b"])] == ["a", "b"]
    with pytest.raises(ArgumentError, match="inputs"):
        partitions(5, 3, inputs=["a"])


@pytest.mark.parametrize("executor", [None, "serial", "threads:3", "processes:2"])
def test_every_executor_leaves_the_same_bytes(executor: str | None, truth: dict[str, bytes], tmp_path: Path) -> None:
    done = Partitioned(tmp_path, "v1", executor)(squares, partitions(N, 10))
    assert digest_of(tmp_path) == truth
    expect_squares(done.table("squares"))
    assert done.told("rows") == [10] * 10
    assert np.load(done.files("pieces")[3])["root"][0] == np.sqrt(30)
    assert np.load(done.files("cubes")[3], mmap_mode="r")[2] == 32**3


def test_an_executor_of_the_standard_library_will_do(truth: dict[str, bytes], tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        Partitioned(tmp_path, "v1", pool)(squares, partitions(N, 10))
    assert digest_of(tmp_path) == truth


def test_the_joined_table_does_not_know_how_it_was_parted(tmp_path: Path) -> None:
    tables = [Partitioned(tmp_path / str(size), "v1")(squares, partitions(N, size)).table("squares")
              for size in (1, 7, 100, 5000)]
    for table in tables[1:]:
        pd.testing.assert_frame_equal(table, tables[0])


# -- going on ----------------------------------------------------------------------------------------------------------


def test_what_is_done_is_not_done_again(tmp_path: Path) -> None:
    trap = Trap(tmp_path, -1, "")
    work = Partitioned(tmp_path / "out", "v1")
    assert work(trap, partitions(N, 10)).resumed == 0
    assert work(trap, partitions(N, 10)).resumed == 10
    assert [trap.runs(i) for i in range(10)] == [1] * 10


def one(folder: Path) -> Path:
    """Return the file of the second partition."""
    (found,) = folder.glob("part-00001-*")
    return found


@pytest.mark.parametrize("change", ["config", "inputs", "bounds", "torn file", "lost file", "torn manifest",
                                    "foreign manifest"])
def test_what_no_longer_fits_is_done_again(change: str, tmp_path: Path) -> None:
    trap, out = Trap(tmp_path, -1, ""), tmp_path / "out"
    Partitioned(out, "v1")(trap, [Partition(0, 0, 10, "a"), Partition(1, 10, 20, "b")])
    second = Partition(1, 10, 20, "c" if change == "inputs" else "b")
    if change == "bounds":
        second = Partition(1, 10, 21, "b")
    if change == "torn file":
        path = one(out / "squares")
        path.write_bytes(path.read_bytes()[:-10])
    if change == "lost file":
        one(out / "pieces").unlink()
    if change == "torn manifest":
        one(out / "done").write_text('{"format": "spec')
    if change == "foreign manifest":
        one(out / "done").write_text("[1, 2]")
    done = Partitioned(out, "v2" if change == "config" else "v1")(trap, [Partition(0, 0, 10, "a"), second])
    assert trap.runs(1) == 2
    assert trap.runs(0) == (2 if change == "config" else 1)
    assert list(done.table("squares")["square"]) == [n**2 for n in range(second.stop)]


def test_halves_and_strays_are_swept_away_but_nothing_else(tmp_path: Path) -> None:
    Partitioned(tmp_path, "v1")(squares, partitions(N, 5))
    (tmp_path / "squares" / ".part-00003-0a0a0a0a.parquet.1a2b3c4d.part").write_bytes(b"half")
    (tmp_path / "squares" / "notes.txt").write_text("mine")
    Partitioned(tmp_path, "v1")(squares, partitions(N, 10))  # fewer and larger ones
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert "notes.txt" in names
    assert len([name for name in names if name.startswith("part-") and name.endswith(".parquet")]) == 10
    assert not [name for name in names if name.endswith(".part")]


def test_the_manifest_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("specanom.parallel.ledger.write_json", full)
    with pytest.raises(DiskError, match="takes no more"):
        Partitioned(tmp_path, "v1", retries=0)(squares, partitions(10, 10))
    assert not list(tmp_path.rglob("part-*"))  # what no manifest speaks of is swept away
    assert Ledger(tmp_path, "v1").record(Partition(0, 0, 10)) is None


# -- mishaps -----------------------------------------------------------------------------------------------------------


def test_a_fault_is_listed_and_the_others_go_on(tmp_path: Path) -> None:
    trap = Trap(tmp_path, 4, "fault", times=99)
    done = Partitioned(tmp_path / "out", "v1")(trap, partitions(N, 10))
    assert len(done.records) == 9
    row = done.failures.iloc[0]
    assert (row["partition"], row["start"], row["stop"], row["attempts"]) == (4, 40, 50, 1)
    assert (row["error"], row["text"]) == ("ValueError", "a task with a fault")
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out" / FAILURES), done.failures)
    assert not set(range(40, 50)) & set(done.table("squares")["square"].pow(0.5).astype(int))


def test_a_fault_that_was_mended_leaves_no_trace(tmp_path: Path, truth: dict[str, bytes]) -> None:
    trap, out = Trap(tmp_path, 4, "fault", times=1), tmp_path / "out"
    assert len(Partitioned(out, "v1")(trap, partitions(N, 10)).failures) == 1
    assert len(Partitioned(out, "v1")(trap, partitions(N, 10)).failures) == 0
    assert digest_of(out) == truth


@pytest.mark.parametrize(("times", "failures"), [(2, 0), (3, 1)])
def test_an_error_that_may_pass_is_tried_again(times: int, failures: int, tmp_path: Path) -> None:
    trap = Trap(tmp_path, 4, "busy disk", times=times)
    done = Partitioned(tmp_path / "out", "v1", retries=2)(trap, partitions(N, 10))
    assert len(done.failures) == failures
    assert trap.runs(4) == 3
    assert list(done.failures["attempts"]) == [3] * failures


def test_when_everything_fails_the_call_was_wrong(tmp_path: Path) -> None:
    def wrong(part: Partition) -> dict[str, object]:
        raise KeyError("flux")

    with pytest.raises(PartitionsFailed, match="10 failures, the first KeyError") as caught:
        Partitioned(tmp_path, "v1")(wrong, partitions(N, 10))
    assert isinstance(caught.value.__cause__, KeyError)


@pytest.mark.parametrize("executor", ["serial", "processes:2"])
def test_a_wrong_call_is_told_as_the_task_tells_it(executor: str, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="segments: expected fewer"):
        Partitioned(tmp_path, "v1", executor)(refuses, partitions(N, 50))


def test_a_killed_worker_costs_nothing(tmp_path: Path, truth: dict[str, bytes]) -> None:
    trap = Trap(tmp_path, 4, "kill")
    done = Partitioned(tmp_path / "out", "v1", "processes:2")(trap, partitions(N, 10))
    assert not len(done.failures)
    assert digest_of(tmp_path / "out") == truth


def test_a_task_that_always_kills_its_worker_is_singled_out(tmp_path: Path) -> None:
    trap = Trap(tmp_path, 4, "kill", times=99)
    done = Partitioned(tmp_path / "out", "v1", "processes:2", retries=1)(trap, partitions(N, 10))
    assert list(done.failures["partition"]) == [4]
    assert list(done.failures["error"]) == ["WorkerDied"]
    assert len(done.records) == 9


def test_a_foreign_pool_that_broke_is_told(tmp_path: Path) -> None:
    trap = Trap(tmp_path, 0, "kill", times=99)
    with ProcessPoolExecutor(1) as pool, pytest.raises(SpecanomError, match="executor"):
        Partitioned(tmp_path / "out", "v1", pool)(trap, partitions(N, 50))


@pytest.mark.parametrize("array", [np.array([{}]), {"a": np.array([{}])}])
def test_an_array_of_objects_is_refused(array: object, tmp_path: Path) -> None:
    with pytest.raises(ArgumentError, match="arrays of numbers"):
        Partitioned(tmp_path, "v1")(lambda part: {"x": array}, partitions(1))


def test_a_table_nobody_made_is_told(tmp_path: Path) -> None:
    done = Partitioned(tmp_path, "v1")(squares, partitions(N))
    with pytest.raises(DataError, match="fourths"):
        done.table("fourths")


# -- the whole program is killed ---------------------------------------------------------------------------------------

PROGRAM = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from tests.parallel.jobs import Trap
from specanom.parallel import Partitioned, partitions

if __name__ == "__main__":
    trap = Trap(Path({folder!r}), 6, "sleep", times=1)
    Partitioned(Path({folder!r}) / "out", "v1", {executor!r})(trap, partitions(100, 10))
"""


def started(tmp_path: Path, executor: str) -> subprocess.Popen[bytes]:
    """Start a program whose seventh partition sleeps, and wait until it does."""
    script = tmp_path / "program.py"
    script.write_text(textwrap.dedent(PROGRAM).format(tests=str(Path(__file__).parents[2]), folder=str(tmp_path),
                                                      executor=executor))
    program = subprocess.Popen([sys.executable, str(script)], stderr=subprocess.PIPE)
    until(lambda: (tmp_path / "mishaps").exists())
    return program


def until(what: object, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not what():  # type: ignore[operator]
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def descendants(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid and fields[0] != "Z":
            found += [int(path.parent.name), *descendants(int(path.parent.name))]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc")
@pytest.mark.parametrize("executor", ["serial", "processes:2"])
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_program_that_was_stopped_goes_on(how: signal.Signals, executor: str, tmp_path: Path,
                                            truth: dict[str, bytes]) -> None:
    program = started(tmp_path, executor)
    workers = descendants(program.pid)
    os.kill(program.pid, how)
    program.communicate(timeout=20)
    until(lambda: not any(map(alive, workers)))  # no orphans
    before = sum(1 for _ in (tmp_path / "out" / "done").glob("*.json"))
    assert 6 <= before + 1 <= 10
    trap = Trap(tmp_path, -1, "")
    done = Partitioned(tmp_path / "out", "v1")(trap, partitions(N, 10))
    assert done.resumed == before
    assert digest_of(tmp_path / "out") == truth
    wasted = sum(trap.runs(i) for i in range(10)) - 10
    assert wasted <= (2 if executor == "processes:2" else 1)  # a partition a worker


def test_manifests_are_plain_json(tmp_path: Path) -> None:
    Partitioned(tmp_path, "v1")(squares, partitions(3, 3))
    (path,) = (tmp_path / "done").iterdir()
    record = json.loads(path.read_text())
    assert record["told"] == {"rows": 3}
    assert path.stem[:-8] == "part-00000-"
    assert set(record["files"]) == {f"squares/{path.stem}.parquet", f"pieces/{path.stem}.npz",
                                    f"cubes/{path.stem}.npy"}
