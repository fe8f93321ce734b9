"""``specanom app`` as a user starts it: its workbench comes up in a browser, offline, and works."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.frontends import CELLS, PANE, Guard, until
from tests.browser.server import served

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("voila")]


@pytest.fixture(scope="module")
def address(own_run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What ``specanom app`` says is to be opened."""
    with served(own_run, tmp_path_factory.mktemp("served")) as said:
        yield said


def test_the_workbench_of_a_run_comes_up_offline_and_works(chromium: Any, address: str, own_run: Path) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    guard = Guard()
    guard.watch(context)
    page = context.new_page()
    page.goto(address, wait_until="domcontentloaded", timeout=1000 * CELLS)  # it answers when its cells have run
    page.wait_for_function(f"() => document.querySelectorAll('{PANE}').length >= 5", timeout=1000 * CELLS, polling=100)
    tabs = [tab.inner_text() for tab in page.get_by_role("tab").all()]
    assert tabs == ["Scores", "Explanation", "Clusters", "Labels"]
    before = page.locator(".specanom-facts").first.inner_text()
    page.locator(".specanom-table-scroll").first.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("before => document.querySelector('.specanom-facts').innerText !== before", arg=before,
                           timeout=20_000, polling=50)
    page.keyboard.press("1")
    until(lambda: (own_run / "labels.jsonl").exists(), "the mark is in the run's folder")
    guard.check()
    page.close()
    context.close()
