"""The frame of every dashboard: errors, busy mark, jobs, code and saving."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import ipywidgets
import pandas as pd
import pytest
import traitlets
from bokeh.models import ColumnDataSource
from specanom.widgets.base.controls import bound, group
from specanom.widgets.base.dashboard import Dashboard, guarded
from specanom.widgets.base.pane import FigurePane

from specanom.errors import ArgumentError, message
from specanom.plots.theme import canvas

HOSTILE = "<img src=x onerror=alert(1)>"


class Doubler(Dashboard):
    """Draws twice its number; refuses 13."""

    title = "Doubler"
    number = traitlets.Int(1)

    def __init__(self) -> None:
        super().__init__()
        self.source = ColumnDataSource({"x": [0], "y": [2]}, name="twice")
        self.calls = 0
        drawn = canvas("light", "twice")
        drawn.scatter("x", "y", source=self.source)
        pane = FigurePane(drawn)
        slider = bound(self, "number", ipywidgets.IntSlider(description="Number", max=100))
        self.build(controls=[group("What", slider)], main=[pane], panes=[pane])

    @traitlets.observe("number")
    @guarded
    def _on_number(self, _change: Any) -> None:
        self.calls += 1
        if self.number == 13:
            raise ArgumentError(message("number", expected="any but 13", got=HOSTILE, hint=f"12 {HOSTILE}"))
        with self.panes[0].batch():
            self.source.data["y"] = [2 * self.number]

    def shortcuts(self) -> dict[str, Any]:
        return {**super().shortcuts(), "ArrowUp": ("one more", lambda: self.set_trait("number", self.number + 1))}

    def facts(self) -> list[tuple[str, str]]:
        return [("number", str(self.number)), ("note", HOSTILE)]

    def tables(self) -> list[tuple[str, pd.DataFrame]]:
        return [(HOSTILE, pd.DataFrame({"id": [HOSTILE] * 300, "value": [float("nan")] * 300}))]

    def to_code(self) -> str:
        return f"number = {self.number}  # {HOSTILE}"

    @property
    def result(self) -> int:
        return self.number


@pytest.fixture
def made() -> Doubler:
    return Doubler()


def controls_of(widget: Any) -> list[Any]:
    found = [widget]
    for child in getattr(widget, "children", ()):
        found += controls_of(child)
    return found


def test_a_trait_and_its_control_are_one(made: Doubler) -> None:
    slider = next(w for w in controls_of(made) if isinstance(w, ipywidgets.IntSlider))
    slider.value = 5
    assert made.number == 5
    assert made.source.data["y"] == [10]
    made.number = 6
    assert slider.value == 6
    assert made.calls == 2


def test_an_exception_shows_as_text_and_goes_with_the_next_success(made: Doubler) -> None:
    made.number = 13
    box = made._box
    assert isinstance(made.error, ArgumentError)
    assert "any but 13" in box.value
    assert "<b>Try:</b>" in box.value
    assert HOSTILE not in box.value
    assert made.source.data["y"] == [2]
    made.number = 4
    assert made.error is None
    assert box.layout.display == "none"
    assert made.source.data["y"] == [8]


def test_a_key_does_what_its_words_say(made: Doubler) -> None:
    made._on_key("ArrowUp")
    assert made.number == 2
    made._on_key("F9")
    assert made.error is None


def test_code_is_shown_and_hidden_as_text(made: Doubler) -> None:
    made.toggle_code()
    assert made._code.layout.display is None
    assert "number = 1" in made._code.value
    assert HOSTILE not in made._code.value
    made.toggle_code()
    assert made._code.layout.display == "none"


def test_a_slow_callback_is_marked_as_busy(made: Doubler) -> None:
    seen = []

    class Slow(Doubler):
        @guarded
        def slow(self) -> None:
            deadline = time.monotonic() + 10
            while not self._busy.value and time.monotonic() < deadline:
                time.sleep(0.01)
            seen.append(self._busy.value)

    slow = Slow()
    slow.slow()
    assert "working" in seen[0]
    assert slow._busy.value == ""


def test_background_work_delivers_its_result_and_cleans_up(made: Doubler) -> None:
    got: list[int] = []
    made.background(lambda progress, _cancelled: (progress(1.0), 42)[1], done=got.append, title="sum")
    assert made.wait(10)
    assert got == [42]
    assert made.jobs == ()
    assert made._running.children == ()


def test_background_work_that_fails_shows_why(made: Doubler) -> None:
    def work(_progress: Any, _cancelled: Any) -> None:
        raise ArgumentError("nothing to sum")

    made.background(work, done=lambda _: None, title="sum")
    made.wait(10)
    assert "nothing to sum" in made._box.value


def test_cancelled_work_delivers_nothing(made: Doubler) -> None:
    got: list[Any] = []

    def work(_progress: Any, cancelled: Any) -> str:
        while not cancelled():
            time.sleep(0.005)
        return "too late"

    job = made.background(work, done=got.append, title="wait")
    job.bar.children[-1].click()
    assert job.wait(10)
    assert got == []
    assert made.jobs == ()


def test_newer_work_of_the_same_title_replaces_older(made: Doubler) -> None:
    go = threading.Event()
    got: list[str] = []

    def old(_progress: Any, _cancelled: Any) -> str:
        go.wait(10)
        return "old"

    first = made.background(old, done=got.append, title="scores")
    second = made.background(lambda _progress, _cancelled: "new", done=got.append, title="scores")
    second.wait(10)
    go.set()
    first.wait(10)
    assert got == ["new"]
    assert made.jobs == ()


def test_a_result_that_cannot_be_used_shows_in_the_box(made: Doubler) -> None:
    def done(_result: Any) -> None:
        raise ValueError("unusable")

    made.background(lambda _progress, _cancelled: 1, done=done, title="sum")
    made.wait(10)
    assert "unusable" in made._box.value


def test_the_theme_goes_to_the_figures(made: Doubler) -> None:
    seen = []
    made.recolour = seen.append  # type: ignore[method-assign]
    made.theme = "dark"
    assert made.shown_theme == "dark"
    assert seen == ["dark"]
    made.theme = "light"
    assert made.shown_theme == "light"


def test_a_saved_page_escapes_everything(made: Doubler, tmp_path: Path) -> None:
    path = made.save_html(tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    assert HOSTILE not in text
    assert "&lt;img src=x onerror=alert(1)&gt;" in text
    assert "the first 200 of 300 rows" in text
    assert list(tmp_path.iterdir()) == [path]


def test_an_abstract_dashboard_says_what_it_lacks() -> None:
    for ask in (lambda d: d.to_code(), lambda d: d.result):
        with pytest.raises(NotImplementedError, match="Dashboard says"):
            ask(Dashboard())


def test_closing_cancels_what_goes_on(made: Doubler) -> None:
    job = made.background(lambda _p, cancelled: [time.sleep(0.005) for _ in iter(cancelled, True)],
                          done=lambda _: None, title="for ever")
    made.close()
    assert job.wait(10)


def test_representations_are_short(made: Doubler) -> None:
    made.selected = "0266-51602-0001"
    assert repr(made) == "Doubler('0266-51602-0001')"
