"""What the guide to latent vectors shows runs as shown, from top to bottom."""

from __future__ import annotations

import re

import pytest

from tests.guides import Guide

PAGE = Guide("docs/latents.md")


@pytest.mark.slow
def test_the_guide_runs_as_shown(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    names = PAGE.run()
    told = capsys.readouterr().out
    assert "VAEModel, 12 dimensions" in told
    assert "LatentCorrelations: 12 dimensions × 2 columns" in told
    assert "σ_NMAD" in told
    assert names["vectors"].shape == (len(names["sample"]), 12)
    assert names["transformer"].history.val.iloc[-1] < names["transformer"].history.val.iloc[0]
    assert names["look"].made.shape == (20, names["sample"].wave.size)


def test_it_has_code_for_each_task() -> None:
    tasks = re.split(r"^## ", PAGE.text, flags=re.M)[1:]
    assert [task.split("\n")[0] for task in tasks if "```python" not in task] == []


def test_its_images_and_pages_exist() -> None:
    assert PAGE.missing() == []
