"""Four formats hold the same catalogue, and tools that know nothing of specanom open them."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy.io import fits
from astropy.io.votable import parse, validate
from astropy.table import Table
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from specanom.errors import ArgumentError, DataError
from specanom.triage.catalogue import Catalogue, Column, Parts, file_fits
from specanom.triage.catalogue.file_fits import escaped, unescaped

TID = "39633345008634465"
ENDINGS = (".parquet", ".ecsv", ".fits", ".vot")
HOSTILE = ["", "Hα+[N II] at 6563 Å", "back\\slash \\u03b1", "a;b%3B|c", "N/A", "--", "nan", "None", "masked", "1e5",
           "0012", '"quoted"', "comma, # hash", "emoji 😀", " blanks ", "two\nlines\r\n", "\x00\x07bell", "\ud800half",
           "<b>&amp;</b>", "'single'", "]]>"]
N = len(HOSTILE)


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    rng = np.random.default_rng(3)
    objects = pd.DataFrame({
        "id": [TID, *(f"o-{i}" for i in range(1, N))], "ra": rng.uniform(0, 360, N), "dec": rng.uniform(-90, 90, N),
        "z": np.full(N, np.nan), "text": pd.Series(HOSTILE, dtype=object), "empty": "",
        "single": rng.random(N).astype(np.float32), "tiny": rng.standard_normal(N) * 1e-300,
        "beyond": [np.inf, -np.inf, *rng.random(N - 2)], "big": 2**62 + np.arange(N), "yes": np.arange(N) % 2 == 0,
        "perhaps": pd.array([True, None] * (N // 2) + [False], dtype="boolean"),
        "wide": np.full(N, 2**64 - 1, np.uint64),
        "when": pd.Timestamp("2026-01-02"),
    })  # fmt: skip
    objects.loc[3, "ra"] = np.nan
    more = pd.DataFrame({"id": [TID, "stranger"], "speed": [1.5, 2.0], "top_1_from": [4000.0, 1.0]})
    labels = pd.DataFrame({"id": [TID], "label": ["lens"], "note": ["α\nβ"], "author": ["ada"], "time": ["2026"]})
    return Catalogue.of(Parts(objects, more=more, labels=labels), provenance={"run": "a Hα run"},
                        columns={"speed": Column("speed", "Speed of the gas", "km/s", "spect.dopplerVeloc")})


@pytest.fixture(scope="module")
def files(catalogue, tmp_path_factory) -> dict:
    folder = tmp_path_factory.mktemp("written") / "new folder"
    return {ending: catalogue.write(folder / f"odd{ending}") for ending in ENDINGS}


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_read(ending, catalogue, files) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        again = Catalogue.read(files[ending])
    pd.testing.assert_frame_equal(again.table, catalogue.table, check_exact=True)
    assert again.columns == catalogue.columns
    assert again.meta == catalogue.meta
    assert again[TID]["label_notes"] == "α β"
    assert [path.suffix for path in files[ending].parent.iterdir()].count(".part") == 0


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_part_without_rows_is_no_trouble(ending, tmp_path) -> None:
    made = Catalogue.of(Parts(pd.DataFrame({"id": ["1"], "ra": [1.0], "dec": [2.0]}),
                              more=pd.DataFrame({"id": [], "w1": []})))
    again = Catalogue.read(made.write(tmp_path / f"one{ending}"))
    pd.testing.assert_frame_equal(again.table, made.table, check_exact=True)


def test_the_votable_is_valid(files, capsys) -> None:
    assert validate(files[".vot"], output=None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = parse(files[".vot"], verify="exception").get_first_table()
    ra = table.get_field_by_id("ra")
    assert (ra.unit, ra.ucd, ra.ref) == (units.deg, "pos.eq.ra;meta.main", "icrs")
    assert ra.description == "Right ascension, ICRS"
    assert table.get_field_by_id("id").datatype == "unicodeChar"


def test_the_fits_file_is_standard_and_explains_itself(files, catalogue) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with fits.open(files[".fits"], checksum=True) as hdus:
            hdus.verify("exception")
            header, table = hdus["CATALOGUE"].header, Table.read(hdus["CATALOGUE"])
    place = catalogue.table.columns.get_loc("ra") + 1
    keys = {key: header[f"{key}{place}"] for key in ("TTYPE", "TUNIT", "TCOMM", "TUCD")}
    assert keys == {"TTYPE": "ra", "TUNIT": "deg", "TCOMM": "Right ascension, ICRS", "TUCD": "pos.eq.ra;meta.main"}
    assert table["ra"].unit == units.deg
    assert table["speed"].unit == units.km / units.s
    assert TID in {str(id) for id in table["id"]}
    assert table["_healpix_29"].dtype.kind == "i"
    cells = fits.getdata(files[".fits"], "CATALOGUE").view(np.ndarray)["text"]
    assert all(cell.isascii() for cell in cells)


def test_parquet_tells_everybody_what_its_columns_mean(files, catalogue) -> None:
    held = parquet.read_schema(files[".parquet"])
    assert held.names[0] == "_healpix_29"
    assert str(held.field("_healpix_29").type) == "int64"
    assert str(held.field("id").type) == "string"
    assert held.field("ra").metadata == {b"unit": b"deg", b"ucd": b"pos.eq.ra;meta.main",
                                         b"description": b"Right ascension, ICRS"}
    assert parquet.ParquetFile(files[".parquet"]).metadata.row_group(0).sorting_columns[0].column_index == 0
    assert json.loads(held.metadata[b"specanom.catalogue"])["provenance"]["run"] == "a Hα run"
    pd.testing.assert_frame_equal(pd.read_parquet(files[".parquet"]), catalogue.table, check_exact=True)


def test_parquet_keeps_the_convention_of_the_virtual_observatory(files) -> None:
    held = parquet.read_schema(files[".parquet"]).metadata
    assert held[b"IVOA.VOTable-Parquet.version"] == b"1.0"
    content = held[b"IVOA.VOTable-Parquet.content"]
    assert b"<DATA" not in content
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        table = Table.read(files[".parquet"], format="parquet.votable")
    assert len(table) == N
    assert (table["ra"].unit, table["ra"].description) == (units.deg, "Right ascension, ICRS")
    assert TID in set(table["id"])


def test_ecsv_is_read_by_astropy(files) -> None:
    table = Table.read(files[".ecsv"])
    assert table["top_1_from"].unit == units.AA
    assert table["id"].dtype.kind == "U"
    assert table["ra"].meta["ucd"] == "pos.eq.ra;meta.main"


def test_what_is_no_catalogue_is_refused(tmp_path, files) -> None:
    with pytest.raises(ArgumentError, match=r"one of '.parquet', '.ecsv', '.fits'"):
        Catalogue.read(tmp_path / "odd.csv")
    with pytest.raises(DataError, match="an existing file"):
        Catalogue.read(tmp_path / "none.fits")
    pd.DataFrame({"id": ["1"]}).to_parquet(tmp_path / "other.parquet")
    fits.HDUList([fits.PrimaryHDU()]).writeto(tmp_path / "other.fits")
    for name in ("other.parquet", "other.fits"):
        with pytest.raises(DataError, match=r"a catalogue as Catalogue\.write leaves it"):
            Catalogue.read(tmp_path / name)
    for ending in ENDINGS:
        cut = tmp_path / f"cut{ending}"
        cut.write_bytes(files[ending].read_bytes()[: files[ending].stat().st_size // 3])
        with pytest.raises(DataError, match=r"a catalogue as Catalogue\.write leaves it"):
            Catalogue.read(cut)


def test_a_catalogue_of_another_version_is_refused(catalogue, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr("specanom.triage.catalogue.metadata.VERSION", 99)
    path = catalogue.write(tmp_path / "new.parquet")
    monkeypatch.undo()
    with pytest.raises(DataError, match="of version 1, but of version 99"):
        Catalogue.read(path)


def test_what_fails_leaves_the_old_file(catalogue, tmp_path, monkeypatch) -> None:
    path = catalogue.write(tmp_path / "odd.fits")
    before = path.read_bytes()
    monkeypatch.setattr("specanom.triage.catalogue.file_fits.to_text", lambda meta: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        catalogue.write(path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@given(st.text())
def test_escapes_are_ascii_and_undone(text) -> None:
    assert escaped(text).isascii()
    assert unescaped(escaped(text)) == text


@pytest.mark.parametrize("ending", ENDINGS)
def test_metadata_longer_than_a_row_comes_back_letter_by_letter(ending, tmp_path) -> None:
    made = small_catalogue()
    for length in range(28):  # so that a blank is the last of a row once at least, whatever stands before it
        made.meta["provenance"] = {"run": "x" * length}
        made.meta["left_out"] = [[f"o-{i}", "objects: second row of this id"] for i in range(200)]
        assert Catalogue.read(made.write(tmp_path / f"long{ending}")).meta == made.meta


@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \"'\\\n\t;,")), max_size=6),
       st.integers(8, 40))
@pytest.mark.parametrize("ending", ENDINGS)
def test_any_text_in_the_metadata_comes_back(ending, tmp_path_factory, texts, row) -> None:
    made = small_catalogue()
    made.meta["provenance"] = {text: text[::-1] for text in texts}
    made.meta["left_out"] = [[text, text + " "] for text in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(file_fits, "CHUNK", row)
        again = Catalogue.read(made.write(tmp_path_factory.getbasetemp() / f"any{ending}"))
    assert again.meta == made.meta


def small_catalogue() -> Catalogue:
    return Catalogue.of(Parts(pd.DataFrame({"id": ["1"], "ra": [1.0], "dec": [2.0]})))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_file_that_was_cut_off_is_refused_or_whole(ending, files, catalogue, tmp_path) -> None:
    raw, path = files[ending].read_bytes(), tmp_path / f"cut{ending}"
    for size in np.linspace(0, len(raw) - 1, 12).astype(int):
        path.write_bytes(raw[:size])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                again = Catalogue.read(path)
            except DataError:
                continue
        pd.testing.assert_frame_equal(again.table, catalogue.table, check_exact=True)
