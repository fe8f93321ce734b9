"""A tiny run from files to report, by papermill and by the command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.run.cli import DIFFERS, DONE, main
from specanom.run.compare import compare_runs
from specanom.run.manifest import Manifest, fingerprint, versions
from specanom.run.parameters import STAGES, known
from specanom.run.pipeline import run_pipeline
from specanom.scores import Scorer
from specanom.scores.named import PAPER_SCORES
from specanom.triage.catalogue import Catalogue

from .conftest import TINY

pytestmark = [pytest.mark.slow, pytest.mark.notebook, pytest.mark.xdist_group("run")]
SCORES = (*PAPER_SCORES, "chi2_ivar", "multiscale")


def command(run_dir: Path, *more: str, **changes: Any) -> list[str]:
    """Return the arguments of the tiny run as a user types them."""
    told = {name: value for name, value in {**TINY, **changes}.items() if name != "survey"}
    pairs = [part for name, value in told.items() for part in ("-p", f"{name}={value}")]
    return ["run", "--survey", "mock", "--run-dir", str(run_dir), *pairs, *more]


# -- what a run leaves -------------------------------------------------------------------------------------------------


def test_every_product_of_the_contract_is_there(finished: Path) -> None:
    there = {path.name for path in finished.iterdir()}
    assert {"manifest.json", "sample.zarr", "model", "pca", "scores.parquet", "explanations.zarr", "clusters.parquet",
            "lines.parquet", "preprocess.json", "notebooks", "report.html", "truth.parquet", "tables", "knowledge",
            "kin.parquet", "votes.parquet", "rarities.parquet", "residuals.parquet", "shares.parquet",
            "catalogue.parquet", "catalogue.fits", "catalogue.vot", "worklist.parquet", "worklist.ecsv",
            "index", "explorer"} <= there
    assert not list(finished.rglob("*.part"))
    tables = {path.stem for path in (finished / "tables").iterdir()}
    assert {"waterfall", "history", "dependence", "overlap", "false_alarms", "quality", "recovery", "clusters",
            "curves", "latent_correlations", "latent_redshift", "rarity", "rules", "rates", "tickets"} <= tables


def test_the_scores_have_every_column(finished: Path) -> None:
    sample, table = sa.SpectrumSet.open(finished / "sample.zarr"), pd.read_parquet(finished / "scores.parquet")
    assert list(Scorer.paper(sa.PCAModel(2))) == list(PAPER_SCORES)
    expected = {"id", "z", "snr", "bin", "plate", "mjd", "fiber", "ra", "dec"} | {f"latent_{i}" for i in range(12)}
    expected |= {f"{name}{suffix}" for name in SCORES for suffix in ("", "_cal", "_rank")}
    assert expected | {"combined_cal", "combined_rank", "percentile"} == set(table.columns)
    assert table["id"].tolist() == sample.ids
    assert pd.api.types.is_string_dtype(table["id"])
    assert pd.api.types.is_integer_dtype(table["plate"])
    assert np.isfinite(table[[*SCORES, *(f"{name}_cal" for name in SCORES)]].to_numpy()).all()
    for name in SCORES:
        assert sorted(table[f"{name}_rank"]) == list(range(1, len(table) + 1))
        assert table.loc[table[f"{name}_cal"].idxmax(), f"{name}_rank"] == 1


def test_the_oddest_are_explained_clustered_and_measured(finished: Path) -> None:
    table = pd.read_parquet(finished / "scores.parquet")
    oddest = table.nsmallest(8, "chi2_ivar_rank")["id"].tolist()
    explanations = sa.ExplanationSet.open(finished / "explanations.zarr")
    assert list(explanations.ids) == oddest
    assert explanations.weights.shape == (8, 20)
    clusters, lines = (pd.read_parquet(finished / f"{name}.parquet") for name in ("clusters", "lines"))
    assert clusters["id"].tolist() == oddest
    assert set(clusters.columns) == {"id", "cluster", "distance"}
    assert lines["id"].tolist() == oddest
    assert {"decrement", "N2", "O3", "O32", "O3N2", "bpt"} <= set(lines.columns)


def test_any_id_of_the_catalogue_opens_its_spectrum_and_has_kin(finished: Path) -> None:
    made = Catalogue.read(finished / "catalogue.parquet").table
    first = made["id"].iloc[0]
    assert sa.surveys.SpectrumIndex.open(finished / "index").read(first).id == first
    assert set(made["id"]) == set(pd.read_parquet(finished / "scores.parquet")["id"])
    kin = pd.read_parquet(finished / "kin.parquet")
    assert (kin["id"] != kin["kin"]).all()
    assert set(kin["space"]) == {"latent", "reason"}
    base = sa.KnowledgeBase.load(finished / "knowledge" / "latent")
    assert len(base) == len(made)


def test_cards_of_simulated_objects_link_to_no_place_of_the_real_sky(finished: Path) -> None:
    cards = "".join(path.read_text(encoding="utf-8") for path in (finished / "explorer" / "data").glob("cards-*.js"))
    assert '"links":' in cards.replace(" ", "")
    assert "https://" not in cards


def test_the_waterfall_accounts_for_every_fibre(finished: Path) -> None:
    waterfall = pd.read_parquet(finished / "tables" / "waterfall.parquet")
    kept = len(pd.read_parquet(finished / "scores.parquet"))
    assert waterfall["count"].sum() + kept == TINY["n"]
    assert all(len(ids) == count for ids, count in zip(waterfall["ids"], waterfall["count"], strict=True))


def test_the_manifest_says_how_it_was_made(finished: Path) -> None:
    manifest = Manifest(finished)
    manifest.require(STAGES)
    assert manifest.parameters.items() >= TINY.items()
    assert set(manifest.parameters) == set(known())
    assert manifest.content["versions"] == versions()
    assert manifest.content["given"] == {name: value for name, value in TINY.items() if name != "survey"}
    assert manifest.stage("02_preprocess")["counts"]["read"] == TINY["n"]
    for stage in STAGES:
        record = manifest.stage(stage)
        assert record["seconds"] > 0
        assert record["started"] > 1.7e9
        assert record["outputs"]
        assert {name: fingerprint(finished / name) for name in record["outputs"]} == record["outputs"]


@pytest.mark.parametrize("stage", STAGES)
def test_executed_notebooks_are_kept_whole_and_small(finished: Path, stage: str) -> None:
    path = finished / "notebooks" / f"{stage}.ipynb"
    content = nbformat.read(path, as_version=4)
    nbformat.validate(content)
    code = [cell for cell in content.cells if cell.cell_type == "code"]
    assert all(cell.execution_count for cell in code)
    assert not [out for cell in code for out in cell.outputs if out.output_type == "error"]
    assert not [out for cell in code for out in cell.outputs if out.get("name") == "stderr"]
    assert path.stat().st_size < 400_000


# -- again -------------------------------------------------------------------------------------------------------------


def test_the_second_run_makes_nothing_and_says_so(run_copy: Path, capsys) -> None:
    before = fingerprint(run_copy / "report.html")
    assert main(command(run_copy)) == DONE
    out = capsys.readouterr().out.splitlines()
    assert len(out) == len(STAGES) + 2  # one line a stage without a terminal, the time, the report
    assert all("up to date" in line for line in out[: len(STAGES)])
    assert out[-1] == str(run_copy / "report.html")
    assert fingerprint(run_copy / "report.html") == before


def test_quiet_prints_only_where_the_report_is(run_copy: Path, capfd) -> None:
    assert main(command(run_copy, "--quiet")) == DONE
    said = capfd.readouterr()
    assert said.out == f"{run_copy / 'report.html'}\n"
    assert said.err == ""


def test_a_folder_knows_what_it_was_made_from(run_copy: Path, capsys) -> None:
    told = [part for part in command(run_copy) if part not in ("--survey", "mock")]
    assert main(told) == DONE
    assert capsys.readouterr().out.count("up to date") == len(STAGES)


def ran(run_dir: Path, **changes: Any) -> list[str]:
    results = run_pipeline(run_dir, {**TINY, **changes})
    return [one.stage for one in results if not one.skipped]


def test_other_segments_remake_only_what_follows_from_explanations(finished, run_copy: Path, without_kernels) -> None:
    assert ran(run_copy, segments=15) == ["05_explain", "06_clusters", "07_kin", "08_catalogue"]
    assert sa.ExplanationSet.open(run_copy / "explanations.zarr").weights.shape == (8, 15)
    compared = compare_runs(finished, run_copy)
    assert compared.parameters == {"segments": (20, 15)}
    assert {row["largest move"] for row in compared.ranks.values()} == {0.0}
    assert compared.clusters["explained in both"] == 8


def test_a_run_agrees_with_its_copy_and_not_with_another_seed(run_copy: Path, finished: Path, capsys,
                                                              without_kernels) -> None:
    assert main(["compare", str(finished), str(run_copy)]) == DONE
    assert "the runs agree" in capsys.readouterr().out
    run_pipeline(run_copy, {**TINY, "seed": 2})
    capsys.readouterr()
    assert main(["compare", str(finished), str(run_copy), "--json"]) == DIFFERS
    told = json.loads(capsys.readouterr().out)
    assert told["parameters"] == {"seed": [1, 2]}
    assert told["spectra"]["first"] != told["spectra"]["both"]  # other galaxies under other ids
    assert not told["same"]


def test_a_cut_off_product_is_made_again_alike(run_copy: Path, without_kernels) -> None:
    weights = run_copy / "model" / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[: len(whole) // 2])
    again = ran(run_copy)
    assert again[0] == "03_train"
    assert weights.read_bytes() == whole  # the same seed gives the same bits,
    assert again == ["03_train"]  # so that nothing after it is made again


def test_a_shard_that_was_lost_is_written_again_alike(run_copy: Path, without_kernels) -> None:
    for expected in (list(STAGES[1:]), ["02_preprocess"]):  # the first time, the copy's spectra get the copy's paths
        files = (path for path in (run_copy / "sample.zarr" / "flux").rglob("*") if path.is_file())
        shard = next(path for path in files if path.stem != "zarr")
        shard.unlink()
        assert ran(run_copy) == expected
        assert shard.exists()


def test_a_moved_run_goes_on_in_its_new_place(run_copy: Path, tmp_path: Path, without_kernels) -> None:
    moved = run_copy.rename(tmp_path / "moved")
    assert ran(moved) == []
    assert ran(moved, z_max=0.35)[0] == "02_preprocess"  # reads the simulated files where they are now


def test_a_smaller_survey_leaves_no_files_of_the_larger(tmp_path: Path, without_kernels) -> None:
    plates = []
    for n in (700, 60):
        run_pipeline(tmp_path, {**TINY, "n": n}, until="01_acquire")
        plates.append(len(list((tmp_path / "raw").glob("spPlate*"))))
    assert plates[0] > plates[1] == 1


# -- by hand -----------------------------------------------------------------------------------------------------------


def test_each_notebook_alone_by_papermill_makes_the_same(finished: Path, by_papermill: Path) -> None:
    for name in ("truth", "scores", "scores_pca", "clusters", "lines", "tables/recovery"):
        alone, together = (pd.read_parquet(folder / f"{name}.parquet") for folder in (by_papermill, finished))
        pd.testing.assert_frame_equal(alone, together)
    weights = [sa.ExplanationSet.open(folder / "explanations.zarr").weights for folder in (by_papermill, finished)]
    np.testing.assert_array_equal(*weights)
