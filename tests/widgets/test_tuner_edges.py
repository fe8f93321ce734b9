"""Edges stay ascending on borders of pixels, whatever is done to them; undo goes back a thing, not a tick."""

from __future__ import annotations

import numpy as np
import pytest
from bokeh.plotting import figure
from hypothesis import given
from hypothesis import strategies as st
from specanom.widgets.tuner.edges import EdgeHandles, add_edge, borders_of, edges_between, move_edge, remove_edge
from specanom.widgets.tuner.history import History
from specanom.widgets.tuner.settings import TunerSettings

from specanom.errors import ArgumentError
from specanom.explain import Boundaries
from specanom.plots.palette import LIGHT

WAVE = 10.0 ** np.linspace(3.6, 3.8, 60)
BORDERS = borders_of(WAVE)
EDGES = tuple(BORDERS[[9, 20, 40]])


@given(st.lists(st.tuples(st.sampled_from(("move", "add", "remove")), st.integers(0, 30),
                          st.floats(3000.0, 8000.0)), max_size=20))
def test_whatever_is_done_edges_ascend_and_leave_a_pixel_between_them(steps):
    edges = EDGES
    for what, index, place in steps:
        if what == "move":
            edges = move_edge(edges, index % len(edges), place, borders=BORDERS)
        elif what == "add":
            edges = add_edge(edges, place, borders=BORDERS)
        elif len(edges) > 1:
            edges = remove_edge(edges, index % len(edges))
        at = [int(np.abs(BORDERS - edge).argmin()) for edge in edges]
        assert (np.diff(at) >= 1).all()
        assert set(edges) <= set(BORDERS)
    assert Boundaries(edges)(WAVE, WAVE).max() == len(edges)  # a segment on each side of every edge


def test_an_edge_stops_a_pixel_before_its_neighbours():
    assert move_edge(EDGES, 1, WAVE[-1], borders=BORDERS)[1] == BORDERS[39]
    assert move_edge(EDGES, 1, WAVE[0], borders=BORDERS)[1] == BORDERS[10]
    assert move_edge(EDGES, 0, -1e9, borders=BORDERS)[0] == BORDERS[0]
    assert move_edge(EDGES, 2, 1e9, borders=BORDERS)[2] == BORDERS[-1]


def test_edges_of_a_segmentation_cut_it_again():
    ids = Boundaries(EDGES)(WAVE, WAVE)
    assert edges_between(ids, WAVE) == EDGES


def test_an_edge_that_is_there_is_not_added_twice():
    assert add_edge(EDGES, EDGES[1] + 1e-3, borders=BORDERS) == EDGES


def test_the_last_edge_stays():
    with pytest.raises(ArgumentError, match="at least one edge"):
        remove_edge(EDGES[:1], 0)


def test_while_one_is_dragged_the_edges_of_the_page_stand():
    handles = EdgeHandles(figure(x_range=(0, 10)), LIGHT)
    handles.show([2.0, 5.0], editing=True)
    asked = []

    def moved(index, place, done):
        asked.append((index, place, done))
        handles.show([2.1, 5.1], editing=True)

    handles.on_drag(moved, removed=lambda index: asked.append(index))
    handles.drag.data = {"index": [1], "x": [5.2], "count": [1], "done": [0]}
    assert list(handles.source.data["x"]) == [2.0, 5.0]
    assert handles.drag.tags == [1]  # the page may send the next
    handles.drag.data = {"index": [1], "x": [5.3], "count": [2], "done": [1]}
    assert list(handles.source.data["x"]) == [2.1, 5.1]
    handles.drag.data = {"index": [0], "x": [2.1], "count": [3], "done": [2]}
    assert asked == [(1, 5.2, False), (1, 5.3, True), 0]


def test_undo_goes_back_a_thing_not_a_tick():
    now = [0.0]
    history, settings = History(clock=lambda: now[0]), TunerSettings()
    for count in (78, 79, 80):  # one movement of one slider
        settings, old = settings.replace(count=count), settings
        history.note(old, settings)
        now[0] += 0.1
    settings, old = settings.replace(factor=0.8), settings
    history.note(old, settings)
    now[0] += 5.0
    settings, old = settings.replace(factor=0.7), settings
    history.note(old, settings)
    back = [history.back() for _ in range(4)]
    assert [(one.count, one.factor) for one in back[:3]] == [(80, 0.8), (80, 0.9), (77, 0.9)]
    assert back[3] is None
