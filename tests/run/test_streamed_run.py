"""A whole run that stores the oddest spectra alone, and every stage after it on what there is."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest
from specanom.widgets.runs import FinishedRun

import specanom as sa
from specanom.errors import ArgumentError
from specanom.run.content import Content
from specanom.run.folder import RunFolder
from specanom.run.pipeline import run_pipeline
from tests.run.conftest import TINY

SAME = ("scores", "scores_pca", "clusters", "lines", "kin", "votes", "tables/waterfall", "tables/recovery",
        "tables/dependence", "tables/overlap", "tables/false_alarms", "tables/quality")


@pytest.fixture
def streamed(finished: Path, tmp_path: Path, without_kernels: None) -> Path:
    """The tiny run once more, of which only the oddest spectra are stored."""
    run_pipeline(tmp_path / "run", {**TINY, "keep": "top", "train": 10_000, "partition": 40})
    return tmp_path / "run"


@pytest.mark.slow
@pytest.mark.notebook
@pytest.mark.xdist_group("run")
def test_every_table_of_a_run_is_that_of_one_that_stores_all(streamed: Path, finished: Path) -> None:
    for name in SAME:
        pd.testing.assert_frame_equal(pd.read_parquet(streamed / f"{name}.parquet"),
                                      pd.read_parquet(finished / f"{name}.parquet"), check_exact=True, obj=name)
    run, whole = RunFolder(streamed), RunFolder(finished)
    assert len(run.spectra()) < len(run.objects()) == len(whole.sample())
    assert (streamed / "top.zarr").is_dir()
    assert not (streamed / "work").exists()
    catalogue, expected = (sa.triage.catalogue.Catalogue.read(path / "catalogue.parquet").table
                           for path in (streamed, finished))
    assert list(catalogue["id"]) == list(expected["id"])
    assert list(catalogue["tier"].astype(str)) == list(expected["tier"].astype(str))
    stored = set(run.spectra().ids)
    shares = [name for name in catalogue if name.startswith("share_")]
    there = catalogue["id"].isin(stored)
    pd.testing.assert_frame_equal(catalogue.loc[there, shares], expected.loc[there, shares])
    assert shares
    assert catalogue.loc[~there, shares].isna().all(axis=None)
    page = json.loads((streamed / "manifest.json").read_text())["stages"]["04_score"]["counts"]
    assert page["stored"] == len(stored)
    assert Content(run).preprocessing.to_dict()["waterfall"] == Content(whole).preprocessing.to_dict()["waterfall"]
    opened = FinishedRun.open(streamed)
    assert opened.sample.ids == run.spectra().ids
    assert 'run / "top.zarr"' in opened.code()


def test_what_takes_all_spectra_is_refused_at_the_start(tmp_path: Path) -> None:
    for wrong, match in (({"keep": "top", "repeats": 2}, "repeats"), ({"share": 2.0}, "share"),
                         ({"keep": "some"}, "keep"), ({"precision": "half"}, "precision")):
        with pytest.raises(ArgumentError, match=match):
            run_pipeline(tmp_path / "run", {**TINY, **wrong})
    assert not (tmp_path / "run" / "raw").exists()
