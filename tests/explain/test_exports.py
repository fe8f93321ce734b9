"""Explanations handed to shap and xarray keep their numbers, names, units and settings."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import MissingDependency

P = 120
WAVE = np.linspace(4800.0, 6000.0, P)


def odd(flux: np.ndarray) -> np.ndarray:
    return ((flux - 1.0) ** 2).mean(axis=1)


def sample(n: int = 4) -> sa.SpectrumSet:
    rng = np.random.default_rng(0)
    flux = (1 + 0.1 * rng.normal(size=(n, P))).astype(np.float32)
    flux[:, 30:40] += 2
    table = pd.DataFrame({"id": [f"Seyfert α {i}" for i in range(n)], "z": 0.1, "instrument": "SDSS"})
    return sa.SpectrumSet(WAVE, flux, np.full((n, P), 400.0), table)


def explained(method: Any = None, segments: Any = None) -> sa.ExplanationSet:
    return sa.Explainer(odd, segments or sa.Uniform(8), method=method or sa.Shap()).explain_many(sample())


@pytest.fixture(scope="module")
def many() -> sa.ExplanationSet:
    return explained()


def test_values_and_base_value_of_a_shap_explanation_add_up_to_the_score(many: sa.ExplanationSet) -> None:
    pytest.importorskip("shap")
    one = many[1]
    made = one.to_shap()
    np.testing.assert_array_equal(made.values, one.weights)
    assert made.base_values + made.values.sum() == pytest.approx(one.score, rel=1e-9)
    assert list(made.feature_names) == list(one.names)
    for k in range(8):
        assert made.data[k] == pytest.approx(float(one.flux[one.segments == k].mean()), rel=1e-6)


def test_a_set_becomes_a_table_that_the_plots_of_shap_take(many: sa.ExplanationSet) -> None:
    shap = pytest.importorskip("shap")
    made = many.to_shap()
    assert made.values.shape == made.data.shape == (4, 8)
    np.testing.assert_array_equal(made.base_values, many.intercepts)
    np.testing.assert_allclose(made.base_values + made.values.sum(axis=1), many.scores, rtol=1e-9)
    import matplotlib

    matplotlib.use("Agg")
    shap.plots.bar(made, show=False)
    shap.plots.waterfall(made[0], show=False)


def test_without_flux_there_is_no_data_and_spectra_cut_differently_are_padded(many: sa.ExplanationSet) -> None:
    pytest.importorskip("shap")
    assert many.replace(flux=None).to_shap().data is None
    cuts = explained(segments=ByFlux())
    made = cuts.to_shap()
    assert made.values.shape == made.data.shape
    assert np.isnan(made.data).any()
    np.testing.assert_array_equal(np.isnan(made.data), np.isnan(cuts.weights))
    assert made.feature_names[0] == "segment 0"


class ByFlux:
    """Cuts each spectrum into another number of segments."""

    uses_flux = True

    def __call__(self, flux: np.ndarray, wave: np.ndarray) -> np.ndarray:
        k = 3 + int(abs(float(flux[0])) * 100) % 5
        return np.arange(flux.size) * k // flux.size


def test_the_dataset_has_dimensions_coordinates_units_and_settings(many: sa.ExplanationSet) -> None:
    pytest.importorskip("xarray")
    made = many.to_xarray()
    assert dict(made.sizes) == {"id": 4, "segment": 8, "class": 7, "pixel": P}
    assert made.weight.dims == made.error.dims == made.name.dims == ("id", "segment")
    assert made.wave.attrs["units"] == made.lo.attrs["units"] == "angstrom"
    np.testing.assert_allclose(np.append(made.lo, made.hi[-1]), many.edges)
    np.testing.assert_array_equal(made.sel(id="Seyfert α 2").weight, many[2].weights)
    np.testing.assert_array_equal(made.segments, many.segments)
    assert json.loads(made.attrs["settings"]) == dict(many.settings)
    assert made.attrs["frame"] == many.frame
    np.testing.assert_array_equal(made.sel({"class": "sky"}).share, many.context["sky"])


def test_one_explanation_is_a_dataset_of_one_and_pixel_numbers_are_no_wavelengths() -> None:
    pytest.importorskip("xarray")
    one = sa.Explainer(odd, sa.Uniform(5), method=sa.Occlusion()).explain(np.linspace(0.5, 2, 50))
    made = one.to_xarray()
    assert made.sizes["id"] == 1
    np.testing.assert_array_equal(made.weight[0], one.weights)
    assert made.wave.attrs["units"] == "1"
    assert not made.error.any()


@pytest.mark.parametrize("segments", [None, ByFlux()], ids=["shared", "own"])
def test_a_netcdf_file_gives_everything_back(tmp_path: Any, segments: Any) -> None:
    xarray = pytest.importorskip("xarray")
    made = explained(segments=segments).to_xarray()
    made.to_netcdf(tmp_path / "e.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "e.nc", engine="scipy") as back:
        assert dict(back.attrs) == dict(made.attrs)
        assert set(back.variables) == set(made.variables)
        for name in made.variables:
            np.testing.assert_array_equal(back[name].values, made[name].values, err_msg=str(name))
            assert back[name].attrs == made[name].attrs


def test_the_package_needs_neither_and_says_which_extra_brings_them(many: sa.ExplanationSet, monkeypatch: Any) -> None:
    for name, call in (("shap", many.to_shap), ("xarray", many[0].to_xarray)):
        with monkeypatch.context() as patch:
            patch.setitem(sys.modules, name, None)
            with pytest.raises(MissingDependency, match=r"specanom\[exchange\]"):
                call()
    code = ("import sys, numpy as np, specanom as sa; sa.Explainer(lambda f: f.sum(axis=1), sa.Uniform(3), "
            "method=sa.Shap()).explain(np.ones(9)); print({'shap', 'xarray', 'captum', 'numba'} & set(sys.modules))")
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "set()"
