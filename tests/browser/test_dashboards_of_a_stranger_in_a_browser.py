"""Dashboards on the run folder of a stranger in JupyterLab: all is text, and nothing hides."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import specanom as sa
from specanom.triage import LabelLog
from specanom.visible import visible
from tests.foreign.hostile import PAYLOADS
from tests.widgets.finished import linked

pytestmark = pytest.mark.browser

ELEMENTS = ("img[src='x'], svg[onload], iframe[srcdoc], link[href*='evil'], [onclick*=pwned], [onfocus*=pwned], "
            "[onmouseover*=pwned], a[href^='javascript']")
GRID, FACTS = ".specanom-table-scroll", ".specanom-facts"
HIDDEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e\u2066\u2028\u2029]")


@pytest.fixture(scope="module")
def run(stranger: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run whose objects, classes, parameters, labels, notes and authors are named by a stranger."""
    folder = linked(stranger, tmp_path_factory.mktemp("stranger") / "run")
    names = sa.SpectrumSet.open(folder / "sample.zarr").ids
    log = LabelLog(folder / "labels.jsonl")
    for id, text in zip(names, PAYLOADS * 3, strict=False):
        log.add(id, text, note=text, author=text, source=text)
    return folder


def walk(page: Any, settled: Callable[[], None], rows: int) -> set[str]:
    """Look at some rows and at every page of a workbench; returns the facts that were seen."""
    dialogs: list[str] = []
    page.on("dialog", lambda one: (dialogs.append(one.message), one.dismiss()))
    grid, facts = page.locator(GRID).first, page.locator(FACTS).first
    seen = {facts.inner_text()}
    grid.focus()
    for _ in range(rows):
        last = facts.inner_text()
        page.keyboard.press("ArrowDown")
        page.wait_for_function(f"last => document.querySelector('{FACTS}').innerText !== last", arg=last, polling=50)
        seen.add(facts.inner_text())
    text = page.inner_text("body")
    for tab in page.get_by_role("tab").filter(has_text=re.compile("Explanation|Clusters|Labels")).all():
        tab.click()
        settled()
        page.mouse.move(500, 500)
        page.mouse.move(520, 480)
        text += page.inner_text("body")
    assert page.evaluate("window.pwned") is None
    assert dialogs == []
    assert page.locator(ELEMENTS).count() == 0
    assert HIDDEN.findall("".join(seen)) == HIDDEN.findall(text) == []
    return seen


@pytest.mark.parametrize("frontend", ["lab"], indirect=True)
def test_every_name_of_a_stranger_is_text_in_the_dashboards(run: Path, open_notebook: Any) -> None:
    made = f"from specanom.widgets import Workbench\nbench = Workbench.open({str(run)!r})"
    book = open_notebook([made, "bench"], figures=5, height=1200)
    seen = walk(book.page, book.ready, 12)
    assert len(seen) == 13, "each row was another object"
    ids = book.kernel("bench.picker.sample.ids")
    assert all(any(visible(id) in facts for id in ids) for facts in seen)
    labels = book.page.locator(".specanom-labels").first
    for payload in (PAYLOADS[0], *PAYLOADS[12:14]):
        book.python(f"bench.selected = {payload!r}")
        shown = visible(payload)
        book.until(lambda text=shown: text in labels.inner_text(), f"{shown} is told")
    assert HIDDEN.findall(labels.inner_text()) == []
    for part in ("bench", "bench.picker", "bench.tuner", "bench.inspector"):
        assert book.kernel(f"repr({part}.error)") == "None"
