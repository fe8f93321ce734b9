"""Dashboards open from what they are about, are imported only then, and say what is missing."""

from __future__ import annotations

import subprocess
import sys
import types

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom import face
from specanom.errors import MissingDependency, NotFittedError
from specanom.scores import LatentScorer, combine

MODEL = sa.wrap(lambda flux: np.ones_like(flux))
SPECTRUM = sa.Spectrum([4000.0, 4001.0, 4002.0], [1.0, 2.0, 1.0], id="a")
SCORER = sa.Scorer(MODEL)


def openings() -> dict[str, str]:
    """Python that makes each call, by the name of the dashboard it opens."""
    ready = ("import numpy as np, specanom as sa\n"
             "scorer = sa.Scorer(sa.wrap(lambda flux: np.ones_like(flux)))\n"
             "spectrum = sa.Spectrum([4000.0, 4001.0, 4002.0], [1.0, 2.0, 1.0], id='a')\n"
             "rng = np.random.default_rng(0)\n")
    return {
        "interact": ready + "call = lambda: spectrum.interact()",
        "pick": ready + "call = lambda: scorer.pick(None)",
        "tune": ready + "call = lambda: sa.Explainer(scorer).tune(spectrum)",
        "inspect": ready + ("clusters = sa.ExplanationClusterer(2, bootstrap=0).fit(rng.normal(size=(20, 3)))\n"
                            "call = lambda: clusters.inspect(None)"),
    }


def run(code: str) -> str:
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stderr
    return out.stdout


@pytest.mark.parametrize("missing", ["ipywidgets", "anywidget"])
@pytest.mark.parametrize("name", sorted(face.DASHBOARDS))
def test_a_missing_package_is_named_with_what_installs_it(name, missing) -> None:
    blocked = f"import sys\nsys.modules[{missing!r}] = None\n"
    said = run(blocked + openings()[name] + """
try:
    call()
except sa.MissingDependency as exc:
    print(exc)
""")
    assert said.startswith(f"{missing}: expected an installed package")
    assert "pip install 'specanom[widgets]'" in said


@pytest.mark.parametrize("name", sorted(face.DASHBOARDS))
def test_nothing_of_a_dashboard_is_imported_before_the_call(name) -> None:
    loaded = run(openings()[name] + "\nimport sys; print(*sys.modules)").split()
    assert not {"ipywidgets", "anywidget", "specanom.widgets", "bokeh"} & set(loaded)


@pytest.fixture
def opened(monkeypatch) -> list[tuple]:
    """What the dashboards were called with; they themselves are tested elsewhere."""
    calls: list[tuple] = []
    stand_in = types.ModuleType("specanom.widgets_called")
    monkeypatch.setitem(sys.modules, stand_in.__name__, stand_in)
    for name, place in face.DASHBOARDS.items():
        attribute = place.partition(":")[2]
        monkeypatch.setitem(face.DASHBOARDS, name, f"{stand_in.__name__}:{attribute}")

        def made(*given, _name=attribute, **named):
            calls.append((_name, given, named))
            return _name

        setattr(stand_in, attribute, made)
    return calls


def test_a_spectrum_opens_its_viewer(opened) -> None:
    assert SPECTRUM.interact() == "SpectrumViewer"
    assert opened == [("SpectrumViewer", (SPECTRUM,), {})]


def test_scorers_whose_settings_can_be_picked_open_the_picker(opened) -> None:
    rng = np.random.default_rng(0)
    sample = sa.SpectrumSet(np.arange(4000.0, 4004.0), rng.normal(1, 0.1, (40, 4)),
                            table=pd.DataFrame({"id": [f"{i}" for i in range(40)], "snr": rng.uniform(5, 9, 40)}))
    calibrated = SCORER.calibrate(sample)
    scores = pd.DataFrame({"id": sample.ids})
    for one in (SCORER, calibrated):
        assert one.pick(sample, scores=scores, labels="labels.jsonl") == "ScorePicker"
        name, given, named = opened.pop()
        assert (name, given[0], given[1]) == ("ScorePicker", one, sample)
        assert named["scores"] is scores
        assert named["labels"] == "labels.jsonl"
    for other in (combine([calibrated]), LatentScorer(sa.PCAModel(2).fit(sample), "kl")):
        assert not hasattr(other, "pick")  # they have no metric, line filter or trim to pick


def test_an_explainer_opens_the_tuner(opened) -> None:
    explainer = sa.Explainer(SCORER)
    explainer.tune(SPECTRUM)
    assert opened == [("LimeTuner", (explainer, SPECTRUM), {"sample": None})]


def test_clusters_open_the_inspector(opened) -> None:
    clusters = sa.ExplanationClusterer(2, bootstrap=0)
    with pytest.raises(NotFittedError):
        clusters.inspect(None)
    clusters.fit(np.random.default_rng(0).normal(size=(20, 3)))
    clusters.inspect("sample", explanations="e", lines="l", labels="labels.jsonl")
    named = {"explanations": "e", "lines": "l", "labels": "labels.jsonl"}
    assert opened == [("ClusterInspector", (clusters, "sample"), named)]


def test_an_error_inside_a_dashboard_is_not_taken_for_a_missing_package(monkeypatch) -> None:
    monkeypatch.setitem(face.DASHBOARDS, "interact", "specanom.no_such_room:Viewer")
    with pytest.raises(ModuleNotFoundError, match="no_such_room") as caught:
        SPECTRUM.interact()
    assert not isinstance(caught.value, MissingDependency)
