"""Surveys as streams: order, blocks, memory, passes, plates."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import DataError
from specanom.spectrum import Spectrum
from specanom.surveys import Gate, read
from specanom.surveys.blocks import COLUMNS, Pixels, Stacker, log_grid
from specanom.surveys.columns import blank_meta


def test_a_plate_is_joined_with_its_redshifts_by_fibre(write_plate: Callable[..., Path]) -> None:
    survey = read(write_plate())
    assert [(s.id, s.z, s.meta["class"], s.meta["ebv"]) for s in survey] == [
        ("0777-53500-0001", pytest.approx(0.11), "GALAXY", pytest.approx(0.01)),
        ("0777-53500-0003", pytest.approx(0.33), "GALAXY", pytest.approx(0.03)),
        ("0777-53500-0004", pytest.approx(1.44), "QSO", pytest.approx(0.04)),
        ("0777-53500-0005", pytest.approx(0.0), "STAR", pytest.approx(0.05)),
    ]
    assert [tuple(one)[::2] for one in survey.skipped] == [("0777-53500-0002", "sky fibre (target type SKY)")]
    assert survey.notes[0].note == "ZWARNING 2 SMALL_DELTA_CHI2 passes"


def test_plates_equal_plain_astropy(write_plate: Callable[..., Path]) -> None:
    path = write_plate()
    (block,) = read(path).blocks()
    with fits.open(path) as hdus:
        kept = [0, 2, 3, 4]
        inside = slice(0, 600)
        np.testing.assert_array_equal(block.flux[:, inside], hdus[0].data[kept])
        np.testing.assert_array_equal(block.ivar[:, inside], hdus[1].data[kept])
        np.testing.assert_array_equal(block.mask[:, inside], hdus[2].data[kept])
        np.testing.assert_allclose(block.wave[inside], 10 ** (3.58 + 1e-4 * np.arange(600)), rtol=1e-12)
    np.testing.assert_allclose(block.table["lsf"], 1.1 * 69.0297638, rtol=1e-6)
    assert block.table["row"].tolist() == kept


@pytest.mark.parametrize("place", ["beside", "below", "renamed"])
def test_redshifts_are_found_beside_below_and_under_another_name(
    write_plate: Callable[..., Path], tmp_path: Path, place: str
) -> None:
    path = write_plate("p")
    best = path.with_name("spZbest-0777-53500.fits")
    if place == "below":
        (tmp_path / "p" / "v5_13_0").mkdir()
        best.rename(tmp_path / "p" / "v5_13_0" / best.name)
    elif place == "renamed":
        best.rename(best.with_name("redshifts of that plate.fits"))
    assert len(read(path)) == 4
    survey = read(tmp_path)
    assert (len(survey), len(survey.skipped)) == (4, 1)


def test_a_plate_without_redshifts_is_read_with_a_note(write_plate: Callable[..., Path]) -> None:
    survey = read(write_plate(best=""))
    spectra = list(survey)
    assert [s.z for s in spectra] == [None] * 4
    assert "no spZbest" in survey.notes[0].note
    assert all(s.meta["snr"] > 3 for s in spectra), "S/N is measured where no table gives it"
    galaxies = read(write_plate("again", best=""), target="galaxy")
    assert [s.meta["objtype"] for s in galaxies] == ["GALAXY", "GALAXY"]


def test_unplugged_fibres_never_pass(write_plate: Callable[..., Path], write_spec: Callable[..., Path]) -> None:
    survey = read(write_plate(fiberid=[1, 2, -3, 4, 5]))
    assert "0777-53500-0003" not in [s.id for s in survey]
    assert any("unplugged" in one.reason for one in survey.skipped)
    alone = read(write_spec(ZWARNING=1 << 7))
    assert list(alone) == []
    assert alone.skipped[0].reason == "unplugged fibre (ZWARNING bit 7)"


def test_a_file_of_many_needs_a_row_or_an_id(write_plate: Callable[..., Path]) -> None:
    path = write_plate()
    with pytest.raises(DataError, match=r"row=0, or id= one of 0777-53500-0001"):
        Spectrum.read(path)
    by_row, by_id = Spectrum.read(path, row=2), Spectrum.read(path, id="0777-53500-0003")
    np.testing.assert_array_equal(by_row.flux, by_id.flux)
    assert by_row.id == by_id.id == "0777-53500-0003"
    assert Spectrum.read(path, row=1).meta["objtype"] == "SKY", "asked for by row, a sky fibre is read"
    for wrong in ({"row": 5}, {"row": -1}, {"id": "0777-53500-0009"}):
        with pytest.raises(DataError, match=r"spPlate-0777-53500"):
            Spectrum.read(path, **wrong)


def test_blocks_have_the_order_and_size_asked_for(write_spec: Callable[..., Path], tmp_path: Path) -> None:
    for i in range(10):
        write_spec(f"{i}.fits", FIBERID=i + 1, seed=i, first=35800 - 7 * i)
    survey = read(tmp_path)
    for n in (1, 3, 4, 10, 100):
        blocks = list(survey.blocks(n))
        assert [len(block) for block in blocks[:-1]] == [n] * (len(blocks) - 1)
        assert [id for block in blocks for id in block.ids] == [s.id for s in survey]
        assert all(block.frame == "observed" and block.scale == "flux" for block in blocks)
        assert list(blocks[0].table.columns) == list(COLUMNS)


def test_what_was_skipped_is_the_same_after_any_number_of_passes(write_plate: Callable[..., Path]) -> None:
    survey = read(write_plate())
    before = survey.skipped
    next(iter(survey))                                  # a pass that is broken off
    list(survey)
    list(survey.blocks(2))
    assert survey.skipped == before
    assert len(survey) == 4
    assert survey.waterfall() == {"sky fibre": 1}
    assert "4 spectra, 1 skipped" in repr(survey)


def test_memory_does_not_grow_with_the_number_of_files(write_spec: Callable[..., Path], tmp_path: Path) -> None:
    def peak(files: int) -> int:
        for i in range(files):
            if not (tmp_path / f"{i:03d}.fits").exists():
                write_spec(f"{i:03d}.fits", FIBERID=i + 1, pixels=3000)
        survey = read(tmp_path)
        tracemalloc.start()
        for _ in survey.blocks(10):
            pass
        top = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return top

    peak(20)                                            # fills the caches
    few, many = peak(20), peak(120)
    assert many - few < 100 * 3000, "a spectrum of 3000 pixels takes 36 kB; its name and flags far less"


def test_spectra_on_other_grids_get_blocks_of_their_own(shared: Path, data: Path) -> None:
    survey = read([data, shared / "data/sdss/odd/cg922.fits"])
    blocks = list(survey.blocks(100))
    assert [block.ids for block in blocks] == [
        ["39633345008634465"], ["1307-52999-0323", "1045-52725-0628", "3586-55181-0003"], ["1329-52767-0180"]]


@given(st.lists(st.tuples(st.integers(35000, 36000), st.integers(2, 40), st.integers(1, 4)), min_size=1, max_size=8),
       st.integers(1, 5))
def test_stacking_loses_and_moves_nothing(parts: list[tuple[int, int, int]], size: int) -> None:
    stacker, blocks, value = Stacker(size), [], 0
    expected = []
    for start, width, rows in parts:
        flux = np.arange(value, value + rows * width, dtype=float).reshape(rows, width)
        value += rows * width
        metas = [{**blank_meta("", i), "id": f"{start}-{value}-{i}"} for i in range(rows)]
        blocks += stacker.add(metas, Pixels(log_grid(start, width), start, flux, flux + 1, None, {}))
        expected += [(meta["id"], start, row) for meta, row in zip(metas, flux, strict=True)]
    blocks += stacker.flush()
    got = [(block, i) for block in blocks for i in range(len(block))]
    assert len(got) == len(expected)
    for (block, i), (id, start, row) in zip(got, expected, strict=True):
        first = int(np.rint(np.log10(block.wave[0]) * 1e4))
        at = slice(start - first, start - first + row.size)
        assert block.ids[i] == id
        np.testing.assert_array_equal(block.flux[i, at], row.astype("f4"))
        assert np.isfinite(block.flux[i]).sum() == row.size
        assert np.count_nonzero(block.ivar[i]) == row.size


@pytest.mark.parametrize("bit", range(12))
def test_each_warning_bit_passes_or_rejects(bit: int) -> None:
    meta = {**blank_meta(""), "class": "GALAXY", "objtype": "GALAXY", "zwarning": 1 << bit}
    reason, note = Gate().judge(meta)
    assert bool(reason) == (bit in (0, 1, 3, 5, 7, 8, 9))
    assert bool(note) != bool(reason)
    assert Gate(preset="paper").judge(meta)[0]
    assert Gate(preset="paper").judge({**meta, "zwarning": 0, "survey_program": "sdss"}) == ("", "")


@pytest.mark.parametrize(("columns", "passes", "program"), [
    ({"SURVEY": "sdss", "PROGRAMNAME": "legacy"}, True, "sdss"), ({"PROGRAMNAME": "legacy"}, True, "legacy"),
    ({"SURVEY": "segue1", "PROGRAMNAME": "segue"}, False, "segue1"), ({"SURVEY": "segue2"}, False, "segue2"),
    ({"SURVEY": "SEGUE2 "}, False, "segue2"), ({"PROGRAMNAME": "seguefaint"}, False, "seguefaint"),
    ({"PROGRAMNAME": "segcluster"}, False, "segcluster"), ({"SURVEY": "boss"}, False, "boss"),
    ({"SURVEY": "", "PROGRAMNAME": "segue"}, False, "segue"), ({}, True, "")])
def test_the_papers_galaxies_are_of_the_survey_sdss(
    write_spec: Callable[..., Path], columns: dict[str, str], passes: bool, program: str
) -> None:
    path = write_spec(**columns)
    assert Spectrum.read(path).meta["survey_program"] == program
    assert Spectrum.read(path).meta["survey"] == "sdss", "the name of the reader's survey stays"
    (block,) = read(path).blocks()
    assert block.table["survey_program"].tolist() == [program]
    paper = read(path, preset="paper")
    assert len(paper) == passes
    if passes:
        assert [one.note for one in paper.notes if "survey" in one.note] == (
            [] if program else ["the file does not say of which survey: taken for sdss"])
    else:
        assert paper.skipped[0].reason == f"survey {program} (the paper's sample is of the survey sdss)"


def test_a_programme_of_another_name_passes_the_papers_gate_with_a_note(write_spec: Callable[..., Path]) -> None:
    paper = read(write_spec(PROGRAMNAME="southern"), preset="paper")
    assert len(paper) == 1
    assert "programme southern: taken for the survey sdss" in [one.note for one in paper.notes]


@pytest.mark.parametrize("name", ["GALAXY", "QSO", "STAR"])
@pytest.mark.parametrize("target", [None, "galaxy", "qso", "star"])
def test_the_target_is_the_pipelines_class(name: str, target: str | None) -> None:
    meta = {**blank_meta(""), "class": name, "objtype": "GALAXY"}
    assert (Gate(target).judge(meta)[0] == "") == (target in (None, name.lower()))
    assert Gate(target).judge({**meta, "objtype": "SKY"})[0].startswith("sky fibre")


def test_plates_of_many_fibres_stream_across_blocks(write_plate: Callable[..., Path], tmp_path: Path) -> None:
    write_plate("a")
    write_plate("b")
    survey = read(tmp_path)
    assert [len(block) for block in survey.blocks(3)] == [3, 1]
    assert sum("second copy" in one.reason for one in survey.skipped) == 4


def test_a_notebook_shows_what_was_left_out(write_plate: Callable[..., Path]) -> None:
    shown = read(write_plate(), target="galaxy")._repr_html_()
    assert "2 spectra, 3 skipped" in shown
    assert "<td>class QSO, not GALAXY</td><td>1</td>" in shown
