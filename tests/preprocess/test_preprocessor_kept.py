"""The fitted Preprocessor kept: used on later spectra, saved, loaded, and its report."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

from specanom.errors import DataError, NotFittedError
from specanom.preprocess import Preprocessor, PreprocessReport

GRID = (3500, 7500, 4000)


def test_later_spectra_come_to_the_fitted_grid(observed):
    maker = Preprocessor(GRID).fit(observed(20))
    later = maker.transform(observed(5, seed=9, z=0.2))
    np.testing.assert_array_equal(later.wave, maker.wave_)
    assert maker.report.action == "transform"
    assert maker.report.n_out == 5
    assert not later.imputed[:, -1].any()  # 9000 Å observed is still covered


def test_fit_then_transform_is_fit_transform(observed):
    block = observed(20)
    one = Preprocessor(GRID).fit_transform(block)
    two = Preprocessor(GRID).fit(block).transform(block)
    for name in ("flux", "ivar", "imputed", "wave"):
        np.testing.assert_array_equal(getattr(one, name), getattr(two, name))
    pd.testing.assert_frame_equal(one.table, two.table)


def test_unfitted_says_so(observed):
    maker = Preprocessor()
    for ask in (lambda: maker.wave_, lambda: maker.report, lambda: maker.transform(observed(1)),
                lambda: maker.save("nowhere")):
        with pytest.raises(NotFittedError):
            ask()


def test_saved_and_loaded_does_the_same(observed, tmp_path):
    block = observed(20)
    maker = Preprocessor(GRID, bins=2, preset="paper", min_snr=5)
    maker.fit(block)
    path = maker.save(tmp_path / "preprocess.json")
    again = Preprocessor.load(tmp_path / "preprocess")
    assert path.name == "preprocess.json"
    assert again.settings() == maker.settings()
    assert repr(again) == repr(maker)
    one, two = maker.transform(block), again.transform(block)
    np.testing.assert_array_equal(one.flux, two.flux)
    np.testing.assert_array_equal(one.table["bin"], two.table["bin"])
    own = Preprocessor(np.linspace(4000, 6000, 1500)).fit(block)
    own.save(tmp_path / "own")
    np.testing.assert_array_equal(Preprocessor.load(tmp_path / "own").wave_, own.wave_)


def test_damaged_saves_are_refused(observed, tmp_path):
    maker = Preprocessor(GRID).fit(observed(5))
    path = maker.save(tmp_path / "p")
    with pytest.raises(DataError, match="saved Preprocessor"):
        Preprocessor.load(tmp_path / "q")
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | {"version": 99}))
    with pytest.raises(DataError, match="version"):
        Preprocessor.load(path)
    path.write_text(json.dumps(content | {"blake2": "0"}))
    with pytest.raises(DataError, match="together"):
        Preprocessor.load(path)
    path.write_text(json.dumps(content))
    arrays = tmp_path / "p.npz"
    arrays.write_bytes(arrays.read_bytes()[:100])
    with pytest.raises(DataError, match="saved Preprocessor"):
        Preprocessor.load(path)


def test_the_report_survives_json_and_reads_well(observed):
    block = observed(9, ebv=[0.1] * 8 + [np.nan], zwarning=[0] * 7 + [4, 128])
    maker = Preprocessor(GRID)
    maker.fit_transform(block)
    report = maker.report
    again = PreprocessReport.from_dict(json.loads(json.dumps(report.to_dict())))
    assert repr(again) == repr(report)
    assert again.waterfall == report.waterfall
    np.testing.assert_array_equal(again.missing, report.missing)
    text = repr(report)
    assert "8 of 9 spectra kept" in text
    assert "-1: ZWARNING has a fatal bit" in text
    assert "note: ZWARNING 2 SMALL_DELTA_CHI2 passes (1)" in text
    assert "<table" in report._repr_html_()
    assert report.settings["bins"] == 1
