"""Cards of anomalies show what the model made of the spectrum when it was scored."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from bokeh.models import ColumnDataSource, Legend

import specanom as sa
from specanom.run import anomalies


@pytest.fixture(scope="module")
def fitted():
    sample = sa.Preprocessor(grid=(3700, 7300, 900)).fit_transform(sa.surveys.mock(n=60, seed=3))
    return sample, sa.PCAModel(4, folds=2).fit(sample)


def test_a_card_draws_the_reconstruction_by_the_fold_that_has_not_seen_the_spectrum(fitted, monkeypatch):
    sample, model = fitted
    one = sample.select([sample.ids[7]])
    explanation = sa.Explainer(sa.Scorer(model, "chi2_ivar"), perturbation=sa.Typical()).explain(one[0])
    content = SimpleNamespace(explanations=[explanation], sample=sample, model=model,
                              lines=sa.diagnostics.measure_lines(one))
    for name in ("_chips", "_verdict", "ranks_of", "_links"):
        monkeypatch.setattr(anomalies, name, lambda *_, **__: [])
    figures: dict = {}
    anomalies._card(content, figures, SimpleNamespace(of=lambda *_: ""), 0)
    layout = figures["card0"]
    drawn = next(s for s in layout.references() if isinstance(s, ColumnDataSource) and s.name == "flux").data
    scored = model.reconstruct(sample)[7]
    np.testing.assert_allclose(drawn["reconstruction"], scored, rtol=1e-5, atol=1e-5)
    seen = sa.PCAModel(4, folds=1).fit(sample).reconstruct(sample)[7]
    assert np.abs(seen - scored).max() > 1e-3  # a fit that has seen it says something else
    named = [item.label.value for m in layout.references() if isinstance(m, Legend) for item in m.items]
    assert "reconstruction" in named


def test_a_pixel_that_is_not_known_does_not_keep_the_reconstruction_from_being_drawn(fitted):
    sample, model = fitted
    flux = sample.flux[:1].copy()
    flux[0, 40] = np.nan
    one = sample.select([sample.ids[0]])
    broken = sa.SpectrumSet(one.wave, flux, one.ivar, one.table)
    assert np.isfinite(anomalies._reconstruction(model, broken)).all()
