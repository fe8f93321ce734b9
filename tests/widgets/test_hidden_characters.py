"""What hides in the names of strangers is seen in the words and figures of dashboards."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path

import ipywidgets
import numpy as np
import pytest
from specanom.widgets.base.words import in_html
from specanom.widgets.labelled import LabelsPanel
from specanom.widgets.spectra.viewer import SpectrumViewer

import specanom as sa
from specanom.plots.theme import plain
from specanom.triage import LabelLog
from specanom.visible import visible
from tests.foreign.hostile import PAYLOADS

HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066\u2028\u2029]")


def everything(widget: ipywidgets.Widget) -> Iterator[ipywidgets.Widget]:
    yield widget
    for child in getattr(widget, "children", ()):
        yield from everything(child)


@pytest.mark.parametrize("text", PAYLOADS)
def test_a_text_is_shown_with_what_hides_in_it(text: str) -> None:
    made = in_html(text)
    assert not set("<>\"'") & set(made)
    assert unescape(made) == visible(text)
    assert not HIDDEN.search(made)
    assert not HIDDEN.search(plain(text))
    assert plain(plain(text)) == plain(text)
    assert plain(text).replace("\u200b", "") == visible(text)


def test_ids_labels_notes_and_authors_hide_nothing(tmp_path: Path) -> None:
    log = LabelLog(tmp_path / "labels.jsonl")
    for text in PAYLOADS:
        log.add(text, text, note=text, author=text)
    panel = LabelsPanel(log, "labels.csv", exporting=lambda made: made())
    for text in PAYLOADS:
        panel.selected = text
        said = panel._said.value
        assert said.count(in_html(text)) == 4, "id, author, label and note"
        assert not HIDDEN.search(said)
        assert "<script" not in said


def test_the_title_of_a_spectrum_and_the_menu_of_others_hide_nothing() -> None:
    text = "\u202egnp.exe\x1b[2J"
    wave = np.linspace(4000.0, 7000.0, 50)
    one, other = (sa.Spectrum(wave, np.ones(50), id=id, z=0.1, meta={"class": text}) for id in ("a", text))
    viewer = SpectrumViewer(one, others=[other])
    menu = next(one for one in everything(viewer) if getattr(one, "description", "") == "With")
    assert menu.options == (("nothing", ""), (visible(text), text))
    assert not HIDDEN.search(viewer.live.flux.title.text)
    assert visible(text) in viewer.live.flux.title.text
