"""The record of one spectrum."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path

import numpy as np
import pytest
from astropy import units as u
from astropy.table import Table

import specanom as sa
from specanom.errors import ArgumentError, DataError, ShapeError
from specanom.plots.view import describe
from specanom.spectrum import median_snr

WAVE = np.linspace(4000, 5000, 11)
DATA = Path(__file__).parent / "data"


def test_nanometres_and_units_become_angstrom() -> None:
    s = sa.Spectrum(np.linspace(400, 500, 11) * u.nm, np.ones(11))
    np.testing.assert_allclose(s.wave, WAVE)
    t = sa.Spectrum((WAVE * u.AA).to(u.um), np.ones(11) * u.Unit("erg / (s cm2 AA)"))
    np.testing.assert_allclose(t.wave, WAVE)
    assert t.flux.dtype == np.float32


def test_flux_of_any_unit_becomes_the_surveys_unit_per_angstrom() -> None:
    cgs = u.Unit("erg / (s cm2 AA)")
    for flux in (np.full(11, 2e-17) * cgs, np.full(11, 2e-16) * u.Unit("erg / (s cm2 nm)"),
                 (np.full(11, 2e-17) * cgs).to(u.Jy, u.spectral_density(WAVE * u.AA)),
                 (np.full(11, 2e-17) * cgs).to("photon / (s cm2 AA)", u.spectral_density(WAVE * u.AA))):
        s = sa.Spectrum(WAVE, flux, (5 / flux) ** 2)
        np.testing.assert_allclose(s.flux, 2, rtol=1e-6)
        np.testing.assert_allclose(s.ivar, 6.25, rtol=1e-6)
        plain = sa.Spectrum(WAVE, flux, (5 / flux.value) ** 2)  # a plain ivar is in the unit of the flux
        np.testing.assert_allclose(plain.ivar, 6.25, rtol=1e-6)
        assert u.Unit(s.meta["unit"]) == 1e-17 * cgs
        assert s.replace(z=0.1).flux is not None
        many = sa.SpectrumSet(WAVE, np.stack([flux, 3 * flux]), np.stack([flux, flux]) ** -2)
        np.testing.assert_allclose(many.flux, [[2] * 11, [6] * 11], rtol=1e-6)
        np.testing.assert_allclose(many.ivar, 0.25, rtol=1e-6)
    assert "unit" not in sa.Spectrum(WAVE, np.ones(11)).meta
    np.testing.assert_allclose(sa.Spectrum(WAVE, np.full(11, 50) * u.percent).flux, 0.5)
    column = Table({"flux": np.full(11, 2e-16) * u.Unit("erg / (s cm2 nm)")})["flux"]
    np.testing.assert_allclose(sa.Spectrum(WAVE, column).flux, 2, rtol=1e-6)


@pytest.mark.parametrize(("fields", "match"), [
    ({"flux": np.ones(11) * u.ct}, r"flux: expected a flux density.*got the unit ct"),
    ({"flux": np.ones(11) * u.ABmag}, "flux: expected a flux density"),
    ({"flux": np.ones(11) * u.kg}, "flux: expected a flux density"),
    ({"ivar": np.ones(11) / u.kg**2}, "ivar: expected"),
    ({"ivar": np.ones(11) * u.dimensionless_unscaled, "flux": np.ones(11) * u.Jy}, "ivar: expected"),
    ({"ivar": np.ones(11) / u.Jy**2, "flux": np.ones(11) * u.dimensionless_unscaled}, "ivar: expected"),
    ({"wave": WAVE * u.kg}, "wave: expected"), ({"wave": WAVE * u.km / u.s}, "wave: expected")])
def test_units_that_say_something_else_are_refused(fields, match) -> None:
    with pytest.raises(DataError, match=match):
        sa.Spectrum(**{"wave": WAVE, "flux": np.ones(11), **fields})
    many = {name: value if name == "wave" else np.stack([value]) for name, value in fields.items()}
    with pytest.raises(DataError, match=match):
        sa.SpectrumSet(**{"wave": WAVE, "flux": np.ones((1, 11)), **many})


def test_a_wrong_length_is_a_matter_of_shape_with_units_too() -> None:
    with pytest.raises(ShapeError, match="flux"):
        sa.Spectrum(WAVE, np.ones(10) * u.Jy)
    with pytest.raises(ShapeError, match="ivar"):
        sa.Spectrum(WAVE, np.ones(11) * u.Jy, np.ones(10) / u.Jy**2)


@pytest.mark.parametrize("axis", [(WAVE * u.AA).to(u.THz, u.spectral())[::-1], WAVE[::-1] * 0.1 * u.nm,
                                  (WAVE * u.AA).to(u.eV, u.spectral())[::-1], (WAVE * u.AA).to(1 / u.cm, u.spectral())])
def test_an_axis_of_frequencies_is_sorted_with_all_that_stands_on_it(axis) -> None:
    down = axis[0].to(u.AA, u.spectral()) > axis[-1].to(u.AA, u.spectral())
    order = slice(None, None, -1 if down else 1)
    jansky = (np.arange(1.0, 12) * 1e-17 * u.Unit("erg / (s cm2 AA)")).to(u.Jy, u.spectral_density(WAVE * u.AA))
    given = {"flux": jansky[order], "ivar": (jansky**-2)[order], "mask": np.arange(11)[order],
             "imputed": (np.arange(11) > 6)[order]}
    s = sa.Spectrum(axis, **given)
    np.testing.assert_allclose(s.wave, WAVE)
    np.testing.assert_allclose(s.flux, np.arange(1, 12), rtol=1e-6)
    np.testing.assert_allclose(s.ivar, np.arange(1.0, 12) ** -2, rtol=1e-6)
    np.testing.assert_array_equal(s.mask, np.arange(11))
    np.testing.assert_array_equal(s.imputed, np.arange(11) > 6)
    many = sa.SpectrumSet(axis, **{name: np.stack([value, value]) for name, value in given.items()})
    np.testing.assert_allclose(many[1].flux, s.flux)
    np.testing.assert_array_equal(many[1].mask, s.mask)


def test_a_spectrum_is_frozen() -> None:
    s = sa.Spectrum(WAVE, np.ones(11), meta={"plate": 1})
    with pytest.raises(dataclasses.FrozenInstanceError):
        s.z = 0.1  # type: ignore[misc]
    with pytest.raises(ValueError, match="read-only"):
        s.flux[0] = 3
    with pytest.raises(TypeError):
        s.meta["plate"] = 2  # type: ignore[index]


def test_the_callers_array_stays_writable() -> None:
    flux = np.ones(11, np.float32)
    sa.Spectrum(WAVE, flux)
    flux[0] = 2
    assert flux[0] == 2


def test_ids_are_text_and_content_hashes_otherwise() -> None:
    assert sa.Spectrum(WAVE, np.ones(11), id=39633345008634465).id == "39633345008634465"  # type: ignore[arg-type]
    a, b = sa.Spectrum(WAVE, np.ones(11)), sa.Spectrum(WAVE, np.ones(11))
    assert a.id == b.id
    assert a.id != sa.Spectrum(WAVE, np.zeros(11)).id


def test_big_endian_arrays_become_native() -> None:
    s = sa.Spectrum(WAVE.astype(">f8"), np.ones(11, ">f4"), np.ones(11, ">f4"), np.ones(11, ">i4"))
    assert all(a.dtype.isnative for a in (s.wave, s.flux, s.ivar, s.mask))


@pytest.mark.parametrize(("wave", "flux", "error"), [
    (WAVE[::-1], np.ones(11), DataError), (WAVE, np.ones(10), ShapeError), (np.ones((2, 3)), np.ones(6), ShapeError),
    ([], [], ShapeError), ([np.nan, 1], [1, 1], DataError), ([0.0, 1], [1, 1], DataError)])
def test_wrong_arrays_are_refused(wave, flux, error) -> None:
    with pytest.raises(error, match="expected"):
        sa.Spectrum(wave, flux)


def test_wrong_frame_or_scale_is_refused() -> None:
    with pytest.raises(ArgumentError, match="did you mean 'rest'"):
        sa.Spectrum(WAVE, np.ones(11), frame="rset")


def test_snr_is_over_valid_pixels() -> None:
    flux, ivar = np.full(11, 2.0), np.full(11, 4.0)
    flux[0], ivar[1], flux[1] = np.nan, 0, 1e9
    assert sa.Spectrum(WAVE, flux, ivar).snr == pytest.approx(4)
    assert np.isnan(sa.Spectrum(WAVE, flux).snr)
    assert np.isnan(sa.Spectrum(WAVE, flux, np.zeros(11)).snr)


def preprocessed() -> tuple[sa.Survey, sa.SpectrumSet]:
    survey = sa.surveys.mock(n=60, seed=1)
    return survey, sa.Preprocessor(grid=(3800, 7000, 800), target="galaxy").fit_transform(survey)


def test_the_signal_to_noise_ratio_is_one_number_wherever_it_is_told() -> None:
    survey, sample = preprocessed()
    raw = {s.id: s for s in survey}
    for s, row in zip(sample, sample.table["snr"], strict=True):
        told = f"S/N {row:.1f}"
        assert s.snr == pytest.approx(row)
        assert repr(s).endswith(told)
        assert describe(s).endswith(told)
        assert f"{told}</text>" in s._repr_html_()
        assert raw[s.id].snr == pytest.approx(row, rel=0.02), "of the same pixels, but for masked ones"
    assert sample.ivar is not None
    pixels = np.array([median_snr(flux, ivar) for flux, ivar in zip(sample.flux, sample.ivar, strict=True)])
    assert (pixels > 1.1 * sample.table["snr"]).all(), "pixels of the grid share noise: another quantity"


def test_the_signal_to_noise_ratio_of_the_sdss_is_ours() -> None:
    s = sa.Spectrum.read(DATA / "spec-1045-52725-0628.fits")
    assert s.snr == pytest.approx(s.meta["snr"], rel=0.005), "SN_MEDIAN_ALL of the pipeline"
    assert describe(s).endswith(f"S/N {s.snr:.1f}")
    assert s.replace(ivar=4 * s.ivar).snr == pytest.approx(2 * s.snr, rel=1e-6), "not what was told of other pixels"
    assert s.replace(ivar=None).snr == s.meta["snr"], "what the survey tells, where the pixels do not"


def test_of_faint_spectra_older_files_tell_the_ratio_without_the_sign_and_boss_with_it() -> None:
    older, boss = (sa.Spectrum.read(DATA / f"spec-{name}.fits") for name in ("1944-53385-0606", "3586-55181-0003"))
    assert older.snr < 0 < older.meta["snr"]
    assert median_snr(np.abs(older.flux), older.ivar) == pytest.approx(older.meta["snr"], rel=0.02)
    inside = (boss.wave > 3280) & (boss.wave < 9860)
    assert median_snr(boss.flux[inside], boss.ivar[inside]) == pytest.approx(boss.meta["snr"], rel=1e-3)
    assert median_snr(np.abs(boss.flux[inside]), boss.ivar[inside]) > 1.005 * boss.meta["snr"]


def test_infinite_ivar_is_a_bad_pixel_and_counted() -> None:
    ivar = np.full(11, 4.0)
    ivar[[2, 5]] = np.inf
    flux = np.full(11, 2.0)
    flux[2] = 0
    with pytest.warns(UserWarning, match="2 infinite of 11 values") as told:
        s = sa.Spectrum(WAVE, flux, ivar)
    assert len(told) == 1
    assert Path(told[0].filename).name == "test_spectrum.py", "where the call is"
    assert s.ivar[[2, 5]].tolist() == [0, 0]
    assert s.snr == pytest.approx(4)
    assert ivar[2] == np.inf, "the array of the caller stays"
    with pytest.warns(UserWarning, match="6 infinite of 33 values"):
        sample = sa.SpectrumSet(WAVE, [flux] * 3, [ivar] * 3)
    assert sample[1].snr == pytest.approx(4)


def test_a_redshift_that_is_not_finite_is_unknown() -> None:
    assert sa.Spectrum(WAVE, np.ones(11), z=float("nan")).z is None


def test_to_specutils_and_back() -> None:
    pytest.importorskip("specutils")
    rng = np.random.default_rng(1)
    ivar = rng.uniform(1, 2, 11)
    ivar[3] = 0
    s = sa.Spectrum(WAVE, rng.normal(size=11), ivar, rng.integers(0, 4, 11), z=0.1, id="x", meta={"plate": 7})
    other = s.to_specutils()
    assert other.flux.unit.is_equivalent("erg / (s cm2 AA)")
    assert other.mask[3]
    t = sa.Spectrum.from_specutils(other)
    for name in ("wave", "flux", "ivar", "mask"):
        np.testing.assert_array_equal(getattr(t, name), getattr(s, name))
    assert (t.z, t.id, t.frame, t.scale, t.meta["plate"]) == (0.1, "x", "observed", "flux", 7)


def test_specutils_in_other_units_and_order() -> None:
    specutils = pytest.importorskip("specutils")
    from astropy.nddata import StdDevUncertainty

    axis = np.array([700.0, 600.0, 500.0]) * u.nm
    other = specutils.Spectrum(flux=np.array([1.0, 2.0, 3.0]) * u.Jy, spectral_axis=axis,
                               uncertainty=StdDevUncertainty([0.5, 0.5, 0.1]), mask=[False, True, False])
    t = sa.Spectrum.from_specutils(other, id="y", z=0.2)
    np.testing.assert_allclose(t.wave, [5000, 6000, 7000])
    unit = 1e-23 * 2.99792458e18 / np.array([5000.0, 6000, 7000]) ** 2 / 1e-17  # F_lambda = F_nu c / lambda^2
    np.testing.assert_allclose(t.flux, np.array([3, 2, 1]) * unit, rtol=1e-6)
    np.testing.assert_allclose(t.ivar, np.array([100, 0, 4]) / unit**2, rtol=1e-6)
    assert u.Unit(t.meta["unit"]) == u.Unit("1e-17 erg / (s cm2 AA)")
    back = t.to_specutils()
    np.testing.assert_allclose(back.flux.to_value("Jy", u.spectral_density(back.spectral_axis)), [3, 2, 1], rtol=1e-6)


@pytest.mark.parametrize(("own", "expected"), [
    ({"redshift": 0.25}, 0.25), ({"radial_velocity": 29979.2458 * u.km / u.s}, np.sqrt(1.1 / 0.9) - 1), ({}, None)])
def test_the_redshift_of_specutils_is_kept(own, expected) -> None:
    specutils = pytest.importorskip("specutils")
    other = specutils.Spectrum(flux=np.ones(3) * u.Jy, spectral_axis=[0.5, 0.6, 0.7] * u.um, **own)
    assert sa.Spectrum.from_specutils(other).z == (None if expected is None else pytest.approx(expected))
    assert sa.Spectrum.from_specutils(other, z=0.7).z == 0.7
    other.meta["z"] = 0.3
    assert sa.Spectrum.from_specutils(other).z == 0.3


def test_uncertainties_of_specutils_come_in_their_own_unit_or_are_refused() -> None:
    specutils = pytest.importorskip("specutils")
    from astropy.nddata import StdDevUncertainty, UnknownUncertainty

    def made(noise, unit="Jy"):
        return specutils.Spectrum(flux=np.ones(3) * u.Unit(unit), spectral_axis=[0.5, 0.6, 0.7] * u.um,
                                  uncertainty=noise)

    plain = sa.Spectrum.from_specutils(made(StdDevUncertainty([0.5, 0.0, 0.1])))
    milli = sa.Spectrum.from_specutils(made(StdDevUncertainty([500.0, 0.0, 100.0], unit=u.mJy)))
    np.testing.assert_allclose(plain.flux * np.sqrt(plain.ivar), [2, 0, 10], rtol=1e-6)  # an error of 0 is no error
    np.testing.assert_allclose(milli.ivar, plain.ivar, rtol=1e-6)
    with pytest.raises(DataError, match="inverse variance"):
        sa.Spectrum.from_specutils(made(UnknownUncertainty([1.0, 1.0, 1.0])))
    with pytest.raises(DataError, match="flux density"):
        sa.Spectrum.from_specutils(made(None, "ct"))
    bare = sa.Spectrum.from_specutils(made(None, ""))
    np.testing.assert_array_equal(bare.flux, 1)
    assert bare.to_specutils().flux.unit == u.dimensionless_unscaled


def test_a_mask_without_noise_is_refused_from_specutils() -> None:
    specutils = pytest.importorskip("specutils")
    other = specutils.Spectrum(flux=np.ones(3) * u.Jy, spectral_axis=[1, 2, 3] * u.um, mask=[False, True, False])
    with pytest.raises(DataError, match="uncertainty"):
        sa.Spectrum.from_specutils(other)


def test_a_spectrum_survives_pickling_and_stays_read_only():
    one = sa.Spectrum([4000.0, 4001.0], [1.0, 2.0], [1.0, 0.0], z=0.1, id="a", frame="rest", meta={"plate": 266})
    back = pickle.loads(pickle.dumps(one))  # noqa: S301
    assert repr(back) == repr(one)
    assert dict(back.meta) == {"plate": 266}
    assert np.array_equal(back.flux, one.flux)
    assert not back.flux.flags.writeable
