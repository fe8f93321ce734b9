"""A real DESI spectrum goes the whole way: read, preprocessed, scored and explained, with what DESI is known for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from specanom.explain import Explainer, Uniform
from specanom.models import PCAModel
from specanom.preprocess import Preprocessor
from specanom.preprocess.pixels import BadPixels
from specanom.scores import Scorer
from specanom.scores.bands import band_shares
from specanom.spectrum import Spectrum
from specanom.spectrumset import SpectrumSet
from specanom.surveys import read
from specanom.surveys.viewers import links

ID = "39633345008634465"


@pytest.fixture(scope="module")
def galaxy(data: Path) -> Spectrum:
    return Spectrum.read(data / "coadd-4-80613-thru20210324.fits")


@pytest.fixture(scope="module")
def sample(galaxy: Spectrum) -> SpectrumSet:
    """The real spectrum, preprocessed among thirty of its kind with other lines and other noise."""
    rng = np.random.default_rng(0)
    copies = []
    for i in range(30):
        noise = rng.normal(0, 1, len(galaxy)) / np.sqrt(np.maximum(galaxy.ivar, 1e-6))
        flux = np.where(galaxy.ivar > 0, galaxy.flux * rng.uniform(0.5, 2) + noise, np.nan)
        copies.append(galaxy.replace(flux=flux.astype("f4"), id=str(int(ID) + i + 1)))
    return Preprocessor(extinction="F99").fit_transform([galaxy, *copies])


def test_the_file_kept_with_the_tests_is_read(data: Path, galaxy: Spectrum) -> None:
    assert (galaxy.id, galaxy.meta["class"], galaxy.meta["petal"]) == (ID, "GALAXY", 4)
    assert galaxy.z == pytest.approx(0.36874355)
    assert ID in [s.id for s in read(data)]
    assert {s.meta["survey"] for s in read(data)} == {"sdss", "desi"}


def test_its_id_and_columns_survive_preprocessing_and_storage(sample: SpectrumSet, tmp_path: Path) -> None:
    sample.save(tmp_path / "sample.zarr")
    row = SpectrumSet.open(tmp_path / "sample.zarr").table.set_index("id").loc[ID]
    assert (row["survey"], row["instrument"], row["petal"], row["tile"]) == ("desi", "DESI", 4, 80613)
    assert row["ebv"] == pytest.approx(0.0514118)
    assert row["deltachi2"] == pytest.approx(150343.77423)


def test_it_is_scored_and_explained_with_the_joins_of_desi(sample: SpectrumSet) -> None:
    scorer = Scorer(PCAModel(4).fit(sample))
    assert np.isfinite(scorer(sample)).all()
    spectrum = next(s for s in sample if s.id == ID)
    explanation = Explainer(scorer, Uniform(60)).explain(spectrum)
    assert explanation.id == ID
    assert "DESI r/z join" in explanation.names
    assert "Hα" in " ".join(explanation.names)
    assert np.isfinite(explanation.context.narrow_share)         # the line-spread function is known
    shares = band_shares(scorer, sample, "arms").set_index("id")
    assert shares.loc[ID, ["b", "r", "z"]].sum() == pytest.approx(1)


def test_a_bit_makes_a_pixel_missing_but_not_where_the_other_arm_is_good(write_coadd: Callable[..., Path]) -> None:
    (block,) = read(write_coadd()).blocks()
    got = BadPixels()(block)
    inside = ((block.wave > 5759.5) & (block.wave < 5800.5)) | ((block.wave > 7519.5) & (block.wave < 7620.5))
    flagged = block.mask > 0
    good = (block.ivar > 0) & np.isfinite(block.flux)
    assert (flagged & good).any()
    assert inside[np.flatnonzero((flagged & good).any(axis=0))].all()
    np.testing.assert_array_equal(np.isfinite(got.flux), good)


def test_a_bit_beside_noise_outside_the_overlaps_is_missing(write_coadd: Callable[..., Path]) -> None:
    (block,) = read(write_coadd(mask=False)).blocks()
    mask = np.zeros(block.shape, np.uint32)
    mask[:, [100, int(np.argmin(abs(block.wave - 5780)))]] = 4
    bad = np.isnan(BadPixels()(block.replace(mask=mask)).flux)
    assert bad[:, 100].all()
    assert not bad[:, int(np.argmin(abs(block.wave - 5780)))].all()


def test_its_viewers_are_found_by_its_id(galaxy: Spectrum) -> None:
    found = {one["name"]: one["url"] for one in links(galaxy.meta)}
    assert found["DESI viewer"].endswith(f"/targetid{ID}")
    assert "ra=105.489775&dec=56.6693" in found["Legacy Surveys"]
    assert "SDSS explorer" not in found
    assert not [one for one in links({**galaxy.meta, "id": "test_coadd-3"}) if one["name"] == "DESI viewer"]
