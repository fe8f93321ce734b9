"""JupyterLab, Notebook 7 and Voilà as tests see them: a server, a notebook open in Chromium, and the kernel's truth.

``Frontend`` is the server, ``Book`` an open notebook. What the page shows is read from BokehJS's documents, what Python
holds from the kernel itself; nothing waits for a time.
"""

from __future__ import annotations

import ast
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import nbformat
from jupyter_client.blocking import BlockingKernelClient

from tests.browser.server import CELLS, KINDS, PATIENCE, ROOT, Frontend, free_port, until

__all__ = ["CELLS", "KINDS", "PANE", "PATIENCE", "ROOT", "Book", "Frontend", "Guard", "free_port", "until"]

NOT_OURS = [("reading 'schema'", "/static/notebook/notebook_core.")]
"""Errors of the front ends themselves, as (message, place in the stack). Notebook 7.6 raises this one with any
notebook: its shortcuts look up settings that are still being loaded."""


@dataclass
class Guard:
    """What a page must not do: ask for an address outside this machine, or raise."""

    outside: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def watch(self, context: Any) -> None:
        """Stop and note every request of a browser context that leaves this machine, and errors of its pages."""
        context.route("**/*", self._request)
        context.on("weberror", lambda raised: self._raised(raised.error))

    def _request(self, route: Any) -> None:
        parts = urlsplit(route.request.url)
        if parts.scheme in ("data", "blob") or parts.hostname == "127.0.0.1":
            route.continue_()
        else:
            self.outside.append(route.request.url)
            route.abort()

    def _raised(self, error: Any) -> None:
        text, stack = str(error), getattr(error, "stack", None) or ""
        if not any(part in text and place in stack for part, place in NOT_OURS):
            self.failed.append(f"{text}\n{stack}")

    def check(self) -> None:
        """Assert that nothing of it happened; says what did, once."""
        outside, failed = self.outside[:], self.failed[:]
        self.outside.clear()
        self.failed.clear()
        assert outside == [], f"the page asked for addresses outside this machine: {outside}"
        assert failed == [], f"the page raised: {failed}"


# Documents in the order of their places in the page; those without a place last.
_DOCUMENTS = """() => {
  const place = doc => {
    const view = doc.views_manager?.roots[0]
    const box = view?.el.isConnected ? view.el.getBoundingClientRect() : null
    return box ? box.top * 10000 + box.left : Infinity
  }
  return [...(window.Bokeh?.documents ?? [])].sort((a, b) => place(a) - place(b))
}"""
_DATA = f"""([name, column]) => ({_DOCUMENTS})().map(doc => doc.get_model_by_name(name)).filter(one => one?.data)
  .map(source => column in source.data ? Array.from(source.data[column]) : null)"""
_PROPERTY = f"""([name, property]) => ({_DOCUMENTS})().map(doc => doc.get_model_by_name(name)).filter(Boolean)
  .map(model => property.split(".").reduce((value, key) => value?.[key], model) ?? null)"""
# Pixels of data coordinates in the figure called so, one list for each place where it is shown.
_PIXELS = f"""([name, points]) => {{
  const found = []
  const walk = view => {{
    if (view.model.name === name && view.frame) found.push(view)
    for (const child of view.child_views ?? view.children?.() ?? []) walk(child)
  }}
  for (const doc of ({_DOCUMENTS})()) for (const root of doc.views_manager?.roots ?? []) walk(root)
  return found.filter(view => view.el.isConnected && view.el.getBoundingClientRect().width > 0).map(view => {{
    const box = view.el.getBoundingClientRect()
    return points.map(([x, y]) => [box.left + view.frame.x_scale.compute(x), box.top + view.frame.y_scale.compute(y)])
  }})
}}"""
_READY = "() => window.jupyterapp?.commands?.hasCommand('notebook:run-all-cells')"
_KERNEL = "window.jupyterapp?.shell?.currentWidget?.sessionContext"
_IDLE = f"() => {_KERNEL}?.isReady && {_KERNEL}.session?.kernel?.status === 'idle'"
_RAN = """() => {
  const cells = [...window.jupyterapp.shell.currentWidget.content.model.cells].filter(cell => cell.type === 'code')
  const errors = cells.flatMap(cell => cell.sharedModel.getOutputs().filter(one => one.output_type === 'error'))
  if (errors.length) return errors.map(one => `${one.ename}: ${one.evalue}`).join('; ')
  return cells.every(cell => cell.sharedModel.execution_count !== null) ? 'ran' : false
}"""
PANE = ".specanom-pane[data-ready]"


class Book:
    """A notebook open in a page.

    Parameters
    ----------
    frontend : Frontend
        The server.
    page : Page
        A page of Playwright.
    name : str
        File name of the notebook in the server's folder.

    Attributes
    ----------
    guard : Guard
        What must stay empty.
    """

    def __init__(self, frontend: Frontend, page: Any, name: str) -> None:
        self.frontend, self.page, self.name = frontend, page, name
        self.guard = Guard()
        self.guard.watch(page.context)
        page.set_default_timeout(1000 * PATIENCE)
        page.set_default_navigation_timeout(1000 * CELLS)  # Voilà answers when its cells have run
        self._client: BlockingKernelClient | None = None
        self._kernel_id = ""

    # -- opening ---------------------------------------------------------------------------------------------------

    def write(self, cells: Sequence[str]) -> Path:
        """Write a notebook of code cells."""
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
        book.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
        path = self.frontend.notebooks / self.name
        nbformat.write(book, path)
        return path

    def open(self, *, theme: str = "light", limit: float = CELLS) -> Book:
        """Load the page and run all cells (Voilà runs them by itself); returns when they have ended."""
        self.page.goto(self.frontend.url(self.name, theme=theme), wait_until="domcontentloaded")
        if self.frontend.kind == "voila":
            self.page.wait_for_selector("#rendered_cells", state="visible", timeout=1000 * CELLS)
        else:
            self.page.wait_for_function(_READY, timeout=1000 * CELLS, polling=100)
            self.page.wait_for_function(_IDLE, timeout=1000 * CELLS, polling=100)
            self.run_all(limit)
        return self

    def run_all(self, limit: float = CELLS) -> None:
        """Run all cells and wait until they have ended, for so many seconds at most."""
        # With braces: without them the page would wait for the command, and a failing cell would end the test here.
        self.page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        ended = self.page.wait_for_function(_RAN, timeout=1000 * limit, polling=100).json_value()
        assert ended == "ran", f"a cell of {self.name} raised {ended}"
        self.page.wait_for_function(_IDLE, timeout=1000 * limit, polling=100)

    def rerun(self, index: int) -> None:
        """Run one cell again, as a user does who clicks into it."""
        self.page.evaluate("""index => {
          window.jupyterapp.shell.currentWidget.content.activeCellIndex = index
          window.jupyterapp.commands.execute('notebook:run-cell')
        }""", index)

    def reload(self) -> None:
        """Load the page again; the kernel lives on, except in Voilà, which starts another."""
        self.page.goto(self.frontend.url(self.name).replace("?reset&", "?"), wait_until="domcontentloaded")
        if self.frontend.kind == "voila":
            self._forget_kernel()

    def ready(self, count: int = 1) -> None:
        """Wait until `count` figures are drawn."""
        self.page.wait_for_function(f"count => document.querySelectorAll('{PANE}').length >= count", arg=count,
                                    timeout=1000 * CELLS, polling=100)
        self.page.wait_for_function("() => Bokeh.documents.every(doc => doc.is_idle)", timeout=1000 * PATIENCE,
                                    polling=100)

    def save(self) -> Path:
        """Save the notebook from the page; returns the file."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")
        return self.frontend.notebooks / self.name

    def set_theme(self, theme: str) -> None:
        """Switch the colours of the page; Voilà's own page has no switch, there it is done as JupyterLab does."""
        if self.frontend.kind == "voila":
            self.page.evaluate("theme => { document.body.dataset.jpThemeLight = String(theme === 'light') }", theme)
        else:
            name = {"light": "JupyterLab Light", "dark": "JupyterLab Dark"}[theme]
            self.page.evaluate("theme => { window.jupyterapp.commands.execute('apputils:change-theme', {theme}) }",
                               name)

    def close(self) -> None:
        """Close the page, then end the kernel: a page whose kernel dies complains."""
        id = self._kernel_id or self._find_kernel()
        self._forget_kernel()
        self.page.close()
        if id:
            self.frontend.end_kernel(id)

    # -- Python's truth --------------------------------------------------------------------------------------------

    def kernel(self, expression: str) -> Any:
        """Return the value of a Python expression in the kernel; it must be made of plain values."""
        return self._execute("", {"value": f"__import__('json').dumps({expression})"}, silent=True)

    def python(self, code: str) -> None:
        """Run code in the kernel as another cell would."""
        self._execute(code, {}, silent=False)

    def _execute(self, code: str, expressions: dict[str, str], *, silent: bool) -> Any:
        client = self._client or self._connect()
        answer = client.execute(code, silent=silent, store_history=False, user_expressions=expressions,
                                reply=True, timeout=CELLS)["content"]
        assert answer["status"] == "ok", f"{answer.get('ename')}: {answer.get('evalue')}"
        if not expressions:
            return None
        value = answer["user_expressions"]["value"]
        assert value["status"] == "ok", f"{value.get('ename')}: {value.get('evalue')}"
        return json.loads(ast.literal_eval(value["data"]["text/plain"]))

    def _connect(self) -> BlockingKernelClient:
        self._kernel_id = self._find_kernel()
        client = BlockingKernelClient(connection_file=str(self.frontend.connection(self._kernel_id)))
        client.load_connection_file()
        client.start_channels()
        client.wait_for_ready(timeout=CELLS)
        self._client = client
        return client

    def _find_kernel(self) -> str:
        if self.frontend.kind == "voila":
            return str(self.page.evaluate(
                "() => JSON.parse(document.getElementById('jupyter-config-data')?.textContent ?? '{}').kernelId ?? ''"))
        return str(self.page.evaluate(f"() => {_KERNEL}?.session?.kernel?.id ?? ''"))

    def _forget_kernel(self) -> None:
        if self._client is not None:
            self._client.stop_channels()
        self._client, self._kernel_id = None, ""

    # -- the page's truth ------------------------------------------------------------------------------------------

    def data(self, source: str, column: str) -> list[Any]:
        """Return a column of the data source called `source`: a list for each place where it is shown."""
        return list(self.page.evaluate(_DATA, [source, column]))

    def value(self, model: str, property: str) -> list[Any]:
        """Return a property (``"title.text"``) of the model called `model`, for each place where it is shown."""
        return list(self.page.evaluate(_PROPERTY, [model, property]))

    def documents(self) -> int:
        """Return how many documents BokehJS holds."""
        return int(self.page.evaluate("() => window.Bokeh?.documents.length ?? 0"))

    def until(self, fact: Callable[[], Any], what: str, timeout: float = PATIENCE) -> Any:
        """Wait until `fact()` is true while the page lives on."""
        end = time.monotonic() + timeout
        while not (found := fact()):
            if time.monotonic() > end:
                raise AssertionError(f"not within {timeout:.0f} s: {what}")
            self.page.wait_for_timeout(20)
        return found

    # -- hands -----------------------------------------------------------------------------------------------------

    def pixels(self, figure: str, points: Sequence[tuple[float, float]], *, shown: int = 0) -> list[list[float]]:
        """Return where points (x, y) of the figure called `figure` lie in the window, after scrolling it into view."""
        self.page.evaluate(f"""([name, shown]) => {{
          const pixels = {_PIXELS}
          const doc = ({_DOCUMENTS})().filter(doc => doc.get_model_by_name(name))[shown]
          doc?.views_manager.roots[0].el.scrollIntoView({{block: "center"}})
        }}""", [figure, shown])
        asked, last = [figure, [list(point) for point in points]], None
        while (found := self.page.evaluate(_PIXELS, asked)[shown]) != last:  # cells above may still be laid out
            last = found
            self.page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
        return list(found)

    def tap(self, figure: str, x: float, y: float, *, shown: int = 0) -> None:
        """Click at the data coordinates x, y of a figure."""
        self.page.mouse.click(*self.pixels(figure, [(x, y)], shown=shown)[0])

    def drag(self, figure: str, points: Sequence[tuple[float, float]], *, shown: int = 0) -> None:
        """Press at the first of some points of a figure, move along the others and let go: a lasso, a moved edge."""
        path = self.pixels(figure, points, shown=shown)
        self.page.mouse.move(*path[0])
        self.page.mouse.down()
        for point in path[1:]:
            self.page.mouse.move(*point, steps=4)
        self.page.mouse.up()

    def slider(self, description: str) -> Any:
        """Focus the handle of the slider called `description`; returns it."""
        handle = self.page.locator(".widget-slider, .jupyter-widget-slider", has=self.page.get_by_text(
            description, exact=True)).locator(".noUi-handle").first
        handle.scroll_into_view_if_needed()
        handle.focus()
        return handle

    def shoot(self, path: Path) -> Path:
        """Save what the window shows as a PNG."""
        self.page.screenshot(path=path)
        return path
