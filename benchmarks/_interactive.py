"""What the page on performance tells of dashboards, the explorer and the tutorials."""

from __future__ import annotations

import statistics

from benchmarks._results import Results, median, sig, span, table

DASHBOARDS = {
    "LimeTuner: 77 segments": "tuner, lab: 77 segments",
    "LimeTuner: 150 segments": "tuner, lab: 150 segments",
    "LimeTuner: 5,000 masks": "tuner, lab: 5,000 masks",
    "LimeTuner: next spectrum": "tuner, lab: next spectrum",
    "ScorePicker, 100,000 spectra: opens": "picker, 100,000 spectra: opens",
    "ScorePicker: next row": "picker: next row",
    "ClusterInspector, 20,000 explanations: opens": "inspector, 20,000 points: opens",
    "ClusterInspector: means of a lasso": "inspector: means of a lasso",
}
"""What the page tells of dashboards, and what the benchmark calls it."""


def dashboards(results: Results) -> str:
    """Tell how quickly dashboards and the explorer answer."""
    live, rows = results["widgets"], []
    for words, name in DASHBOARDS.items():
        value = live["found"][name]
        pair = (value["data"], value["painted"]) if isinstance(value, dict) else (None, value)
        rows.append([words, *("" if one is None else median(one) for one in pair)])
    explorer = results["explorer"]
    marks = {name: statistics.median(values) for name, values in explorer["seconds"].items()}
    opened = ", ".join(f"{words} after {sig(marks[name])} s" for name, words in (
        ("table", "the table is there"), ("card", "the first spectrum"), ("maps", "sky and map")))
    return f"""## Dashboards and explorer

Milliseconds from a key press, or a lasso, until the data of the figure have changed and until the page is drawn;
medians, JupyterLab
in a headless Chromium without a graphics card, spectra of {live['pixels']:,} pixels, on {live['cores']} cores that
others used too (load {span(live['loads'])}):

{table(["", "data, ms", "drawn, ms"], rows)}

The explorer of {explorer['objects']:,} objects, a folder of {sig(explorer['MB'])} MB, from the start of the
navigation, medians of {len(explorer['alone'])} starts of which {sum(explorer['alone'])} had the machine to
themselves: {opened}.

{results.source("widgets", "explorer")}
"""


def on_binder(results: Results) -> str:
    """Tell how much memory the tutorials need where memory is scarce."""
    rows = [[name, f"{one['pss'] / 1e6:.0f}", f"{one['rss'] / 1e6:.0f}"] for name, one in results["binder"].items()]
    return f"""## On Binder

The most megabytes that JupyterLab and its kernels hold when `binder/start` starts them and the tutorials with a
dashboard are run in a browser one after the other, none of them closed. *Shared once*: pages of memory that several
processes share count once.

{table(["open", "shared once", "sum of resident sets"], rows)}

{results.source("binder")}
"""


def on_tutorials(results: Results) -> str:
    """Tell what each tutorial takes."""
    taken = results["tutorials"]
    rows = [[name, f"{one['seconds']:.0f}", f"{one['bytes'] / 1e6:.0f}"]
            for name, one in taken.items()]
    return f"""## Tutorials

Each of the [tutorials](tutorials.md) executed whole with its own parameters, in processes of its
own; the most memory that its processes held together.

{table(["tutorial", "seconds", "peak memory, MB"], rows)}

{results.source("tutorials")}
"""
