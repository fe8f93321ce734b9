"""Any id opens its spectrum: where it lies is known, files that moved or changed are noticed."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import DataError
from specanom.surveys.locate import SpectrumIndex
from specanom.surveys.locate_write import keys_of

TARGETID = 39633345008634465


@pytest.fixture
def survey(write_plate, write_spec, tmp_path) -> Path:
    """Three layouts under one folder: a plate and a spec file, and a table with a TARGETID."""
    folder = tmp_path / "survey"
    write_plate("survey/plates")
    write_spec("survey/plates/spec-1234-53000-0056.fits")
    (folder / "others").mkdir()
    (folder / "others" / "notes.txt").write_text("mine")
    wave = np.linspace(4000.0, 5000.0, 60)
    rows = [pd.DataFrame({"id": str(TARGETID + i), "wave": wave, "flux": 1.0 + i, "ivar": 1.0}) for i in range(3)]
    pd.concat(rows).to_parquet(folder / "targets.parquet", index=False)
    return folder


@pytest.fixture
def index(survey) -> SpectrumIndex:
    return SpectrumIndex.build([survey / "plates", survey / "targets.parquet"], survey / "index")


def test_each_spectrum_that_is_read_is_found_where_it_is(survey, index) -> None:
    read = {spectrum.id: spectrum for spectrum in sa.read([survey / "plates", survey / "targets.parquet"])}
    assert sorted(index.ids()) == sorted(read)
    assert len(index) == len(read)
    places = index.locate(read)
    assert places["id"].tolist() == list(read)
    assert set(places["state"]) == {"ok"}
    assert places["path"].tolist() == [spectrum.meta["path"] for spectrum in read.values()]
    assert places["row"].tolist() == [spectrum.meta["row"] for spectrum in read.values()]
    for id in list(read)[:2]:
        np.testing.assert_array_equal(index.read(id).flux, read[id].flux)


def test_the_hdu_and_row_lead_to_the_flux_without_specanom(survey, index) -> None:
    from astropy.io import fits

    id = next(id for id in index.ids() if id.startswith("0777"))
    place = index.locate(id).iloc[0]
    with fits.open(place["path"]) as hdus:
        flux = hdus[place["hdu"]].data[place["row"]]
    np.testing.assert_array_equal(index.read(id).flux, flux.astype(np.float32))


def test_a_long_targetid_opens_from_text_and_integer(index) -> None:
    for asked in (str(TARGETID), TARGETID, np.int64(TARGETID)):
        place = index.locate([asked]).iloc[0]
        assert (place["id"], place["state"], place["hdu"]) == (str(TARGETID), "ok", -1)
    assert index.read(str(TARGETID)).flux[0] == 1.0
    assert index.read(str(TARGETID + 1)).flux[0] == 2.0
    assert str(TARGETID) in index
    assert str(TARGETID - 1) not in index
    with pytest.raises(DataError, match="floats lose digits"):
        index.locate([float(TARGETID)])


def test_what_the_gate_leaves_out_is_not_indexed_but_listed(survey) -> None:
    everything = sa.read(survey / "plates")
    index = SpectrumIndex.build(sa.read(survey / "plates", target="galaxy"), survey / "galaxies")
    assert len(index) < len(everything)
    assert any("not GALAXY" in reason or "sky" in reason for _, _, reason in index.skipped)
    assert SpectrumIndex.open(survey / "galaxies").skipped == []


def test_the_order_asked_is_the_order_told_and_strangers_are_told(index) -> None:
    some = [index.ids(3)[2], "stranger", index.ids(3)[0], index.ids(3)[2]]
    places = index.locate(some)
    assert places["id"].tolist() == some
    assert places["state"].tolist() == ["ok", "unknown", "ok", "ok"]
    assert places.loc[1, ["path", "hdu", "row"]].tolist() == ["", -1, -1]
    assert index.locate([]).empty
    with pytest.raises(DataError, match=r"one of the \d+ ids of index, got 'stranger'"):
        index.read("stranger")


def test_many_are_a_survey_that_opens_each_file_once(index, monkeypatch) -> None:
    from specanom.surveys import locate

    opened = []

    class Counting(locate.Opener):
        def open(self, path: str):
            opened.append(path)
            return super().open(path)

    monkeypatch.setattr(locate, "Opener", Counting)
    ids = [*index.ids(), "stranger"]
    picked = index.read_many(ids)
    assert sorted(spectrum.id for spectrum in picked) == sorted(index.ids())
    assert [tuple(one) for one in picked.skipped] == [("stranger", "", "not in the index")]
    assert len(opened) == len(set(opened)) == 3
    assert sum(len(block) for block in picked.blocks(4)) == len(index)


def test_a_folder_that_moved_with_its_index_is_found(survey, index, tmp_path) -> None:
    id = index.ids(1)[0]
    moved = Path(shutil.move(survey, tmp_path / "elsewhere"))
    again = SpectrumIndex.open(moved / "index")
    assert again.locate(id)["path"].str.startswith(str(moved)).all()
    assert again.read(id).id == id


def test_files_that_moved_away_from_their_index_are_found_by_root(survey, tmp_path) -> None:
    files = shutil.copytree(survey / "plates", tmp_path / "files")
    index = SpectrumIndex.build(files, tmp_path / "apart" / "index")
    id = index.ids(1)[0]
    shutil.move(files, tmp_path / "new")
    lost = SpectrumIndex.open(tmp_path / "apart" / "index")
    assert lost.locate(id)["state"].tolist() == ["no file"]
    with pytest.raises(DataError, match="where the files are now"):
        lost.read(id)
    assert list(lost.read_many([id])) == []
    assert lost.read_many([id]).skipped[0].reason.startswith("no file")
    found = SpectrumIndex.open(tmp_path / "apart" / "index", root=tmp_path / "new")
    assert found.read(id).id == id
    with pytest.raises(DataError, match="no folder at"):
        SpectrumIndex.open(tmp_path / "apart" / "index", root=tmp_path / "nowhere")


def test_a_file_that_was_written_to_is_noticed(survey, index) -> None:
    path = survey / "targets.parquet"
    id = str(TARGETID + 1)
    os.utime(path, ns=(1, 1))
    assert index.locate(id)["state"].tolist() == ["touched"], "as after a copy"
    assert index.read(id).flux[0] == 2.0
    table = pd.read_parquet(path)
    table[table["id"] != str(TARGETID)].to_parquet(path, index=False)
    assert index.locate(id)["state"].tolist() == ["changed"]
    assert index.read(id).flux[0] == 2.0, "its row is another one now, its id is not"
    with pytest.raises(DataError, match=r"as when it was indexed.*build again"):
        index.read(str(TARGETID))
    many = index.read_many([str(TARGETID), id])
    assert [spectrum.id for spectrum in many] == [id]
    assert many.skipped[0].id == str(TARGETID)
    assert "no longer in the file" in many.skipped[0].reason


def test_a_file_that_broke_is_told_for_each_of_its_spectra(survey, index) -> None:
    (survey / "targets.parquet").write_bytes(b"PAR1 no more")
    many = index.read_many([str(TARGETID), str(TARGETID + 1)])
    assert list(many) == []
    assert {one.id for one in many.skipped} == {str(TARGETID), str(TARGETID + 1)}
    assert all("not readable" in one.reason for one in many.skipped)


def test_a_broken_file_does_not_stop_the_building(survey) -> None:
    (survey / "plates" / "spPlate-9999-60000.fits").write_bytes(b"SIMPLE  = nothing")
    index = SpectrumIndex.build(survey / "plates", survey / "index")
    assert len(index) > 0
    assert any("spPlate-9999" in path for _, path, _ in index.skipped)


def test_an_index_replaces_an_index_and_nothing_else(survey, index) -> None:
    before = len(index)
    again = SpectrumIndex.build(survey / "plates", survey / "index")
    assert len(again) < before
    assert [path.name for path in survey.iterdir() if ".part" in path.name] == []
    with pytest.raises(DataError, match="holds something else"):
        SpectrumIndex.build(survey / "plates", survey / "others")
    with pytest.raises(DataError, match=r"an index written by SpectrumIndex\.build"):
        SpectrumIndex.open(survey / "others")
    with pytest.raises(DataError, match="a folder that all files are below"):
        SpectrumIndex.build(survey / "plates", survey / "index", root=survey / "others")
    assert len(SpectrumIndex.open(survey / "index")) == len(again), "what fails leaves the old one"


def test_spectra_without_a_file_are_refused(tmp_path) -> None:
    class Nowhere:
        path = "memory"

        def entries(self) -> list:
            from specanom.surveys.columns import blank_meta
            from specanom.surveys.survey import Entry

            return [Entry(0, {**blank_meta("memory"), "id": "a", "objtype": "GALAXY"})]

    def sources(log) -> Iterator:
        yield Nowhere()

    with pytest.raises(DataError, match="has to be written first"):
        SpectrumIndex.build(sa.surveys.Survey(sources), tmp_path / "index")
    assert list(tmp_path.iterdir()) == []


def test_hashes_stay_what_they_are_in_files_already_written() -> None:
    assert keys_of(["a", str(TARGETID)]) == ([3599344665239069467, 16587024351279845682], [2971322684, 2826039240])


def test_targets_of_desi_open_by_their_targetid(write_coadd, write_redrock, tmp_path) -> None:
    from astropy.io import fits

    write_coadd("desi/coadd-main-dark-27247.fits")
    write_redrock("desi/redrock-main-dark-27247.fits")
    index = SpectrumIndex.build(sa.read(tmp_path / "desi", survey="desi"), tmp_path / "index")
    assert sorted(index.ids()) == [str(TARGETID + i) for i in range(4)]
    assert index.name == "desi"
    for place in index.locate(index.ids()).itertuples():
        with fits.open(place.path) as hdus:
            assert str(hdus[place.hdu].data["TARGETID"][place.row]) == place.id
    read = {spectrum.id: spectrum for spectrum in sa.read(tmp_path / "desi", survey="desi")}
    one = index.read(str(TARGETID))
    np.testing.assert_array_equal(one.flux, read[str(TARGETID)].flux)
    assert one.z == read[str(TARGETID)].z
    assert len(index.read_many(index.ids())) == 4


# -- what was known of them --------------------------------------------------------------------------------------------

SAID = ("z", "z_err", "zwarning", "class", "subclass", "objtype", "ebv", "deltachi2", "snr")


def same_as_indexed(index: SpectrumIndex, survey: sa.surveys.Survey, *more: str) -> None:
    """One by one and together, spectra come with what the survey that was indexed knew of them."""
    read = {spectrum.id: spectrum for spectrum in survey}
    assert read
    for got in [*(index.read(id) for id in read), *index.read_many(read)]:
        assert got.z == read[got.id].z
        for name in (*SAID, *more):
            np.testing.assert_equal(got.meta[name], read[got.id].meta[name], name)
        np.testing.assert_array_equal(got.flux, read[got.id].flux)
    assert sorted(spectrum.id for spectrum in index.read_many(read)) == sorted(read)


def test_redshifts_of_a_catalogue_come_with_the_spectrum(write_coadd, write_redrock, tmp_path) -> None:
    write_coadd("desi/coadd-main-dark-27247.fits")
    write_redrock("desi/redrock-main-dark-27247.fits")
    mine = pd.DataFrame({"TARGETID": [TARGETID + i for i in range(4)], "Z_MINE": [1.1, 1.2, 1.3, 1.4],
                         "SPECTYPE": ["QSO"] * 4, "ZWARN": [4, 0, 0, 0], "BAL_PROB": [0.9, np.nan, 0.1, 0.0],
                         "DESI_TARGET": pd.array([1 << 60, None, 7, 8], dtype="Int64"), "NOTE": ["a", None, "c", "d"]})
    survey = sa.read(tmp_path / "desi", catalogue=mine,
                     columns={"z": "Z_MINE", **{name: name for name in ("BAL_PROB", "DESI_TARGET", "NOTE")}})
    index = SpectrumIndex.build(survey, tmp_path / "index")
    same_as_indexed(SpectrumIndex.open(tmp_path / "index"), survey, "BAL_PROB", "DESI_TARGET", "NOTE")
    first = index.read(str(TARGETID))
    assert (first.z, first.meta["class"], first.meta["zwarning"]) == (1.1, "QSO", 4)
    assert (first.meta["BAL_PROB"], first.meta["DESI_TARGET"], first.meta["NOTE"]) == (0.9, 1 << 60, "a")
    (block,) = index.read_many(index.ids()).blocks()
    assert set(block.table["z"]) == {1.1, 1.2, 1.3, 1.4}, "a Preprocessor with a range of redshifts has something left"
    assert not any("not known" in note.note for note in index.read_many(index.ids()).notes)


def test_redshifts_of_a_catalogue_in_the_tree_come_with_the_spectrum(write_coadd, write_redrock, tmp_path) -> None:
    write_coadd("iron/healpix/main/dark/272/27247/coadd-main-dark-27247.fits")
    write_redrock("iron/zcatalog/v1/zall-pix-iron.fits", hdu="ZCATALOG")
    survey = sa.read(tmp_path / "iron")
    index = SpectrumIndex.build(survey, tmp_path / "index")
    same_as_indexed(index, survey)
    assert index.name == "desi"
    assert index.read(str(TARGETID)).z == pytest.approx(0.1)


def test_redshifts_of_an_spzbest_elsewhere_come_with_the_spectrum(write_plate, tmp_path) -> None:
    write_plate("plates")
    (tmp_path / "best").mkdir()
    (tmp_path / "plates" / "spZbest-0777-53500.fits").rename(tmp_path / "best" / "redshifts.fits")
    survey = sa.read([tmp_path / "plates", tmp_path / "best"])
    index = SpectrumIndex.build(survey, tmp_path / "index")
    same_as_indexed(index, survey)
    assert index.read("0777-53500-0001").z == pytest.approx(0.11)
    assert not any("spZbest" in note.note for note in index.read_many(index.ids()).notes)


def test_what_is_not_known_stays_unknown(write_coadd, tmp_path) -> None:
    write_coadd("desi/coadd-main-dark-27247.fits")
    survey = sa.read(tmp_path / "desi")
    index = SpectrumIndex.build(survey, tmp_path / "index")
    same_as_indexed(index, survey)
    assert index.read(str(TARGETID)).z is None


def test_an_index_of_the_first_version_still_opens(write_coadd, write_redrock, tmp_path) -> None:
    write_coadd("desi/coadd-main-dark-27247.fits")
    write_redrock("desi/redrock-main-dark-27247.fits")
    SpectrumIndex.build(tmp_path / "desi", tmp_path / "index")
    manifest = tmp_path / "index" / "manifest.json"
    (tmp_path / "index" / "known.parquet").unlink()
    with pytest.raises(DataError, match=r"whole.*build it again"):
        SpectrumIndex.open(tmp_path / "index")
    manifest.write_text(manifest.read_text().replace('"version": 2', '"version": 1'))
    old = SpectrumIndex.open(tmp_path / "index")
    assert old.read(str(TARGETID)).z == pytest.approx(0.1), "of the redrock file beside it"
    assert len(old.read_many(old.ids())) == 4
    manifest.write_text(manifest.read_text().replace('"version": 1', '"version": 3'))
    with pytest.raises(DataError, match=r"version 1 to 2.*build it again"):
        SpectrumIndex.open(tmp_path / "index")


@pytest.mark.parametrize(("name", "content"), [
    ("manifest.json", "[" * 100_000), ("manifest.json", "7"), ("manifest.json", "{}"),
    ("manifest.json", '{"format": "specanom spectrum index", "version": "2"}'), ("files.parquet", "PAR1"),
    ("spectra.parquet", "rubbish"),
], ids=["deep", "a number", "empty", "a version that is text", "files cut", "spectra that are rubbish"])
def test_an_index_that_lies_is_told_as_that(tmp_path: Path, data: Path, name: str, content: str) -> None:
    SpectrumIndex.build(sa.read(data / "spec-1045-52725-0628.fits"), tmp_path / "index")
    (tmp_path / "index" / name).write_text(content)
    with pytest.raises(DataError, match=r"manifest\.json|index"):
        SpectrumIndex.open(tmp_path / "index").read("1045-52725-0628")
