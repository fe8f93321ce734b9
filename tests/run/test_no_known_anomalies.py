"""A sample of which the truth is known and holds no anomaly has nothing to be judged by, and a report all the same."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd

from specanom.run.sections import _found_again, _verdict


def content() -> Any:
    rows = [{"model": model, "score": "mse_cal", "kind": "all", "n": 0, "auc": np.nan, "purity": 0.0}
            for model in ("VAE", "PCA")]
    run = SimpleNamespace(tables={"recovery": pd.DataFrame(rows)}.get)
    return SimpleNamespace(run=run, column="mse_cal", truth=pd.DataFrame({"id": ["a"], "kind": [""]}))


def test_models_are_compared_by_their_reconstruction_alone() -> None:
    quality = pd.DataFrame({"model": ["VAE", "PCA"], "chi2_ivar median": [1.2, 1.1]})
    said = _verdict(content(), quality)
    assert said.startswith("By the median χ² per pixel, the PCA reconstructs better")
    assert "nan" not in said


def test_the_summary_says_that_none_is_known() -> None:
    assert _found_again(content()) == ["No anomaly of this sample is known beforehand."]
