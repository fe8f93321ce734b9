"""What the guide to quasars shows runs as shown, from top to bottom."""

from __future__ import annotations

import re

import numpy as np
import pytest

from specanom.preprocess import bin_of, quasar_bins
from tests.guides import Guide

PAGE = Guide("docs/quasars.md")


@pytest.mark.slow
def test_the_guide_runs_as_shown(capsys: pytest.CaptureFixture[str]) -> None:
    names = PAGE.run()
    said = capsys.readouterr().out
    assert "PreprocessReport of fit_transform" in said
    assert set(names["sets"]) == {one.name for one in quasar_bins()}
    assert names["makers"].skipped == []
    assert "bal" in set(names["truth"]["kind"])
    assert names["arms"]["chi2_total"].median() < 2
    sample = names["sample"]
    level = np.median(sample.flux[:, (sample.wave > 1690) & (sample.wave < 1730)], axis=1)
    assert np.std(level) / np.median(level) < 0.15, "division by the median brings the continuum of quasars together"
    assert np.isfinite(names["z_arm"](names["sample"])).any()


def test_the_table_of_bins_is_true() -> None:
    cells = r"^\| `(qso-\S+)` \| ([\d.]+)–([\d.]+) \| (\d+)–(\d+) \| ([\d.]+) \| ([\d.]+) \|$"
    rows = re.findall(cells, PAGE.text, re.M)
    assert len(rows) == 3
    for one, (name, low, high, first, last, start, stop) in zip(quasar_bins(), rows, strict=True):
        assert (one.name, one.z_range) == (name, (float(low), float(high)))
        assert (round(one.wave[0]), round(one.wave[-1])) == (int(first), int(last))
        inside = np.linspace(float(start) + 1e-6, float(stop) - 1e-6, 50)
        assert all(bin_of(z) == one for z in inside)
