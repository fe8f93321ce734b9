"""The same results wherever and however parted a run works: here, in threads, in processes, on Dask."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import specanom as sa
from specanom.explain.parted import PartedExplainer
from specanom.parallel import workers
from specanom.run.digest import content_digest, digests
from specanom.run.parted import InPartitions, joined
from specanom.run.pipeline import run_pipeline
from specanom.scores.named import scorers_of
from specanom.surveys.parted import PartedSurvey
from tests.run.conftest import TINY

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("engines")]


@contextlib.contextmanager
def opened(engine: str) -> Iterator[Any]:
    """Open an engine once for all stages: starting processes costs more than the work here."""
    if engine == "dask":
        distributed = pytest.importorskip("distributed")
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True,
                                      dashboard_address=None) as cluster, distributed.Client(cluster) as client:
            yield client
    else:
        with workers(engine) as crew:
            yield crew


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return sa.surveys.mock(n=300, seed=5).write(tmp_path_factory.mktemp("survey"), layout="plate")


@pytest.fixture(scope="module")
def model(survey: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    sample = sa.Preprocessor(grid=(3500, 7500, 600)).fit_transform(sa.read(str(survey)))
    fitted = sa.VAEModel(4, hidden=(16, 8), folds=2, max_steps=30).fit(sample)
    return Path(fitted.save(tmp_path_factory.mktemp("model") / "model"))


def made(folder: Path, survey: Path, model: Path, executor: Any, size: int) -> dict[str, str]:
    """Preprocess, score and explain, and return what came of it."""
    parted = PartedSurvey.of(sa.read(str(survey)), folder / "index", size=size)
    sample = sa.Preprocessor(grid=(3500, 7500, 600)).fit_transform(parted, store=folder / "sample.zarr",
                                                                   executor=executor)
    done = InPartitions(folder / "work", executor, size).score(folder / "sample.zarr", model)
    joined(done, "scores").to_parquet(folder / "scores.parquet")
    scorer = scorers_of(sa.VAEModel.load(model), sample)["chi2_ivar"]
    explainer = sa.Explainer(scorer, segments=sa.Uniform(20), method=sa.Lime(n_samples=150), seed=3)
    PartedExplainer(explainer, folder / "explain", "v", executor)(sample[:30], folder / "explanations.zarr", size=13)
    return {name: content_digest(folder / name) for name in ("sample.zarr", "scores.parquet", "explanations.zarr")}


@pytest.fixture(scope="module")
def expected(survey: Path, model: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return made(tmp_path_factory.mktemp("serial"), survey, model, "serial", 4096)


@pytest.mark.parametrize(("engine", "size"), [("serial", 64), ("serial", 100), ("threads:2", 64), ("processes:2", 100),
                                              ("dask", 64)])
def test_results_do_not_know_who_made_them(engine: str, size: int, survey: Path, model: Path,
                                           expected: dict[str, str], tmp_path: Path) -> None:
    with opened(engine) as executor:
        assert made(tmp_path, survey, model, executor, size) == expected


@pytest.mark.xdist_group("run")
def test_a_whole_run_in_processes_is_the_run(finished: Path, tmp_path: Path, without_kernels: None) -> None:
    run_pipeline(tmp_path, {**TINY, "executor": "processes:2", "partition": 50})
    found, known = digests(tmp_path), digests(finished)
    assert {name for name in known if found.get(name) != known[name]} == set()
    assert found == known
