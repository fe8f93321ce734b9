"""Figures of latent vectors show the numbers of their records."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColumnDataSource, LinearColorMapper

from specanom import ArgumentError, ShapeError
from specanom.cluster import pca_map
from specanom.plots import latent_correlations, latent_map, latent_redshifts, restyle, to_html
from specanom.plots.palette import palette
from specanom.scores import latent_correlations as correlate
from specanom.scores import redshift_from_latents
from tests.plots.conftest import HOSTILE


def vectors(n: int = 300, d: int = 6) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(n, d)) * np.arange(d, 0, -1)


@pytest.fixture
def table() -> pd.DataFrame:
    return pd.DataFrame({"z": np.exp(vectors()[:, 0] / 10 - 2), "snr": np.random.default_rng(1).random(300)})


def test_a_heat_map_writes_each_coefficient(table: pd.DataFrame) -> None:
    found = correlate(vectors(), table)
    made = latent_correlations(found)
    source = made.select_one({"type": ColumnDataSource, "name": "correlations"})
    assert len(source.data["value"]) == 12
    assert np.array_equal(source.data["value"], found.table["spearman"])
    first = dict(zip(("column", "latent", "text"), (source.data[k][0] for k in ("column", "latent", "text")),
                     strict=True))
    assert first == {"column": "z", "latent": "0", "text": "+1.00"}
    assert source.data["style"][0] == "bold"
    assert made.select_one(LinearColorMapper).low == -1
    pearson = latent_correlations(found, kind="pearson", theme="dark")
    assert np.array_equal(pearson.select_one({"name": "correlations"}).data["value"], found.table["pearson"])
    with pytest.raises(ArgumentError, match="kind"):
        latent_correlations(found, kind="kendall")


def test_of_many_dimensions_the_strongest_are_shown(table: pd.DataFrame) -> None:
    made = latent_correlations(correlate(vectors(d=6), table), most=2)
    assert "2 of 6 dimensions" in made.title.text
    assert "0" in made.y_range.factors
    assert len(made.y_range.factors) == 2


def test_redshifts_are_drawn_against_what_is_known(table: pd.DataFrame) -> None:
    found = redshift_from_latents(vectors(), table["z"])
    made = latent_redshifts(found)
    left, right = (plot for plot, _, _ in made.children)
    assert f"{found.sigma_nmad:.4f}" in left.title.text
    points = right.select_one({"type": ColumnDataSource, "name": "points"})
    assert np.allclose(np.sort(points.data["y"]), np.sort(found.delta))
    assert right.x_range is left.x_range


def test_a_map_is_coloured_by_a_number(table: pd.DataFrame) -> None:
    plane = pca_map(vectors())
    z = table["z"].to_numpy().copy()
    z[:10] = np.nan
    made = latent_map(plane, z, label="redshift", ids=[f"g{i}" for i in range(300)])
    source = made.select_one({"type": ColumnDataSource, "name": "map"})
    assert np.nansum(source.data["value"]) == pytest.approx(np.nansum(z))
    assert source.data["id"][-1] == f"g{int(np.nanargmax(z))}", "high values on top"
    assert "of the variance" in made.xaxis.axis_label
    assert latent_map(plane).select_one({"name": "map"}) is not None
    with pytest.raises(ShapeError):
        latent_map(plane, z[:5])


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_of_data_is_escaped_and_themes_change(theme: str, table: pd.DataFrame) -> None:
    hostile = table.rename(columns={"snr": HOSTILE})
    found = correlate(vectors(), hostile)
    page = to_html(latent_correlations(found, theme=theme))
    assert "<img src=x" not in page
    map_page = to_html(latent_map(pca_map(vectors()), table["z"], label=HOSTILE, ids=[HOSTILE] * 300, theme=theme))
    assert "<img src=x" not in map_page
    other = "dark" if theme == "light" else "light"
    made = restyle(latent_correlations(found, theme=theme), other)
    assert made.background_fill_color == palette(other).paper
