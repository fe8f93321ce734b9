"""The kept model of a run on new files, and whether the new spectra have drifted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits

import specanom as sa
from specanom.run import nightly
from specanom.run.cli import DIFFERS, DONE, FAILED, NO_DATA, main
from specanom.run.lock import only_one
from specanom.run.nightly import NewFiles, drift_of, score_new


def scores(n: int, seed: int, shift: float = 0.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame({"mse": rng.gamma(3, 1, n) + shift, "chi2_ivar": rng.gamma(9, 1, n),
                         "snr": rng.uniform(4, 30, n)})


def test_like_spectra_have_not_drifted() -> None:
    drift = drift_of(scores(2000, 0), scores(300, 1))
    assert list(drift["quantity"]) == ["mse", "chi2_ivar", "snr"]
    assert not drift["drifted"].any()


def test_a_shift_is_found_where_it_is() -> None:
    drift = drift_of(scores(2000, 0), scores(300, 1, shift=2.0)).set_index("quantity")
    assert drift.loc["mse", "drifted"]
    assert not drift.loc["chi2_ivar", "drifted"]
    assert drift.loc["mse", "median new"] - drift.loc["mse", "median run"] > 1.5


def test_a_tiny_shift_of_very_many_spectra_is_no_drift() -> None:
    drift = drift_of(scores(50_000, 0), scores(50_000, 1, shift=0.1)).set_index("quantity")
    assert drift.loc["mse", "p"] < 1e-3
    assert not drift.loc["mse", "drifted"]


def test_a_night_of_one_spectrum_or_none_is_no_drift() -> None:
    assert not drift_of(scores(500, 0), scores(1, 1))["drifted"].any()
    assert drift_of(scores(500, 0), scores(0, 1)).empty


# -- with a run --------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """New plates of the same survey."""
    return sa.surveys.mock(n=60, seed=11).write(tmp_path_factory.mktemp("night"), layout="plate")


@pytest.mark.slow
@pytest.mark.xdist_group("run")
class TestScore:
    """``specanom score RUN PATH``."""

    def test_a_spectrum_of_the_run_gets_the_score_of_the_run(self, finished: Path, tmp_path: Path) -> None:
        made = score_new(finished, str(finished / "raw"), out=tmp_path)
        kept = pd.read_parquet(finished / "scores.parquet")
        pd.testing.assert_frame_equal(made.table, kept, rtol=1e-9, check_dtype=False)
        assert not made.drifted

    def test_new_spectra_are_scored_ranked_and_kept(self, finished: Path, night: Path, tmp_path: Path, capsys) -> None:
        assert main(["score", str(finished), str(night), "--out", str(tmp_path / "out")]) == DONE
        out = capsys.readouterr().out
        table = pd.read_parquet(tmp_path / "out" / "scores.parquet")
        aside = pd.read_parquet(tmp_path / "out" / "skipped.parquet")
        assert len(table) + aside["count"].sum() == 60
        assert all(len(ids) == count for ids, count in zip(aside["ids"], aside["count"], strict=True))
        assert f"{len(table)} spectra scored, {60 - len(table)} set aside" in out
        assert table.nsmallest(1, "chi2_ivar_rank")["id"].iloc[0] in out
        assert "no drift" in out
        assert table["percentile"].between(0, 100).all()
        told = json.loads((tmp_path / "out" / "summary.json").read_text())
        assert (told["spectra"], told["drifted"]) == (len(table), False)

    def test_by_default_the_result_goes_into_the_run(self, run_copy: Path, night: Path, capsys) -> None:
        assert main(["score", str(run_copy), str(night)]) == DONE
        folder = Path(capsys.readouterr().out.splitlines()[-1])
        assert folder.parent == run_copy / "new"
        assert (folder / "scores.parquet").exists()
        assert main(["report", str(run_copy)]) == DONE  # the run itself is as it was

    def test_a_job_that_was_stopped_is_gone_on_with(self, run_copy: Path, night: Path,
                                                    monkeypatch: pytest.MonkeyPatch) -> None:
        def stopped(*given: object) -> None:
            raise KeyboardInterrupt

        with monkeypatch.context() as patch:
            patch.setattr(nightly, "_ranked", stopped)
            with pytest.raises(KeyboardInterrupt):
                score_new(run_copy, str(night))
        begun = sorted((run_copy / "new").iterdir())[-1]
        assert (begun / "work").is_dir()
        done = score_new(run_copy, str(night))
        assert done.path == begun
        assert len(done.table)
        assert not (begun / "work").exists()
        assert score_new(run_copy, str(night), out=run_copy / "other").path != begun

    def test_sky_subtraction_gone_wrong_is_a_drift(self, finished: Path, night: Path, tmp_path: Path, capsys) -> None:
        bad = Path(shutil.copytree(night, tmp_path / "bad"))
        for plate in bad.glob("spPlate*"):
            with fits.open(plate, mode="update") as hdus:
                sky = np.random.default_rng(0).normal(0, 1, hdus[0].data.shape[1])
                hdus[0].data += (2.0 * np.median(hdus[0].data) * np.abs(sky)).astype(hdus[0].data.dtype)
        assert main(["score", str(finished), str(bad), "--out", str(tmp_path / "out")]) == DIFFERS
        out = capsys.readouterr().out
        assert "drift: chi2_ivar median" in out
        assert "no drift" not in out
        told = json.loads((tmp_path / "out" / "summary.json").read_text())
        assert told["drifted"]
        assert "chi2_ivar" in {row["quantity"] for row in told["drift"] if row["drifted"]}

    def test_a_folder_that_another_job_writes_to_is_left_alone(self, finished: Path, night: Path, tmp_path: Path,
                                                               capsys) -> None:
        with only_one(tmp_path / "out"):
            before = sorted((tmp_path / "out").iterdir())
            assert main(["score", str(finished), str(night), "--out", str(tmp_path / "out")]) == FAILED
            assert "a folder that no other run is working in" in capsys.readouterr().err
            assert sorted((tmp_path / "out").iterdir()) == before

    def test_nothing_usable_is_no_data(self, finished: Path, shared: Path, tmp_path: Path, capsys) -> None:
        (tmp_path / "empty").mkdir()
        assert main(["score", str(finished), str(tmp_path / "empty")]) == NO_DATA
        assert "expected FITS files, got " in capsys.readouterr().err
        quasar = shared / "data" / "sdss" / "lite" / "spec-0332-52367-0639.fits"
        assert main(["score", str(finished), str(quasar)]) == NO_DATA
        assert "class QSO, not GALAXY" in capsys.readouterr().err

    def test_a_quasar_that_is_wanted_is_scored(self, finished: Path, shared: Path, tmp_path: Path) -> None:
        quasar = shared / "data" / "sdss" / "lite" / "spec-0332-52367-0639.fits"
        made = score_new(finished, NewFiles(str(quasar), target="any"), out=tmp_path)
        assert made.table["id"].tolist() == ["0332-52367-0639"]
        assert made.skipped == 0
