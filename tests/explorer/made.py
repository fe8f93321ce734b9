"""A small catalogue with everything an explorer shows, and readers of the files that are written."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from specanom.explain import Explainer, ExplanationSet, Lime, Uniform
from specanom.explorer import ExplorerData
from specanom.models import PCAModel
from specanom.scores import Scorer
from specanom.spectrumset import SpectrumSet
from specanom.triage import Label

TARGET = "39633345008634465"
HOSTILE = "<img src=x onerror=window.pwned=1>$$x$$</script><script>window.pwned=2</script>"
WAVE = np.linspace(3700.0, 7400.0, 600)


def spectra(ids: list[str], seed: int = 0) -> SpectrumSet:
    """Emission-line spectra with noise 0.1, a masked run and a sharp peak of 9 at pixel 300 of the second."""
    rng = np.random.default_rng(seed)
    n = len(ids)
    line = np.exp(-0.5 * ((WAVE - 6564.6) / 8) ** 2)
    flux = 1 + rng.normal(0, 0.1, (n, WAVE.size)) + rng.uniform(1, 5, (n, 1)) * line
    ivar = np.full(flux.shape, 100.0)
    ivar[:, 100:110] = 0
    if n > 1:
        flux[1, 300] = 9.0
    table = pd.DataFrame({"id": ids, "z": rng.uniform(0.01, 0.3, n), "survey": "desi", "plate": -1})
    return SpectrumSet(WAVE, flux, ivar, table)


def catalogue(ids: list[str], seed: int = 0) -> pd.DataFrame:
    """Positions, z, S/N, a score, latents, a class and a story."""
    rng = np.random.default_rng(seed)
    n = len(ids)
    table = pd.DataFrame({
        "id": ids, "survey": "desi", "ra": rng.uniform(0, 360, n), "dec": rng.uniform(-80, 80, n),
        "z": rng.uniform(0.0, 0.3, n), "snr": rng.uniform(3, 40, n), "score": rng.exponential(1.0, n),
        "class": rng.choice(["GALAXY", "QSO"], n), "cluster": rng.integers(-1, 3, n), "story": "lines too bright",
        "note_of_survey": "",
    })
    for k in range(3):
        table[f"latent_{k}"] = rng.normal(size=n)
    return table


def everything(ids: list[str], seed: int = 0) -> ExplorerData:
    """Spectra of all but the last, explanations of the first two, kin, matches and labels of the first."""
    sample = spectra(ids[:-1], seed)
    model = PCAModel(2, folds=1).fit(spectra([f"like {k}" for k in range(20)], seed + 1))
    explainer = Explainer(Scorer(model, "mse"), segments=Uniform(12), method=Lime(n_samples=100), seed=0)
    explanations = ExplanationSet.of([explainer.explain(sample[k]) for k in range(2)])
    kin = pd.DataFrame({"query": ids[0], "rank": [2, 1], "id": [ids[2], ids[1]], "label": ["", HOSTILE],
                        "distance": [0.2, 0.1], "weight": [0.4, 0.6]})
    matches = pd.DataFrame({"id": ids[0], "service": ["SIMBAD", "Gaia"], "status": ["matched", "not_checked"],
                            "name": [HOSTILE, ""], "separation": [0.41, np.nan]})
    said = Label(ids[0], "interesting", HOSTILE, "ada", "", "2026-11-20T10:00:00+00:00")
    return ExplorerData(sample, model.reconstruct(sample.flux), explanations, kin=kin, matches=matches, labels=[said])


def content(page: Path) -> dict[str, Any]:
    """What ``catalogue.js`` holds."""
    text = (page.parent / "data" / "catalogue.js").read_text(encoding="utf-8")
    held: dict[str, Any] = json.loads(text.removeprefix("window.specanomCatalogue = "))
    return held


def cards(page: Path) -> dict[str, Any]:
    """All cards by id."""
    found: dict[str, Any] = {}
    for path in sorted((page.parent / "data").glob("cards-*.js")):
        matched = re.fullmatch(r"window\.specanomCards\((\d+), (.*)\)\n", path.read_text(encoding="utf-8"), re.S)
        assert matched is not None
        assert path.stem == f"cards-{matched[1]}"
        found |= dict(json.loads(matched[2]))
    return found
