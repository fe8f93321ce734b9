"""The switches of the paper, and the ghost that the published treatment of airglow makes."""

from __future__ import annotations

import numpy as np
import pytest

from specanom.lines import line
from specanom.preprocess import Preprocessor
from specanom.presets import by_preset

GRID = (3500, 7500, 4000)


def with_line(block, z, height=8.0):
    """Return the block at redshift z with an [O III] 5008 line added to each spectrum, observed frame."""
    centre = line("OIII5008").wave * (1 + z)
    shape = np.exp(-0.5 * ((block.wave - centre) / 2.5) ** 2)
    level = np.median(block.flux, axis=1, keepdims=True)
    return block.replace(flux=(block.flux + height * level * shape).astype(np.float32), table=block.table.assign(z=z))


@pytest.mark.parametrize(("z", "side"), [(0.1087, 1), (0.1187, -1)])
def test_the_published_step_makes_a_ghost_of_oiii_and_the_default_does_not(observed, z, side):
    block = with_line(observed(12, ebv=np.nan), z)
    window = np.flatnonzero((block.wave >= 5565) & (block.wave <= 5590))
    ghost = line("OIII5008").wave * 10 ** (side * 1e-4 * window.size)
    paper = Preprocessor(GRID, airglow="overwrite", max_missing_wave=1.0).fit_transform(block)
    ours = Preprocessor(GRID, max_missing_wave=1.0).fit_transform(block)
    near = np.abs(paper.wave - ghost) < 6
    peak = paper.wave[near][paper.flux[:, near].mean(axis=0).argmax()]
    assert abs(peak - ghost) < 1.5
    height = paper.flux[:, near].mean(axis=0).max() - 1
    real = paper.flux[:, np.abs(paper.wave - line("OIII5008").wave) < 6].mean(axis=0).max() - 1
    assert height == pytest.approx(real / 2, rel=0.05)
    there = np.abs(ours.wave - ghost) < 8
    assert ours.flux[:, there].max() < 1.6
    assert ours.imputed[:, there].all()
    assert not paper.imputed[:, there].any()
    assert ours.flux[:, np.abs(ours.wave - line("OIII5008").wave) < 6].max() > 6


def test_at_another_redshift_there_is_no_ghost(observed):
    block = with_line(observed(12, ebv=np.nan), 0.15)
    paper = Preprocessor(GRID, airglow="overwrite").fit_transform(block)
    away = np.abs(paper.wave - line("OIII5008").wave) > 15
    assert paper.flux[:, away].max() < 1.6


def test_the_preset_switches_everything_at_once_and_single_options_win():
    paper = Preprocessor(GRID, preset="paper")
    assert paper.settings() == Preprocessor(GRID).settings() | {
        "preset": "paper", "redshift": "z_noqso", "target": "galaxy", "zwarning": "any", "mask_bits": [],
        "airglow": "overwrite", "min_pixel_snr": 1.0, "impute": "self", "bins": 4}
    own = Preprocessor(GRID, preset="paper", bins=1, airglow="mask")
    assert (own.bins, own.airglow, own.impute) == (1, "mask", "self")
    assert repr(by_preset(1, paper=4)) == "1 [paper: 4]"


def test_the_preset_at_work(observed):
    n = 24
    warning, noqso, kind = np.zeros(n), np.full(n, 0.0), ["GALAXY"] * n
    warning[0], kind[1] = 16, "QSO"
    noqso[2], noqso[3] = 0.15, np.nan
    block = observed(n, zwarning=warning, class_=kind, z_noqso=noqso)
    flux, mask = block.flux.copy(), block.mask.copy()
    flux[4, 2000:2010] = 0.0
    mask[5, 2000:2010] = 1 << 24
    maker = Preprocessor(GRID, preset="paper")
    sample = maker.fit_transform(block.replace(flux=flux, mask=mask))
    assert maker.report.reason("s000") == "ZWARNING is not 0"
    assert maker.report.reason("s001") == "class is not GALAXY"
    assert sample.by_id("s002").z == 0.15
    assert sample.by_id("s002").meta["z_pipeline"] == block.table["z"][2]
    assert sample.by_id("s003").z == block.table["z"][3]
    assert sample.by_id("s006").z == block.table["z"][6]
    dead, masked = sample.by_id("s004"), sample.by_id("s005")
    rest = block.wave[2002:2008] / (1 + dead.z)
    at = np.searchsorted(sample.wave, rest)
    assert dead.imputed[at].all()
    np.testing.assert_array_equal(dead.flux[at], 1)
    assert not masked.imputed[np.searchsorted(sample.wave, block.wave[2002:2008] / (1 + masked.z))].any()
    counts = np.bincount(sample.table["bin"])
    assert counts.size == 4
    assert counts.max() - counts.min() <= 1
