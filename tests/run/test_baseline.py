"""A run says so when its autoencoder describes the sample worse than the PCA."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from specanom.run import baseline
from specanom.run.baseline import banner, behind
from specanom.run.cli import DONE, main
from specanom.run.content import Content
from specanom.run.folder import RunFolder
from specanom.run.pipeline import run_pipeline
from specanom.run.report import write_report


def content(vae, pca, *, name: str = "chi2_ivar", steps: int = 5, **settings) -> SimpleNamespace:
    ids = [f"s{i}" for i in range(len(vae))]
    tables = [pd.DataFrame({"id": ids, "chi2_ivar": np.nan, "mse": np.nan}).assign(**{name: values})
              for values in (vae, pca)]
    stage = {"counts": {"steps": steps}}
    return SimpleNamespace(scores=tables[0], settings=settings, manifest=SimpleNamespace(stage=lambda _: stage),
                           run=SimpleNamespace(table=lambda *_: tables[1].iloc[::-1]))


def test_a_network_that_is_far_behind_is_told_with_both_medians_and_what_to_try() -> None:
    rng = np.random.default_rng(0)
    said = banner(content(1624 * rng.uniform(0.9, 1.1, 19), 8.9 * rng.uniform(0.9, 1.1, 19), epochs=5))
    assert said.startswith("The autoencoder describes this sample worse than a PCA (median χ² 1")
    assert "19 spectra and 5 steps" in said
    assert "more spectra" in said
    assert "-p epochs=0" in said
    assert "max_steps" not in said


def test_other_samples_get_other_advice() -> None:
    many = np.full(1000, 10.0), np.full(1000, 1.0)
    assert "-p max_steps=0" in banner(content(*many, max_steps=9))
    assert "more spectra" not in banner(content(*many, max_steps=9))
    assert "-p max_steps=100000" in banner(content(*many))
    assert "without --preset paper" in banner(content(*many, preset="paper"))


def test_anomalies_that_the_network_describes_badly_are_no_reason() -> None:
    vae, pca = np.full(100, 1.05), np.full(100, 1.1)
    vae[:40] = 1e5
    assert behind(content(vae, pca)) is None
    assert banner(content(vae, pca)) == ""


def test_a_median_that_is_high_by_chance_is_no_reason_when_most_spectra_are_described_better() -> None:
    vae, pca = [1.0, 2.0, 2.0], [1.1, 2.1, 0.9]
    assert np.median(vae) > 1.5 * np.median(pca)
    assert behind(content(vae, pca)) is None


def test_without_noise_the_plain_error_decides() -> None:
    found = behind(content(np.full(9, 4.0), np.full(9, 1.0), name="mse"))
    assert (found.measure, found.vae, found.pca) == ("MSE", 4.0, 1.0)


def test_runs_without_a_score_have_no_banner() -> None:
    assert behind(content(np.full(4, np.nan), np.full(4, np.nan))) is None


@pytest.mark.slow
@pytest.mark.xdist_group("run")
def test_a_run_that_is_hardly_trained_is_behind(tmp_path: Path, without_kernels: None) -> None:
    run_pipeline(tmp_path, {"survey": "mock", "n": 140, "max_steps": 2, "preset": "paper"}, until="04_score")
    said = banner(Content(RunFolder(tmp_path)))
    assert "worse than a PCA" in said
    assert "-p max_steps=0" in said


@pytest.mark.slow
@pytest.mark.xdist_group("run")
def test_report_and_command_say_it_and_only_then(finished: Path, run_copy: Path, monkeypatch, capsys) -> None:
    assert 'class="banner"' not in (finished / "report.html").read_text(encoding="utf-8")
    monkeypatch.setattr(baseline, "behind", lambda _: baseline.Behind("χ²", 1624.0, 8.9))
    page = write_report(run_copy).read_text(encoding="utf-8")
    assert page.count("worse than a PCA (median χ² 1624 against 8.9)") == 1
    assert page.index('class="banner"') < page.index('class="tiles"')
    assert main(["run", "--run-dir", str(run_copy)]) == DONE
    assert "worse than a PCA (median χ²" in capsys.readouterr().out
    assert main(["run", "--run-dir", str(run_copy), "--quiet"]) == DONE
    assert "worse than a PCA" not in capsys.readouterr().out
