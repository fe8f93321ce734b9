"""The bytes of FITS files that are written without a library."""

from __future__ import annotations

import io
import warnings

import numpy as np
import pytest
from astropy.io import fits

from specanom.surveys.fits_write import Column, card, image, table


def opened(*hdus: bytes) -> fits.HDUList:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = fits.open(io.BytesIO(b"".join(hdus)))
        found.verify("exception")
        return found


@pytest.mark.parametrize("value", [True, False, 0, -7, 2**40, 3.5797, 1e-4, 1e-30, -2.5e22, "GALAXY", "it's", "",
                                   "1E-17 erg/cm^2/s/Ang"])
def test_cards_are_read_back_as_they_were(value):
    text = card("KEY", value, "what it is")
    assert len(text) == 80
    back = fits.Card.fromstring(text)
    assert back.value == value
    assert type(back.value) is type(value)


@pytest.mark.parametrize("kind", [">f4", ">f8", ">i4", ">i2"])
def test_images_keep_their_values_and_shape(kind):
    values = np.arange(15).reshape(3, 5) - 4
    hdu = opened(image(None, primary=True, extra={"A": 1.5}), image(values, kind, name="IVAR"))
    np.testing.assert_array_equal(hdu["IVAR"].data, values)
    assert hdu["IVAR"].data.dtype == np.dtype(kind)
    assert hdu[0].header["A"] == 1.5
    assert hdu[0].data is None


def test_primary_images_carry_keywords():
    values = np.random.default_rng(1).normal(size=(4, 1000)).astype("f4")
    hdu = opened(image(values, extra={"COEFF0": 3.5797, "PLATEID": 7001, "VACUUM": True}, primary=True))
    assert hdu[0].data.astype("f4").tobytes() == values.tobytes()
    assert (hdu[0].header["COEFF0"], hdu[0].header["PLATEID"], hdu[0].header["VACUUM"]) == (3.5797, 7001, True)


def test_tables_keep_text_vectors_and_numbers():
    columns = [Column("CLASS", "6A", ["GALAXY", "QSO"]), Column("Z", "E", [0.1, 0.2]), Column("SN", "5E", np.ones((2,
        5))),
               Column("ID", "K", [2**60, 5]), Column("RA", "D", [1 / 3, 2.0]), Column("FIBER", "J", [1,
                   640])]  # fmt: skip
    data = opened(image(None, primary=True), table(columns, "BEST"))["BEST"].data
    assert [name.strip() for name in data["CLASS"]] == ["GALAXY", "QSO"]
    assert data["ID"].tolist() == [2**60, 5]
    assert data["RA"][0] == 1 / 3
    assert data["SN"].shape == (2, 5)
    np.testing.assert_array_equal(data["FIBER"], [1, 640])


def test_files_are_whole_blocks():
    for hdu in (image(None, primary=True), image(np.zeros((3, 7))), table([Column("A", "E", [1.0])])):
        assert len(hdu) % 2880 == 0
