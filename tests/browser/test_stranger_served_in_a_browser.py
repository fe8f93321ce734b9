"""``specanom app`` on the run folder of a stranger: the workbench comes up, and nothing of it runs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import specanom as sa
from tests.browser.frontends import CELLS, PANE, Guard
from tests.browser.server import served
from tests.foreign.hostile import PAYLOADS, hostile
from tests.widgets.finished import finish

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("voila")]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose objects, classes and parameters are named by a stranger."""
    made = sa.Preprocessor().fit_transform(sa.surveys.mock(n=60, seed=1))
    table = made.table.copy()
    names = [text for text in hostile(len(table) + 8) if text == text.strip().rstrip("\0")]
    table["id"] = names[: len(table)]
    for column in ("class", "subclass", "path"):
        table[column] = [PAYLOADS[k % len(PAYLOADS)] for k in range(len(table))]
    arrays = {name: np.asarray(getattr(made, name)) for name in ("ivar", "imputed") if getattr(made, name) is not None}
    sample = sa.SpectrumSet(made.wave, made.flux, table=table, frame=made.frame, scale=made.scale, **arrays)
    return finish(tmp_path_factory.mktemp("stranger") / "run", sample, path="/data/" + PAYLOADS[1])


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
    page.goto(address, wait_until="domcontentloaded")
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
