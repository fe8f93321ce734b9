"""The Preprocessor as a whole: cuts, report, fitted state, streaming, saving."""

from __future__ import annotations

import doctest
import warnings

import numpy as np
import pandas as pd
import pytest

from specanom.errors import ArgumentError, DataError, GridError, ShapeError
from specanom.preprocess import Preprocessor, preprocessor
from specanom.spectrum import Spectrum
from specanom.spectrumset import SpectrumSet

GRID = (3500, 7500, 4000)


def changed(block, **rows):
    """Return the block with pixels of single rows changed: flux_3=values, ivar_3=values."""
    flux, ivar = block.flux.copy(), block.ivar.copy()
    for name, values in rows.items():
        array, _, row = name.partition("_")
        (flux if array == "flux" else ivar)[int(row)] = values
    return block.replace(flux=flux, ivar=ivar)


class FakeSurvey:
    """A survey face: blocks, skipped, notes."""

    def __init__(self, block, skipped=(), notes=()):
        self.block, self.skipped, self.notes, self.passes = block, list(skipped), list(notes), 0

    def blocks(self, n=1024):
        self.passes += 1
        yield from self.block.blocks(n)


class Gone:
    def __init__(self, id, path, reason):
        self.id, self.path, self.reason = id, path, reason


def test_the_result_is_at_rest_normalised_and_complete(observed):
    sample = Preprocessor(GRID).fit_transform(observed(30))
    assert (sample.frame, sample.scale) == ("rest", "normalised")
    assert np.isfinite(sample.flux).all()
    valid = np.where(sample.imputed, np.nan, sample.flux)
    np.testing.assert_allclose(np.nanmedian(valid, axis=1), 1, atol=1e-5)
    assert (sample.ivar[sample.imputed] == 0).all()
    assert (sample.ivar[~sample.imputed] > 0).all()
    assert next(iter(sample.table)) == "id"
    assert {"z", "snr", "ebv", "bin", "median", "missing", "note"} <= set(sample.table)
    assert sample.provenance["preprocess"]["min_snr"] == 4.0
    snr = np.median((sample.flux * np.sqrt(sample.ivar))[~sample.imputed])
    assert 20 < snr < 32  # interpolation averages noise of neighbours


def test_every_bad_spectrum_is_dropped_for_its_own_reason(observed):
    n = 24
    base = observed(n)
    z = base.table["z"].to_numpy().copy()
    z[3], z[4], z[5], z[6] = np.nan, 0.0, 0.7, -1.5
    warning = np.zeros(n)
    warning[7], warning[8], warning[9] = 1 << 7, 1 << 4, 1
    block = base.replace(table=base.table.assign(z=z, zwarning=warning))
    half = base.ivar[0].copy()
    half[::3] = 0
    block = changed(block, ivar_10=0, flux_11=np.nan, flux_12=-base.flux[12], flux_13=base.flux[13] / 10,
                    ivar_14=np.nan, ivar_15=half)
    maker = Preprocessor(GRID, min_snr=4)
    sample = maker.fit_transform(block)
    frame = maker.report.to_frame().set_index("name")
    want = {"zwarning": ["s007", "s009"], "z_missing": ["s003", "s006"], "z_range": ["s004", "s005"],
            "no_pixels": ["s010", "s011"], "snr_unknown": ["s014"], "snr": ["s012", "s013"], "missing": ["s015"]}
    for name, ids in want.items():
        assert sorted(frame.loc[name, "ids"]) == ids, name
    assert frame.loc["median", "count"] == 0
    assert maker.report.n_in == n
    assert maker.report.n_out == len(sample) == n - 12
    assert frame["remaining"].iloc[-1] == len(sample)
    assert maker.report.reason("s013") == "median S/N is not above 4"
    assert maker.report.reason("s008") is None
    assert sample.by_id("s008").meta["note"] == "ZWARNING 4 MANY_OUTLIERS passes"
    assert any(note.text == "ZWARNING 4 MANY_OUTLIERS passes" and note.ids == ("s008",) for note in maker.report.notes)


def test_a_median_that_is_not_positive_drops_and_never_raises(observed):
    block = observed(8)
    block = changed(block, flux_2=-block.flux[2], flux_3=0.0)
    maker = Preprocessor(GRID, min_snr=None)
    sample = maker.fit_transform(block)
    assert maker.report.to_frame().set_index("name").loc["median", "ids"] == ["s002", "s003"]
    assert len(sample) == 6
    assert np.isfinite(sample.flux).all()


def test_when_nothing_is_left_the_error_shows_the_waterfall(observed, tmp_path):
    survey = FakeSurvey(observed(5), skipped=[Gone("x", "x.fits", "truncated")])
    with pytest.raises(DataError, match=r"none of 6:(.|\n)*truncated(.|\n)*-5: median S/N is not above 1000"):
        Preprocessor(GRID, min_snr=1000).fit_transform(survey)
    maker = Preprocessor(GRID).fit(observed(5))
    low = changed(observed(1), flux_0=0.001)
    for store in (None, tmp_path / "a.zarr"):
        with pytest.raises(DataError, match="median S/N"):
            maker.transform(low, store=store)
    assert not list(tmp_path.iterdir())
    with pytest.raises(DataError, match="none of 0"):
        Preprocessor(GRID).fit_transform([])


def test_what_the_survey_skipped_stands_at_the_head_and_its_notes_are_kept(observed):
    skipped = [Gone("a", "a.fits", "sky fibre (target type SKY)"), Gone("b", "b.fits", "sky fibre (bit 0)"),
               Gone("", "c.fits", "truncated: 12 bytes")]
    survey = FakeSurvey(observed(6), skipped, notes=[("s001", "p", "ZWARNING of spSpec")])
    maker = Preprocessor(GRID)
    maker.fit_transform(survey)
    head = maker.report.waterfall[:2]
    assert [(cut.name, cut.reason, cut.ids) for cut in head] == [
        ("skipped", "sky fibre", ("a", "b")), ("skipped", "truncated", ("c.fits",))]
    assert maker.report.n_in == 9
    assert maker.report.n_out == 6
    assert maker.report.to_frame()["remaining"].tolist()[1] == 6
    assert [note.text for note in maker.report.notes] == ["ZWARNING of spSpec"]


def test_wavelengths_missing_too_often_are_dropped_and_interior_gaps_with_them(observed):
    block = observed(10)
    flux, ivar = block.flux.copy(), block.ivar.copy()
    rest = block.wave / (1 + block.table["z"].to_numpy()[:, None])
    hole = (rest > 5000) & (rest < 5050)
    hole[5:] = False
    ivar[hole] = 0
    maker = Preprocessor(GRID, airglow=None)
    sample = maker.fit_transform(block.replace(flux=flux, ivar=ivar))
    assert not ((sample.wave > 5003) & (sample.wave < 5047)).any()
    assert ((sample.wave > 4980) & (sample.wave < 4998)).sum() > 15
    report = maker.report
    assert report.kept.sum() == sample.shape[1]
    inside = (report.wave > 5003) & (report.wave < 5047)
    np.testing.assert_allclose(report.missing[inside], 0.5)
    np.testing.assert_array_equal(report.kept, report.missing <= 0.1)


def test_imputation_by_median_of_the_sample_or_by_one(observed):
    block = observed(21)
    ivar = block.ivar.copy()
    ivar[4, 2000:2020] = 0
    block = block.replace(ivar=ivar)
    maker = Preprocessor(GRID, airglow=None, extinction=None)
    sample = maker.fit_transform(block)
    gone = sample.imputed[4]
    assert 15 < gone.sum() < 40
    others = np.delete(sample.flux, 4, axis=0)[:, gone]
    np.testing.assert_allclose(sample.flux[4, gone], np.median(others, axis=0), rtol=1e-5)
    np.testing.assert_array_equal(sample.flux[4, gone], maker.typical_[gone])
    own = Preprocessor(GRID, airglow=None, extinction=None, impute="self").fit_transform(block)
    np.testing.assert_array_equal(own.flux[4, gone], 1)
    assert own.table["missing"][4] == pytest.approx(gone.sum() / 4000)
    assert maker.report.imputed == pytest.approx(sample.imputed.mean())


def test_bins_hold_equally_many_and_their_edges_are_kept(observed):
    block = observed(40)
    factor = np.linspace(0.5, 3, 40).astype(np.float32)[:, None] ** 2
    maker = Preprocessor(GRID, bins=4)
    sample = maker.fit_transform(block.replace(ivar=block.ivar * factor))
    assert np.bincount(sample.table["bin"]).tolist() == [10, 10, 10, 10]
    best = sample.table.groupby("bin")["snr"].agg(["min", "max"])
    assert (best["max"].to_numpy()[:-1] < best["min"].to_numpy()[1:]).all()
    assert maker.snr_edges_.shape == (3,)
    again = maker.transform(block)  # all near S/N 20 now
    np.testing.assert_array_equal(again.table["bin"], np.searchsorted(maker.snr_edges_, again.table["snr"]))
    assert Preprocessor(GRID).fit_transform(block).table["bin"].eq(0).all()
    with pytest.raises(DataError, match="bins"):
        Preprocessor(GRID, bins=50).fit(block)


def test_stored_is_the_same_as_in_memory_and_read_twice(observed, tmp_path):
    survey = FakeSurvey(observed(50, ebv=0.02))
    maker = Preprocessor(GRID, block=7)
    memory = maker.fit_transform(survey)
    assert survey.passes == 1
    counts = [(cut.name, cut.count) for cut in maker.report.waterfall]
    stored = maker.fit_transform(survey, store=tmp_path / "sample.zarr")
    assert survey.passes == 3
    assert [(cut.name, cut.count) for cut in maker.report.waterfall] == counts
    assert (maker.report.n_in, maker.report.n_out) == (50, 50)
    for name in ("flux", "ivar", "imputed", "wave"):
        np.testing.assert_array_equal(getattr(memory, name), getattr(stored, name))
    pd.testing.assert_frame_equal(memory.table, stored.table, check_dtype=False)
    assert stored.provenance["input"] == memory.provenance["input"]
    again = maker.transform(survey, store=tmp_path / "again.zarr")
    np.testing.assert_array_equal(again.flux, memory.flux)


def test_a_generator_is_enough_in_memory_but_not_for_a_store(observed, tmp_path):
    block = observed(6)
    maker = Preprocessor(GRID)
    got = maker.fit_transform(iter(block))
    np.testing.assert_array_equal(got.ids, block.ids)
    with pytest.raises(DataError, match="read twice"):
        maker.fit_transform(iter(block), store=tmp_path / "x.zarr")


def test_a_store_that_is_something_else_is_refused_before_anything_is_read(observed, tmp_path):
    survey = FakeSurvey(observed(6))
    (tmp_path / "notes.txt").write_text("years of work")
    with pytest.raises(DataError, match="another path"):
        Preprocessor(GRID).fit_transform(survey, store=tmp_path)
    assert survey.passes == 0
    assert (tmp_path / "notes.txt").read_text() == "years of work"


def test_spectra_on_differing_grids_mix(observed):
    start = [35800, 35795, 35790]
    spectra = []
    for k, first in enumerate(start):
        wave = 10.0 ** (1e-4 * np.arange(first, first + 3850))
        spectra += list(observed(2, seed=k, wave=wave, id=[f"log{k}a", f"log{k}b"]))
    spectra += list(observed(2, seed=7, wave=np.arange(3700.0, 9300.0, 0.9), id=["lin1", "lin2"]))
    lone = observed(1, seed=8, id="odd")[0]
    spectra.append(lone.replace(wave=lone.wave + 0.2 * np.sin(np.arange(len(lone)))))
    sample = Preprocessor(GRID).fit_transform(spectra)
    assert sample.ids == [s.id for s in spectra]
    alone = [Preprocessor(GRID, impute="self", max_missing_wave=1.0).fit_transform([s]) for s in spectra]
    both = Preprocessor(GRID, impute="self", max_missing_wave=1.0).fit_transform(spectra)
    for row, one in enumerate(alone):
        np.testing.assert_allclose(both.flux[row], one.flux[0], rtol=2e-6)


def test_noise_that_is_not_known_is_dropped_or_kept_as_nan(observed):
    spectra = list(observed(4))
    spectra[1] = spectra[1].replace(ivar=None)
    maker = Preprocessor(GRID)
    assert len(maker.fit_transform(spectra)) == 3
    assert maker.report.reason("s001") == "S/N is unknown (no ivar)"
    sample = Preprocessor(GRID, min_snr=None).fit_transform(spectra)
    unknown = np.isnan(sample.ivar).all(axis=1, where=~sample.imputed)
    assert unknown.tolist() == [False, True, False, False]
    assert (sample.ivar[sample.imputed] == 0).all()
    none = Preprocessor(GRID, min_snr=None).fit_transform([s.replace(ivar=None) for s in spectra])
    assert none.ivar is None


def test_mask_bits_are_carried_along_or_left_behind(observed, tmp_path):
    block = observed(4)
    mask = block.mask.copy()
    mask[2, 2000:2010] = 1 << 23
    block = block.replace(mask=mask)
    maker = Preprocessor(GRID)
    sample = maker.fit_transform(block)
    at = (sample.wave > block.wave[2001] / (1 + sample[2].z)) & (sample.wave < block.wave[2008] / (1 + sample[2].z))
    assert (sample.mask[2, at] == 1 << 23).all()
    assert not sample.imputed[2, at].any()
    assert not sample.mask[[0, 1, 3]].any()
    bare = block.replace(mask=None)
    mixed = maker.fit_transform([*bare, *block.replace(table=block.table.assign(id=list("abcd")))])
    assert [row.any() for row in mixed.mask] == [False] * 6 + [True, False]
    assert maker.fit_transform(bare).mask is None
    assert maker.fit_transform(bare, store=tmp_path / "bare.zarr").mask is None
    np.testing.assert_array_equal(maker.fit_transform(block, store=tmp_path / "a.zarr").mask, sample.mask)
    assert Preprocessor(GRID, keep_mask=False).fit_transform(block).mask is None


def test_other_frames_scales_and_things_are_refused(observed):
    block = observed(3)
    with pytest.raises(GridError, match="rest"):
        Preprocessor(GRID).fit(block.replace(frame="rest"))
    with pytest.raises(GridError, match="normalised"):
        Preprocessor(GRID).fit(block.replace(scale="normalised"))
    with pytest.raises(GridError, match="rest"):
        Preprocessor(GRID).fit([block[0].replace(frame="rest")])
    for wrong in ("folder", None, 3):
        with pytest.raises(ArgumentError, match="survey"):
            Preprocessor(GRID).fit(wrong)
    with pytest.raises(ArgumentError, match="Spectrum"):
        Preprocessor(GRID).fit([1, 2])
    one = Preprocessor(GRID).fit_transform(block[0])
    assert one.ids == ["s000"]


@pytest.mark.parametrize("options", [
    {"grid": (7500, 3500, 4000)}, {"grid": (3500, 7500, 1)}, {"grid": ("blue", "red", 4000)},
    {"grid": (3500, np.inf, 10)}, {"bins": 0}, {"bins": 1.5}, {"airglow": "cut"}, {"resample": "spline"},
    {"impute": "mean"}, {"redshift": "photo"}, {"extinction": "CCM"}, {"max_missing": 2}, {"z_range": (0.5, 0.1)},
    {"z_range": 3}, {"preset": "published"}, {"zwarning": (40,)}, {"mask_bits": "all"}, {"min_snr": "high"}, {"r_v": 9},
    {"block": 0}, {"target": ""}, {"keep_mask": "yes"},
])
def test_options_that_make_no_sense_are_refused_by_name(options):
    with pytest.raises(ArgumentError, match=next(iter(options))):
        Preprocessor(**options)
    with pytest.raises((DataError, ShapeError)):
        Preprocessor(np.array([5.0, 4.0]))


def test_grids_may_be_quantities_or_arrays(observed):
    from astropy import units as u

    block = observed(5)
    nm = Preprocessor((350 * u.nm, 750 * u.nm, 4000))
    np.testing.assert_array_equal(nm.fit_transform(block).wave, Preprocessor(GRID).fit_transform(block).wave)
    assert nm.settings()["grid"] == list(GRID)
    np.testing.assert_allclose(Preprocessor(np.linspace(400, 600, 500) * u.nm, airglow=None).fit(block).wave_,
                               np.linspace(4000, 6000, 500))
    own = np.linspace(4000, 6000, 1500)
    np.testing.assert_array_equal(Preprocessor(own, airglow=None).fit(block).wave_, own)


def test_cuts_can_be_switched_off_and_classes_chosen(observed):
    kinds = ["GALAXY", "QSO", "STAR", ""] * 3
    block = observed(12, class_=kinds, zwarning=[1] + [0] * 11, z=np.linspace(0.05, 0.6, 12))
    free = Preprocessor(GRID, z_range=None, zwarning=None, max_missing=1.0, max_missing_wave=1.0)
    assert len(free.fit_transform(block)) == 12
    chosen = Preprocessor(GRID, z_range=None, zwarning=None, max_missing=1.0, max_missing_wave=1.0,
                          target=("galaxy", "qso"))
    assert set(chosen.fit_transform(block).table["class"]) == {"GALAXY", "QSO", ""}


def test_mixing_corrected_and_uncorrected_spectra_warns_and_is_counted(observed):
    block = observed(6, ebv=[0.1, 0.1, np.nan, 0.1, np.nan, 0.1])
    maker = Preprocessor(GRID)
    with pytest.warns(UserWarning, match="4 corrected, 2 not corrected"):
        maker.fit_transform(block)
    assert (maker.report.extinction.corrected, maker.report.extinction.not_corrected) == (4, 2)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        Preprocessor(GRID).fit_transform(observed(3, ebv=np.nan))
        off = Preprocessor(GRID, extinction=None)
        off.fit_transform(block)
    assert "switched off" in str(off.report.extinction)


def test_an_empty_block_of_bad_kinds_never_raises(observed):
    good = observed(3)
    flux = np.full_like(good.flux, np.inf)
    bad = good.replace(flux=flux, table=good.table.assign(id=["a", "b", "c"]))
    sample = Preprocessor(GRID).fit_transform([*bad, *good])
    assert sample.ids == good.ids


def test_a_spectrum_is_one_when_read_alone(observed):
    s = observed(1)[0]
    assert isinstance(s, Spectrum)
    assert isinstance(Preprocessor(GRID).fit_transform(s), SpectrumSet)


def test_the_example_in_the_documentation_runs():
    result = doctest.testmod(preprocessor)
    assert result.attempted >= 5
    assert result.failed == 0


def test_progress_is_shown_when_asked_for(observed, capsys):
    maker = Preprocessor(GRID)
    maker.fit_transform(observed(5))
    assert capsys.readouterr().err == ""
    maker.fit_transform(observed(5), progress=True)
    assert "5 of 5 spectra" in capsys.readouterr().err
