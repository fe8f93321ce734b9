"""The page on performance is what its program makes of the results that are kept."""

from __future__ import annotations

import importlib
import json
import re
from pathlib import Path

from benchmarks import _results, page, tutorials
from benchmarks._growth import growth_of

ROOT = Path(__file__).resolve().parents[2]
TEXT = page.PAGE.read_text(encoding="utf-8")


def test_the_committed_page_is_what_the_program_makes_of_the_committed_results() -> None:
    assert page.page(page.Results()) == TEXT, "run python -m benchmarks.page"


def test_each_result_has_its_command_and_is_on_the_page() -> None:
    about = page.Results().about
    assert {path.stem for path in _results.RESULTS.glob("*.json")} == {"about", *about}
    for entry in about.values():
        assert entry["command"].split(" --json")[0] in " ".join(TEXT.split())
        module = entry["command"].split()[2]
        assert hasattr(importlib.import_module(module), "main")


def test_the_results_are_small_and_name_no_machine() -> None:
    files = list(_results.RESULTS.glob("*.json"))
    assert sum(path.stat().st_size for path in files) < 200_000
    for path in files:
        assert not re.search(r'"/|/tmp|/home|\\\\', path.read_text(encoding="utf-8")), path


def test_what_its_text_claims_is_so() -> None:
    results = page.Results()
    rows = results["growth"]["rows"]
    assert all(one.exponent < 1 and one.last < 1 for one in growth_of(rows).values())
    whole = results["growth"]["rows"][-1]["counts"]["05_explain"]
    assert whole["explained"] == 100
    default, published = results["explain_default"], results["explain_published"]
    quicker = [a["A/ours"] < b["A/ours"] for a, b in zip(default[page.BY_SCORE], published[page.BY_SCORE], strict=True)]
    assert all(quicker), "a network trained with the defaults gains less"
    assert all(row["differ"] == [] for row in results["digests"])
    desi = next(iter(results["desi"].values()))
    assert desi["all targets, arms joined"]["cpu_s"] > desi["whole file, astropy"]["cpu_s"]


def test_the_times_of_dashboards_are_those_of_the_measurements() -> None:
    full = (ROOT / "docs" / "measurements.md").read_text(encoding="utf-8")
    found = json.loads((_results.RESULTS / "widgets.json").read_text(encoding="utf-8"))["found"]
    for name in ("77 segments", "150 segments", "5,000 masks", "next spectrum"):
        line = re.search(rf"^\| LimeTuner, {name} \| (\d+) / \d+ \| (\d+) /", full, flags=re.M)
        assert line is not None
        assert {"data": int(line[1]), "painted": int(line[2])} == found[f"tuner, lab: {name}"]


def test_its_figures_and_links_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", TEXT):
        assert (page.PAGE.parent / target).exists(), target


def test_numbers_keep_their_significant_digits() -> None:
    told = [page.sig(value) for value in (0, 0.0055, 0.22, 1.04, 35.2, 124.6, 12345)]
    assert told == ["0", "0.0055", "0.22", "1.0", "35", "125", "12,345"]


def test_every_tutorial_is_on_the_page_and_took_no_more_than_it_may() -> None:
    books = sorted((_results.ROOT / "tutorials").glob("[0-9][0-9]_*.ipynb"))
    taken = json.loads((_results.RESULTS / "tutorials.json").read_text(encoding="utf-8"))
    assert list(taken) == [book.stem for book in books]
    for one in taken.values():
        assert one["seconds"] < tutorials.BUDGET[0]
        assert one["bytes"] < tutorials.BUDGET[1]
