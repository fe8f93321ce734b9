"""What is oddest: the order of lists, NaN of the published scores, percentiles, and how sure a rank is."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.parallel.partitioned import failure_table
from specanom.run.certainty import ScoreOfModel, rank_intervals
from specanom.run.folder import RunFolder
from specanom.run.nightly import NewScores
from specanom.run.pipeline import run_pipeline
from specanom.run.scoring import add_latents, add_percentile, latents_of, oddest_ids, score_table, top_ids
from specanom.run.training import fit_by_bin, refit
from specanom.scores.named import scorers_of
from specanom.spectrumset import SpectrumSet

from .conftest import TINY

N, P = 80, 200


@pytest.fixture(scope="module")
def sample() -> SpectrumSet:
    """Spectra of which the fourth dips below zero, where the published chi2 has no root."""
    rng = np.random.default_rng(0)
    flux = rng.normal(1, 0.1, (N, P)).astype(np.float32)
    flux[3, :150] = -5.0
    table = pd.DataFrame({"id": [f"{i:02d}" for i in range(N)], "z": rng.uniform(0, 0.2, N),
                          "snr": rng.uniform(5, 20, N), "bin": 0})
    return SpectrumSet(np.linspace(4000, 7000, P), flux, np.full((N, P), 100, np.float32), table)


@pytest.fixture(scope="module")
def published(sample) -> pd.DataFrame:
    model = sa.wrap(lambda flux: np.ones_like(flux))
    table, _ = score_table(scorers_of(model, preset="paper"), sample)
    return add_latents(table, latents_of(SimpleNamespace(encode=lambda spectra: np.zeros((len(spectra), 2))), sample))


def test_published_scores_rank_nan_first_through_a_whole_run(published, tmp_path) -> None:
    assert published["chi2"].isna().tolist() == [i == 3 for i in range(N)]
    RunFolder(tmp_path).write(published, "scores")
    for table in (published, RunFolder(tmp_path).table("scores")):
        assert top_ids(table, "chi2", 1) == ["03"]
        assert oddest_ids(table, "chi2", 5, "paper")[0] == "03"
        assert "03" not in top_ids(table, "chi2_cal", N)  # the calibration is not the publication's
        shared = sa.scores.overlap(table, 1, ["mse", "chi2"])
        assert shared.attrs["common"] == 1.0  # the one spectrum that both call the oddest


def test_right_scores_rank_nan_last(sample) -> None:
    model = sa.wrap(lambda flux: np.ones_like(flux))
    table, _ = score_table(scorers_of(model), sample)
    table.loc[5, "chi2"] = np.nan
    assert "05" not in top_ids(table, "chi2", N)


# -- the nightly list --------------------------------------------------------------------------------------------------


def new_scores(column: str) -> NewScores:
    table = pd.DataFrame({"id": list("abc"), "mse": [3.0, 1.0, 2.0], "mse_cal": [0.0, 5.0, np.nan],
                          "mse_rank": [2, 1, 3], "percentile": [90.0, 10.0, 50.0]})
    drift = pd.DataFrame(columns=["quantity", "drifted"]).astype({"drifted": bool})
    return NewScores(Path("new"), table, drift, 0, column, failure_table([]))


@pytest.mark.parametrize(("column", "ids"), [("mse", ["a", "c", "b"]), ("mse_cal", ["b", "a"])])
def test_the_oddest_of_a_night_are_ordered_by_what_ranks(column: str, ids: list[str]) -> None:
    lines = new_scores(column).summary().splitlines()
    assert lines[1] == f"oddest by {column}:"
    assert [line.split()[0] for line in lines[2:-1]] == ids


# -- percentiles -------------------------------------------------------------------------------------------------------


def test_a_percentile_is_the_share_that_is_less_odd() -> None:
    table = pd.DataFrame({"id": list("abcde"), "mse": [4.0, 1.0, 2.0, 2.0, np.nan]})
    table.attrs["nan_first"] = ["mse"]
    made = add_percentile(table, "mse")
    np.testing.assert_allclose(made["percentile"], [87.5, 12.5, 50.0, 50.0, np.nan])
    assert made.attrs == table.attrs
    fresh = add_percentile(pd.DataFrame({"mse": [0.0, 3.0, 9.0]}), "mse", reference=table)
    np.testing.assert_allclose(fresh["percentile"], [0.0, 75.0, 100.0])


def test_a_percentile_is_no_score_to_draw(published) -> None:
    from specanom.plots.scoring import score_names

    assert "percentile" not in score_names(add_percentile(published, "mse"))


# -- how sure a rank is ------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=[1, 2], ids=["one model", "a model a bin"])
def fitted(request, sample):
    many = sample.replace(table=sample.table.assign(bin=np.arange(N) % request.param))
    return fit_by_bin(lambda: sa.VAEModel(2, (8, 6), max_steps=20, folds=2, seed=5), many), many


def test_a_model_is_fitted_again_with_another_seed_alone(fitted) -> None:
    model, sample = fitted
    same, other = refit(model, sample, 0), refit(model, sample, 1)
    assert type(same) is type(model)
    np.testing.assert_array_equal(same.reconstruct(sample), model.reconstruct(sample))
    assert not np.array_equal(other.reconstruct(sample), model.reconstruct(sample))
    one, again = (next(iter(getattr(m, "models", {0: m}).values())) for m in (model, other))
    assert again.settings() == {**one.settings(), "seed": 6}


@pytest.mark.parametrize("column", ["mse", "chi2_ivar_cal", "combined_cal"])
def test_an_interval_of_ranks_spans_fits_with_other_seeds(fitted, column: str) -> None:
    model, sample = fitted
    ranking = ScoreOfModel(model, column)
    table, _ = score_table(scorers_of(model), sample)
    made = rank_intervals(ranking, sample, 2)
    assert made["id"].tolist() == sample.ids
    assert made["rank"].tolist() == sa.scores.ranks(table[column], sample.ids).tolist()
    assert (made["low"] <= made["high"]).all()
    assert (made["low"] < made["high"]).any()
    assert made.loc[3, ["rank", "low", "high"]].tolist() == [1, 1, 1]  # odd for every fit
    assert rank_intervals(ranking, sample, 0) is None


def test_published_nan_is_the_oddest_of_every_fit(fitted) -> None:
    model, sample = fitted
    made = rank_intervals(ScoreOfModel(model, "chi2", preset="paper"), sample, 1)
    table, _ = score_table(scorers_of(model, preset="paper"), sample)
    assert made.loc[table["chi2"].isna(), "rank"].max() <= table["chi2"].isna().sum()


@pytest.mark.slow
@pytest.mark.xdist_group("run")
def test_a_run_tells_percentiles_and_intervals_of_ranks_when_asked(run_copy: Path, without_kernels) -> None:
    run = RunFolder(run_copy)
    table = run.table("scores")
    best = table["chi2_ivar_cal"].idxmax()
    assert table["percentile"].idxmax() == best
    assert table["percentile"].between(0, 100).all()
    assert run.tables("rank_intervals") is None
    for repeats in (1, 0):
        results = run_pipeline(run_copy, {**TINY, "repeats": repeats}, until="04_score")
        assert [one.stage for one in results if not one.skipped] == ["04_score"]
        made = run.tables("rank_intervals")
        if repeats:
            assert made["rank"].tolist() == table["chi2_ivar_rank"].tolist()
    assert made is None  # none is left of the run before
