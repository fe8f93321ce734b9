"""A run scores on the workers that have a GPU and explains on the others, where a cluster tells them apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import specanom as sa
from specanom.explain.parted import PartedExplainer
from specanom.run.parted import InPartitions
from tests.parallel.jobs import has_module

distributed = pytest.importorskip("distributed")
pytestmark = pytest.mark.xdist_group("dask")


def loaded(client: Any, module: str) -> set[str]:
    """Return the kinds of workers that have taken a module in, which only a task makes them do."""
    names = {address: one["name"] for address, one in client.scheduler_info(n_workers=-1)["workers"].items()}
    return {names[address] for address, found in client.run(has_module, module).items() if found}


def worker(**resources: int) -> dict[str, Any]:
    return {"cls": distributed.Nanny, "options": {"nthreads": 1, "resources": resources, "dashboard_address": None}}


def test_scores_go_to_gpus_and_explanations_beside_them(tmp_path: Path) -> None:
    sample = sa.Preprocessor().fit_transform(sa.surveys.mock(n=60, seed=2), store=tmp_path / "sample.zarr")
    model = sa.PCAModel(4, folds=2).fit(sample)
    model.save(tmp_path / "model")
    explainer = sa.Explainer(sa.Scorer(model, "mse"), sa.Uniform(6), method=sa.Lime(64))
    scheduler = {"cls": distributed.Scheduler, "options": {"dashboard_address": None, "port": 0}}
    with (distributed.SpecCluster({"gpu": worker(GPU=1), "cpu": worker(CPU=1)}, scheduler, silence_logs=50) as cluster,
          distributed.Client(cluster) as client):
        client.wait_for_workers(2)
        done = InPartitions(tmp_path / "scores", client, 10).score(tmp_path / "sample.zarr", tmp_path / "model")
        assert len(done.records) == -(-len(sample) // 10)
        assert loaded(client, "specanom.run.parted") == {"gpu"}
        _, done = PartedExplainer(explainer, tmp_path / "work", "v1", client)(sample[:6], tmp_path / "e.zarr", size=2)
        assert len(done.records) == 3
        assert loaded(client, "specanom.explain.parted") == {"cpu"}
