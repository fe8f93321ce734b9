"""What the guide to survey quality shows runs as shown, and finds the night that was planted."""

from __future__ import annotations

import pytest

from specanom.triage.quality import Taxonomy
from tests.guides import Guide

PAGE = Guide("docs/quality.md")


@pytest.mark.slow
def test_the_guide_runs_as_shown(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    names = PAGE.run()
    bad = names["sample"].table["mjd"].max()
    out = names["by_night"].standing_out
    assert out["bin"][out["stands_out"] == "high"].tolist() == [str(bad)]
    assert (names["found"][0].by, names["found"][0].where) == ("mjd", str(bad))
    assert f"anomalous spectra on mjd {bad}" in capsys.readouterr().out
    assert len(names["doubtful"]) == names["odd"].sum() - names["doubtful"].attrs["unsure"] > 0
    assert names["classes"].unmatched < names["odd"].sum()
    assert (tmp_path / "tickets.csv").is_file()


def test_the_rule_it_shows_is_one_of_the_default_rules(tmp_path) -> None:
    (tmp_path / "shown.toml").write_text(PAGE.text.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    assert set(Taxonomy.read(tmp_path / "shown.toml").rules) <= set(Taxonomy.default().rules)


def test_its_pages_exist() -> None:
    assert PAGE.missing() == []
