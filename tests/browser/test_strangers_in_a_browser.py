"""Names of strangers in a browser: no script runs, nothing is asked for, and what is hidden in them is seen."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom import plots
from specanom.explorer import write_explorer
from specanom.retrieve import KnowledgeBase
from specanom.run.report import policy
from specanom.triage import Label
from specanom.triage.candidates import from_frame
from specanom.triage.catalogue import Catalogue, Parts
from specanom.visible import visible
from tests.browser.explorers import Page
from tests.explorer.made import catalogue, everything
from tests.foreign.hostile import PAYLOADS, hostile

pytestmark = pytest.mark.browser
IDS = [text for text in hostile(len(PAYLOADS)) if text == text.strip().rstrip("\0")]


class Watched:
    """A page that may be asked whether anything ran."""

    def __init__(self, chromium: Any) -> None:
        self.context = chromium.new_context(viewport={"width": 1280, "height": 900})
        self.page = self.context.new_page()
        self.asked: list[str] = []
        self.wrong: list[str] = []
        self.page.on("request", lambda one: self.asked.append(one.url) if one.url.startswith(("http", "ws")) else None)
        self.page.on("dialog", lambda one: (self.wrong.append(one.message), one.dismiss()))
        self.page.on("pageerror", lambda error: self.wrong.append(str(error)))
        self.page.on("popup", lambda one: self.wrong.append(one.url))

    def check(self) -> None:
        """Nothing ran, nothing was loaded, nothing became an element."""
        assert self.page.evaluate("window.pwned") is None
        assert (self.asked, self.wrong) == ([], [])
        assert self.page.evaluate("""() => [...document.querySelectorAll('*')].flatMap(one => [...one.attributes]
            .filter(({ name, value }) => name.startsWith('on')
              || (/^(href|src|action|formaction|data|xlink:href)$/.test(name) && /^\\s*javascript:/i.test(value)))
            .map(({ name, value }) => `${one.tagName} ${name}=${value}`))""") == []
        assert self.page.locator("img[src='x'], svg[onload], iframe[srcdoc], link[href*='evil'], base").count() == 0


@pytest.fixture
def watched(chromium: Any) -> Iterator[Watched]:
    made = Watched(chromium)
    yield made
    made.context.close()


@pytest.fixture(scope="module")
def explorer(tmp_path_factory: pytest.TempPathFactory) -> Path:
    table = catalogue(IDS)
    table["class"] = table["story"] = table["note_of_survey"] = [*IDS[1:], IDS[0]]
    table[PAYLOADS[0]] = PAYLOADS[2]
    data = everything(IDS)
    said = [Label(id, text, text, text, text, text) for id, text in zip(IDS, PAYLOADS, strict=False)]
    object.__setattr__(data, "labels", [one for one in said if one.label and one.id])
    return write_explorer(tmp_path_factory.mktemp("explorer") / "page", table, data=data, title=PAYLOADS[1])


def test_every_card_of_a_hostile_catalogue_shows_its_name_as_text(watched: Watched, explorer: Path) -> None:
    opened = Page(watched.page).open(explorer)
    seen = set()
    for _ in IDS:
        seen.add(str(watched.page.text_content("#card [data-part=id]")))
        for box in watched.page.locator("details").all():
            box.evaluate("one => one.open = true")
        watched.page.keyboard.press("j")
        watched.page.wait_for_timeout(60)
    assert seen == {visible(id) for id in IDS}
    shown = {row[0] for row in opened.rows()}
    assert shown <= {visible(id) for id in IDS}
    text = watched.page.inner_text("body")
    assert not any(one in text for one in "\x1b\x07\x9b\u202e\u2066\u2028\u2029")
    watched.check()


def test_an_anchor_of_a_stranger_opens_no_script(watched: Watched, explorer: Path) -> None:
    for anchor in ("#<img src=x onerror=window.pwned=1>", "#javascript:window.pwned=2", "#__proto__", "#id=%00%1b"):
        watched.page.goto("about:blank")
        Page(watched.page).open(explorer, anchor)
    watched.check()


def test_figures_of_a_hostile_spectrum_run_nothing(watched: Watched, tmp_path: Path) -> None:
    wave = np.linspace(4000.0, 7000.0, 50)
    for place, text in enumerate(PAYLOADS[:14]):
        one = sa.Spectrum(wave, np.ones(50), id=text, z=0.1, meta={"class": text, "path": text, "unit": text})
        figure = plots.spectrum(one, theme=("light", "dark")[place % 2])
        path = plots.save_html(figure, tmp_path / f"{place}.html", title=text)
        watched.page.goto(path.as_uri())
        watched.page.wait_for_function("() => window.Bokeh?.documents.length && Bokeh.documents[0].is_idle")
        watched.page.mouse.move(640, 300)
        watched.page.wait_for_timeout(50)
        watched.check()


def test_records_in_a_notebook_run_nothing(watched: Watched, tmp_path: Path) -> None:
    n = len(IDS)
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": IDS, "ra": rng.uniform(0, 360, n), "dec": 0.0, "class": PAYLOADS[:n], "score": 1.0})
    sample = sa.SpectrumSet(np.arange(1.0, 6.0), np.ones((n, 5)), table=table)
    made = [sample, Catalogue.of(Parts(table)), from_frame(table), KnowledgeBase.build(
        rng.normal(size=(n, 3)), list(PAYLOADS[:n]), IDS, metadata=table[["class"]])]
    made.append(made[-1].query(np.zeros((1, 3))))
    body = "".join(one._repr_html_() for one in made)
    (tmp_path / "page.html").write_text(f"<!doctype html><meta charset=utf-8><body>{body}", encoding="utf-8")
    watched.page.goto((tmp_path / "page.html").as_uri())
    watched.page.wait_for_timeout(300)
    assert escape("<script>window.pwned=1</script>") in body
    watched.check()


def test_the_policy_of_the_report_stops_what_escaping_would_have_missed(watched: Watched, tmp_path: Path) -> None:
    ours = "<script>window.ours = new Function('return 1')()</script>"
    page = (f'<!doctype html><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" '
            f'content="{escape(policy(ours, ""))}">{ours}{"".join(PAYLOADS)}')
    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    watched.page.goto((tmp_path / "page.html").as_uri())
    watched.page.wait_for_timeout(400)
    assert watched.page.evaluate("window.ours") == 1
    assert watched.page.evaluate("window.pwned") is None
