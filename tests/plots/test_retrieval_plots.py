from __future__ import annotations

import numpy as np
import pytest
from bokeh.models import ColumnDataSource, Whisker

import specanom.plots as plots
from specanom.errors import ArgumentError
from specanom.retrieve import Evaluation, Evaluator, KnowledgeBase

from .conftest import HOSTILE


def evaluation(names: tuple[str, str] = ("odd", "ordinary"), **options) -> Evaluation:
    rng = np.random.default_rng(0)
    rare = rng.random(200) < 0.3
    vectors = rng.normal(size=(200, 3)) + 1.5 * rare[:, None]
    return Evaluator(**options)(KnowledgeBase.build(vectors, np.where(rare, *names)))


def sources(layout) -> dict[str, ColumnDataSource]:
    return {s.name: s for s in layout.references() if isinstance(s, ColumnDataSource) and s.name}


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_rates_and_curves_are_those_of_the_record(theme):
    made = evaluation()
    drawn = sources(plots.retrieval_rates(made, theme=theme))
    table = made.table.sort_values("n", ascending=False)
    for name in ("precision", "recall", "f1"):
        assert list(drawn[name].data["rate"]) == table[name].tolist()
        assert list(drawn[name].data["low"]) == table[f"{name}_low"].tolist()
    for along in ("k", "size", "share"):
        curve = made.curves[(made.curves["along"] == along) & (made.curves["label"] == "odd")]
        assert list(drawn[f"{along} f1 odd"].data["rate"]) == curve["f1"].tolist()


def test_each_rate_has_its_interval():
    assert len(list(plots.retrieval_rates(evaluation()).select({"type": Whisker}))) == 3


def test_curves_that_were_not_asked_for_are_not_drawn():
    drawn = sources(evaluation(sizes=(), shares=(), ks=()).plot())
    assert set(drawn) == {"precision", "recall", "f1"}


def test_labels_are_drawn_as_text():
    assert "<img" not in plots.to_html(plots.retrieval_rates(evaluation((HOSTILE, "ordinary"))))


def test_without_labels_it_is_refused():
    made = evaluation()
    with pytest.raises(ArgumentError, match="at least one label"):
        plots.retrieval_rates(Evaluation(made.table[:0], made.curves, made.confusion, 3, ""))
