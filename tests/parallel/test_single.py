"""One thread a task, also of what a task loads, and as many as before when all tasks are over."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from specanom.parallel import Partition, Partitioned, partitions
from specanom.parallel.single import single_threaded


def threads_of_torch(part: Partition) -> dict[str, object]:
    import torch

    return {"threads": torch.get_num_threads()}


@pytest.mark.parametrize("executor", ["serial", "processes:1"])
def test_torch_has_one_thread_in_the_first_task_that_loads_it(executor: str, tmp_path: Path) -> None:
    code = ("import os, sys; os.environ['OMP_NUM_THREADS'] = '4'\n"
            "from specanom.parallel import Partitioned, partitions\n"
            "from tests.parallel.test_single import threads_of_torch\n"
            "if __name__ == '__main__':\n"
            "    assert 'torch' not in sys.modules\n"
            f"    work = Partitioned({str(tmp_path / 'out')!r}, 'v', {executor!r})\n"
            "    done = work(threads_of_torch, partitions(3, 1))\n"
            "    assert done.told('threads') == [1, 1, 1], done.told('threads')\n"
            "    assert 'torch' not in sys.modules or sys.modules['torch'].get_num_threads() == 4\n"
            "    assert os.environ['OMP_NUM_THREADS'] == '4'\n")
    script = tmp_path / "program.py"
    script.write_text(code)
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False,
                          env={**os.environ, "PYTHONPATH": os.getcwd()})
    assert done.returncode == 0, done.stderr


def test_the_limit_stays_while_another_thread_works() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    first_is_in, second_is_in, first_is_out = threading.Event(), threading.Event(), threading.Event()
    seen: list[int] = []

    def blas() -> int:
        from threadpoolctl import threadpool_info

        return max(one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas")

    def second() -> None:
        first_is_in.wait()
        with single_threaded():
            second_is_in.set()
            first_is_out.wait()
            seen.extend([torch.get_num_threads(), blas()])

    thread, there = threading.Thread(target=second), blas()
    torch.set_num_threads(4)
    try:
        thread.start()
        with single_threaded():
            first_is_in.set()
            second_is_in.wait()
        first_is_out.set()
        thread.join()
        assert seen == [1, 1]
        assert torch.get_num_threads() == 4
        assert blas() == there
        late: list[int] = []
        other = threading.Thread(target=lambda: late.append(torch.get_num_threads()))
        other.start()
        other.join()
        assert late == [4]  # and a thread that begins after all that
    finally:
        torch.set_num_threads(before)


def test_a_task_within_a_task_does_not_lift_the_limit() -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        with single_threaded():
            with single_threaded():
                pass
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(before)


def test_threads_of_a_pool_have_one_each(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    try:
        done = Partitioned(tmp_path, "v", "threads:3")(threads_of_torch, partitions(12, 1))
        assert done.told("threads") == [1] * 12
        assert torch.get_num_threads() == 4
    finally:
        torch.set_num_threads(before)
