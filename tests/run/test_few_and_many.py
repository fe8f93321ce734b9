"""Runs at the edges: real files, a handful of spectra, the published settings."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import DataError
from specanom.models import BinnedModel, load
from specanom.run.cli import DONE, NO_DATA, main
from specanom.run.manifest import Manifest
from specanom.run.nightly import score_new
from specanom.run.pipeline import run_pipeline
from specanom.run.scoring import PlainExcess, calibrations
from specanom.run.training import affordable
from specanom.scores.named import FEWEST

pytestmark = pytest.mark.xdist_group("run")


# -- what a small sample can bear --------------------------------------------------------------------------------------


def sample_of(n: int, bins: int = 1) -> sa.SpectrumSet:
    table = pd.DataFrame({"id": [f"galaxy {i}" for i in range(n)], "bin": np.arange(n) % bins})
    return sa.SpectrumSet(np.arange(4000.0, 4040.0), np.ones((n, 40), np.float32), table=table)


def test_an_ordinary_sample_gets_what_was_asked_for() -> None:
    assert affordable(sample_of(100), 12, "auto") == (12, "auto")
    assert affordable(sample_of(400, bins=4), 12, 3) == (12, 3)


def test_a_small_sample_gets_fewer_numbers_and_in_the_end_one_network() -> None:
    n_latent, folds = affordable(sample_of(25), 12, "auto")
    assert 3 <= n_latent <= 7
    assert folds == "auto"
    assert affordable(sample_of(10), 12, 4) == (3, 1)
    assert affordable(sample_of(8), 2, "auto") == (2, 1)


def test_what_can_be_borne_can_be_fitted() -> None:
    rng = np.random.default_rng(0)
    for n in (8, 9, 11, 13, 17, 30):
        sample = sample_of(n).replace(flux=rng.normal(1, 0.1, (n, 40)).astype("f4"))
        n_latent, folds = affordable(sample, 12, "auto", seed=3)
        assert sa.PCAModel(n_latent, folds=folds, seed=3).fit(sample).reconstruct(sample).shape == (n, 40)


def test_too_few_is_an_error_that_counts() -> None:
    with pytest.raises(DataError, match=r"8 usable spectra for each model, got 7 in all\. Try: give more files"):
        affordable(sample_of(7), 12, "auto")
    with pytest.raises(DataError, match="got 5 in a bin"):
        affordable(sample_of(20, bins=4), 12, "auto")


def test_a_few_are_calibrated_by_their_own_spread() -> None:
    raw = np.exp(np.random.default_rng(1).normal(2.0, 0.5, FEWEST - 1))
    excess = calibrations({"mse": None}, pd.DataFrame({"mse": raw}))["mse"]
    assert isinstance(excess, PlainExcess)
    values = excess.of_raw(raw)
    assert np.median(values) == pytest.approx(0.0, abs=1e-12)
    assert np.median(np.abs(values)) == pytest.approx(1 / 1.4826)
    assert np.array_equal(np.argsort(values), np.argsort(raw))
    assert np.isfinite(PlainExcess.of(np.ones(5)).of_raw([1.0, 2.0, 0.0])).all()
    assert np.isnan(PlainExcess.of([1.0, np.nan, 2.0]).of_raw([np.nan])).all()


# -- real files --------------------------------------------------------------------------------------------------------


@pytest.fixture
def galaxies(shared: Path, tmp_path: Path) -> Callable[[int], Path]:
    """Copies some of the real galaxies into a folder."""
    table = pd.read_csv(shared / "data" / "MANIFEST.csv")
    good = table["path"].str.match(r"sdss/(lite|full)/") & (table["class"] == "GALAXY") & table["z"].between(0.011, 0.3)

    def copy(n: int) -> Path:
        folder = tmp_path / f"{n} files"
        folder.mkdir()
        for path in table.loc[good, "path"].head(n):
            shutil.copy(shared / "data" / path, folder)
        return folder

    return copy


QUICK = ["-p", "samples=200", "-p", "segments=16", "-p", "max_steps=30"]


@pytest.mark.slow
@pytest.mark.parametrize(("n", "top"), [(10, 64), (16, 2)])
def test_a_handful_of_real_galaxies_run_to_the_report(galaxies, tmp_path, without_kernels, n: int, top: int) -> None:
    run = tmp_path / "run"
    assert main(["run", "--path", str(galaxies(n)), "--run-dir", str(run), *QUICK, "-p", f"top={top}"]) == DONE
    table = pd.read_parquet(run / "scores.parquet")
    assert 8 <= len(table) <= n
    assert table["chi2_ivar_cal"].notna().all()
    explanations = sa.ExplanationSet.open(run / "explanations.zarr")
    assert len(explanations) == min(top, len(table))
    page = (run / "report.html").read_text(encoding="utf-8")
    assert all(id in page for id in explanations.ids)
    assert "Unusual spectra in" in page
    assert Manifest(run).stage("06_clusters")["counts"]["clusters"] == (1 if top < 4 else 2)


def test_three_galaxies_are_too_few(galaxies, tmp_path: Path, without_kernels, capsys) -> None:
    assert main(["run", "--path", str(galaxies(3)), "--run-dir", str(tmp_path / "run"), *QUICK]) == NO_DATA
    said = capsys.readouterr().err
    assert "03_train: DataError: sample: expected at least 8 usable spectra" in said
    assert "got 3 in all" in said


@pytest.mark.slow
def test_a_folder_of_everything_keeps_the_galaxies(shared: Path, tmp_path: Path, without_kernels) -> None:
    """Stars, quasars, sky fibres, cut files and tables among the galaxies do not stop a run."""
    files = [p for p in sorted((shared / "data" / "sdss").rglob("*")) if p.is_file()]
    (tmp_path / "in").mkdir()
    for path in files:
        shutil.copy(path, tmp_path / "in" / f"{path.parent.name} {path.name}")
    settings = {"survey": "sdss", "path": str(tmp_path / "in"), "max_steps": 30, "samples": 200, "segments": 16}
    run_pipeline(tmp_path / "run", settings, until="04_score")
    waterfall = pd.read_parquet(tmp_path / "run" / "tables" / "waterfall.parquet")
    reasons = " ".join(waterfall["reason"])
    assert "QSO" in reasons
    assert "sky" in reasons.lower()
    assert len(pd.read_parquet(tmp_path / "run" / "scores.parquet")) >= 15


# -- the published settings --------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_published_settings_make_a_model_a_bin_and_seven_clusters(tmp_path: Path, without_kernels) -> None:
    told = ["-p", "n=260", "-p", "epochs=2", "-p", "samples=300", "-p", "segments=20", "-p", "top=16"]
    assert main(["run", "--survey", "mock", "--preset", "paper", "--run-dir", str(tmp_path), *told]) == DONE
    model, table = load(tmp_path / "model"), pd.read_parquet(tmp_path / "scores.parquet")
    assert isinstance(model, BinnedModel)
    assert sorted(table["bin"].unique()) == [0, 1, 2, 3]
    assert table.groupby("bin")["snr"].median().is_monotonic_increasing
    explained = sa.ExplanationSet.open(tmp_path / "explanations.zarr")
    best = table[table["bin"] == 3]
    assert list(explained.ids) == best.nlargest(16, "mse")["id"].tolist()  # by raw MSE in the best bin, as published
    assert Manifest(tmp_path).stage("06_clusters")["counts"]["clusters"] == 7
    history = pd.read_parquet(tmp_path / "tables" / "history.parquet")
    assert set(history["bin"]) == {0, 1, 2, 3}
    assert not (tmp_path / "tables" / "false_alarms.parquet").exists()
    assert "published behaviour" in (tmp_path / "report.html").read_text(encoding="utf-8")
    again = score_new(tmp_path, str(tmp_path / "raw"), out=tmp_path / "night").table  # each by the model of its bin
    pd.testing.assert_series_equal(again["mse"], table["mse"], rtol=1e-9)
