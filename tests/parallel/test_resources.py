"""Tasks that need a GPU go to the workers of a Dask cluster that declare one; without such workers, anywhere."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from specanom.errors import ArgumentError
from specanom.parallel import Partition, Partitioned, partitions, workers
from specanom.parallel.executors import Dask
from specanom.parallel.partitioned import name_of
from tests.parallel.jobs import Trap, squares

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.xdist_group("dask")


def spec(**resources: float) -> dict[str, Any]:
    return {"cls": distributed.Nanny, "options": {"nthreads": 2, "resources": resources, "dashboard_address": None}}


@pytest.fixture(scope="module")
def client() -> Iterator[Any]:
    scheduler = {"cls": distributed.Scheduler, "options": {"dashboard_address": None, "port": 0}}
    with (distributed.SpecCluster({"gpu": spec(GPU=1), "cpu": spec(CPU=2)}, scheduler, silence_logs=50) as cluster,
          distributed.Client(cluster) as made):
        made.wait_for_workers(2)
        yield made


def where(part: Partition) -> dict[str, object]:
    time.sleep(0.02)  # long enough that no worker is quick enough to take all
    key = distributed.get_worker().get_current_task()
    return {"place": str(distributed.get_worker().name), "key": key}


def places(folder: Path, client: Any, **options: Any) -> set[str]:
    done = Partitioned(folder, "v1", client, **options)(where, partitions(24, 1))
    assert len(done.records) == 24
    return set(done.told("place"))


def test_what_needs_a_gpu_goes_where_one_is(client: Any, tmp_path: Path) -> None:
    assert places(tmp_path / "scores", client, needs={"GPU": 1}) == {"gpu"}
    assert places(tmp_path / "explanations", client, needs={"CPU": 1}) == {"cpu"}
    assert places(tmp_path / "any", client) == {"gpu", "cpu"}


def test_where_no_worker_has_it_tasks_run_anywhere(client: Any, tmp_path: Path) -> None:
    assert places(tmp_path / "none", client, needs={"TPU": 1}) == {"gpu", "cpu"}
    assert places(tmp_path / "too much", client, needs={"GPU": 2}) == {"gpu", "cpu"}


@pytest.mark.parametrize("executor", ["serial", "threads:2", "processes:2"])
def test_elsewhere_nothing_is_asked(executor: str, tmp_path: Path) -> None:
    done = Partitioned(tmp_path, "v1", executor, needs={"GPU": 1})(squares, partitions(20, 10))
    assert len(done.table("squares")) == 20


def test_as_many_are_in_flight_as_the_resource_lets_run(client: Any) -> None:
    needs: list[dict[str, float]] = [{}, {"GPU": 1}, {"CPU": 1}, {"CPU": 2}, {"TPU": 1}]
    assert [Dask(client, one).width for one in needs] == [4, 1, 2, 1, 4]


def test_a_dead_gpu_worker_is_waited_for(client: Any, tmp_path: Path) -> None:
    done = Partitioned(tmp_path / "out", "v1", client, needs={"GPU": 1})(Trap(tmp_path, 2, "kill"), partitions(40, 10))
    assert len(done.records) == 4
    assert not len(done.failures)


def test_the_dashboard_shows_what_a_task_does(client: Any, tmp_path: Path) -> None:
    done = Partitioned(tmp_path, "v1", client)(where, partitions(3, 1))
    assert [key.rpartition("-")[0] for key in done.told("key")] == ["where-00000", "where-00001", "where-00002"]
    assert {distributed.utils.key_split(key) for key in done.told("key")} == {"where"}


def test_a_task_is_called_after_its_function_or_class() -> None:
    class ScorePart:
        def __call__(self, part: Partition) -> dict[str, object]:
            return {}

    assert name_of(ScorePart(), Partition(12, 0, 1)) == "score-00012"
    assert name_of(squares, Partition(0, 0, 1)) == "squares-00000"
    assert name_of(lambda part: {}, Partition(0, 0, 1)) == "lambda-00000"


@pytest.mark.parametrize("needs", [{"GPU": 0}, {"GPU": -1}, {"GPU": True}, {"GPU": "1"}, {"": 1},
                                   {"GPU": float("nan")}, {"GPU": float("inf")}])
def test_needs_that_are_none_are_refused(needs: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match="needs"), workers("serial", needs=needs):
        pass
