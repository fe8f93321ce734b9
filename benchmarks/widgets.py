"""How fast dashboards answer in a browser: from a key press to changed data in the figure, and to the painted figure.

    OMP_NUM_THREADS=1 python -m benchmarks.widgets RUN_DIR [--repeat 20] [--only tuner picker inspector notebook]
        [--frontends lab voila] [--json PATH]

`RUN_DIR` is a finished run, e.g. ``runs/mock``. The browser is headless Chromium, which paints without a graphics card:
*painted* is what a machine with one does much faster. *data* is the time until the figure's data source in the page
has changed. Median and 90th percentile of `repeat` presses, one after another. Before each the program waits
a little until nobody else uses the processors; where that did not always come, those that were alone are told too.

Aims: LimeTuner at its default, and up to 150 segments, 60 ms and 100 ms in JupyterLab, 40 and 70 in Voilà, 100 with
5,000 masks, 60 for another spectrum; ScorePicker of 100,000 spectra open within 2 s and scrolled without an empty row;
ClusterInspector of 20,000 points: the means of a lasso within 200 ms; all three in a saved notebook below 50 kB.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import nbformat
import numpy as np
import pandas as pd
import papermill

from specanom.cluster import ExplanationClusterer
from specanom.explain import ExplanationSet
from specanom.spectrumset import SpectrumSet
from tests.browser.frontends import Book, Frontend, until

LOAD = """
import time
from pathlib import Path
import pandas as pd
import specanom as sa
from specanom.widgets import ClusterInspector, LimeTuner, ScorePicker
run, made = Path({run!r}), Path({made!r})
sample, model = sa.SpectrumSet.open(run / "sample.zarr"), sa.VAEModel.load(run / "model")
scores = pd.read_parquet(run / "scores.parquet")
explanations = sa.ExplanationSet.open(run / "explanations.zarr")
clusters = sa.ExplanationClusterer.load(run / "clusters")
odd = sample.by_id(explanations[0].id)
"""
TUNER = "tuner = LimeTuner(sa.Explainer(sa.Scorer(model, 'mse')), odd, sample=sample)\ndisplay(tuner)"
PICKER = "picker = ScorePicker(sa.Scorer(model, 'mse'), sample, scores=scores, labels=made / 'labels.jsonl')\n" \
         "display(picker)"
INSPECTOR = """
inspector = ClusterInspector(clusters, sample, explanations=explanations, lines=pd.read_parquet(run / "lines.parquet"),
                             labels=made / "labels.jsonl")
display(inspector)"""
MANY = """
import numpy as np
many, many_scores = sa.SpectrumSet.open(made / "many.zarr"), pd.read_parquet(made / "many.parquet")
flat = sa.wrap(np.ones_like, many.wave)
"""
MANY_PICKER = "picker = ScorePicker(sa.Scorer(flat, 'mse'), many, scores=many_scores, labels=made / 'many.jsonl')\n" \
              "display(picker)"
CROWD = """
crowd, crowd_set = sa.ExplanationClusterer.load(made / "crowd"), sa.ExplanationSet.open(made / "crowd_set.zarr")
crowd_sample = sa.SpectrumSet.open(made / "crowd.zarr")
"""
CROWD_INSPECTOR = "inspector = ClusterInspector(crowd, crowd_sample, explanations=crowd_set,\n" \
                  "                             labels=made / 'crowd.jsonl')\ndisplay(inspector)"
SPECTRA, POINTS = 100_000, 20_000
NEXT = 150
"""Milliseconds of rest between two presses."""
IDLE, PATIENCE = 0.85, 3.0
"""Share of the processors that nobody uses when a key is pressed, and for how many seconds that is waited for."""

HOOK = """([event, skipped]) => {
  window.measured = []
  let began = null
  window.unhook?.()
  const start = () => { began = performance.now() }
  document.addEventListener(event, start, true)
  window.unhook = () => document.removeEventListener(event, start, true)
  const changed = () => {
    if (began === null) return
    const from = began, data = performance.now()
    began = null
    requestAnimationFrame(() => setTimeout(() => window.measured.push([data - from, performance.now() - from]), 0))
  }
  for (const doc of Bokeh.documents) for (const model of doc.all_models ?? doc._all_models.values()) {
    if (model.type !== "ColumnDataSource" || skipped.includes(model.name)) continue
    model.properties.data.change.connect(changed)
    model.patching.connect(changed)
    model.streaming.connect(changed)
  }
}"""
OPENED = """() => new Promise(resolve => {
  document.querySelectorAll(".specanom-dashboard").forEach(one => { one.dataset.old = "1" })
  window.jupyterapp.shell.currentWidget.content.activeCellIndex = 1
  const began = performance.now()
  window.jupyterapp.commands.execute("notebook:run-cell")
  const look = () => {
    const made = document.querySelector(".specanom-dashboard:not([data-old])")
    const panes = [...made?.querySelectorAll(".specanom-pane") ?? []]
    const rows = [...made?.querySelectorAll(".specanom-table-body [role=row]") ?? []]
    const there = panes.length && panes.every(one => one.dataset.ready) && rows.some(one => one.textContent.trim())
    if (there) setTimeout(() => resolve(performance.now() - began), 0)
    else requestAnimationFrame(look)
  }
  look()
})"""
SCROLLED = """() => new Promise(resolve => {
  const scroller = document.querySelector(".specanom-table-scroll")
  const box = scroller.getBoundingClientRect()
  let frames = 0, blank = 0, seen = new Set()
  const step = () => {
    const rows = [...scroller.querySelectorAll(".specanom-table-body [role=row]")].filter(row => {
      const at = row.getBoundingClientRect()
      return at.height > 0 && at.bottom > box.top && at.top < box.bottom && !row.hidden
    })
    const covered = rows.reduce((sum, row) => sum + row.getBoundingClientRect().height, 0)
    if (covered < 0.8 * box.height || rows.some(row => !row.textContent.trim())) blank += 1
    rows.forEach(row => seen.add(row.textContent))
    if (++frames === 200) return resolve([frames, blank, seen.size])
    scroller.scrollTop += frames % 50 ? 137 : 20000 * 28
    requestAnimationFrame(step)
  }
  step()
})"""


def spread(values: Sequence[float]) -> str:
    """Write the median and the 90th percentile."""
    if not values:
        return "nothing measured"
    ordered = sorted(values)
    return f"{statistics.median(ordered):5.0f} / {ordered[int(np.ceil(0.9 * len(ordered))) - 1]:5.0f} ms"


def spent() -> tuple[int, int]:
    """Return ticks of the processors that nobody used, and all, since the machine started; Linux only."""
    ticks = [int(one) for one in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


class Bench:
    """Measurements of one call of this program."""

    def __init__(self, run: Path, made: Path, repeat: int) -> None:
        self.run, self.made, self.repeat = run, made, repeat
        self.found: dict[str, Any] = {}

    def cells(self, *more: str) -> list[str]:
        """Return the cells of a notebook: all but the last in one."""
        load = LOAD.format(run=str(self.run), made=str(self.made))
        return [load + "".join(more[:-1]), more[-1]]

    def say(self, name: str, value: Any, text: str) -> None:
        """Keep and print a number."""
        self.found[name] = value
        print(f"{name:58s} {text}", flush=True)

    def answers(self, book: Book, name: str, act: Callable[[int], None], *, event: str = "keydown",
                skipped: Sequence[str] = ()) -> None:
        """Act `repeat` times and measure each."""
        book.page.evaluate(HOOK, [event, list(skipped)])
        alone = []
        for i in range(self.repeat):
            alone.append(self.quiet(book))
            act(i)
            book.until(lambda i=i: book.page.evaluate("() => window.measured.length") > i, f"answer {i} of {name}")
            book.page.wait_for_timeout(NEXT)
        pairs = book.page.evaluate("() => window.measured")
        self.pairs(name, pairs)
        if any(alone) and not all(alone):
            quiet = [pair for pair, one in zip(pairs, alone, strict=True) if one]
            self.pairs(f"  {name}, alone {sum(alone)} times", quiet)

    def pairs(self, name: str, pairs: Sequence[Sequence[float]]) -> None:
        """Keep and print times until data have changed and until they are painted."""
        data, painted = [one[0] for one in pairs], [one[1] for one in pairs]
        self.say(name, {"data": data, "painted": painted}, f"data {spread(data)}   painted {spread(painted)}")

    def opens(self, book: Book, name: str) -> None:
        """Run the cell that shows a dashboard again and again."""
        times = []
        for _ in range(5):
            self.quiet(book)
            times.append(book.page.evaluate(OPENED))
        self.say(f"{name}: opens", times, spread(times))

    def quiet(self, book: Book) -> bool:
        """Wait, not for ever, until others leave the processors alone; returns whether they did."""
        if not Path("/proc/stat").exists():
            return True
        end, before = time.monotonic() + PATIENCE, spent()
        while True:
            book.page.wait_for_timeout(NEXT)
            now = spent()
            if now[0] - before[0] >= IDLE * (now[1] - before[1]):
                return True
            if time.monotonic() > end:
                return False
            before = now

    # -- the three dashboards --------------------------------------------------------------------------------------

    def tuner(self, book: Book) -> None:
        """Segments by slider, at 77, at 150 and with 5,000 masks, and other spectra by key."""
        kind, press = book.frontend.kind, book.page.keyboard.press
        for name, change in (("77 segments", ""), ("150 segments", "count=150"), ("5,000 masks", "n_samples=5000")):
            book.python(f"tuner.settings = tuner.start.replace({change})")
            book.slider("Segments")
            # Always on, never back: settings that have been explained before would be quicker.
            self.answers(book, f"tuner, {kind}: {name}", lambda _: press("ArrowLeft"))
        book.python("tuner.settings = tuner.start")
        book.page.locator(".specanom-dashboard").first.focus()
        self.answers(book, f"tuner, {kind}: next spectrum", lambda _: press("ArrowRight"))

    def picker(self, book: Book) -> None:
        """Opening 100,000 spectra, scrolling through them, and the next row by key."""
        self.opens(book, f"picker, {SPECTRA:,} spectra")
        frames, blank, seen = book.page.evaluate(SCROLLED)
        self.say("picker: frames with empty rows while scrolling", blank, f"{blank} of {frames} ({seen} rows seen)")
        book.page.locator(".specanom-dashboard:not([data-old])").focus()
        self.answers(book, "picker: next row", lambda i: book.page.keyboard.press("j"))

    def inspector(self, book: Book) -> None:
        """A lasso of 20,000 points until its means are shown."""
        self.opens(book, f"inspector, {POINTS:,} points")
        book.ready(1)
        x, y = (np.array(book.data("points", name)[0], dtype=float) for name in "xy")
        centre, size = (np.nanmedian(x), np.nanmedian(y)), (np.nanstd(x), np.nanstd(y))
        turns = np.linspace(0, 2 * np.pi, 9)

        def lasso(i: int) -> None:
            grown = 0.5 + 0.05 * (i % 5)
            book.drag("map", [(centre[0] + grown * size[0] * np.cos(t), centre[1] + grown * size[1] * np.sin(t))
                              for t in turns])

        self.answers(book, "inspector: means of a lasso", lasso, event="pointerup", skipped=["points", "focus"])

    def notebook(self, book: Book) -> None:
        """The size of a saved notebook with all three, beyond its own text."""
        path = book.save()
        until(lambda: path.read_text().count("widget-view+json") >= 3, "the saved notebook")
        own = sum(len(cell.source.encode()) for cell in nbformat.read(path, as_version=4).cells)
        kilobytes = (path.stat().st_size - own) / 1000
        self.say("saved notebook with all three, without its own text", kilobytes, f"{kilobytes:5.1f} kB")
        out = path.with_name("by_papermill.ipynb")
        papermill.execute_notebook(path, out, kernel_name="python3", store_widget_state=False, progress_bar=False)
        kilobytes = (out.stat().st_size - own) / 1000
        self.say("the same by papermill, without widget states", kilobytes, f"{kilobytes:5.1f} kB")


# -- what is opened ----------------------------------------------------------------------------------------------------


def make_many(made: Path) -> None:
    """Write 100,000 flat spectra of 300 pixels and their scores."""
    rng = np.random.default_rng(0)
    snr = rng.uniform(5, 40, SPECTRA)
    flux = (1 + rng.standard_normal((SPECTRA, 300), dtype=np.float32) / snr[:, None]).astype(np.float32)
    table = pd.DataFrame({"id": [f"{i:06d}" for i in range(SPECTRA)], "snr": snr, "z": rng.uniform(0.02, 0.3, SPECTRA)})
    ivar = np.repeat((snr**2).astype(np.float32)[:, None], 300, axis=1)
    sample = SpectrumSet(np.linspace(3700, 7300, 300), flux, ivar, table)
    sample.save(made / "many.zarr")
    table.assign(mse=((flux - 1.0) ** 2).mean(axis=1)).to_parquet(made / "many.parquet")


def make_crowd(run: Path, made: Path) -> None:
    """Write 20,000 explanations and their spectra: those of the run again and again, each with a little noise."""
    rng = np.random.default_rng(0)
    known, sample = ExplanationSet.open(run / "explanations.zarr"), SpectrumSet.open(run / "sample.zarr")
    rows = np.resize(np.arange(len(known)), POINTS)
    ids = [f"{i:05d}" for i in range(POINTS)]
    many = known[rows]
    weights = np.asarray(many.weights)
    noisy = weights * rng.normal(1, 0.1, weights.shape) + rng.normal(0, 0.02 * np.nanstd(weights), weights.shape)
    many = many.replace(weights=noisy, ids=ids)
    many.save(made / "crowd_set.zarr")
    place = {id: i for i, id in enumerate(sample.ids)}
    spectra = sample[np.array([place[known[i].id] for i in range(len(known))])[rows]]
    table = spectra.table.assign(id=ids)
    SpectrumSet(spectra.wave, np.asarray(spectra.flux), np.asarray(spectra.ivar), table).save(made / "crowd.zarr")
    ExplanationClusterer(n_clusters=8, bootstrap=0).fit(many).save(made / "crowd")


@contextmanager
def opened(browser: Any, frontend: Frontend, cells: Sequence[str], figures: int) -> Iterator[Book]:
    """Open a notebook in a page of its own; what the page must not do is printed."""
    context = browser.new_context(viewport={"width": 1600, "height": 1100}, reduced_motion="reduce")
    book = Book(frontend, context.new_page(), "bench.ipynb")
    try:
        book.write(cells)
        book.open().ready(figures)
        yield book
    finally:
        book.close()
        context.close()
        print(*book.guard.outside, *book.guard.failed, sep="\n", end="")


def measure(bench: Bench, browser: Any, kinds: Sequence[str], only: Sequence[str]) -> None:
    """Measure what is asked for."""
    for kind in kinds:
        frontend = Frontend(kind, bench.made / kind).start()
        try:
            if "tuner" in only:
                with opened(browser, frontend, bench.cells(TUNER), 1) as book:
                    bench.tuner(book)
            if kind != "lab":
                continue
            if "picker" in only:
                make_many(bench.made)
                with opened(browser, frontend, bench.cells(MANY, MANY_PICKER), 1) as book:
                    bench.picker(book)
            if "inspector" in only:
                make_crowd(bench.run, bench.made)
                with opened(browser, frontend, bench.cells(CROWD, CROWD_INSPECTOR), 1) as book:
                    bench.inspector(book)
            if "notebook" in only:
                with opened(browser, frontend, bench.cells(f"{TUNER}\n{PICKER}\n{INSPECTOR}"), 1) as book:
                    bench.notebook(book)
        finally:
            frontend.stop()


def rounded(value: Any) -> Any:
    """Return numbers to a tenth of a millisecond, wherever they are."""
    if isinstance(value, Mapping):
        return {name: rounded(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(one) for one in value]
    return round(value, 1) if isinstance(value, float) else value


def main() -> None:
    """Run all measurements and print them; ``--json`` keeps each time, and the load of the machine before and after."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run_dir", type=Path)
    parser.add_argument("--repeat", type=int, default=20)
    parser.add_argument("--only", nargs="+", default=["tuner", "picker", "inspector", "notebook"])
    parser.add_argument("--frontends", nargs="+", default=["lab", "voila"])
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        sys.exit("benchmarks.widgets: needs Chromium")
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as made, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
        bench = Bench(options.run_dir.absolute(), Path(made), options.repeat)
        told = {"pixels": len(SpectrumSet.open(bench.run / "sample.zarr").wave), "cores": os.cpu_count(),
                "loads": [os.getloadavg()[0]]}
        measure(bench, browser, options.frontends, options.only)
        browser.close()
    if options.json:
        options.json.write_text(json.dumps(rounded(told | {"loads": [*told["loads"], os.getloadavg()[0]],
                                                           "found": bench.found}), indent=1) + "\n")


if __name__ == "__main__":
    main()
