"""What the guide to explanations shows runs as shown, from top to bottom."""

from __future__ import annotations

import re

import pytest

from tests.guides import Guide

PAGE = Guide("docs/explanations.md")


@pytest.mark.slow
def test_the_guide_runs_as_shown(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    names = PAGE.run()
    assert "Context(" in capsys.readouterr().out
    _the_text_is_true(names)


def _the_text_is_true(names: dict) -> None:
    assert names["explanation"].grade == "trusted"
    assert len(names["explanation"].weights) == 77
    assert list(names["again"].ids) == list(names["many"].ids)
    assert names["finer"].n_segments > 40, "what leads was cut"
    table = names["found"].table.set_index("strength")
    assert table.completeness[100] > table.completeness[0], "strong lines are found more often than none"
    assert table.pointing[100] > 10 * table.chance[100], "the leading segment is more often right than one at random"
    assert names["cutout"].top(1)[13:17, 1:5].all(), "the bright spot leads"


def test_it_has_code_for_each_task() -> None:
    tasks = re.split(r"^## ", PAGE.text, flags=re.M)[1:]
    without = [task.split("\n")[0] for task in tasks if "```python" not in task]
    assert without == ["Which fill"]


def test_its_images_and_pages_exist() -> None:
    assert PAGE.missing() == []
