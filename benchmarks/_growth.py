"""How each stage grows with the number of spectra: fits, a table, a figure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from bokeh.models import ColumnDataSource, FixedTicker
from numpy.typing import NDArray

from specanom.plots.output import to_html
from specanom.plots.palette import palette as colours_of
from specanom.plots.theme import beside, canvas, legend

Rows = Sequence[Mapping[str, Any]]
NAMES = {"02_preprocess": "read and preprocess", "03_train": "train", "04_score": "score", "05_explain": "explain",
         "06_clusters": "cluster", "07_kin": "kin", "08_catalogue": "catalogue", "report": "report"}
"""Of the stages, as a table tells them."""


@dataclass(frozen=True)
class Growth:
    """How a cost grows with n.

    Attributes
    ----------
    fixed, each : float
        Of ``fixed + each · n``, neither negative, fitted to relative errors.
    exponent : float
        Slope of log cost over log n, by least squares.
    last : float
        The same between the two largest n, where fixed costs count least.
    """

    fixed: float
    each: float
    exponent: float
    last: float

    def __call__(self, n: float) -> float:
        """Return the cost of `n`, by the straight line."""
        return self.fixed + self.each * n

    @classmethod
    def of(cls, n: Sequence[float], cost: Sequence[float]) -> Growth:
        """Fit costs above zero at increasing n.

        With one n nothing is known of the growth: all of the cost counts as growing, and the exponents are NaN.
        """
        from scipy.optimize import nnls

        x, y = np.asarray(n, dtype=np.float64), np.maximum(np.asarray(cost, dtype=np.float64), 1e-9)
        if len(x) < 2:
            return cls(0.0, float(y[0] / x[0]), float("nan"), float("nan"))
        (fixed, each), _ = nnls(np.column_stack([1.0 / y, x / y / x.max()]), np.ones(len(x)))
        logs = np.log(x), np.log(y)
        return cls(float(fixed), float(each / x.max()), float(np.polyfit(*logs, 1)[0]),
                   float(np.diff(logs[1])[-1] / np.diff(logs[0])[-1]))


def own(step: Mapping[str, Any], what: str, workers: int = 2) -> float:
    """Return what a step took of the wall clock or of the processors, without the simulating of plates.

    Plates are simulated by all workers at a time, so their number divides the wall time of it.
    """
    less = step["simulating"][what] / (workers if what == "wall" else 1)
    return float(step[what] - less)


def growth_of(rows: Rows, what: str = "cpu") -> dict[str, Growth]:
    """Return how each stage grows."""
    sizes = [row["n"] for row in rows]
    return {step: Growth.of(sizes, [own(row["steps"][step], what) for row in rows]) for step in rows[-1]["steps"]}


def told(rows: Rows) -> dict[str, Any]:
    """Return the fits as plain values."""
    return {what: {step: asdict(one) for step, one in growth_of(rows, what).items()} for what in ("cpu", "wall")}


def table(rows: Rows) -> str:
    """Return Markdown: seconds, memory and growth of each stage, and what lies on the disk."""
    sizes = [row["n"] for row in rows]
    heads = _slashed(sizes)
    grown, last = growth_of(rows), rows[-1]
    lines = [f"| stage | processor s at {heads} | wall s at {sizes[-1]:,} | spectra/s of one core | grows as "
             f"(last two) | memory MB at {heads} |", "|---|---|---|---|---|---|"]
    for step, growth in grown.items():
        cells = [row["steps"][step] for row in rows]
        lines.append(_line(NAMES.get(step, step), cells, growth, sizes[-1]))
    whole = [{"cpu": sum(own(cell, "cpu") for cell in row["steps"].values()),
              "wall": sum(own(cell, "wall") for cell in row["steps"].values()),
              "memory": max(cell["memory"] for cell in row["steps"].values()),
              "simulating": {"cpu": 0.0, "wall": 0.0}} for row in rows]
    lines.append(_line("all", whole, Growth.of(sizes, [one["cpu"] for one in whole]), sizes[-1]))
    lines += ["", f"| product | bytes a spectrum at {heads} |", "|---|---|"]
    for name in sorted(last["bytes"], key=lambda one: -last["bytes"][one]):
        lines.append(f"| `{name}` | {_slashed([row['bytes'].get(name, 0) / row['n'] for row in rows])} |")
    disk = [max(cell["disk"] for cell in row["steps"].values()) / row["n"] for row in rows]
    lines.append(f"| most at a time, with the plates that are being read | {_slashed(disk)} |")
    return "\n".join(lines)


def _line(name: str, cells: Sequence[Mapping[str, Any]], growth: Growth, n: int) -> str:
    used = [own(cell, "cpu") for cell in cells]
    grows = f"n^{growth.exponent:.2f} (n^{growth.last:.2f})" if len(cells) > 1 else "–"
    return (f"| {name} | {_slashed(used)} | {own(cells[-1], 'wall'):,.0f} | {n / used[-1]:,.0f} | {grows} | "
            f"{_slashed([cell['memory'] / 1e6 for cell in cells])} |")


def _slashed(values: Sequence[float]) -> str:
    return " / ".join(f"{value:,.0f}" for value in values)


def figure(rows: Rows, theme: str = "light") -> Any:
    """Return two panels over the number of spectra: processor time and memory of each stage."""
    sizes = np.array([row["n"] for row in rows], dtype=np.float64)
    used = {step: np.array([own(row["steps"][step], "cpu") for row in rows]) for step in rows[-1]["steps"]}
    memory = {step: np.array([row["steps"][step]["memory"] / 1e9 for row in rows]) for step in rows[-1]["steps"]}
    first, entries = _panel(sizes, used, ("How long each stage takes", "processor time, s"), theme)
    x = np.array([sizes[0], sizes[-1]])
    top = max(values[-1] for values in used.values())
    if len(sizes) > 1:
        guide = first.line(x, 1.6 * top * x / x[-1], line_dash="dashed", color=colours_of(theme).muted, width=1.5)
        entries.append(("∝ n", [guide]))
    second, more = _panel(sizes, memory, ("What it holds in memory", "GB of all processes"), theme)
    second.y_range.start = 0
    for made, lines in ((first, entries), (second, more)):
        legend(made, lines, colours_of(theme))
        made.legend[0].ncols, made.toolbar_location = 3, None
    return beside([first, second], least=420)


def _panel(sizes: NDArray[np.float64], values: Mapping[str, NDArray[np.float64]], titles: tuple[str, str], theme: str
           ) -> tuple[Any, list[tuple[str, list[Any]]]]:
    colours = colours_of(theme)
    title, label = titles
    scale = "log" if "time" in label else "linear"
    made = canvas(theme, title, x="spectra", y=label, height=460,
                  options={"x_axis_type": "log", "y_axis_type": scale, "tools": "save"})
    made.xaxis.ticker = FixedTicker(ticks=sizes.tolist())
    made.xaxis.major_label_overrides = {int(n): f"{n:,.0f}" for n in sizes}
    entries = []
    for (step, one), colour in zip(values.items(), colours.categories, strict=False):
        source = ColumnDataSource({"n": sizes, "value": one})
        line = made.line("n", "value", source=source, color=colour, width=2)
        dots = made.scatter("n", "value", source=source, size=8, fill_color=colour, line_color=colours.paper)
        entries.append((NAMES.get(step, step), [line, dots]))
    return made, entries


def draw(rows: Rows, path: Path, theme: str = "light") -> Path:
    """Write the figure as PNG, through a browser as readers of the page see it."""
    import shutil
    import tempfile

    from playwright.sync_api import sync_playwright

    program = shutil.which("chromium") or shutil.which("google-chrome")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        page = Path(folder) / "scale.html"
        page.write_text(to_html(figure(rows, theme), "scale"), encoding="utf-8")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1180, "height": 500}, device_scale_factor=1.5)
        tab.goto(page.as_uri())
        tab.wait_for_timeout(1500)
        path.parent.mkdir(parents=True, exist_ok=True)
        tab.screenshot(path=path, full_page=True)
        browser.close()
    return path
