"""Ratios, their ranges, BPT classes and catalogue fluxes."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from specanom import Spectrum
from specanom.diagnostics import (
    CLASSES,
    bpt_class,
    bpt_curves,
    from_spzline,
    kauffmann2003,
    kewley2001,
    line_ratios,
    measure_lines,
    ratio_ranges,
    seyfert_liner,
)
from specanom.errors import ArgumentError, DataError, ShapeError


def fluxes(**changed: float) -> pd.DataFrame:
    values = {"Ha": 300.0, "Hb": 100.0, "NII6585": 90.0, "OIII5008": 150.0, "OII": 120.0} | changed
    return pd.DataFrame([{f"{k}_flux": v for k, v in values.items()} | {f"{k}_err": 5.0 for k in values}])


def test_ratios_are_what_their_names_say() -> None:
    row = line_ratios(fluxes()).iloc[0]
    assert row["decrement"] == pytest.approx(3.0)
    assert row["N2"] == pytest.approx(0.3)
    assert row["O3"] == pytest.approx(1.5)
    assert row["O32"] == pytest.approx(1.25)
    assert row["O3N2"] == pytest.approx(np.log10(1.5 / 0.3))
    assert row["decrement_err"] == pytest.approx(3 * np.hypot(5 / 300, 5 / 100))


def test_errors_of_ratios_match_monte_carlo() -> None:
    rng = np.random.default_rng(0)
    drawn = pd.concat([fluxes()] * 4000, ignore_index=True)
    for name in ("Ha", "Hb", "NII6585", "OIII5008", "OII"):
        drawn[f"{name}_flux"] += rng.normal(0, 5, len(drawn))
    expected, scatter = line_ratios(fluxes()).iloc[0], line_ratios(drawn).std()
    for name in ("decrement", "N2", "O3", "O32", "O3N2"):
        assert expected[f"{name}_err"] == pytest.approx(scatter[name], rel=0.08)


def test_a_ratio_with_a_line_that_is_not_seen_is_nan() -> None:
    row = line_ratios(fluxes(Hb=14.0)).iloc[0]
    assert np.isnan(row[["decrement", "O3", "O3N2", "decrement_err"]].astype(float)).all()
    assert np.isfinite(row["N2"])
    assert np.isfinite(line_ratios(fluxes(Hb=14.0), min_snr=2).iloc[0]["decrement"])
    with pytest.raises(DataError, match=r"Hb_flux|Ha_err"):
        line_ratios(pd.DataFrame({"Ha_flux": [1.0]}))


def test_ranges_are_percentiles_of_the_group() -> None:
    table = pd.DataFrame({"decrement": np.r_[np.arange(101.0), np.nan], "N2": np.r_[1.0, np.full(101, np.nan)]})
    ranges = ratio_ranges(table, names=["decrement", "N2"])
    assert ranges.loc["decrement", ["low", "median", "high", "count"]].tolist() == pytest.approx([45, 50, 55, 101])
    assert np.isnan(ranges.loc["N2", "low"])
    with pytest.raises(ArgumentError, match="percentiles"):
        ratio_ranges(table, percentiles=(60, 40), names=["N2"])


@pytest.mark.parametrize(
    ("x", "y", "name"),
    [(-0.8, 0.0, "SF"), (-0.2, -0.1, "composite"), (-0.2, 0.9, "Seyfert"), (0.2, 0.3, "LINER"), (np.nan, 0.3, "none"),
     (0.1, np.inf, "none"), (0.6, -1.0, "LINER"), (-3.0, 0.0, "SF")],
)  # fmt: skip
def test_classes(x: float, y: float, name: str) -> None:
    assert bpt_class(x, y)[0] == name


def test_the_steeper_division_makes_fewer_seyferts() -> None:
    assert bpt_class(0.1, 0.7)[0] == "Seyfert"
    assert bpt_class(0.1, 0.7, division="steep")[0] == "LINER"
    assert seyfert_liner(0.1) == pytest.approx(1.05 * 0.1 + 0.45)
    assert seyfert_liner(0.1, "steep") == pytest.approx(1.18 * 0.1 + 0.77)
    with pytest.raises(ArgumentError, match="division"):
        bpt_class(0.1, 0.7, division="kewley2006")
    with pytest.raises(ShapeError):
        bpt_class([0.1, 0.2], [0.7])


@given(st.floats(-3, 1), st.floats(-2, 2))
def test_every_pair_has_one_class_and_moving_up_never_leaves_towards_star_formation(x: float, y: float) -> None:
    first, above = bpt_class(x, y)[0], bpt_class(x, y + 0.2)[0]
    assert first in CLASSES
    order = {"SF": 0, "composite": 1, "LINER": 2, "Seyfert": 2}
    assert order[above] >= order[first]


def test_curves_are_drawn_where_they_hold() -> None:
    curves = bpt_curves()
    x, y = curves["Kauffmann 2003"]
    np.testing.assert_allclose(y, 0.61 / (x - 0.05) + 1.3)
    x, y = curves["Kewley 2001"]
    np.testing.assert_allclose(y, 0.61 / (x - 0.47) + 1.19)
    x, y = curves["Seyfert/LINER"]
    assert y[0] == pytest.approx(float(kewley2001(x[0])), abs=0.02)
    assert all(np.isfinite(y).all() for _, y in curves.values())
    assert kauffmann2003(0.2) == -np.inf


SPZLINE = pd.DataFrame({
    "LINENAME": ["[O_II] 3725  ", "[O_II] 3727", "H_beta", "[O_III] 5007", "H_alpha", "[N_II] 6583", "[S_II] 6716",
                 "Ly_alpha"],
    "LINEAREA": [60.0, 60.0, 100.0, 150.0, 300.0, 90.0, 7.0, 0.0],
    "LINEAREA_ERR": [3.0, 4.0, 5.0, 5.0, 5.0, 5.0, -1.0, -1.0],
})  # fmt: skip


def test_catalogue_fluxes_are_used_when_asked_for() -> None:
    wave = np.linspace(4000, 7000, 500)
    held = Spectrum(wave, np.ones(500), z=0.1, id="a", meta={"spzline": SPZLINE.to_records(index=False)})
    pairs = dict(zip(SPZLINE["LINENAME"], zip(SPZLINE["LINEAREA"], SPZLINE["LINEAREA_ERR"], strict=True), strict=True))
    assert from_spzline(pairs)["Ha_flux"] == from_spzline(SPZLINE)["Ha_flux"] == 300.0
    columns = Spectrum(wave, np.ones(500), z=0.1, id="b", meta=from_spzline(SPZLINE))
    nothing = Spectrum(wave, np.ones(500), z=0.1, id="c")
    table = measure_lines([held, columns, nothing], source="catalogue")
    assert table["id"].tolist() == ["a", "b", "c"]
    assert table["Ha_flux"].tolist()[:2] == [300.0, 300.0]
    assert table["OII_flux"].tolist()[:2] == [120.0, 120.0]
    assert table.loc[0, "OII_err"] == pytest.approx(5.0)
    assert np.isnan(table.loc[0, "SII6718_flux"])
    assert table["bpt"].tolist() == ["SF", "SF", "none"]
    assert table.loc[2, "note"] == "no catalogue fluxes"
    with pytest.raises(ArgumentError, match="source"):
        measure_lines([held], source="spzline")
    with pytest.raises(DataError, match="LINENAME"):
        from_spzline(pd.DataFrame({"A": [1]}))
