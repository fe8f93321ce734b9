"""Foreground extinction against the package that defines the curve."""

from __future__ import annotations

import sys
import types

import numpy as np
import pytest

from specanom.errors import DataError, MissingDependency
from specanom.preprocess import Extinction
from specanom.preprocess.extinction import attenuation


def test_correction_equals_dust_extinction(observed):
    from astropy import units as u
    from dust_extinction.parameter_averages import F99

    block = observed(4, ebv=[0.0, 0.02, 0.1, 0.5])
    out = Extinction()(block)
    for row, ebv in enumerate([0.0, 0.02, 0.1, 0.5]):
        left = F99(Rv=3.1).extinguish(block.wave * u.AA, Ebv=0.86 * ebv)
        np.testing.assert_allclose(out.flux[row], block.flux[row] / left, rtol=2e-6)
        np.testing.assert_allclose(out.ivar[row], block.ivar[row] * left**2, rtol=4e-6)


def test_the_signal_to_noise_ratio_does_not_change(observed):
    block = observed(3, ebv=0.3)
    out = Extinction()(block)
    np.testing.assert_allclose(out.flux * np.sqrt(out.ivar), block.flux * np.sqrt(block.ivar), rtol=3e-6)


def test_unknown_reddening_is_not_corrected_and_noted(observed):
    block = observed(4, ebv=[0.1, np.nan, -1.0, 0.1])
    out = Extinction()(block)
    changed = [not np.array_equal(out.flux[k], block.flux[k]) for k in range(4)]
    assert changed == [True, False, False, True]
    assert ["not corrected" in note for note in out.table["note"]] == [False, True, True, False]
    assert np.isnan(out.table["ebv"].to_numpy()).tolist() == [False, True, True, False]


def test_the_curve_is_computed_once_per_grid_and_ends_flat(observed):
    wave = observed(1).wave
    assert attenuation(wave) is attenuation(wave.copy())
    far = attenuation(np.array([500.0, 1000.0, 33000.0, 50000.0]))
    assert far[0] == far[1]
    assert far[2] == far[3]
    assert attenuation(np.array([5500.0]), r_v=5.0)[0] > attenuation(np.array([5500.0]))[0]


def test_a_map_fills_in_what_the_table_lacks(observed, monkeypatch):
    asked = []

    class SFDQuery:
        def __call__(self, place):
            asked.append((place.ra.deg.tolist(), place.dec.deg.tolist()))
            return np.full(len(place), 0.25)

    module = types.ModuleType("dustmaps.sfd")
    module.SFDQuery = SFDQuery
    monkeypatch.setitem(sys.modules, "dustmaps", types.ModuleType("dustmaps"))
    monkeypatch.setitem(sys.modules, "dustmaps.sfd", module)
    block = observed(3, ebv=[0.1, np.nan, np.nan], ra=[1.0, 2.0, np.nan], dec=[3.0, 4.0, 5.0])
    out = Extinction(dust_map="sfd")(block)
    np.testing.assert_allclose(out.table["ebv"], [0.1, 0.25, np.nan])
    assert asked == [([2.0], [4.0])]


def test_without_dustmaps_or_without_its_map_the_error_says_what_to_do(observed, monkeypatch):
    block = observed(1, ebv=np.nan, ra=1.0, dec=2.0)
    monkeypatch.setitem(sys.modules, "dustmaps.sfd", None)
    with pytest.raises(MissingDependency, match=r"specanom\[dust\]"):
        Extinction(dust_map="sfd")(block)

    def absent():
        raise FileNotFoundError("SFD_dust_4096_ngp.fits")

    module = types.ModuleType("dustmaps.sfd")
    module.SFDQuery = absent
    monkeypatch.setitem(sys.modules, "dustmaps", types.ModuleType("dustmaps"))
    monkeypatch.setitem(sys.modules, "dustmaps.sfd", module)
    with pytest.raises(DataError, match="fetch"):
        Extinction(dust_map="sfd")(block)
