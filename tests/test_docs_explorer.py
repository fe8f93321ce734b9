"""What the guide to the explorer shows runs as shown."""

from __future__ import annotations

import pytest

from tests.explorer.made import cards
from tests.guides import Guide

PAGE = Guide("docs/explorer.md")


@pytest.mark.slow
def test_the_guide_runs_as_shown(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    names = PAGE.run()
    assert names["page"].is_file()
    assert names["new"] == 1
    assert names["mine"].current()["7001-52013-0001"].inspection.quality == 3
    assert names["mine"].current()["7001-52013-0001"].inspection.z == 2.1
    assert (names["ranked"]["rank"] != names["ranked"]["rank_before"]).any()
    held = cards(names["page"])
    assert [one["author"] for one in held["7001-52013-0001"]["labels"]] == ["ada"]
    assert {len(held[id]["explanation"]["weights"]) for id in names["odd"]} == {77}
    assert {len(card["kin"]) for card in held.values()} <= {3, 4}
    assert all(one["id"] != id for id, card in held.items() for one in card["kin"])


def test_its_images_and_pages_exist() -> None:
    assert PAGE.missing() == []
