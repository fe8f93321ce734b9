"""The minimal FITS reader, against astropy on random tables."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given
from hypothesis import strategies as st

from specanom.foreign.fits_bytes import FileBytes
from specanom.foreign.fits_header import BrokenFits, parse_header, remembered
from specanom.surveys.fits_fast import FastFits
from specanom.surveys.fits_full import FullFits

FORMS = {"E": "f4", "D": "f8", "J": "i4", "I": "i2", "K": "i8", "B": "u1", "3E": "f4", "2D": "f8", "7A": "U7"}


def random_column(form: str, rows: int, rng: np.random.Generator) -> Any:
    kind = np.dtype(FORMS[form])
    repeat = int(form[:-1] or 1) if kind.kind != "U" else 1
    shape = (rows,) if repeat == 1 else (rows, repeat)
    if kind.kind == "U":
        return np.array(["".join(rng.choice(list("ab C"), 5)).strip() for _ in range(rows)])
    if kind.kind == "f":
        return rng.normal(size=shape).astype(kind)
    info = np.iinfo(kind)
    return rng.integers(info.min, info.max, shape, dtype=kind, endpoint=True)


@given(st.lists(st.sampled_from(sorted(FORMS)), min_size=1, max_size=6), st.integers(1, 9), st.integers(0, 2**20))
def test_columns_and_scalars_equal_astropys(forms: list[str], rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    given_ = {f"C{i}": (form, random_column(form, rows, rng)) for i, form in enumerate(forms)}
    table = fits.BinTableHDU.from_columns([fits.Column(n, f, array=a) for n, (f, a) in given_.items()], name="T")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "t.fits")
        fits.HDUList([fits.PrimaryHDU(rng.normal(size=(2, 3)).astype("f4")), table]).writeto(path)
        fast, full = FastFits(path), FullFits(path)
        hdu, slow = fast.hdu(1), full.hdu(1)
        assert hdu is not None
        assert slow is not None
        assert fast.hdu(2) is None
        np.testing.assert_array_equal(fast.hdu(0).image(), full.hdu(0).image())  # type: ignore[union-attr]
        assert list(hdu.names) == list(slow.names)
        assert (hdu.kind, hdu.shape) == (slow.kind, slow.shape)
        for name, (_, array) in given_.items():
            got = hdu.column(name.lower())
            expected = np.char.encode(array, "ascii") if array.dtype.kind == "U" else array
            np.testing.assert_array_equal(got, expected)
            for row in range(rows):
                one = array[row]
                np.testing.assert_array_equal(hdu.scalar(name.lower(), row), one)
                np.testing.assert_array_equal(slow.scalar(name.lower(), row), one)


@given(st.dictionaries(st.text("ABCDEFGHIJKLMNOPQRSTUVWXYZ", min_size=1, max_size=7).filter(
    lambda k: k not in ("SIMPLE", "END", "COMMENT", "HISTORY", "NAXIS", "BITPIX", "EXTEND", "CONTINU", "XTENSIO")),
    st.one_of(st.integers(-2**40, 2**40), st.booleans(), st.floats(-1e30, 1e30),
              st.text("abc /=", max_size=30).map(str.rstrip),
              st.text("abc '=", max_size=30).map(str.rstrip)), max_size=8))
def test_headers_equal_astropys(cards: dict[str, Any]) -> None:
    text = fits.Header(cards).tostring(endcard=True, padding=True)
    header, parsed = fits.Header.fromstring(text), parse_header(text.encode())
    assert {key: parsed[key] for key in cards} == {key: header[key] for key in cards}


def test_a_quote_before_a_slash_is_text_as_the_standard_says() -> None:
    card = "A       = '''/     '           / astropy takes the slash for a comment".ljust(80)
    assert parse_header(card.encode()) == {"A": "'/"}


def test_equal_headers_are_parsed_once(data: Path) -> None:
    before = remembered.cache_info().hits
    for _ in range(3):
        assert FastFits(str(data / "spec-1045-52725-0628.fits")).hdu(2).names  # type: ignore[union-attr]
    assert remembered.cache_info().hits >= before + 2


def test_end_has_to_lie_on_a_cards_boundary(tmp_path: Path) -> None:
    header = fits.Header({"SIMPLE": True, "BITPIX": 8, "NAXIS": 0, "EXTEND": True})
    header["COMMENT"] = "x" * 70
    text = header.tostring(endcard=True, padding=True)
    tricked = text.replace("x" * 70, "x" * 60 + "END" + " " * 7).replace("EXTEND", "EXTENT")
    path = tmp_path / "t.fits"
    path.write_text(tricked)
    hdu = FastFits(str(path)).hdu(0)
    assert hdu is not None
    assert hdu.start == 2880


def test_a_file_that_promises_more_than_it_has_is_broken(data: Path, tmp_path: Path) -> None:
    path = tmp_path / "cut.fits"
    path.write_bytes((data / "spec-1045-52725-0628.fits").read_bytes()[:60_000])
    file = FastFits(str(path))
    assert file.hdu(0) is not None
    for index in (1, 2):
        with pytest.raises(BrokenFits, match="cut short"):
            file.hdu(index)


def test_reading_is_light() -> None:
    code = ("import sys, specanom.surveys; heavy = {'torch', 'pandas', 'astropy', 'astroquery', 'requests', 'scipy'}; "
            "print(sorted(heavy & set(sys.modules)))")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_rows_of_a_large_table_are_read_alone_and_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(0)
    columns = {form: random_column(form, 3000, rng) for form in FORMS}
    columns["J"] = columns["J"].astype("u4")
    table = fits.BinTableHDU.from_columns([
        fits.Column(f"C{form}", form, array=values, bzero=2**31 if form == "J" else None)
        for form, values in columns.items()])
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(tmp_path / "t.fits")
    monkeypatch.setattr("specanom.foreign.fits_bytes.HEAD_BYTES", 12_000)
    monkeypatch.setattr("specanom.surveys.fits_fast.HELD", 20_000)
    fast, full = FastFits(str(tmp_path / "t.fits")).hdu(1), FullFits(str(tmp_path / "t.fits")).hdu(1)
    assert fast is not None
    assert full is not None
    for rows in ([2999, 5, 6, 7, 5], [], rng.integers(0, 3000, 700).tolist(), list(range(3000))):
        for form in FORMS:
            name, which = f"c{form.lower()}", np.array(rows, np.intp)
            np.testing.assert_array_equal(fast.take(name, which), full.take(name, which))
            np.testing.assert_array_equal(fast.take(name, which), fast.column(name)[which])
    read: list[int] = []
    pieces = FileBytes.pieces
    monkeypatch.setattr(FileBytes, "span", lambda *_: pytest.fail("a part of the table is read"))
    monkeypatch.setattr(FileBytes, "pieces", lambda self, wanted: read.extend(size for _, size in wanted) or pieces(
        self, wanted))
    for form in FORMS:
        fast.take(f"c{form.lower()}", np.array([2500, 2501, 40]))
    assert sum(read) == 3 * fast.shape[1]
    with pytest.raises(IndexError):
        fast.take("ce", np.array([3000]))
