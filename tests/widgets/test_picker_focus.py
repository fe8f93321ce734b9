"""The spectrum in focus of the score picker: keys, marks, ids, links, and saving."""

from __future__ import annotations

import json
import re
import threading

import numpy as np
import pytest
from specanom.widgets.picker import ScorePicker

from tests.widgets.pickers import HOSTILE, make, pick


@pytest.fixture
def picker(tmp_path) -> ScorePicker:
    return pick(make(), tmp_path)


def test_keys_move_mark_and_switch(picker, tmp_path):
    keys = {name: action for name, (_, action) in picker.shortcuts().items()}
    first = picker.selected
    keys["ArrowDown"]()
    assert picker.selected == picker.table.view()["id"].iloc[1]
    keys["k"]()
    assert picker.selected == first
    keys["1"]()
    line = json.loads((tmp_path / "labels.jsonl").read_text().splitlines()[-1])
    assert (line["id"], line["label"]) == (first, "interesting")
    assert picker.table.view().set_index("id").loc[first, "mark"] == "interesting"
    assert len(picker.figures.scatters["snr"].marked.data["x"]) == 1
    keys["o"]()
    z = picker.sample.by_id(first).z
    np.testing.assert_allclose(picker.spectrum.pane.find("flux").data["x"], picker.sample.wave * (1 + z), rtol=1e-6)
    keys["f"]()
    assert picker.filtered
    keys["x"]()
    assert picker.calibrated


def test_the_part_of_the_spectrum_that_is_seen_stays_from_one_to_the_next(picker):
    picker.zoom = "Hβ [O III]"
    picker.table.next()
    seen = picker.spectrum.live.flux.x_range
    assert (seen.start, seen.end) == pytest.approx((4780.0, 5090.0))
    picker.frame = "observed"
    z = picker.sample.by_id(picker.selected).z
    assert seen.start == pytest.approx(4780.0 * (1 + z))
    picker.zoom = "[O II]"  # not within these spectra
    assert seen.start < 4100.0 * (1 + z)
    assert picker.error is None


def test_marks_of_before_are_there_again(tmp_path):
    sample = make()
    first = pick(sample, tmp_path)
    first.marks.mark("artefact")
    again = pick(sample, tmp_path)
    assert again.table.view().set_index("id").loc[first.selected, "mark"] == "artefact"
    assert len(again.figures.scatters["z"].marked.data["x"]) == 1


def test_equal_and_hostile_ids_are_told_apart_and_stay_text(tmp_path):
    sample = make(120, id=[HOSTILE, HOSTILE, "$$x$$"] + [f"s{i}" for i in range(117)])
    picker = pick(sample, tmp_path)
    picker.row = 1
    assert picker.selected == HOSTILE
    assert picker.table.selected == f"{HOSTILE} #2"
    np.testing.assert_allclose(picker.spectrum.pane.find("flux").data["y"], sample.flux[1], rtol=1e-6)
    picker.selected = HOSTILE
    assert picker.row == 1  # already one of that id
    picker.selected = "$$x$$"
    assert picker.row == 2
    picker.selected = HOSTILE
    assert picker.row == 0
    for html in (picker.spectrum.details.facts.value, picker.spectrum.details.picture.value):
        assert "<img src=x" not in html
    page = picker.save_html(tmp_path / "state.html").read_text()
    assert HOSTILE not in page


def test_an_id_that_is_not_in_the_sample_puts_nothing_in_focus(picker):
    picker.selected = "elsewhere"
    assert picker.row == -1
    assert "not in this sample" in picker.said
    picker.selected = picker.sample.ids[3]
    assert picker.row == 3


def test_nothing_but_ids_need_be_known(tmp_path):
    picker = pick(make(120, z=None, snr=None, ra=None, dec=None), tmp_path)
    assert picker.figures.scatters == {}
    assert list(picker.figures.histogram.bars) == ["all spectra"]
    picker.frame = "observed"
    assert picker.error is None
    picker.calibrated = True
    assert picker.wait()
    assert "S/N" in str(picker.error)
    picker.calibrated = False
    assert picker.error is None


def test_spectra_without_a_score_rank_last_and_are_counted(tmp_path):
    sample = make()
    flux = np.array(sample.flux)
    flux[4, 50] = np.nan
    picker = pick(sample.replace(flux=flux), tmp_path)
    assert picker.table.view()["id"].iloc[-1] == sample.ids[4]
    assert "1 without a score" in picker._standing.value
    assert "1 without a score" in picker.figures.histogram.root.title.text
    picker.row = 4
    assert picker.error is None
    assert not picker.figures.histogram._focus.visible
    assert "no score" in picker.spectrum.details.facts.value


def test_links_and_pictures_ask_nobody(picker, monkeypatch):
    import socket

    def refuse(*_: object) -> None:
        raise AssertionError("asked for an address")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    picker.row = 5
    details = picker.spectrum.details
    assert "simbad" in details.links.value
    assert re.findall(r"src='([^:]+):", details.picture.value) == ["data"]
    assert picker.error is None


def test_the_state_is_saved_as_a_page_of_its_own(picker, tmp_path):
    picker.percentile = 90.0
    page = picker.save_html(tmp_path / "state.html").read_text()
    assert "12 of 120 above" in page
    assert picker.selected in page
    assert "sa.scores.Scorer" in page or "sa.Scorer" in page


def test_while_a_score_is_computed_the_old_one_keeps_its_name(picker, monkeypatch):
    before, gate = picker.shown_label, threading.Event()
    monkeypatch.setattr(picker.book, "quick", lambda *_given, **_named: False)
    obtain = picker.book.obtain
    monkeypatch.setattr(picker.book, "obtain", lambda *given, **named: (gate.wait(20), obtain(*given, **named))[1])
    value = float(picker._values[picker.row])
    picker.trim = 0.11
    assert picker.label != before == picker.shown_label
    picker.row = (picker.row + 1) % len(picker.sample)
    assert before in picker.spectrum.details.facts.value
    assert picker.figures.overlap.names[0] == before
    gate.set()
    assert picker.wait()
    assert picker.shown_label == picker.label
    assert picker.label in picker.spectrum.details.facts.value
    assert float(picker._values[picker.row]) != value
