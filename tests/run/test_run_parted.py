"""The scores of a run are the same bytes however its rows were parted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom import scores
from specanom.run.parted import InPartitions, joined
from specanom.scores.named import scorers_of


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    sample = sa.Preprocessor().fit_transform(sa.surveys.mock(n=150, seed=2), store=folder / "sample.zarr")
    sa.PCAModel(5, folds=2).fit(sample).save(folder / "model")
    return folder


@pytest.mark.parametrize("executor", [None, "threads:2", "processes:2"])
def test_scores_do_not_know_the_partitions(executor: str | None, run: Path, tmp_path: Path) -> None:
    sample, model = sa.SpectrumSet.open(run / "sample.zarr"), sa.PCAModel.load(run / "model")
    expected = scores.table(scorers_of(model, sample), sample)
    made = joined(InPartitions(tmp_path / "parts", executor, 17).score(run / "sample.zarr", run / "model"), "scores")
    alone = joined(InPartitions(tmp_path / "one").score(run / "sample.zarr", run / "model"), "scores")
    pd.testing.assert_frame_equal(made, alone, check_exact=True)  # tasks have one thread each
    assert list(made["id"]) == list(sample.ids)
    for name in expected.columns[1:]:
        np.testing.assert_allclose(made[name], expected[name], rtol=1e-5)
    np.testing.assert_allclose(made[[f"latent_{i}" for i in range(5)]], model.encode(sample), atol=1e-4)
    assert made.attrs["nan_first"] == expected.attrs["nan_first"]


def test_bytes_do_not_depend_on_the_partitions(run: Path, tmp_path: Path) -> None:
    for size in (13, 64, 4096):
        done = InPartitions(tmp_path / str(size), None, size).score(run / "sample.zarr", run / "model")
        joined(done, "scores").to_parquet(tmp_path / f"{size}.parquet")
    assert len({(tmp_path / f"{size}.parquet").read_bytes() for size in (13, 64, 4096)}) == 1


def test_other_settings_or_another_model_score_again(run: Path, tmp_path: Path) -> None:
    work = InPartitions(tmp_path, None, 50)
    assert work.score(run / "sample.zarr", run / "model").resumed == 0
    assert work.score(run / "sample.zarr", run / "model").resumed > 0
    assert work.score(run / "sample.zarr", run / "model", trim=0.1).resumed == 0
    sample = sa.SpectrumSet.open(run / "sample.zarr")
    sa.PCAModel(3, folds=2).fit(sample).save(run / "other")
    assert work.score(run / "sample.zarr", run / "other", trim=0.1).resumed == 0
