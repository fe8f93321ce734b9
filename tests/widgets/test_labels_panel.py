"""The table of all labels, when the disk does not play along."""

from __future__ import annotations

import errno
import os

import pytest
from specanom.widgets.labelled import LabelsPanel

from specanom.triage import LabelLog
from specanom.triage.tail import Tail


@pytest.fixture
def panel(tmp_path) -> LabelsPanel:
    log = LabelLog(tmp_path / "labels.jsonl")
    log.add("a", "interesting", author="ada")
    log.add("b", "known", author="ada")
    return LabelsPanel(log, "labels.csv", exporting=lambda action: action())


def denied(tail: Tail) -> None:
    raise PermissionError(errno.EACCES, "Permission <b>denied</b>", str(tail.path))


def test_a_full_disk_is_said_beside_the_buttons_and_nothing_is_lost(panel, monkeypatch):
    def full(path, line):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    panel.table.selected = "a"
    with monkeypatch.context() as broken:
        broken.setattr("specanom.triage.labels.append", full)
        panel.marks.toggle("artefact")
        assert "No space left on device" in panel.marks._state.value
        assert panel.table.view().set_index("id").loc["a", "label"] == "interesting"
    panel.marks.toggle("artefact")
    assert "No space" not in panel.marks._state.value
    assert panel.table.view().set_index("id").loc["a", "label"] == "artefact"
    assert panel.error is None


def test_labels_that_cannot_be_read_are_said_above_the_table_until_they_can(panel, monkeypatch):
    panel.table.selected = "a"
    with monkeypatch.context() as broken:
        broken.setattr(Tail, "look", denied)
        panel.table.selected = "b"
        assert isinstance(panel.error, PermissionError)
        assert "role='alert'" in panel._problem.value
        assert "Permission &lt;b&gt;denied&lt;/b&gt;" in panel._problem.value
        panel.refresh()
        assert isinstance(panel.error, PermissionError)
    panel.selected = "a"
    assert (panel.error, panel._problem.value) == (None, "")
    assert "interesting" in panel._said.value


def test_a_panel_on_labels_that_cannot_be_read_opens_and_says_so(tmp_path, monkeypatch):
    monkeypatch.setattr(Tail, "look", denied)
    panel = LabelsPanel(LabelLog(tmp_path / "labels.jsonl"), tmp_path / "labels.csv", exporting=lambda action: action())
    assert "cannot be read" in panel._problem.value
