"""FigurePane without a browser: what is sent, when, and to whom."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from bokeh.models import ColumnDataSource
from bokeh.plotting import figure
from specanom.widgets.base import pane as panes
from specanom.widgets.base.bundles import bundle_ids, compressed
from specanom.widgets.base.pane import FigurePane

from specanom.errors import ArgumentError
from specanom.plots.palette import DARK, LIGHT
from specanom.plots.theme import canvas


class Page:
    """Stands for the page: keeps what a pane sends."""

    def __init__(self, pane: FigurePane, monkeypatch: pytest.MonkeyPatch) -> None:
        self.pane = pane
        self.got: list[tuple[dict[str, Any], list[bytes]]] = []
        monkeypatch.setattr(pane, "send", lambda content, buffers=None: self.got.append((content, buffers or [])))

    def say(self, kind: str, buffers: list[Any] | None = None, **content: Any) -> None:
        self.pane._received(None, {"k": kind, **content}, buffers or [])

    def hello(self, view: str = "a", *, rev: int | None = None, n: int | None = None, dark: bool = False) -> None:
        snap = self.pane._snapshot() if rev is None else {"rev": rev, "n": n}
        self.say("init", view=view, rev=snap["rev"], n=snap["n"] if n is None else n, dark=dark)

    def kinds(self) -> list[str]:
        return [content["k"] for content, _ in self.got]

    def events(self) -> list[dict[str, Any]]:
        return [event for content, _ in self.got if content["k"] == "patch"
                for event in json.loads(content["content"])["events"]]


@pytest.fixture(autouse=True)
def _light_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(panes._SEEN, "theme", "light")


@pytest.fixture
def source() -> ColumnDataSource:
    return ColumnDataSource({"x": [0.0, 1.0, 2.0], "y": [1.0, 2.0, 3.0]}, name="data")


@pytest.fixture
def pane(source: ColumnDataSource) -> FigurePane:
    made = canvas("light", "a figure")
    made.line("x", "y", source=source)
    return FigurePane(made)


@pytest.fixture
def page(pane: FigurePane, monkeypatch: pytest.MonkeyPatch) -> Page:
    return Page(pane, monkeypatch)


def test_nothing_is_sent_before_anybody_looks(page: Page, source: ColumnDataSource) -> None:
    source.data["y"] = [5.0, 5.0, 5.0]
    assert page.got == []


def test_the_state_holds_the_document_as_it_is_now(pane: FigurePane, source: ColumnDataSource) -> None:
    source.data["y"] = [7.0, 8.0, 9.0]
    assert "7.0" in pane.get_state("_snap")["_snap"]["content"]
    source.data["y"] = [17.0, 8.0, 9.0]
    assert "17.0" in pane.get_state("_snap")["_snap"]["content"]


def test_a_view_with_the_current_snapshot_is_live_at_once(page: Page) -> None:
    page.hello()
    assert page.kinds() == ["live"]


def test_a_view_with_an_old_snapshot_gets_the_document(page: Page, source: ColumnDataSource) -> None:
    snap = page.pane._snapshot()
    source.data["y"] = [5.0, 5.0, 5.0]  # in the same cell: no patch is sent
    page.hello(rev=snap["rev"], n=snap["n"])
    assert page.kinds() == ["doc"]
    assert page.got[0][0]["view"] == "a"
    assert "5.0" in page.got[0][0]["content"]


def test_a_view_that_missed_a_patch_gets_the_document(page: Page, source: ColumnDataSource) -> None:
    page.hello()
    source.data["y"] = [5.0, 5.0, 5.0]
    page.hello("b", rev=page.pane._snapshots, n=0)
    assert page.kinds() == ["live", "patch", "doc"]
    assert page.got[-1][0]["n"] == 1


def test_after_the_cell_a_pane_nobody_has_drawn_sends_what_changed(
    pane: FigurePane, source: ColumnDataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(pane, "send_state", sent.append)
    pane._snapshot()
    pane._after_cell()
    assert sent == []
    source.data["y"] = [5.0, 5.0, 5.0]
    assert not pane._missed  # told from now on: a patch has taken it


def test_changes_in_the_making_cell_come_with_a_new_snapshot(
    pane: FigurePane, source: ColumnDataSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []
    monkeypatch.setattr(pane, "send_state", sent.append)
    pane._snapshot()
    source.data["y"] = [5.0, 5.0, 5.0]
    pane._after_cell()
    assert sent == ["_snap"]


def test_patches_are_numbered_and_only_changed_columns_travel(page: Page, source: ColumnDataSource) -> None:
    page.hello()
    source.data["y"] = np.array([1.0, 2.0, 3.5], dtype=np.float32)
    source.data["y"] = np.array([1.0, 2.0, 4.5], dtype=np.float32)
    patches = [content for content, _ in page.got if content["k"] == "patch"]
    assert [one["n"] for one in patches] == [1, 2]
    assert [event["cols"] for event in page.events()] == [["y"], ["y"]]
    assert sum(len(part) for _, buffers in page.got for part in buffers) == 2 * 3 * 4


def test_a_batch_is_one_message_and_the_latest_wins(page: Page, source: ColumnDataSource) -> None:
    page.hello()
    with page.pane.batch():
        for value in range(5):
            source.data["y"] = [float(value)] * 3
            page.pane.root.title.text = f"title {value}"
    assert page.kinds() == ["live", "patch"]
    events = page.events()
    assert [event["kind"] for event in events] == ["ColumnDataChanged", "ModelChanged"]
    assert events[1]["new"] == "title 4"


def test_batches_nest(page: Page, source: ColumnDataSource) -> None:
    page.hello()
    with page.pane.batch():
        with page.pane.batch():
            source.data["y"] = [0.0] * 3
        assert page.kinds() == ["live"]
    assert page.kinds() == ["live", "patch"]


def test_a_change_from_one_view_runs_callbacks_once_and_goes_to_the_others(
    page: Page, source: ColumnDataSource
) -> None:
    taps: list[list[int]] = []
    source.selected.on_change("indices", lambda _attr, _old, new: taps.append(list(new)))
    page.hello("a")
    page.hello("b")
    event = {"kind": "ModelChanged", "model": {"id": source.selected.id}, "attr": "indices", "new": [2]}
    page.say("patch", view="a", content=json.dumps({"events": [event]}), ids=[])
    assert taps == [[2]]
    assert [content["skip"] for content, _ in page.got if content["k"] == "patch"] == ["a"]


def test_the_page_turns_the_figure_dark_and_the_next_one_starts_so(page: Page) -> None:
    page.hello(dark=True)
    assert page.pane.theme == "dark"
    assert page.pane.root.background_fill_color == DARK.paper
    assert FigurePane(canvas("light")).root.background_fill_color == DARK.paper
    page.say("theme", view="a", dark=False)
    assert page.pane.root.background_fill_color == LIGHT.paper


def test_another_theme_sends_every_view_the_whole_figure_and_no_patch(page: Page, source: ColumnDataSource) -> None:
    page.hello("a")
    page.hello("b")
    page.got.clear()
    with page.pane.batch():
        page.pane.root.x_range.update(start=3.0, end=4.0)
    page.pane.observe(lambda _change: source.data.update(y=[41.5, 2.0, 3.0]), "theme")
    page.say("theme", view="a", dark=True)
    assert [content["k"] for content, _ in page.got][-2:] == ["doc", "doc"]
    assert page.kinds().count("patch") == 1  # the range, before
    documents = [content for content, _ in page.got if content["k"] == "doc"]
    assert {one["view"] for one in documents} == {"a", "b"}
    assert {one["n"] for one in documents} == {page.pane._outbox.number}
    assert DARK.paper in documents[0]["content"]
    assert '"start":3.0,"end":4.0' in documents[0]["content"].replace(" ", "")  # what was zoomed to stays
    assert "41.5" in documents[0]["content"]
    page.say("theme", view="b", dark=True)  # says the same again
    assert page.kinds().count("doc") == 2


def test_what_follows_another_theme_is_numbered_on(page: Page, source: ColumnDataSource) -> None:
    page.hello()
    page.say("theme", view="a", dark=True)
    number = page.pane._outbox.number
    source.data["y"] = [5.0, 5.0, 5.0]
    assert page.kinds() == ["live", "doc", "patch"]
    assert page.got[-1][0]["n"] == number + 1


def test_a_first_view_in_a_dark_page_gets_the_dark_document(page: Page) -> None:
    page.hello(dark=True)
    assert page.kinds() == ["doc"]
    assert DARK.paper in page.got[0][0]["content"]


def test_a_theme_that_was_asked_for_stays(page: Page) -> None:
    page.pane.follow = "light"
    page.hello(dark=True)
    assert page.pane.theme == "light"
    page.pane.follow = "dark"
    assert page.pane.root.background_fill_color == DARK.paper


def test_a_closed_pane_sends_no_more(page: Page, source: ColumnDataSource) -> None:
    page.hello()
    page.pane.close()
    source.data["y"] = [0.0] * 3
    assert page.kinds() == ["live"]


def test_a_view_that_says_goodbye_is_forgotten(page: Page) -> None:
    page.hello()
    page.say("bye", view="a")
    assert page.pane._views == set()


def test_bokehjs_is_that_of_the_installed_bokeh_and_sent_once(page: Page) -> None:
    assert bundle_ids(["bokeh"]) == bundle_ids(["bokeh"])
    assert len(compressed("bokeh")) < 500_000
    page.say("js", view="a")
    assert page.got[0][1] == [compressed("bokeh")]


def test_an_unknown_bundle_is_refused() -> None:
    with pytest.raises(ArgumentError, match="bokeh-tables"):
        compressed("bokeh-table")


def test_a_figure_belongs_to_one_pane(pane: FigurePane) -> None:
    with pytest.raises(ArgumentError, match="one that is in a document"):
        FigurePane(pane.root)


def test_models_are_found_by_name(pane: FigurePane, source: ColumnDataSource) -> None:
    assert pane.find("data") is source
    with pytest.raises(ArgumentError, match="one of data"):
        pane.find("flux")


def test_a_pane_is_saved_as_it_is_now(pane: FigurePane, source: ColumnDataSource, tmp_path: Path) -> None:
    source.data["y"] = [41.5, 2.0, 3.0]
    text = pane.save_html(tmp_path / "one.html").read_text()
    assert "41.5" in text
    assert "cdn.bokeh.org" not in text.split("</script>")[-2]
    assert pane.doc.roots == [pane.root]


def test_plain_figures_work_too() -> None:
    made = figure()
    made.line([0, 1], [0, 1])
    assert FigurePane(made).theme == "light"
