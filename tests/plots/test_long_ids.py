"""Every digit of a TARGETID reaches the page: in sources, titles and what the pointer shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColumnDataSource, CustomJSHover, Model

import specanom as sa
from specanom import plots
from specanom.cluster import pca_map
from specanom.explain.explanationset import ExplanationSet
from specanom.spectrumset import SpectrumSet

from .conftest import emission_galaxy, explained

LONG = tuple(str(39633345008634465 + i) for i in range(6))
NUMBER = re.compile(r"3\.?9633345\d*(?:e\+?\d+)?")
"""A TARGETID of these as text or number, whole or cut short."""


@pytest.fixture(scope="module")
def long_set() -> SpectrumSet:
    spectra = [emission_galaxy(id=id, seed=i) for i, id in enumerate(LONG)]
    table = pd.DataFrame({"id": LONG, "z": [s.z for s in spectra], "snr": np.arange(1.0, 7.0)})
    return SpectrumSet(spectra[0].wave, [s.flux for s in spectra], [s.ivar for s in spectra], table)


def spectrum(long_set: SpectrumSet) -> Any:
    return plots.spectrum(long_set[0], np.ones(len(long_set[0])))


def explanation(long_set: SpectrumSet) -> Any:
    return plots.explanation(explained(long_set[0]), long_set[0])


def explanation_set(long_set: SpectrumSet) -> Any:
    return plots.explanation_set(ExplanationSet.of([explained(s, seed=i) for i, s in enumerate(long_set)]))


def latent_map(long_set: SpectrumSet) -> Any:
    vectors = np.random.default_rng(0).normal(size=(len(LONG), 3))
    return plots.latent_map(pca_map(vectors), long_set.table["z"], ids=long_set.ids)


def latent_map_of_numbers(long_set: SpectrumSet) -> Any:
    vectors = np.random.default_rng(0).normal(size=(len(LONG), 3))
    return plots.latent_map(pca_map(vectors), ids=np.array(long_set.ids, dtype=np.int64))


def scatter(long_set: SpectrumSet) -> Any:
    return plots.dependence(long_set.table.assign(mse=np.arange(2.0, 8.0)), "mse", against=("snr",))


def scatter_of_numbers(long_set: SpectrumSet) -> Any:
    table = long_set.table.assign(mse=np.arange(2.0, 8.0), id=[int(id) for id in LONG])
    return plots.dependence(table, "mse", against=("snr",))


def diagram(long_set: SpectrumSet) -> Any:
    bpt = ["SF", "Seyfert"] * 3
    return plots.bpt(pd.DataFrame({"id": [int(id) for id in LONG], "bpt": bpt, "N2": 0.3, "O3": 2.0}))


@pytest.mark.parametrize(("draw", "shown"), [
    (spectrum, 1), (explanation, 1), (explanation_set, 6), (latent_map, 6), (latent_map_of_numbers, 6), (scatter, 6),
    (scatter_of_numbers, 6), (diagram, 6)], ids=lambda one: getattr(one, "__name__", ""))
def test_every_digit_of_a_long_id_reaches_the_page(
    long_set: SpectrumSet, draw: Callable[[SpectrumSet], Model], shown: int
) -> None:
    figure = draw(long_set)
    page = plots.to_html(figure)
    assert set(NUMBER.findall(page)) == set(LONG[:shown]), "all of them, and none that was rounded"
    for source in figure.select({"type": ColumnDataSource}):
        if "id" in source.data:
            assert all(isinstance(id, str) for id in source.data["id"]), "a number would be rounded by the browser"
    for hover in figure.select({"type": CustomJSHover}):
        assert all(isinstance(id, str) for id in hover.args.get("ids", []))
    assert not re.search(r"[\[:,]\s*39633345\d+\s*[\],}]", page), "text, never a number"


def test_every_digit_of_a_long_id_is_in_a_thumbnail_or_no_id_at_all(long_set: SpectrumSet) -> None:
    assert set(NUMBER.findall(plots.thumbnail(long_set[0]))) <= {LONG[0]}
    assert LONG[0] in sa.Spectrum(long_set.wave, long_set.flux[0], id=LONG[0])._repr_html_()
