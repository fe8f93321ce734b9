"""The inspector of clusters in JupyterLab, Notebook 7 and Voilà."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from tests.browser.frontends import Book

pytestmark = pytest.mark.browser

MAKE = """
import dataclasses
import numpy as np
import pandas as pd
import specanom as sa
from specanom.cluster import ExplanationClusterer, features_of
from specanom.diagnostics import RATIOS
from specanom.widgets import ClusterInspector

N, P, K = 60, 400, 8
rng = np.random.default_rng(0)
truth = np.arange(N) % 3
weights = np.abs(rng.normal(0, 0.05, (N, K)))
weights[np.arange(N), 2 * truth] += 1.0
ids = ["<img src=x onerror=document.title='broken'>", *(f"s{i}" for i in range(1, N))]
wave = 4500.0 + 5.0 * np.arange(P)
flux = (rng.normal(1, 0.05, (N, P)) + truth[:, None]).astype(np.float32)
sample = sa.SpectrumSet(wave, flux, table=pd.DataFrame({"id": ids, "z": rng.uniform(0.02, 0.1, N)}))
clusters = ExplanationClusterer(3, k_range=(2, 5), bootstrap=0).fit(weights)
clusters.features_ = dataclasses.replace(clusters.features_, ids=tuple(ids), segments=np.arange(P) * K // P, wave=wave)
clusters.ids_ = tuple(ids)
lines = pd.DataFrame({"id": ids, "bpt": "SF", **{name: rng.lognormal(0, 0.3, N) for name in RATIOS}})
w = ClusterInspector(clusters, sample, lines=lines, labels="labels.jsonl")
"""


@pytest.fixture(scope="module")
def book(open_notebook: Any) -> Book:
    return open_notebook([MAKE, "w"], figures=4, height=1400)


@pytest.fixture(autouse=True)
def nothing_went_wrong(book: Book) -> Iterator[None]:
    yield
    assert book.kernel("repr(w.error)") == "None"
    book.guard.check()


def around(book: Book, cluster: int) -> list[tuple[float, float]]:
    """Return corners of a box around the points of a cluster on the map."""
    labels = np.array(book.kernel("w.labels.tolist()"))
    xy = np.array([book.data("points", "x")[0], book.data("points", "y")[0]], dtype=float)[:, labels == cluster]
    (x0, y0), (x1, y1) = xy.min(axis=1) - 0.05, xy.max(axis=1) + 0.05
    return [(x0, y0), (x1, y0), (x1, y1), (x0, y1), (x0, y0)]


def test_a_lasso_shows_the_means_of_what_is_in_it(book: Book) -> None:
    book.drag("map", around(book, 1))
    book.until(lambda: book.kernel("len(w.selection)") > 0, "the selection reaches Python")
    rows = book.kernel("np.flatnonzero(w.labels == 1).tolist()")
    assert book.kernel("[ids.index(one) for one in w.selection]") == rows
    want = np.array(book.kernel("flux[w.labels == 1].mean(axis=0).tolist()"))
    book.until(lambda: np.allclose(np.array(book.data("mean", "mean")[0], dtype=float), want, rtol=1e-4),
               "the mean of the selection is drawn")
    book.until(lambda: "selected" in book.value("means", "title.text")[0], "the title says so")


def test_a_tap_puts_a_member_into_focus(book: Book) -> None:
    x, y = (book.data("points", name)[0][7] for name in ("x", "y"))
    book.tap("map", x, y)
    book.until(lambda: book.kernel("w.selected") in book.kernel("list(w.selection)"), "the member is in focus")
    focus = book.kernel("w.selected")
    book.until(lambda: np.allclose(book.data("focus", "x")[0], x, atol=0.05), f"{focus} is ringed")


def test_k_by_keyboard_makes_other_clusters(book: Book) -> None:
    book.python("w.clear()")
    book.slider("k").press("ArrowLeft")
    book.until(lambda: book.kernel("w.clusterer.n_clusters_") == 2, "two clusters in Python")
    book.until(lambda: max(book.data("points", "cluster")[0]) == 1, "two clusters on the map")
    book.slider("k").press("ArrowRight")
    book.until(lambda: book.kernel("[w.k, w.clusterer.n_clusters_]") == [3, 3], "three in Python")
    book.until(lambda: max(book.data("points", "cluster")[0]) == 2, "three again")


def test_keys_mark_and_turn_to_the_observed_frame(book: Book) -> None:
    book.python("w.cluster = 0")
    book.page.get_by_role("button", name="Next ▶").click()
    book.until(lambda: book.kernel("w.cluster") == 1, "the next cluster")
    book.page.keyboard.press("2")
    book.until(lambda: book.kernel("(w.result['mark'] == 'artefact').sum().item()") == 20, "its members are marked")
    path = book.kernel("str(w.book.marks.path.resolve())")
    with open(path, encoding="utf-8") as file:
        assert {json.loads(line)["label"] for line in file} == {"artefact"}
    book.page.keyboard.press("o")
    book.until(lambda: book.data("mean", "x")[0][-1] > 6600, "the axis is that of the observed frame")
    book.page.keyboard.press("o")
    book.until(lambda: book.data("mean", "x")[0][-1] < 6600, "and back")


def test_a_menu_clusters_in_the_other_frame_and_a_key_goes_back(book: Book) -> None:
    before = book.kernel("w.labels.tolist()")
    book.page.get_by_label("Cluster in").first.select_option("observed frame")
    book.until(lambda: book.kernel("w.clusterer.frame_") == "observed", "the clusters are those of the observed frame")
    book.until(lambda: book.data("mean", "x")[0][-1] > 6600, "the axis is that of the observed frame")
    book.until(lambda: book.data("points", "cluster")[0] == book.kernel("w.labels.tolist()"), "the map shows them")
    book.page.get_by_role("button", name="Next ▶").click()
    book.page.keyboard.press("f")
    book.until(lambda: book.kernel("w.clusterer.frame_") != "observed", "a key goes back")
    book.until(lambda: book.data("points", "cluster")[0] == before, "to the clusters that were")


def test_a_name_is_typed_after_a_key(book: Book) -> None:
    book.page.get_by_role("button", name="Next ▶").click()
    book.page.keyboard.press("n")
    book.until(lambda: book.page.evaluate("document.activeElement.tagName") == "INPUT", "the field has the focus")
    book.page.keyboard.type("<b>red</b> sky")
    book.page.keyboard.press("Enter")
    book.until(lambda: "<b>red</b> sky" in book.kernel("list(w.names.values())"), "the name reaches Python")
    book.until(lambda: "<b>red</b> sky" in book.data("centres", "text")[0], "the name is on the map")


def test_a_hostile_id_stays_text(book: Book) -> None:
    book.python("w.selected = ids[0]")
    book.until(lambda: book.kernel("w.member.live.flux.title.text").startswith("<img"), "it is shown")
    assert book.page.title() != "broken"
    assert book.page.locator("img[src=x]").count() == 0
