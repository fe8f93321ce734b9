"""How long an explorer takes to write and to open, and how large it is.

    OMP_NUM_THREADS=1 python -m benchmarks.explorer [--objects 2000] [--repeat 9] [--folder DIR] [--json PATH]

A mock survey with scores of a PCA model and five kin of each object is written as an explorer and opened in headless
Chromium from the file, each time in a fresh context without a cache. From the start of the navigation: *table* is when
the table is on the screen and takes keys, *card* when the first spectrum is drawn, *maps* when everything is. Medians
and best; before each the program waits up to 5 s until nobody else uses the processors. *processor* is what the page's
main thread took of a core, which other work does not change much.

Aim: 2,000 objects open within 2 s.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from playwright.sync_api import sync_playwright
from scipy.spatial import cKDTree

import specanom as sa
from specanom.explorer import ExplorerData, write_explorer

MARKS = ("table", "bokeh", "card", "maps")
BUSY = "processor"
KIN = 5
PATIENCE = 5.0  # s


def survey_of(n: int) -> tuple[pd.DataFrame, ExplorerData]:
    """Return a catalogue of `n` objects of a mock survey and what its cards show."""
    sample = sa.Preprocessor().fit_transform(sa.surveys.mock(n=int(1.3 * n), seed=1))[:n]
    model = sa.PCAModel(10).fit(sample)
    latents = model.encode(sample.flux)
    rows = sample.table.assign(score=sa.Scorer(model, "mse")(sample))
    rows = rows.assign(**{f"latent_{k}": latents[:, k] for k in range(latents.shape[1])})
    distance, near = cKDTree(latents).query(latents, k=KIN + 1)
    ids = np.array(sample.ids, dtype=object)
    kin = pd.DataFrame({"query": np.repeat(ids, KIN), "id": ids[near[:, 1:]].ravel(),
                        "distance": distance[:, 1:].ravel()})
    return rows, ExplorerData(sample, model.reconstruct(sample.flux), kin=kin)


def opened(browser: Any, page: Path) -> dict[str, float]:
    """Open the page once; return when its parts were there, s."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, offline=True)
    try:
        tab = context.new_page()
        devtools = context.new_cdp_session(tab)
        devtools.send("Performance.setTimeDomain", {"timeDomain": "threadTicks"})
        devtools.send("Performance.enable")
        tab.goto(page.as_uri())
        tab.wait_for_selector("html[data-ready=true]", state="attached", timeout=60_000)
        marks = tab.evaluate("() => performance.getEntriesByType('mark').map(one => [one.name, one.startTime / 1000])")
        used = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
        return {name: dict(marks)[name] for name in MARKS} | {BUSY: used["TaskDuration"]}
    finally:
        context.close()


def idle() -> bool:
    """Wait until the processors are nearly unused for a moment; return whether that came."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        before = _used()
        time.sleep(0.25)
        if _used() - before < 0.2 * 0.25 * (os.cpu_count() or 1):
            return True
    return False


def _used() -> float:
    """Processor seconds of the machine that were not idle."""
    first = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    ticks = [int(one) for one in first]
    return (sum(ticks) - ticks[3] - ticks[4]) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--objects", type=int, default=2000)
    parser.add_argument("--repeat", type=int, default=9)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--json", type=Path)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary) / "explorer"
        rows, data = survey_of(given.objects)
        start, spent = time.perf_counter(), time.process_time()
        page = write_explorer(folder, rows, data=data, title="Benchmark")
        wrote, used = time.perf_counter() - start, time.process_time() - spent
        files = [path for path in page.parent.rglob("*") if path.is_file()]
        size = sum(path.stat().st_size for path in files) / 1e6
        first = sum(path.stat().st_size for path in files if not path.name.startswith("cards-")) / 1e6
        program = shutil.which("chromium") or shutil.which("google-chrome")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            alone, runs = [], []
            for _ in range(given.repeat):
                alone.append(idle())
                runs.append(opened(browser, page))
            browser.close()
    found = {name: [run[name] for run in runs] for name in (*MARKS, BUSY)}
    print(f"{len(rows):,} objects, {data.spectra.shape[1] if data.spectra else 0:,} pixels: "
          f"{size:.1f} MB, {first:.1f} MB without cards; written in {wrote:.1f} s ({used:.1f} s of one core)")
    print(f"opened {given.repeat} times, {sum(alone)} of them alone; load {os.getloadavg()[0]:.1f}")
    for name, values in found.items():
        print(f"{name:>9}: median {statistics.median(values):.2f} s, best {min(values):.2f} s")
    if given.json:
        told = {"objects": len(rows), "MB": size, "seconds": found, "alone": alone}
        given.json.write_text(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
