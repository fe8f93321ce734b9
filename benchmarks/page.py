"""Writes the page on performance from the results that are kept: ``python -m benchmarks.page [--figure]``.

``benchmarks/results`` holds what benchmarks wrote with ``--json``, unchanged, and ``about.json`` the command and the
day of each. The page is made of nothing else, so that a result is renewed by its command and this one. ``--figure``
draws the figure of explanations too; that of growth is drawn by ``python -m benchmarks.scale growth --figure``.
"""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks._growth import NAMES, own
from benchmarks._interactive import dashboards, on_binder, on_tutorials
from benchmarks._results import ROOT, Results, sig, span, table

PAGE = ROOT / "docs" / "performance.md"
FIGURE = ROOT / "docs" / "images" / "performance-explanations.png"
Rows = Sequence[Mapping[str, Any]]
SCALED = "MSE, scale fill, one thread"
BY_SCORE = "K = 77, N = 5000"
WHOLE = "one default explanation (paired, N = 2000, K = 77)"
MANY = "explain_many, defaults, one core"
HEAD = """# Performance

What to expect before choosing; the [measurements](measurements.md) are the full record, with what was aimed at and
not
reached. This page is written by `python -m benchmarks.page` from the files in `benchmarks/results`; each table has
the
command that makes its file. Times are of one machine with two cores that other programs used too, so ratios count
more
than seconds; *CPU* is processor time, which suffers less from others. No number here is of a GPU: none was at hand.
"""



# -- sections ----------------------------------------------------------------------------------------------------------


def explanations(results: Results) -> str:
    """Tell how fast explanations are beside lime's own loops."""
    trained, published = results["explain_default"], results["explain_published"]
    rows = [[str(a["K"]), f"{a['N']:,}", sig(a["A ms"], 3), sig(a["B ms"], 3), sig(a["collapse ms"], 3),
             f"{sig(a['A/collapse'])}× ({sig(b['A/collapse'])}×)", f"{sig(a['B ms'] / a['collapse ms'])}×",
             f"{sig(a['A/generic'])}×"] for a, b in zip(trained[SCALED], published[SCALED], strict=True)]
    whole = [[a["fill"], sig(a["explain() ms"], 3), sig(b["explain() ms"], 3), f"{sig(a['A/ours'])}×",
              f"{sig(b['A/ours'])}×"] for a, b in zip(trained[WHOLE], published[WHOLE], strict=True)]
    many = {score: [row["spectra/s"] for one in (trained, published) for row in one[MANY] if row["score"] == score]
            for score in ("mse", "chi2_ivar", "mse_filtered_trimmed")}
    quick = [row["A/ours"] for row in results["explain_quick"][WHOLE]]
    differ = max(row["weights differ"] for one in (trained, published) for name in (SCALED, BY_SCORE)
                 for row in one[name])
    return f"""## Explanations

*A* is the published loop: masks, batches of 100 perturbed copies through the network, then `lime.lime_base` of
lime 0.2.0.1; *B* is `LimeImageExplainer`, lime's own class on the spectrum as an image. One spectrum of 3,896 pixels,
the network
of the paper, the mean squared error, one thread, CPU time. K is the number of segments, N of
masks; in brackets a network trained as published, with an early stop.

{table(["K", "N", "A, ms", "B, ms", "specanom, ms", "A / specanom", "B / specanom", "A / any function"], rows)}

The same masks give the same weights: they differ by {differ:.0e} of their length at most, which is rounding. The
gain comes from
knowing the network: what a segment adds to its first layer is computed once and not for each copy. *Any function* is
what is left
for a model that specanom cannot look into, of which only fewer copies in memory and the vectorised fit remain.
Trained with
the defaults a network gains less than one that was stopped early, as published.

![How many times faster than the loop with LimeBase explanations are](images/performance-explanations.png)

A whole default explanation (2,000 paired masks, context, names, grade) against A with its 5,000 masks:

{table(["fill", "`explain()`, ms", "trained as published, ms", "faster", "trained as published"], whole)}

`explain_many`, 512 spectra, one core: {span(many['mse'])} spectra/s by `mse`, {span(many['chi2_ivar'])} by
`chi2_ivar`,
{span(many['mse_filtered_trimmed'])} by the filtered and trimmed MSE.

SAMPLE and MODEL are of four simulated plates. Without them the benchmark simulates 600 fibres and trains on those, in
some minutes: a whole default explanation was then {span(quick)} times as fast, on a machine that others kept busy.

{results.source("explain_default", "explain_published", "explain_quick")}
"""


def scores(results: Results) -> str:
    """Tell how many spectra a second are scored."""
    rates = results["scores"]
    plain = rates.pop("plain numpy")
    rows = [[name, f"{rate:,.0f}", f"{sig(plain / rate)}×"] for name, rate in rates.items()]
    return f"""## Scores

Spectra of 3,773 pixels a CPU second on one core. The yardstick is a bare `((x − y)**2).mean(axis=1)` in single
precision,
{plain:,.0f} spectra/s: no mask, no reconstruction. All but the row with the network have a reconstruction that costs
nothing.

{table(["score", "spectra/s", "times the bare expression"], rows)}

{results.source("scores")}
"""


def reading(results: Results) -> str:
    """Tell how fast files are read."""
    spec, plates = results["read"]["spec"], results["read"]["plates"]
    desi: dict[str, dict[str, float]] = next(iter(results["desi"].values()))
    mock = results["mock"]
    whole = desi["whole file, astropy"]["bytes"]
    rows = [[name, sig(one["bytes"] / 1e6, 3), f"{sig(whole / one['bytes'])}×", sig(one["cpu_s"])]
            for name, one in desi.items()]
    return f"""## Reading

SDSS spec files, the same columns: `astropy.io.fits` {sig(spec['astropy_ms'])} ms, specanom {sig(spec['open_ms'])} ms
a file,
{sig(spec['ratio'])}× faster; through `sa.read` {sig(spec['iterate_ms'])} ms. Whole plates:
{sig(plates['read_rows_per_s'])} spectra/s read,
{sig(plates['preprocessed_rows_per_s'])} spectra/s read and preprocessed. All of one core. `surveys.mock` simulates
{sig(mock['generate'])} spectra/s.

A DESI file of {next(iter(results['desi']))}, as DESI writes it:

{table(["", "MB read", "fewer", "CPU s"], rows)}

Joining the arms of all targets costs more processor time than astropy takes to load the bytes; what is saved is the
reading.

{results.source("read", "desi", "mock")}
"""


def growth(results: Results) -> str:
    """Tell what a whole run takes as surveys grow."""
    rows: Rows = results["growth"]["rows"]
    sizes = [f"{row['n']:,}" for row in rows]
    cells = [[NAMES[step], *[sig(own(row["steps"][step], "cpu")) for row in rows],
              *[sig(row["steps"][step]["memory"] / 1e9) for row in (rows[0], rows[-1])]] for step in
rows[-1]["steps"]]
    total = [sum(own(cell, "cpu") for cell in row["steps"].values()) for row in rows]
    most = [max(cell["memory"] for cell in row["steps"].values()) / 1e9 for row in (rows[0], rows[-1])]
    cells.append(["**all**", *map(sig, total), *map(sig, most)])
    walls = [sum(own(cell, "wall") for cell in row["steps"].values()) / 60 for row in (rows[0], rows[-1])]
    stored = rows[-1]["bytes"]["sample.zarr"] / rows[-1]["n"] / 1e3
    return f"""## A whole run, and how it grows

`specanom run` with the defaults (100 spectra explained) on simulated SDSS plates, two worker processes with one
thread each.
{sizes[0]} spectra take {sig(walls[0])} minutes of the clock, {sizes[-1]} take {sig(walls[-1])}. CPU seconds of each
stage, and memory of all processes
together:

{table(["stage", *[f"CPU s at {n}" for n in sizes], f"GB at {sizes[0]}", f"GB at {sizes[-1]}"], cells)}

![Processor time and memory of each stage: none grows faster than the survey](images/scale.png)

No stage grows faster than the survey. Training holds the sample in memory while that is less than a quarter of what
is free, and
reads it from disk beyond. A stored spectrum takes {sig(stored)} kB, about half with `precision="rounded"`, and with
`keep="top"` only 1 % are stored ([Storage](measurements.md#storage)).

{results.source("growth")}

{projection(results)}"""


def projection(results: Results) -> str:
    """Tell what a million spectra and more would take."""
    made = results["projection"]
    hours = {(row["survey"], row["keep"], row["workers"]): row["hours"] for row in made["times"]}
    counts = {row["survey"]: row["n"] for row in made["times"]}
    workers = sorted({key[2] for key in hours})
    cells = [[f"{survey}, {n:,}", f'`keep="{keep}"`', *[sig(hours[survey, keep, one]) for one in workers],
              sig(max(cell[survey] for cell in made["memory"].values())) if keep == "all" else ""]
             for survey, n in counts.items() for keep in ("all", "top")]
    return f"""### A million, by extrapolation

Straight lines through the figures above; nothing of this size was run. Hours of the clock, and the memory of the
largest
process:

{table(["survey", "stored", *[f"{one:,} workers" for one in workers], "GB"], cells)}

More than some sixteen workers do not pay: neighbours and catalogue are the work of one process. DESI as a whole is
better run by
parts of the sky.

{results.source("projection")}
"""


def executors(results: Results) -> str:
    """Tell what keeping partitions costs, and that results do not depend on it."""
    rows = [[row["executor"], f"{row['seconds']:g}", f"{100 * (row['cpu']['ratio'] - 1):.1f} %",
             f"{100 * (row['wall']['ratio'] - 1):.0f} % "
             f"({100 * (row['wall']['low'] - 1):.0f} to {100 * (row['wall']['high'] - 1):.0f})"]
            for row in results["overhead"]]
    ways: Rows = results["digests"]
    kills: Rows = results["kills"]
    same = len({row["digest"] for row in ways}) == 1 and not any(row["differ"] for row in ways)
    lost = sum(bool(row["differ"] or row["leftovers"] or row["orphans"] or row["done_twice"]) for row in kills)
    again = sum(row["cut_short"] for row in kills)
    return f"""## Many cores, and being killed

What resuming costs: tasks that are kept in partitions, beside a bare loop that keeps nothing, by the length of a
task. Extra
processor time, and extra time of the clock with quartiles (seven repeats on a busy machine):

{table(["executor", "task, s", "processors", "clock"], rows)}

One survey run in {len(ways)} ways (one process, threads, processes, Dask; partitions of 512 and 4,096):
{'all' if same else 'NOT all'}
{ways[0]['results']} tables, models and arrays have the same bytes. Of {len(kills)} runs in which a process was
killed at a random moment and, where that ended the run, the
same command given again, {len(kills) - lost} ended with the results of an undisturbed run, nothing done twice and
nothing left behind; {again} tasks
were cut short in all ([scale](scale.md)).

{results.source("overhead", "digests", "kills")}
"""


def retrieval(results: Results) -> str:
    """Tell how long a search takes."""
    rows = [[row["members"], row["index"], row["built, s"], row["ms a query, 200 at once"], row["one by one"],
             row["faiss Flat, 200 at once"], row["scikit-learn brute, 200 at once"], row["same as brute"]]
            for row in results["retrieval"]]
    return f"""## Retrieval

CPU milliseconds a query for 3 kin, one thread, vote and quantile included; in brackets how many times longer faiss
and
scikit-learn take on the same vectors (one thread: with many, faiss's flat search was not timed).

{table(["members × numbers", "index", "built, s", "200 at once", "one by one", "faiss `IndexFlatL2`",
        "scikit-learn brute", "same as brute"], rows)}

{results.source("retrieval")}
"""


def page(results: Results) -> str:
    """Return the page."""
    parts = [explanations, scores, reading, growth, executors, retrieval, dashboards, on_tutorials, on_binder]
    return filled("\n".join([HEAD, *[part(results) for part in parts]]))


def filled(text: str) -> str:
    """Return Markdown with lines of text of 120 characters at most; tables, headings and figures stay."""
    parts = [part if part.startswith(("|", "#", "![")) else
             textwrap.fill(part, 120, break_long_words=False, break_on_hyphens=False)
             for part in text.strip().split("\n\n")]
    return "\n\n".join(parts) + "\n"


# -- figure ------------------------------------------------------------------------------------------------------------


def draw(results: Results, path: Path = FIGURE) -> Path:
    """Draw how many times faster than the published loop each score is explained; returns the path."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7.2, 3.4), layout="constrained")
    sets = (("explain_published", "network trained as published", "#0072b2", -0.2),
            ("explain_default", "network trained by default", "#d55e00", 0.2))
    for name, label, colour, shift in sets:
        kept = [row for row in results[name][BY_SCORE] if row["fill"] == "scale"]
        bars = axes.barh([i + shift for i in range(len(kept))], [row["A/ours"] for row in kept], 0.38, color=colour,
                         label=label)
        axes.bar_label(bars, [f"{row['A/ours']:.0f}×" for row in kept], padding=3, fontsize=9)
        axes.set_yticks(range(len(kept)), [row["score"] for row in kept])
    axes.invert_yaxis()
    axes.set_xlabel("times faster than the loop with LimeBase\n(77 segments, 5,000 masks, fill Scale(0.9))")
    axes.set_xlim(0, 88)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
    return path


def main(argv: list[str] | None = None) -> int:
    """Write the page; with ``--check`` say whether it is what it would be."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.page", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--figure", action="store_true", help="draw the figure of explanations too")
    parser.add_argument("--check", action="store_true", help="write nothing, and return 1 when the page is not this")
    given = parser.parse_args(argv)
    results = Results()
    text = page(results)
    if given.check:
        return int(PAGE.read_text(encoding="utf-8") != text)
    PAGE.write_text(text, encoding="utf-8")
    print(PAGE)
    if given.figure:
        print(draw(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
