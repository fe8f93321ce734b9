from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColumnDataSource, FactorRange, LogScale, Span
from bokeh.plotting import figure

import specanom as sa
import specanom.plots as plots
from specanom.errors import ArgumentError
from specanom.explain.comparing import compare
from specanom.explain.evaluate import evaluator_of
from specanom.explain.faithfulness import curves
from specanom.explain.injection import Injection
from specanom.explain.problem import Problem
from specanom.explain.recovery import recover
from specanom.explain.templates import Spike

from .test_single import source

P = 60
WAVE = np.linspace(4000.0, 5000.0, P)
HOSTILE = "<img src=x onerror=alert(1)>$$x$$</script><b>&"


def odd(flux: np.ndarray) -> np.ndarray:
    return ((flux.astype(np.float64) - 1.0) ** 2).sum(axis=1)


def _sample(n: int = 6) -> sa.SpectrumSet:
    rng = np.random.default_rng(2)
    flux = 1 + 0.05 * rng.standard_normal((n, P))
    flux[:, 20:30] += 0.5
    table = pd.DataFrame({"id": [f"s{i}" for i in range(n)], "z": 0.1, "snr": np.linspace(5, 30, n)})
    return sa.SpectrumSet(WAVE, flux.astype(np.float32), np.full((n, P), 400.0), table)


@pytest.fixture(scope="module")
def compared():
    base = sa.Explainer(odd, sa.Uniform(6), perturbation=sa.Flat(1.0), method=sa.Lime(100))
    truth = {f"s{i}": f"{WAVE[20]}-{WAVE[29]}" for i in range(6)}
    return compare({"first": base, HOSTILE: sa.Lime(60)}, _sample(), truth, shuffles=2, sensitivity=1)


@pytest.fixture(scope="module")
def recovered():
    explainer = sa.Explainer(odd, sa.Uniform(6), perturbation=sa.Flat(1.0), method=sa.Lime(60))
    return recover(_sample(), Injection(Spike(4800.0, frame="rest"), (0.0, 5.0, 50.0)), odd, explainer=explainer,
                   false_alarms=0.2)


def panels(layout) -> dict[str, figure]:
    return {m.title.text: m for m in layout.references() if isinstance(m, figure)}


def test_a_comparison_has_both_curves_and_a_panel_each_measure(compared):
    found = panels(plots.comparison(compared))
    assert sum(title.startswith(("Deletion", "Insertion")) for title in found) == 2
    assert len(found) == len(compared.measures)
    assert "pixel ROC-AUC: higher is better ↑" in found


def test_a_panel_draws_what_the_table_says(compared):
    drawn = source(plots.comparison(compared), "roc")
    table = compared.table
    np.testing.assert_array_equal(drawn["value"], table["roc"].iloc[:2])
    np.testing.assert_array_equal(drawn["floor"], table["roc"].iloc[2:])
    np.testing.assert_array_equal(drawn["lower"], compared.lower["roc"].iloc[:2])


def test_curves_begin_at_the_spectrum_and_end_at_the_fill(compared):
    gone = source(plots.comparison(compared), "deletion: first")
    assert gone["value"][0] == 1.0
    assert gone["value"][-1] == pytest.approx(0.0)


def test_curves_of_one_spectrum_carry_their_areas():
    flux = np.array([5.0, 3.0, 2.0], np.float32)
    evaluator = evaluator_of(Problem(lambda f: f.sum(axis=1, dtype=float), flux, np.zeros(3, np.float32), np.arange(3)))
    pair = curves(evaluator, flux)
    layout = plots.faithfulness_curves({"exact": pair, "turned": curves(evaluator, -flux)})
    assert source(layout, "deletion: exact")["score"].tolist() == [10.0, 5.0, 2.0, 0.0]
    assert source(layout, "insertion: turned")["score"].tolist() == [0.0, 2.0, 5.0, 10.0]
    labels = [item.label.value for panel in panels(layout).values() for item in panel.legend[0].items]
    assert labels == ["exact 0.40", "turned 0.60"] or sorted(labels) == ["exact 0.40", "exact 0.60", "turned 0.40",
                                                                        "turned 0.60"]


def test_curves_without_values_are_drawn_empty():
    flux = np.array([1.0, -1.0], np.float32)
    evaluator = evaluator_of(Problem(lambda f: f.sum(axis=1, dtype=float), flux, np.zeros(2, np.float32), np.arange(2)))
    plots.to_html(plots.faithfulness_curves({"none": curves(evaluator, flux)}))


def test_a_recovery_has_curves_and_maps_of_both_rates(recovered):
    layout = plots.recovery(recovered, bins=2)
    drawn = source(layout, "completeness")
    table = recovered.table
    np.testing.assert_array_equal(drawn["completeness"], table["completeness"])
    np.testing.assert_array_equal(drawn["completeness_lo"], table["completeness_lo"])
    cells = source(layout, "pointing map")
    assert len(cells["rate"]) == 6
    assert sum(cells["n"]) == 18
    assert any(isinstance(p.y_range, FactorRange) and len(p.y_range.factors) == 2 for p in panels(layout).values())


def test_the_false_alarms_are_drawn_where_they_are(recovered):
    panel = panels(plots.recovery(recovered))["Completeness: share detected"]
    assert 0.2 in [m.location for m in panel.center if isinstance(m, Span)]


def test_without_explanations_only_completeness_is_drawn():
    made = recover(_sample(), Injection(Spike(4800.0, frame="rest"), (0.0, 9.0)), odd, false_alarms=0.2)
    assert all(title.startswith("Completeness") for title in panels(plots.recovery(made)))


def test_wide_ranges_are_logarithmic(compared):
    found = panels(plots.comparison(compared))
    logs = [title for title, panel in found.items() if isinstance(panel.x_scale, LogScale)]
    assert "pixel ROC-AUC: higher is better ↑" not in logs
    assert any("infidelity" in title for title in logs)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_pages_are_whole_and_names_cannot_inject(compared, recovered, theme):
    for layout in (plots.comparison(compared, theme=theme), plots.recovery(recovered, theme=theme)):
        page = plots.to_html(layout)
        assert "<img src=x" not in page


@pytest.mark.parametrize("target", ["light", "dark"])
def test_a_finished_figure_can_change_its_theme(compared, recovered, target):
    other = {"light": "dark", "dark": "light"}[target]
    for draw, record in ((plots.comparison, compared), (plots.recovery, recovered)):
        turned = plots.restyle(draw(record, theme=other), target)
        fresh = draw(record, theme=target)
        assert _colours(turned) == _colours(fresh)


def _colours(layout) -> list[str]:
    found = []
    for model in layout.references():
        if isinstance(model, figure):
            found.append(model.background_fill_color)
        if isinstance(model, ColumnDataSource) and "color" in model.data:
            found += list(model.data["color"])
    return sorted(found)


def test_records_plot_themselves(compared, recovered):
    assert panels(compared.plot(theme="dark"))
    assert panels(recovered.plot(bins=3))


def test_curves_of_something_else_are_refused() -> None:
    with pytest.raises(ArgumentError, match=r"comparison\.plot\(\)"):
        plots.faithfulness_curves([1, 2])
