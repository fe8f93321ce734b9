"""A catalogue of redshifts, and columns that are kept, on their way from the command to the spectra."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest
from papermill.translators import PythonTranslator

import specanom as sa
from specanom.errors import ArgumentError, DataError
from specanom.run.acquire import Files, acquire, inputs_of
from specanom.run.folder import RunFolder
from specanom.run.limits import check_values
from specanom.run.nightly import NewFiles
from specanom.run.parameters import STAGES, known, notebook, of_stage
from specanom.triage.catalogue import Catalogue


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated DESI spectra on disk, and a table of broad absorption beside no file of theirs."""
    folder = tmp_path_factory.mktemp("desi")
    sa.surveys.mock_desi(n=12, seed=2).write(folder / "spectra")
    ids = [str(one.id) for one in sa.read(folder / "spectra", survey="desi")]
    table = pd.DataFrame({"TARGETID": ids, "BAL_PROB": [0.9 if place % 2 else 0.1 for place in range(len(ids))]})
    table.to_csv(folder / "bal.csv", index=False)
    return folder


@pytest.fixture
def settings() -> Callable[..., dict[str, Any]]:
    """Return every parameter of a run at its default, but for some."""
    defaults = {name: one.default for name, one in known().items()}
    return lambda **given: {**defaults, **given}


def test_kept_columns_of_a_catalogue_reach_the_spectra(survey: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    source = acquire(run, survey="desi", path=str(survey / "spectra"), n=0, seed=1)
    made = source.with_redshifts(run, catalogue=str(survey / "bal.csv"), columns="BAL_PROB")
    again = Files.load(run)
    assert (again.catalogue, again.columns) == (str(survey / "bal.csv"), "BAL_PROB")
    assert again.outputs == made.outputs == source.outputs
    found = {str(one.id): one.meta["BAL_PROB"] for one in again.read()}
    table = pd.read_csv(survey / "bal.csv", dtype={"TARGETID": str}).set_index("TARGETID")
    assert found == table["BAL_PROB"].to_dict()
    assert all(one.z is not None for one in again.read(target="galaxy")), "redshifts are still those of redrock"


def test_a_run_that_was_told_of_no_catalogue_is_read_as_before(survey: Path, tmp_path: Path) -> None:
    run = RunFolder(tmp_path / "run")
    acquire(run, survey="desi", path=str(survey / "spectra"), n=0, seed=1)
    assert all("BAL_PROB" not in one.meta for one in Files.load(run).read())


def test_what_is_no_catalogue_and_no_column_stops_a_run_at_its_start(survey: Path, tmp_path: Path, settings) -> None:
    with pytest.raises(ArgumentError, match=r"catalogue: expected a file of redshifts, got 'nowhere\.fits'"):
        check_values(settings(survey="desi", path=str(survey), catalogue="nowhere.fits"))
    with pytest.raises(ArgumentError, match="columns"):
        check_values(settings(survey="desi", path=str(survey), columns="flux_scale=FLUX"))
    run = RunFolder(tmp_path)
    with pytest.raises(DataError, match=r"catalogue: .*no file at nowhere\.fits"):
        Files(str(survey / "spectra"), "desi").with_redshifts(run, catalogue="nowhere.fits", columns="")
    assert not (run / "source.json").exists()


def test_a_catalogue_that_changed_makes_every_stage_out_of_date(survey: Path, tmp_path: Path, settings) -> None:
    copy = tmp_path / "bal.csv"
    copy.write_text((survey / "bal.csv").read_text())
    given = settings(survey="desi", path=str(survey / "spectra"), catalogue=str(copy))
    first = inputs_of(given)
    assert first != inputs_of({**given, "catalogue": ""})
    assert first == inputs_of(given)
    copy.write_text(copy.read_text() + "1,0.5\n")
    assert inputs_of(given) != first


@pytest.mark.parametrize("stage", STAGES)
def test_papermill_understands_every_parameter(stage: str) -> None:
    cells: Any = nbformat.read(notebook(stage), as_version=4).cells  # type: ignore[no-untyped-call]
    cell = next(one for one in cells if "parameters" in one.metadata.get("tags", []))
    assert [one.name for one in PythonTranslator.inspect(cell)] == list(of_stage(stage))


@pytest.mark.parametrize(("given", "words"), [
    ({"exclude": "BAL_PROB"}, "exclude"), ({"match": "wise.csv[w1]"}, "match"), ({"rules": "rules.txt"}, "path"),
])
def test_wishes_for_the_catalogue_are_looked_at_first(given: dict[str, str], words: str, settings) -> None:
    with pytest.raises(ArgumentError, match=words):
        check_values(settings(**given))


@pytest.mark.parametrize("survey", ["mock", "sdss"])
def test_columns_of_no_table_are_refused_for_sdss(survey: str, settings) -> None:
    with pytest.raises(ArgumentError, match=r"a table of SDSS spectra .*for columns=logmass, got none"):
        check_values(settings(survey=survey, columns="logmass"))


def test_a_file_of_rules_that_is_not_there_stops_a_run_at_its_start(tmp_path: Path, settings) -> None:
    with pytest.raises(DataError, match=r"rules\.toml"):
        check_values(settings(rules=str(tmp_path / "rules.toml")))


@pytest.mark.parametrize("given", [
    {"exclude": "BAL_PROP > 0.5", "columns": "BAL_PROB", "survey": "mock_desi"}, {"exclude": "BAL_PROB > 0.5"},
    {"exclude": "Z > 1"},
    {"exclude": "z > 1, wize_w1 > 12", "match": "wise.csv"}])
def test_a_column_that_no_catalogue_of_this_run_will_have_stops_it_at_its_start(
        given: dict[str, str], tmp_path: Path, monkeypatch, settings) -> None:
    (tmp_path / "wise.csv").write_text("id,ra,dec,w1\nx,10,1,15.5\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ArgumentError, match=r"exclude: expected a column of the catalogue of this run, got "):
        check_values(settings(**given))


@pytest.mark.parametrize("given", [
    {"exclude": "BAL_PROB > 0.5", "columns": "BAL_PROB", "survey": "mock_desi"},
    {"exclude": "BAL_P > 0.5", "columns": "z=Z_H, BAL-P", "survey": "mock_desi"},
    {"exclude": "class == STAR, zwarning & 4, z 2 .. 3, ebv missing, petal == 3"},
    {"exclude": "wise_w1 > 12, wise_separation < 1, simbad_type == Star", "match": "wise.csv,simbad"},
    {"exclude": "vizier_ii_328_allwise_W1mag known", "match": "vizier:II/328/allwise[W1mag]"},
    {"exclude": "chi2_ivar_cal > 9, mse < 1, combined_cal > 3, verdict == sky, kin_far == 1, latent_0 > 1"}])
def test_columns_that_a_run_makes_or_joins_or_keeps_may_be_excluded_by(
        given: dict[str, str], tmp_path: Path, monkeypatch, settings) -> None:
    (tmp_path / "wise.csv").write_text("id,ra,dec,w1\nx,10,1,15.5\n")
    monkeypatch.chdir(tmp_path)
    check_values(settings(**given))


@pytest.mark.slow
@pytest.mark.xdist_group("run")
def test_every_column_of_a_catalogue_is_expected(finished: Path, settings) -> None:
    names = list(Catalogue.read(finished / "catalogue.parquet").table)
    assert len(names) > 80
    check_values(settings(exclude=", ".join(f"{name} known" for name in names)))


@pytest.fixture(scope="module")
def night(survey: Path) -> tuple[Path, Path]:
    """New files without redrock files beside them, and a catalogue that knows their redshifts."""
    folder = survey / "night"
    for path in (survey / "spectra").rglob("coadd-*.fits"):
        (folder / path.name).parent.mkdir(exist_ok=True)
        (folder / path.name).write_bytes(path.read_bytes())
    ids = [str(one.id) for one in sa.read(survey / "spectra", survey="desi")]
    table = pd.DataFrame({"TARGETID": ids, "Z_VAC": 0.25, "SPECTYPE": "GALAXY", "BAL_PROB": 0.5})
    table.to_csv(survey / "zall.csv", index=False)
    return folder, survey / "zall.csv"


def test_new_files_get_their_redshifts_as_those_of_the_run(night: tuple[Path, Path], tmp_path: Path) -> None:
    files, catalogue = night
    run = RunFolder(tmp_path / "run")
    Files(str(files), "desi").with_redshifts(run, catalogue=str(catalogue), columns="z=Z_VAC, BAL_PROB")
    found = list(NewFiles(str(files)).source(run).read(target="galaxy"))
    assert len(found) > 3
    assert {one.z for one in found} == {0.25}
    assert {one.meta["BAL_PROB"] for one in found} == {0.5}
    beside = list(NewFiles(str(files), catalogue="").source(run).read())
    assert {one.z for one in beside} == {None}, "no redrock file lies beside them"
    other = tmp_path / "other.csv"
    pd.read_csv(catalogue, dtype=str).assign(Z_VAC=0.5).to_csv(other, index=False)
    assert {one.z for one in NewFiles(str(files), "desi", catalogue=str(other)).source(run).read()} == {0.5}
    with pytest.raises(DataError, match=r"catalogue: expected a file of redshifts, got no file at nowhere.fits"):
        NewFiles(str(files), "desi", catalogue="nowhere.fits").source(run)
