"""What a reader of real files must survive: one test a trap."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from specanom.errors import DataError
from specanom.spectrum import Spectrum
from specanom.surveys import read
from specanom.surveys.columns import ebv_of


def test_the_grid_is_loglam_not_the_primary_headers_coeff0(data: Path) -> None:
    path = data / "spec-1045-52725-0628.fits"
    s = Spectrum.read(path)
    with fits.open(path) as hdus:
        stale = 10 ** hdus[0].header["COEFF0"]
        np.testing.assert_array_equal(s.wave, 10.0 ** hdus[1].data["loglam"].astype(float))
    assert abs(s.wave[0] / stale - 1) > 1e-4


def test_spspec_and_plates_take_their_grid_from_coeff0(data: Path, write_plate: Callable[..., Path]) -> None:
    s = Spectrum.read(data / "spSpec-52999-1307-323.fit")
    np.testing.assert_allclose(np.log10(s.wave), 3.5796 + 1e-4 * np.arange(3853), atol=1e-12)
    plate = Spectrum.read(write_plate(), row=0)
    np.testing.assert_allclose(np.log10(plate.wave), 3.58 + 1e-4 * np.arange(600), atol=1e-12)


def test_the_position_is_the_objects_not_the_plates(data: Path, write_plate: Callable[..., Path]) -> None:
    path = data / "spec-1045-52725-0628.fits"
    s = Spectrum.read(path)
    assert (s.meta["ra"], s.meta["dec"]) == pytest.approx((216.56289, 51.55920), abs=1e-4)
    assert abs(fits.getheader(path)["RA"] - s.meta["ra"]) > 0.1
    assert Spectrum.read(write_plate(), row=3).meta["ra"] == 3.0
    assert Spectrum.read(data / "spSpec-52999-1307-323.fit").meta["ra"] == pytest.approx(149.46417)


def test_upper_case_columns_without_hdu_names_and_five_digit_plates(shared: Path) -> None:
    s = Spectrum.read(shared / "data/sdss/lite/spec-10656-58163-0366.fits")
    assert (s.id, s.meta["instrument"], s.meta["plate"]) == ("10656-58163-0366", "BOSS", 10656)
    assert s.z == pytest.approx(2.292366, abs=1e-6)


@pytest.mark.parametrize(("value", "text"), [("   299518814033307648", "299518814033307648"),
                                             (np.uint64(8262056783037880320), "8262056783037880320"),
                                             (np.uint64(2**64 - 1), "18446744073709551615")])
def test_specobjid_keeps_every_digit(write_spec: Callable[..., Path], value: object, text: str) -> None:
    assert Spectrum.read(write_spec(SPECOBJID=value)).meta["specobjid"] == text


@pytest.mark.parametrize("name", ["SOURCETYPE", "OBJTYPE"])
def test_target_type_has_two_names(write_spec: Callable[..., Path], name: str) -> None:
    values = {"SOURCETYPE": None, name: "SKY"}
    assert Spectrum.read(write_spec("sky.fits", **values)).meta["objtype"] == "SKY"


def test_signal_to_noise_is_sn_median_all_not_the_vector(write_spec: Callable[..., Path]) -> None:
    s = Spectrum.read(write_spec(SN_MEDIAN=[1.0, 2.0, 3.0, 4.0, 5.0], SN_MEDIAN_ALL=17.5))
    assert s.meta["snr"] == 17.5


def test_a_redshift_without_quasars_of_zero_means_not_given(write_spec: Callable[..., Path], shared: Path) -> None:
    assert np.isnan(Spectrum.read(write_spec(Z_NOQSO=0.0)).meta["z_noqso"])
    with_value = Spectrum.read(shared / "data/sdss/full/spec-4414-55882-0184.fits")
    assert with_value.meta["z_noqso"] == pytest.approx(0.17317984)
    assert with_value.z == pytest.approx(0.17292538), "Spectrum.z stays the pipeline's"


def test_lines_are_found_by_name_and_unmeasured_ones_left_out(data: Path, shared: Path) -> None:
    path = data / "spec-1045-52725-0628.fits"
    lines = Spectrum.read(path).meta["spzline"]
    with fits.open(path) as hdus:
        table = hdus[3].data
        row = [name.strip() for name in table["LINENAME"]].index("H_alpha")
        assert lines["H_alpha"] == (table["LINEAREA"][row], table["LINEAREA_ERR"][row])
        assert len(lines) == (table["LINEAREA_ERR"] > 0).sum() < len(table)
    for name, rows in (("lite/spec-3655-55240-0660.fits", 32), ("full/spec-4414-55882-0184.fits", 31)):
        with fits.open(shared / "data/sdss" / name) as hdus:
            assert len(hdus[3].data) == rows
        assert "H_alpha" in Spectrum.read(shared / "data/sdss" / name).meta["spzline"]


def test_arrays_are_in_the_machines_byte_order(data: Path, write_plate: Callable[..., Path]) -> None:
    for s in (*read(data), *read(write_plate())):
        assert all(getattr(s, name).dtype.isnative for name in ("wave", "flux", "ivar", "mask"))
    for block in read(data).blocks():
        assert block.flux.dtype == np.dtype("float32")
        assert block.table["plate"].dtype == np.dtype("int64")


def test_many_outliers_pass_with_a_note_and_fatal_bits_do_not(shared: Path) -> None:
    survey = read(shared / "data" / "sdss")
    notes = {one.id: one.note for one in survey.notes}
    for id in ("0358-51818-0504", "1163-52669-0292", "1678-53433-0425"):
        assert notes[id] == "ZWARNING 4 MANY_OUTLIERS passes"
    sky = [one for one in survey.skipped if "sky" in one.reason]
    assert {one.id for one in sky} >= {"1944-53385-0606", "1942-53415-0005", "2345-53757-0310"}


def test_bad_pixels_keep_their_flux_and_mask_bits_are_not_acted_upon(shared: Path) -> None:
    s = Spectrum.read(shared / "data/sdss/full/spec-0266-51602-0526.fits")
    bad = s.ivar == 0
    assert 50 < bad.sum() < 80
    assert np.count_nonzero(s.flux[bad]) > 0
    assert (s.mask >> 4 & 1).mean() > 0.4
    half = Spectrum.read(shared / "data/sdss/lite/spec-2345-53757-0310.fits")
    assert (half.mask >> 2 & 1).all()
    assert (half.ivar > 0).mean() > 0.99


def test_lengths_differ_and_share_a_block(shared: Path) -> None:
    survey = read([shared / "data/sdss/full", shared / "data/sdss/lite"])
    lengths = {len(s) for s in survey}
    assert min(lengths) < 3800
    assert max(lengths) > 4600
    assert sum(len(block) for block in survey.blocks(1000)) == len(survey)
    assert len(list(survey.blocks(1000))) == 1


def test_spspec_rows_are_flux_error_and_mask(data: Path) -> None:
    path = data / "spSpec-52999-1307-323.fit"
    s, image = Spectrum.read(path), fits.getdata(path)
    assert (s.id, s.meta["class"], s.meta["plate"], s.meta["mjd"], s.meta["fiber"]) == (
        "1307-52999-0323", "GALAXY", 1307, 52999, 323)
    good = image[2] > 0
    np.testing.assert_array_equal(s.ivar > 0, good)
    np.testing.assert_allclose(s.ivar[good], 1 / image[2][good].astype(float) ** 2, rtol=1e-6)
    np.testing.assert_array_equal(s.mask, image[3].astype("i8"))


def test_a_warning_of_the_old_pipeline_is_only_a_note(shared: Path) -> None:
    survey = read(shared / "data/sdss/spSpec")
    (s,) = survey
    assert (s.meta["class"], s.meta["zwarning"]) == ("QSO", 0)
    assert "4128" in survey.notes[0].note


def test_a_linear_copy_stored_at_rest_is_taken_back(shared: Path) -> None:
    path = shared / "data/sdss/odd/cg922.fits"
    as_stored = Spectrum.read(path)
    assert (as_stored.frame, as_stored.ivar) == ("rest", None)
    np.testing.assert_allclose(np.diff(as_stored.wave), 1.34314085, rtol=1e-6)
    survey = read(path)
    (observed,) = survey
    assert observed.frame == "observed"
    near = np.abs(observed.wave / (1 + observed.z) - 6564.61) < 15
    peak = observed.wave[near][observed.flux[near].argmax()] / (1 + observed.z)
    assert abs(peak - 6564.61) < 1.5
    texts = " ".join(one.note for one in survey.notes)
    assert "no inverse variance" in texts
    assert "stored at rest" in texts
    (block,) = survey.blocks()
    assert (block.frame, block.ivar) == ("observed", None)


def test_other_column_names_and_headers_of_text(shared: Path) -> None:
    s = Spectrum.read(shared / "data/sdss/odd/NGC3522_SDSS.fits")
    assert (s.id, s.z, s.meta["objtype"]) == ("2488-54149-0001", 0.00401801, "GALAXY")
    assert (s.ivar == 0).sum() == 32


def test_a_spectrum_cut_to_a_piece_keeps_its_name(shared: Path) -> None:
    survey = read(shared / "data/sdss/odd/spec-5401-55949-0272.fits")
    (s,) = survey
    assert (s.id, len(s)) == ("5401-55949-0272", 710)
    assert survey.notes[0].note == "only 710 pixels"


def test_names_decide_nothing(data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "my spectra [new]" / "deep er"
    folder.mkdir(parents=True)
    (folder / "a galaxy.dat").write_bytes((data / "spec-1045-52725-0628.fits").read_bytes())
    (folder / "spPlate-0001-50000.fits").write_bytes((data / "spSpec-52999-1307-323.fit").read_bytes())
    assert [s.id for s in read(tmp_path)] == ["1045-52725-0628", "1307-52999-0323"]
    assert [s.id for s in read(str(folder / "a galaxy.dat"))] == ["1045-52725-0628"]


def test_a_desi_coadd_is_named_and_refused_where_sdss_was_asked_for(shared: Path) -> None:
    for name in ("coadd-4-80613-thru20210324.fits", "test_coadd.fits"):
        with pytest.raises(DataError, match="a DESI coadd, not an SDSS file"):
            read(shared / "data/desi" / name, "sdss")


def test_the_same_object_twice_is_two_spectra_but_one_spectrum_twice_is_one(shared: Path) -> None:
    folder = shared / "data" / "sdss"
    survey = read([folder / "lite", folder / "full"])
    ids = [s.id for s in survey]
    assert {"0266-51602-0526", "0266-51630-0525"} <= set(ids)
    assert ids.count("0332-52367-0639") == 1
    (copy,) = [one for one in survey.skipped if "second copy" in one.reason]
    assert "/full/" in copy.path
    assert "/lite/" in copy.reason


def test_extinction_in_magnitudes_is_told_apart_by_its_ratios(shared: Path) -> None:
    for coefficients in ((5.155, 3.793, 2.751, 2.086, 1.479), (4.239, 3.303, 2.285, 1.698, 1.263)):
        assert ebv_of([0.05 * c for c in coefficients]) == pytest.approx(0.05)
    old, new = (Spectrum.read(shared / "data/sdss/full" / name).meta["ebv"]
                for name in ("spec-4414-55882-0184.fits", "spec-7338-57859-0739.fits"))
    assert old == pytest.approx(0.17356266 / 2.751, rel=1e-5)
    assert new == pytest.approx(0.01935563 / 2.285, rel=1e-5)
    assert np.isnan(ebv_of([0.1, 0.1]))
    assert np.isnan(ebv_of([-1.0] * 5))
    assert ebv_of([0.0] * 5) == 0


def test_the_line_spread_is_the_median_of_wdisp_where_given(data: Path) -> None:
    path = data / "spec-1045-52725-0628.fits"
    wdisp = fits.getdata(path, 1)["wdisp"]
    expected = np.median(wdisp[wdisp > 0]) * 299792.458 * np.log(10) * 1e-4
    assert Spectrum.read(path).meta["lsf"] == pytest.approx(expected, rel=1e-6)
    assert np.isnan(Spectrum.read(data / "spSpec-52999-1307-323.fit").meta["lsf"])
