"""``specanom app`` on the run folder of a stranger: the workbench comes up, and nothing of it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.browser.frontends import CELLS, PANE, Guard
from tests.browser.server import served
from tests.widgets.finished import linked

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("voila")]


@pytest.fixture(scope="module")
def run(stranger: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return linked(stranger, tmp_path_factory.mktemp("stranger") / "run")


@pytest.fixture(scope="module")
def address(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What ``specanom app`` says is to be opened."""
    with served(run, tmp_path_factory.mktemp("served")) as said:
        yield said


def test_nothing_in_the_run_of_a_stranger_runs_in_the_workbench(chromium: Any, address: str) -> None:
    context = chromium.new_context(viewport={"width": 1280, "height": 1000})
    guard = Guard()
    guard.watch(context)
    page = context.new_page()
    dialogs: list[str] = []
    page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
    page.goto(address, wait_until="domcontentloaded", timeout=1000 * CELLS)  # it answers when its cells have run
    page.wait_for_function(f"() => document.querySelectorAll('{PANE}').length >= 5", timeout=1000 * CELLS, polling=100)
    shown = set()
    for _ in range(8):
        shown.add(page.locator(".specanom-facts").first.inner_text())
        page.locator(".specanom-table-scroll").first.focus()
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(400)
    for tab in page.get_by_role("tab").all():
        tab.click()
        page.wait_for_timeout(1500)
        page.mouse.move(500, 500)
        page.wait_for_timeout(200)
    assert len(shown) > 3
    assert page.evaluate("window.pwned") is None
    assert dialogs == []
    assert page.locator("img[src='x'], svg[onload], iframe[srcdoc], [onclick*=pwned], [onfocus*=pwned]").count() == 0
    guard.check()
    context.close()
