"""The report in a browser without a network: it is whole, it draws, it asks for nothing, and nothing gets into it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from specanom.run.manifest import Manifest
from specanom.run.parameters import STAGES
from specanom.run.report import current_report, write_report

pytestmark = [pytest.mark.slow, pytest.mark.browser, pytest.mark.xdist_group("run")]
SECTIONS = ("data", "model", "scores", "anomalies", "clusters", "made")
HOSTILE = "</script><script>window.pwned=1</script>\"'<img src=x onerror=window.pwned=2>{{7*7}}"
DRAWN = """() => {
  const found = []
  const views = Object.values(Bokeh.index.roots ?? Bokeh.index)
  for (const view of views.filter(v => v.el.closest('div[data-root-id]'))) {
    const box = view.el.getBoundingClientRect()
    const all = (root) => [...root.querySelectorAll('canvas'),
      ...[...root.querySelectorAll('*')].filter(e => e.shadowRoot).flatMap(e => all(e.shadowRoot))]
    found.push({width: box.width, height: box.height, canvases: all(view.shadow_el ?? view.el).length})
  }
  return found
}"""


def test_the_report_is_whole_and_every_figure_is_drawn(finished: Path, visit) -> None:
    page = visit.open(finished / "report.html")
    assert "specanom" in page.title()
    for section in SECTIONS:
        assert page.locator(f"h2#{section}").is_visible(), section
        assert page.locator(f"nav a[href='#{section}']").count() == 1
    explained = pd.read_parquet(finished / "clusters.parquet")
    assert page.locator(".card[id^='card-']").count() == min(12, len(explained))
    assert page.locator(".card[id^='cluster-']").count() == explained["cluster"].nunique()
    divs = page.locator("div[data-root-id]").count()
    drawn = page.evaluate(DRAWN)
    assert len(drawn) == divs >= 12 + explained["cluster"].nunique()
    assert all(one["width"] > 200 and one["height"] > 100 and one["canvases"] for one in drawn), drawn


@pytest.mark.parametrize("width", [420, 1280])
def test_the_page_is_as_wide_as_the_window_and_what_is_wider_scrolls_by_itself(finished: Path, visit, width) -> None:
    visit.page.set_viewport_size({"width": width, "height": 900})
    page = visit.open(finished / "report.html")
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    page.wait_for_timeout(200)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    wide = page.evaluate("""() => [...document.querySelectorAll('.plot, .scroll, pre')]
        .filter(one => one.scrollWidth > one.clientWidth + 1).map(one => getComputedStyle(one).overflowX)""")
    assert set(wide) <= {"auto"}
    assert wide or width > 420  # of two panels of 320 pixels beside each other, the second can be reached


def test_it_holds_the_numbers_of_the_run(finished: Path, visit) -> None:
    page = visit.open(finished / "report.html")
    text = page.locator("body").inner_text()
    manifest = Manifest(finished)
    for stage in STAGES:
        assert stage in text
    counts = manifest.stage("02_preprocess")["counts"]
    assert page.locator(".tile", has_text="spectra read").locator("b").inner_text() == str(counts["read"])
    assert page.locator(".tile", has_text="kept").locator("b").inner_text() == str(counts["kept"])
    oddest = pd.read_parquet(finished / "scores.parquet").nsmallest(1, "chi2_ivar_rank")["id"].iloc[0]
    assert oddest in page.locator("#card-1 header").inner_text()
    assert "--survey mock" in page.locator("pre").inner_text()
    assert "segments=20" in page.locator("pre").inner_text()


def test_the_report_is_one_file_that_loads_nothing(finished: Path, visit) -> None:
    page = visit.open(finished / "report.html")
    assert page.locator("link, script[src], iframe, img:not([src^='data:'])").count() == 0
    assert (finished / "report.html").stat().st_size < 8_000_000


def test_writing_it_again_gives_the_same_and_what_changes_is_noticed(run_copy: Path) -> None:
    assert current_report(run_copy) == run_copy / "report.html"
    page = run_copy / "report.html"
    page.write_text("somebody else's")
    assert current_report(run_copy) is None
    assert write_report(run_copy) == page
    assert current_report(run_copy) == page
    manifest = Manifest(run_copy)
    manifest.write(stage="06_clusters", record={**manifest.stage("06_clusters"), "outputs": {"clusters": "other"}})
    assert current_report(run_copy) is None


def rename(run: Path, old: str, new: str) -> None:
    """Give a spectrum another id in every table of a run that the report reads."""
    for path in [*run.glob("*.parquet"), *run.glob("*.zarr/table.parquet")]:
        table = parquet.read_table(path)
        for name in {"id", "ids"} & set(table.column_names):
            if pa.types.is_string(table[name].type) or pa.types.is_large_string(table[name].type):
                ids = [new if id == old else id for id in table[name].to_pylist()]
                table = table.set_column(table.column_names.index(name), name, pa.array(ids, table[name].type))
        parquet.write_table(table, path)  # with what it says of itself
    for path in [run / "clusters" / "clusterer.json", run / "preprocess.json"]:
        path.write_text(path.read_text(encoding="utf-8").replace(json.dumps(old), json.dumps(new)), encoding="utf-8")


def test_a_hostile_id_and_path_are_text(run_copy: Path, visit) -> None:
    oddest = pd.read_parquet(run_copy / "clusters.parquet")["id"].iloc[0]
    rename(run_copy, oddest, HOSTILE)
    manifest = Manifest(run_copy)
    manifest.write(parameters={**manifest.parameters, "survey": "sdss", "path": f"/data/{HOSTILE}"})
    page = visit.open(write_report(run_copy))
    page.wait_for_timeout(200)
    assert page.evaluate("window.pwned") is None
    assert HOSTILE in page.locator("#card-1 header").inner_text()
    assert HOSTILE in page.locator("h1").inner_text()
    assert page.locator("img[src='x']").count() == 0
    assert page.locator("script", has_text="window.pwned=1").count() <= 1  # only inside the figures' own JSON
