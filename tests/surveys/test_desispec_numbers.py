"""The joined arms against desispec's own numbers, where these are right; and where they are not, what differs.

The numbers are of ``desispec.coaddition.coadd_cameras`` of desispec 0.70.0 (numpy 2, Python 3.11), run on
``tests/data/coadd-4-80613-thru20210324.fits`` as ``desispec.io.read_spectra`` reads it: (index on the grid of 7781
pixels, flux, ivar), every second pixel in and around the overlap of b and r, every fourth in that of r and z. No pixel
of that file is flagged.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits

from specanom.spectrum import Spectrum

B_AND_R = (
    (2697, 0.4169681668, 4.81312561), (2699, 1.182280064, 4.558849812), (2701, 1.065328585, 17.51737976),
    (2703, 1.304328599, 16.25013256), (2705, 0.990974598, 15.93704653), (2707, 1.37431732, 16.38988543),
    (2709, 1.177523212, 16.49365044), (2711, 1.843870359, 16.16806865), (2713, 1.138961206, 15.99396825),
    (2715, 1.500786143, 16.14690423), (2717, 1.123199421, 17.17298412), (2719, 1.304911137, 17.54644489),
    (2721, 1.256905322, 17.68487096), (2723, 1.209662807, 18.1933434), (2725, 1.136104566, 17.98903346),
    (2727, 1.424889895, 18.43353307), (2729, 1.423048484, 19.20543647), (2731, 0.836358813, 19.58265698),
    (2733, 1.434127908, 20.18616426), (2735, 1.097105999, 20.06950223), (2737, 1.360930802, 19.77468193),
    (2739, 1.033626774, 19.71454394), (2741, 1.139150918, 19.76820391), (2743, 1.232840462, 21.15233541),
    (2745, 1.507092785, 21.4320783), (2747, 1.336291461, 21.81803668), (2749, 1.625798718, 22.18093687),
    (2751, 1.522397757, 22.4207859), (2753, 1.567041397, 22.82933044), (2755, 0.9917399287, 23.10233116),
)
R_AND_Z = (
    (4895, 0.9719278216, 58.0759697), (4899, 0.7319221497, 48.16490555), (4903, 1.048377659, 56.05067587),
    (4907, 0.9462635812, 14.83065665), (4911, 1.009584356, 54.36713982), (4915, 0.9161582797, 37.02604485),
    (4919, 0.9806524823, 54.58851337), (4923, 0.980092075, 53.7110672), (4927, 0.5711147206, 46.61392021),
    (4931, 0.7149511182, 54.03479767), (4935, 1.021264439, 54.57021332), (4939, 0.8585117053, 55.92519379),
    (4943, 0.8086150788, 54.19775391), (4947, 1.038189862, 53.60386848), (4951, 0.9014635527, 48.44207382),
    (4955, 0.4830879022, 54.45881271), (4959, 0.8953745539, 54.76551437), (4963, 0.7464915732, 50.19911194),
    (4967, 0.8651708653, 21.71151924), (4971, 0.8128101409, 50.66641998), (4975, 0.5763632595, 57.51878357),
    (4979, 0.6447032227, 54.38067627), (4983, 1.029923044, 51.33763504), (4987, 0.9263903924, 49.76848602),
    (4991, 0.775323714, 55.27280235), (4995, 0.9053098843, 30.93729305), (4999, 0.9347934441, 10.94158173),
    (5003, 1.110373715, 7.821160555), (5007, 0.4475574122, 5.023152351), (5011, 1.145836471, 5.551902771),
    (5015, 0.6758220494, 8.654633522), (5019, 0.406250457, 17.42101288), (5023, 0.7707165084, 29.07513714),
    (5027, 1.094500303, 32.75960159),
)
FLAGGED = {2725: (877.864475270632, 17.989033460617065, 0), 100: (1000.0, 0.43255212903022766, 0)}
"""What coadd_cameras makes of the same file with two pixels of flux 1000 and mask 4: at 5780 Å in r alone, where b
has a good one, and at 3680 Å in b, where there is no other arm: (flux, ivar, mask)."""


@pytest.fixture
def coadd(data: Path) -> Path:
    return data / "coadd-4-80613-thru20210324.fits"


@pytest.mark.parametrize(("numbers", "low", "high"), [(B_AND_R, 5760.0, 5800.0), (R_AND_Z, 7520.0, 7620.0)])
def test_overlaps_are_as_desispec_joins_them(coadd: Path, numbers, low: float, high: float) -> None:
    got = Spectrum.read(coadd)
    index, flux, ivar = (np.array(values) for values in zip(*numbers, strict=True))
    inside = (got.wave[index] >= low - 0.1) & (got.wave[index] <= high + 0.1)
    assert inside.sum() >= 20, "most of the pixels were seen by two arms"
    np.testing.assert_allclose(got.flux[index], flux, rtol=2e-6)
    np.testing.assert_allclose(got.ivar[index], ivar, rtol=2e-6)


def test_flagged_pixels_are_left_out_where_desispec_adds_them(coadd: Path, tmp_path: Path) -> None:
    with fits.open(coadd) as hdus:
        good = float(hdus["B_FLUX"].data[0, 2725]), float(hdus["B_IVAR"].data[0, 2725])
        for arm, pixel in (("R", 25), ("B", 100)):
            hdus[f"{arm}_FLUX"].data[0, pixel], hdus[f"{arm}_MASK"].data[0, pixel] = 1000.0, 4
        flagged = 1000.0, float(hdus["R_IVAR"].data[0, 25])
        hdus.writeto(tmp_path / "flagged.fits")
    got = Spectrum.read(tmp_path / "flagged.fits")
    assert (got.flux[2725], got.ivar[2725], got.mask[2725]) == (*np.float32(good), 4), "b alone, the bit kept"
    assert np.isnan(got.flux[100])
    assert (got.ivar[100], got.mask[100]) == (0, 4)
    leaked = (good[0] * good[1] + flagged[0] * flagged[1]) / (good[1] + flagged[1])
    assert FLAGGED[2725] == (pytest.approx(leaked, rel=2e-6), pytest.approx(good[1] + flagged[1], rel=2e-6), 0)
    assert FLAGGED[100][0] == 1000, "desispec hands on the flagged flux, with mask 0"
