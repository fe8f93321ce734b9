"""What opening costs: every column is encoded once, no figure is sent before it is filled, none is searched."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from weakref import WeakSet

import numpy as np
import pandas as pd
import pytest
from bokeh.models import ColumnDataSource, Plot
from bokeh.plotting import figure
from specanom.widgets.base import pane as panes
from specanom.widgets.base import table as tables
from specanom.widgets.base.dashboard import Dashboard
from specanom.widgets.base.ordering import sorted_texts
from specanom.widgets.base.pane import FigurePane
from specanom.widgets.base.table import RowTable
from specanom.widgets.inspector.member import MemberFigure
from specanom.widgets.tuner import LimeTuner

import specanom as sa
from specanom.plots.cells import encoded


class Shown(Dashboard):
    """A dashboard of one figure."""

    def __init__(self) -> None:
        super().__init__()
        self.source = ColumnDataSource({"x": [1.0], "y": [2.0]})
        made = figure()
        made.line("x", "y", source=self.source)
        self.build(controls=[], main=[FigurePane(made)], panes=[])


@pytest.fixture
def states(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """States that panes send, as (kind, snapshot): when they open, and later on."""
    found: list[tuple[str, Any]] = []
    plain, later = FigurePane.get_state, FigurePane.send_state

    def get_state(self: FigurePane, key: Any = None, drop_defaults: bool = False) -> Any:
        made = plain(self, key, drop_defaults)
        if key is None:
            found.append(("whole", made["_snap"]))
        return made

    def send_state(self: FigurePane, key: Any = None) -> None:
        if key == "_snap":
            found.append(("later", self._snapshot()))
        later(self, key)

    monkeypatch.setattr(panes, "_PANES", WeakSet())  # without those that other tests have left in this process
    monkeypatch.setattr(FigurePane, "get_state", get_state)
    monkeypatch.setattr(FigurePane, "send_state", send_state)
    return found


def test_every_column_of_a_table_is_encoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []

    def counted(values: Any, style: Any) -> Any:
        seen.append(str(values.iloc[0]))
        return encoded(values, style)

    monkeypatch.setattr(tables, "encoded", counted)
    made = RowTable(pd.DataFrame({"id": ["a", "b"], "score": [0.5, 2.0], "mark": ["x", ""]}))
    assert sorted(seen) == ["0.5", "a", "x"]
    assert [made.get_state(f"_column_{i}")[f"_column_{i}"]["kind"] for i in range(3)] == ["text", "number", "text"]


def test_columns_that_come_later_are_sent() -> None:
    made = RowTable(pd.DataFrame({"id": ["a", "b"], "score": [0.5, 2.0]}))
    made.set_column("mark", ["x", ""])
    assert made.get_state()["_column_2"]["kind"] == "text"


def test_a_figure_is_sent_when_it_is_shown_and_not_while_it_is_made(states: list[tuple[str, Any]]) -> None:
    made = Shown()
    made.source.data["y"] = [77.0]
    assert states == [("whole", {})]
    made._repr_mimebundle_()
    kind, snap = states[-1]
    assert kind == "later"
    assert "77.0" in snap["content"]


def test_a_figure_that_has_been_sent_is_not_sent_again(states: list[tuple[str, Any]]) -> None:
    made = Shown()
    made._repr_mimebundle_()
    made._repr_mimebundle_()
    assert [kind for kind, _ in states] == ["whole", "later"]


def test_half_a_character_becomes_a_question_mark() -> None:
    texts = pd.Series(["b\ud800", "a", "", "ö"], dtype=object)
    made = encoded(texts, None)
    ends = np.frombuffer(made["offsets"], dtype=np.int32)
    assert [made["blob"][start:end].decode() for start, end in pairwise(ends)] == ["b?", "a", "", "ö"]
    assert sorted_texts(texts.to_numpy()).tolist() == [2, 1, 0, 3]


def test_a_member_is_shown_without_a_search_through_the_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = sa.Preprocessor().fit_transform(sa.surveys.mock(n=40, seed=1))
    found = sa.Explainer(sa.Scorer(sa.PCAModel(4).fit(sample), "mse")).explain(sample[0])
    made = MemberFigure()

    def searched(self: Plot, *_: Any, **__: Any) -> None:
        raise AssertionError("a search takes longer than all the rest")

    monkeypatch.setattr(Plot, "select", searched)
    made.show(sample[0], found, frame="rest", title="one", theme="light")
    drawn = {one.name: one for one in made.weights.renderers}
    assert len(made.source.data["left"]) == found.n_segments
    assert drawn["bars"].visible


def test_the_figure_of_a_tuner_goes_to_the_page_before_the_words(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = sa.Preprocessor().fit_transform(sa.surveys.mock(n=40, seed=1))
    made = LimeTuner(sa.Explainer(sa.Scorer(sa.PCAModel(4).fit(sample), "mse")), sample[0], sample=sample)
    made.pane._after_cell()  # told from now on
    order: list[str] = []
    monkeypatch.setattr(made.pane, "send", lambda *_: order.append("figure"))
    made.readout.observe(lambda _: order.append("words"), "value")
    made.settings = made.settings.replace(count=40)
    made.step(1)
    assert order == ["figure", "words"] * 2
