"""What is to be written of a run is what its manifest says, with works that can be found."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

import specanom as sa
from specanom.errors import ArgumentError, DataError
from specanom.run.cite import cite
from specanom.run.cli import main
from specanom.run.matching import matchers_of
from specanom.triage.catalogue.citations import bibtex_of, known_uses, thanks, works_of
from specanom.triage.crossmatch import crossmatch

VERSIONS = {"python": "3.11.7", "specanom": "0.1.0", "numpy": "2.4.6", "torch": "not installed", "astropy": "8.0.2"}


def stage(**counts: int) -> dict:
    return {"status": "done", "counts": counts, "outputs": {}, "seconds": 1.0}


def put(folder: Path, name: str, content: dict) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content))


@pytest.fixture
def run(tmp_path) -> Path:
    folder = tmp_path / "run"
    put(folder, "manifest.json", {
        "format": "specanom run", "version": 1, "versions": VERSIONS,
        "parameters": {"survey": "sdss", "seed": 7, "target": "galaxy", "z_min": 0.01, "z_max": 0.5, "min_snr": 4.0,
                       "preset": "", "rank_by": ""},
        "stages": {"02_preprocess": stage(read=12000, kept=9000, pixels=3847),
                   "03_train": stage(spectra=9000, steps=100), "04_score": stage(spectra=9000, scores=10),
                   "05_explain": stage(explained=90), "06_clusters": stage(clusters=5)}})
    put(folder, "preprocess.json", {"settings": {
        "extinction": "F99", "r_v": 3.1, "ebv_scale": 0.86, "impute": "median", "resample": "linear", "bins": 1,
        "z_range": [0.01, 0.5], "min_snr": 4.0, "target": None, "grid": [3500.0, 7500.0, 4000]}})
    put(folder, "model/card.json", {"kind": "VAEModel", "shape": {"folds": 4}, "settings": {
        "n_latent": 12, "hidden": [256, 64], "training": {"lam": 8.6}}})
    put(folder, "explanations.zarr/manifest.json", {"settings": {
        "method": {"kind": "Lime", "n_samples": 2000}, "segments": {"k": 77}, "perturbation": {"kind": "Typical"}}})
    put(folder, "clusters/clusterer.json", {"settings": {"n_clusters": "auto", "k_range": [2, 12]}})
    (folder / "sample.zarr").mkdir()
    pd.DataFrame({"survey": ["sdss", "sdss"]}).to_parquet(folder / "sample.zarr" / "table.parquet")
    return folder


def change(folder: Path, name: str, **values: object) -> None:
    content = json.loads((folder / name).read_text())
    content["parameters"] |= values
    (folder / name).write_text(json.dumps(content))


def matched(folder: Path, **status: str) -> None:
    table = pd.DataFrame({"service": list(status), "status": list(status.values())})
    table.to_parquet(folder / "matches.parquet")


def test_the_paragraph_tells_the_run(run) -> None:
    told = cite(run).methods
    for part in ("Of 12,000 SDSS spectra, 9,000 galaxies with redshift between 0.01 and 0.5 and median signal-to-noise "
                 "ratio per pixel above 4 were kept.", "R_V = 3.1", "0.86 times that of the SFD map",
                 "onto 3,847 common pixels of a grid in vacuum from 3500 to 7500 Å, even in λ, and",
                 "12 latent numbers and hidden layers of 256, 64 units was trained on 9,000 spectra", "in 4 folds",
                 "(chi2_ivar, one of 10 scores), in excess of spectra of like", "The 90 highest-ranked",
                 "LIME [Ribeiro2016] with 2,000 masks over 77 segments", "into 5 clusters", "between 2 and 12",
                 "specanom 0.1.0", "Python 3.11.7 (seed 7)"):
        assert part in told


def remake(folder: Path, preprocessor: sa.Preprocessor, survey: sa.surveys.Survey) -> sa.SpectrumSet:
    """Preprocess into the run as the notebook does, with the counts that it records."""
    sample = preprocessor.fit_transform(survey, store=folder / "new.zarr")
    preprocessor.save(folder / "preprocess")
    shutil.rmtree(folder / "sample.zarr")
    (folder / "new.zarr").rename(folder / "sample.zarr")
    report = preprocessor.report
    content = json.loads((folder / "manifest.json").read_text())
    content["stages"]["02_preprocess"]["counts"] = {"read": report.n_in, "kept": report.n_out,
                                                    "pixels": len(sample.wave)}
    (folder / "manifest.json").write_text(json.dumps(content))
    return sample


def test_a_run_of_quasars_tells_what_was_done_and_not_the_parameters_it_ignored(run) -> None:
    change(run, "manifest.json", survey="mock_desi", quasars="qso-1.5-2.5", rank_by="mse_filtered_trimmed", trim=0.03,
           filter_lines="", velocity=0.0)
    sample = remake(run, sa.Preprocessor(preset="qso-1.5-2.5"), sa.surveys.mock_desi(n=100, seed=3))
    told = cite(run).methods
    for part in (f"Of 100 simulated DESI spectra, {len(sample)} quasars with redshift between 1.5 and 2.5 and median "
                 "signal-to-noise ratio per pixel above 2 were kept.",
                 f"by means over each pixel that conserve the flux onto {sample.wave.size:,} common pixels of a grid "
                 "in vacuum from 1440 to 2807 Å, even in log λ, and",
                 "without pixels within 2500 km/s of emission lines of quasars and the 3% of pixels with the largest "
                 "residuals (mse_filtered_trimmed, one of 10 scores), in excess"):
        assert part in told
    for ignored in ("galaxies", "0.01", "0.5 ", "above 4", "conserving", "linear", "3500", "7500"):
        assert ignored not in told


def test_a_run_of_galaxies_tells_the_settings_of_its_preprocessor(run) -> None:
    change(run, "manifest.json", survey="mock", z_max=0.9, min_snr=9.0)  # a later call, which has not been run
    sample = remake(run, sa.Preprocessor(grid=(4000, 7000, 1500), z_range=(0.02, 0.3), min_snr=5.0, bins=2),
                    sa.surveys.mock(n=100, seed=3))
    told = cite(run).methods
    assert (f"Of 100 simulated SDSS spectra, {len(sample)} galaxies with redshift between 0.02 and 0.3 and median "
            "signal-to-noise ratio per pixel above 5 were kept, in 2 bins of signal-to-noise ratio") in told
    assert f"{sample.wave.size:,} common pixels of a grid in vacuum from 4000 to 7000 Å, even in λ," in told
    assert "0.9" not in told


def set_extinction(folder: Path, corrected: int, not_corrected: int) -> None:
    content = json.loads((folder / "preprocess.json").read_text())
    content["report"] = {"extinction": {"on": True, "corrected": corrected, "not_corrected": not_corrected}}
    (folder / "preprocess.json").write_text(json.dumps(content))


@pytest.mark.parametrize(("counts", "said", "cited"), [
    ((9000, 0), "Spectra were corrected for Galactic extinction with the law of Fitzpatrick", True),
    ((2, 8998), "2 spectra were corrected for Galactic extinction with the law of Fitzpatrick [Fitzpatrick1999] for "
     "R_V = 3.1, E(B-V) being 0.86 times that of the SFD map [Schlegel1998, Schlafly2011]; 8,998 were not, as their "
     "E(B-V) is not known. Spectra were shifted to the rest frame", True),
    ((0, 9000), "Spectra were not corrected for Galactic extinction, as their E(B-V) is not known. Spectra were "
     "shifted", False),
])
def test_extinction_is_told_of_the_spectra_that_were_corrected(run, counts, said, cited) -> None:
    set_extinction(run, *counts)
    found = cite(run)
    assert said in found.methods
    assert ("Fitzpatrick1999" in found.keys, "Schlegel1998" in found.keys) == (cited, cited)


def test_the_scores_of_a_few_are_told_in_excess_of_their_median(run) -> None:
    content = json.loads((run / "manifest.json").read_text())
    content["stages"]["04_score"]["counts"]["spectra"] = 18
    (run / "manifest.json").write_text(json.dumps(content))
    told = cite(run).methods
    assert "(chi2_ivar, one of 10 scores), in excess of the median of the few spectra." in told
    assert "of like" not in told


def test_a_stage_is_told_as_it_was_done_even_when_the_run_was_called_anew(run) -> None:
    content = json.loads((run / "manifest.json").read_text())
    for name, told in {"02_preprocess": {"target": "qso"}, "03_train": {"seed": 3, "preset": ""},
                       "04_score": {"rank_by": "multiscale_raw"}}.items():
        content["stages"][name]["parameters"] = told
    (run / "manifest.json").write_text(json.dumps(content))
    told = cite(run).methods
    for part in ("9,000 quasars", "smoothed over five lengths (multiscale, one of 10 scores). ", "(seed 3)"):
        assert part in told


def test_models_of_bins_are_told_by_what_each_is(run) -> None:
    one = cite(run)
    (run / "model" / "bin0").mkdir()
    (run / "model" / "card.json").rename(run / "model" / "bin0" / "card.json")
    put(run, "model/card.json", {"kind": "BinnedModel", "bins": [0, 1, 2, 3]})
    found = cite(run)
    assert found.keys == one.keys
    assert "12 latent numbers and hidden layers of 256, 64 units, one in each of 4 bins, was trained" in found.methods


def test_each_key_in_the_text_is_in_the_references_and_each_reference_has_a_place(run) -> None:
    found = cite(run)
    told = found.methods + " ".join(found.acknowledgements)
    named = {key for group in re.findall(r"\[([^\]]+)\]", told) for key in re.findall(r"\b[A-Z]\w+\d{4}\b|Bokeh|NED",
                                                                                    group)}
    assert named == set(found.keys)
    assert re.findall(r"^@\w+\{(\w+),", found.bibtex, flags=re.M) == list(found.keys)


def test_what_was_not_used_is_not_thanked(run) -> None:
    found = cite(run)
    assert "Paszke2019" not in found.keys, "torch is not installed"
    assert "Kluyver2016" not in found.keys, "there are no notebooks"
    assert not any("SIMBAD" in one or "Dark Energy" in one for one in found.acknowledgements)
    assert any("Sloan Digital Sky Survey" in one and "https://www.sdss.org" in one for one in found.acknowledgements)


def test_surveys_and_services_come_from_the_tables(run) -> None:
    pd.DataFrame({"survey": ["sdss", "desi"]}).to_parquet(run / "sample.zarr" / "table.parquet")
    matched(run, simbad="none", ned="not_checked", **{"vizier:II/328/allwise": "matched"})
    found = cite(run)
    assert {"DESI2025", "Guy2023", "York2000", "Wenger2000", "Pineau2020", "Ginsburg2019"} <= set(found.keys)
    assert "NED" not in found.keys, "it was not asked"


@pytest.mark.parametrize(("service", "status", "thanked"), [
    ("combined", "matched", []), ("ned_like", "matched", []), ("assigned", "none", []), ("xmatch", "matched", []),
    ("ned", "failed", []), ("simbad", "not_checked", []), ("vizier:VII/294/catalog", "failed", []),
    ("ned", "none", ["NASA/IPAC Extragalactic Database"]), ("simbad", "matched", ["SIMBAD"]),
    ("vizier:VII/294/catalog", "none", ["VizieR catalogue service", "cross-match service of the CDS"])])
def test_only_services_that_answered_are_thanked(run, service, status, thanked) -> None:
    matched(run, **{service: status})
    said = [one for one in cite(run).acknowledgements if "Sloan" not in one and "uses NumPy" not in one
            and "method" not in one]
    words = ("NASA/IPAC", "SIMBAD", "VizieR catalogue service", "cross-match service")
    assert [any(part in one for one in said) for part in thanked] == [True] * len(thanked)
    assert sum(any(word in one for one in said) for word in words) == len(thanked)


def test_a_local_table_of_a_run_thanks_nobody(run) -> None:
    table = pd.DataFrame({"name": ["a"], "ra": [10.0], "dec": [1.0]})
    table.to_csv(run / "combined.csv", index=False)
    objects = pd.DataFrame({"id": ["1", "2"], "ra": [10.0, 50.0], "dec": [1.0, 2.0]})
    found = crossmatch(objects, matchers_of(str(run / "combined.csv"), 2.0)).table
    assert found["status"].tolist() == ["matched", "none"]
    without = cite(run)
    found.to_parquet(run / "matches.parquet")
    assert cite(run) == without


@pytest.mark.parametrize("name", ["ned.csv", "simbad.csv", "NED.parquet"])
def test_a_table_on_disk_called_as_a_service_thanks_nobody(run, tmp_path, name) -> None:
    table = pd.DataFrame({"name": ["a"], "ra": [10.0], "dec": [1.0]})
    table.to_csv(tmp_path / name, index=False) if name.endswith("csv") else table.to_parquet(tmp_path / name)
    objects = pd.DataFrame({"id": ["1", "2"], "ra": [10.0, 50.0], "dec": [1.0, 2.0]})
    found = crossmatch(objects, matchers_of(str(tmp_path / name), 2.0)).table
    assert found["client"].tolist() == ["LocalTable", "LocalTable"]
    without = cite(run)
    found.to_parquet(run / "matches.parquet")
    assert cite(run) == without


@pytest.mark.parametrize(("client", "service", "keys"), [
    ("Simbad", "simbad", {"Wenger2000"}), ("XMatch", "simbad", {"Wenger2000", "Pineau2020"}), ("Ned", "ned", {"NED"}),
    ("XMatch", "vizier:II/328/allwise", {"Pineau2020"}), ("LocalTable", "vizier:mine", set()), ("Mine", "ned", set())])
def test_clients_of_services_thank_them(run, client, service, keys) -> None:
    pd.DataFrame({"service": [service], "status": ["none"], "client": [client]}).to_parquet(run / "matches.parquet")
    assert set(cite(run).keys) & {"Wenger2000", "Pineau2020", "NED"} == keys


def test_simulated_spectra_are_called_so_and_no_survey_is_thanked(run) -> None:
    change(run, "manifest.json", survey="mock")
    found = cite(run)
    assert "12,000 simulated SDSS spectra" in found.methods
    assert "York2000" not in found.keys


def test_a_preset_and_a_raw_score_are_told(run) -> None:
    change(run, "manifest.json", preset="paper")
    told = cite(run).methods
    assert "preset paper" in told
    assert "the mean squared residual between spectrum and reconstruction (mse" in told
    assert "in excess" not in told


def test_a_run_that_is_not_finished_is_told_as_far_as_it_got(run) -> None:
    content = json.loads((run / "manifest.json").read_text())
    content["stages"] = {"02_preprocess": content["stages"]["02_preprocess"]}
    (run / "manifest.json").write_text(json.dumps(content))
    told = cite(run).methods
    assert "were kept" in told
    assert "latent numbers" not in told


def test_the_command_prints_it(run, capsys, tmp_path) -> None:
    assert main(["cite", str(run)]) == 0
    assert "# Acknowledgements" in capsys.readouterr().out
    assert main(["cite", str(run), "--bibtex"]) == 0
    assert capsys.readouterr().out.startswith("@article{Ortiz2025,")
    assert main(["cite", str(tmp_path / "none")]) == 3
    assert "a run folder with a manifest" in capsys.readouterr().err
    with pytest.raises(DataError):
        cite(tmp_path)


@pytest.mark.parametrize("key", works_of(known_uses()))
def test_each_work_can_be_found(key) -> None:
    entry = bibtex_of([key])
    assert entry.count("{") == entry.count("}")
    assert entry.isascii()
    for name in ("author", "title"):
        assert f"  {name} = {{" in entry
    doi = re.search(r"doi = \{(.*)\}", entry)
    assert doi is None or re.fullmatch(r"10\.\d{4,5}/\S+", doi[1])
    assert doi or "eprint" in entry or "url" in entry or "journal" in entry or "  volume" in entry


def test_a_use_nobody_knows_is_refused() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'simbad'"):
        works_of(["simbadd"])
    assert all("[" in one for one in thanks(known_uses()))
