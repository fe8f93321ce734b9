"""What the guide to the cross-match shows runs as shown, without a network."""

from __future__ import annotations

import numpy as np

from specanom.triage.crossmatch import STATUSES, asking, network
from tests.guides import Guide

PAGE = Guide("docs/crossmatch.md")


def test_the_guide_runs_as_shown(tmp_path, monkeypatch, capsys) -> None:
    def offline(url: str) -> None:
        raise network.Offline("offline: no connection")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(asking, "knock", offline)
    names = PAGE.run()
    assert "WISE: 20 matched" in capsys.readouterr().out
    assert np.isclose(names["beside"]["WISE:w1"].dropna(), 14.0).sum() == 20
    assert len(names["unknown"]) == 0
    assert len(names["unsure"]) == len(names["objects"])
    assert set(names["table"]["status"]) == {"matched", "none", "not_checked"}
    assert names["again"].table.equals(names["matches"].table)
    assert names["mine"].table["name"][0] == "the odd one"


def test_every_status_is_explained() -> None:
    for status in STATUSES:
        assert f"| `{status}` |" in PAGE.text


def test_its_pages_exist() -> None:
    assert PAGE.missing() == []
