"""What the guide to kin shows runs as shown, and what it says is true."""

from __future__ import annotations

import numpy as np
import pytest

from tests.guides import Guide

PAGE = Guide("docs/retrieval.md")


@pytest.mark.slow
def test_the_guide_runs_as_shown(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    names = PAGE.run()
    printed = capsys.readouterr().out
    assert "KnowledgeBase: 250 x 12" in printed
    assert "Evaluation: vote of 3" in printed
    assert "held-out vectors" in printed
    _the_text_is_true(names)


def _the_text_is_true(names: dict) -> None:
    kin, others, more = names["kin"], names["others"], names["more"]
    assert not (others.ids == np.asarray(names["sample"].ids[:250])[:, None]).any()
    assert others.far.mean() == pytest.approx(0.01, abs=0.005)
    assert np.isfinite(names["z"]).all()
    assert np.isfinite(names["spread"]).all()
    assert len(names["table"]) == 3 * len(names["summary"]) == 3 * len(kin)
    assert names["strange"].far.tolist() == [True]
    assert len(more) == len(names["sample"])
    assert not more.skipped
    assert names["made"].table.set_index("label").loc["Seyfert", "prevalence"] == 0.01
    assert names["quick"].recall.value > 0.9
    assert names["same_reason"].ids.shape[1] == 3


def test_its_pages_exist() -> None:
    assert PAGE.missing() == []
