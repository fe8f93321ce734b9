"""The record of one spectrum."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest
from astropy import units as u

import specanom as sa
from specanom.errors import ArgumentError, DataError, ShapeError

WAVE = np.linspace(4000, 5000, 11)


def test_nanometres_and_units_become_angstrom() -> None:
    s = sa.Spectrum(np.linspace(400, 500, 11) * u.nm, np.ones(11))
    np.testing.assert_allclose(s.wave, WAVE)
    t = sa.Spectrum((WAVE * u.AA).to(u.um), np.ones(11) * u.Unit("erg / (s cm2 AA)"))
    np.testing.assert_allclose(t.wave, WAVE)
    assert t.flux.dtype == np.float32


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
    np.testing.assert_allclose(t.flux, [3, 2, 1])
    np.testing.assert_allclose(t.ivar, [100, 0, 4], rtol=1e-6)
    assert t.meta["unit"] == "Jy"


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
