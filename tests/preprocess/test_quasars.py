"""Quasars go to the bin whose middle is nearest, on a grid that every quasar of the bin covers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError, SpecanomError
from specanom.preprocess import Preprocessor, QuasarPreprocessors, bin_of, quasar_bins
from specanom.spectrumset import SpectrumSet

DESI = 3600.0 + 0.8 * np.arange(7781)
NAMES = ("qso-0.8-1.5", "qso-1.5-2.5", "qso-2.1-3.2")
Make = Callable[..., SpectrumSet]


@pytest.fixture
def quasars(observed: Make) -> SpectrumSet:
    z = [0.5, 0.8, 1.1, 1.4, 1.5, 1.9, 2.2, 2.3, 2.4, 2.8, 3.2, 3.4]
    return observed(12, wave=DESI, z=z, class_="QSO", survey="desi", instrument="DESI")


def test_grids_are_what_desi_covers_of_every_quasar_of_a_bin() -> None:
    ends = {"qso-0.8-1.5": (2000, 3930), "qso-1.5-2.5": (1440, 2807), "qso-2.1-3.2": (1161, 2339)}
    assert tuple(one.name for one in quasar_bins()) == NAMES
    for one in quasar_bins():
        low, high = one.z_range
        assert one.wave[0] == pytest.approx(ends[one.name][0], abs=1)
        assert one.wave[-1] == pytest.approx(ends[one.name][1], abs=1)
        assert one.wave[0] * (1 + low) >= 3600
        assert one.wave[-1] * (1 + high) <= 9824
        np.testing.assert_allclose(np.diff(np.log10(one.wave)), 1e-4, rtol=1e-6)
        np.testing.assert_allclose(np.log10(one.wave) * 1e4, np.rint(np.log10(one.wave) * 1e4), atol=1e-6)


@pytest.mark.parametrize(("z", "name"), [
    (0.8, NAMES[0]), (1.5, NAMES[0]), (1.5001, NAMES[1]), (2.1, NAMES[1]), (2.324, NAMES[1]), (2.326, NAMES[2]),
    (2.5, NAMES[2]), (3.2, NAMES[2]), (0.79, None), (3.21, None), (float("nan"), None)])
def test_a_redshift_goes_to_the_bin_whose_middle_is_nearest(z: float, name: str | None) -> None:
    found = bin_of(z)
    assert (None if found is None else found.name) == name


@given(st.floats(0.0, 4.0))
def test_every_redshift_has_one_bin_or_none(z: float) -> None:
    found = bin_of(z)
    holding = [one for one in quasar_bins() if one.z_range[0] <= z <= one.z_range[1]]
    assert (found is None) == (not holding)
    assert found is None or all(abs(z - found.middle) <= abs(z - one.middle) for one in holding)


def test_a_preset_is_a_preprocessor_with_options_that_can_be_overridden(quasars: SpectrumSet) -> None:
    maker = Preprocessor(preset=NAMES[1])
    assert (maker.z_range, maker.target, maker.min_snr, maker.resample) == ((1.5, 2.5), "qso", 2.0, "conserving")
    assert (maker.airglow, maker.impute, maker.bins, maker.redshift) == ("mask", "median", 1, "z")
    sample = maker.fit_transform(quasars)
    assert sample.table["z"].tolist() == [1.9, 2.2, 2.3, 2.4]
    assert np.isin(sample.wave, quasar_bins()[1].wave).all()  # the airglow line is missing in each of a few
    assert sample.wave.size > 2800
    np.testing.assert_allclose(np.median(sample.flux, axis=1), 1, atol=0.01)
    own = Preprocessor((1500, 2700, 300), preset=NAMES[1], min_snr=5, resample="linear")
    assert (own.min_snr, own.resample, own.grid) == (5, "linear", (1500, 2700, 300))
    assert Preprocessor().target is None
    assert Preprocessor().resample == "linear"


def test_each_quasar_is_in_one_set_and_the_others_are_listed(quasars: SpectrumSet) -> None:
    makers = QuasarPreprocessors()
    sets = makers.fit_transform(quasars)
    assert {name: one.table["z"].tolist() for name, one in sets.items()} == {
        NAMES[0]: [0.8, 1.1, 1.4, 1.5], NAMES[1]: [1.9, 2.2, 2.3], NAMES[2]: [2.4, 2.8, 3.2]}
    assert [(one.id, one.reason) for one in makers.skipped] == [
        ("s000", "redshift 0.500 is outside 0.8–3.2"), ("s011", "redshift 3.400 is outside 0.8–3.2")]
    assert set(makers.reports) == set(NAMES)
    assert all(np.isfinite(one.flux).all() for one in sets.values())
    assert all((one.table["missing"] < 0.02).all() for one in sets.values())


def test_other_classes_are_neither_taken_nor_listed(observed: Make) -> None:
    mixed = observed(8, wave=DESI, z=[1.0, 1.0, 1.1, 0.1, 2.0, 2.0, 0.2, 3.5], survey="desi",
                     class_=["QSO", "GALAXY", "QSO", "GALAXY", "QSO", "STAR", "QSO", "QSO"])
    makers = QuasarPreprocessors()
    sets = makers.fit_transform(mixed)
    assert {name: one.ids for name, one in sets.items()} == {NAMES[0]: ["s000", "s002"], NAMES[1]: ["s004"]}
    assert [one.id for one in makers.skipped] == ["s006", "s007"]
    assert list(makers.empty) == [NAMES[2]]


def test_later_quasars_get_the_same_grids(quasars: SpectrumSet, observed: Make, tmp_path: Path) -> None:
    makers = QuasarPreprocessors()
    first = makers.fit_transform(quasars, store=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"{name}.zarr" for name in NAMES]
    later = makers.transform(observed(3, seed=5, wave=DESI, z=[1.0, 2.0, 2.9], class_="QSO", survey="desi"))
    assert {name: len(one) for name, one in later.items()} == dict.fromkeys(NAMES, 1)
    for name in NAMES:
        np.testing.assert_array_equal(later[name].wave, first[name].wave)


def test_a_line_of_a_quasar_lands_on_its_rest_wavelength(observed: Make) -> None:
    z = np.array([1.6, 1.9, 2.2])
    raw = observed(3, wave=DESI, z=z, class_="QSO", survey="desi")
    flux = np.ones(raw.shape) + 4 * np.exp(-0.5 * ((DESI / (1 + z[:, None]) - 1549.06) / 6) ** 2)
    sample = QuasarPreprocessors().fit_transform(raw.replace(flux=flux.astype("f4")))[NAMES[1]]
    near = np.abs(sample.wave - 1549.06) < 25
    excess = np.clip(sample.flux[:, near] - np.median(sample.flux, axis=1, keepdims=True), 0, None)
    centres = (excess * sample.wave[near]).sum(axis=1) / excess.sum(axis=1)
    np.testing.assert_allclose(centres, 1549.06, atol=0.15)


def test_means_over_fine_pixels_keep_the_signal_of_a_quasar(observed: Make) -> None:
    """At 9800 Å a pixel of the grid holds almost three of DESI: the noise falls by their root."""
    raw = observed(6, wave=DESI, z=2.3, class_="QSO", survey="desi")
    sample = Preprocessor(preset=NAMES[1]).fit_transform(raw)
    gain = np.sqrt(sample.ivar[:, -200:] / sample.ivar[:, :200])
    assert np.median(gain) == pytest.approx(np.sqrt(2805 / 1440), rel=0.08)


def test_a_saved_preset_comes_back_as_it_was(quasars: SpectrumSet, tmp_path: Path) -> None:
    maker = Preprocessor(preset=NAMES[2])
    sample = maker.fit_transform(quasars)
    again = Preprocessor.load(maker.save(tmp_path / "maker"))
    assert again.settings() == maker.settings()
    np.testing.assert_array_equal(again.transform(quasars).flux, sample.flux)


@pytest.mark.parametrize("wrong", [{"preset": "qso"}, {"preset": "qso-3-4"}])
def test_an_unknown_preset_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ArgumentError, match=r"qso-0\.8-1\.5"):
        Preprocessor(**wrong)


def test_wrong_calls_stop_at_once(observed: Make) -> None:
    with pytest.raises(ArgumentError, match="preprocessors"):
        QuasarPreprocessors({"qso": Preprocessor()})
    galaxies = observed(4, wave=DESI)
    with pytest.raises(DataError, match="quasars"):
        QuasarPreprocessors().fit_transform(galaxies)
    with pytest.raises(DataError, match="generator"):
        QuasarPreprocessors().fit_transform(one for one in galaxies)
    with pytest.raises(SpecanomError, match="fit_transform"):
        QuasarPreprocessors().transform(galaxies)


def test_what_is_wrong_in_one_bin_is_not_taken_for_a_bin_without_quasars(
    quasars: SpectrumSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / f"{NAMES[1]}.zarr").mkdir()
    (tmp_path / f"{NAMES[1]}.zarr" / "thesis.tex").write_text("years")
    makers = QuasarPreprocessors()
    with pytest.raises(DataError, match="holds something else"):
        makers.fit_transform(quasars, store=tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAMES[1]}.zarr"], "seen before anything is written"
    many = QuasarPreprocessors({NAMES[2]: Preprocessor(preset=NAMES[2], z_range=None, bins=10)})
    with pytest.raises(DataError, match="bins") as caught:
        many.fit_transform(quasars)
    assert caught.value.__notes__ == [f"in the bin {NAMES[2]}"]


def test_a_bin_that_no_spectrum_passes_says_why(quasars: SpectrumSet) -> None:
    makers = QuasarPreprocessors({NAMES[2]: Preprocessor(preset=NAMES[2], z_range=None, min_snr=1e6)})
    assert list(makers.fit_transform(quasars)) == [*NAMES[:2]]
    assert list(makers.empty) == [NAMES[2]]
    assert "1e+06" in makers.empty[NAMES[2]] or "S/N" in makers.empty[NAMES[2]]
