"""Widgets in a page without Jupyter: their real Python on one side, their real ESM on the other, a small model between.

Nothing of the front ends is in it, so that what a widget itself does is tested in seconds.
"""

from __future__ import annotations

import base64
from typing import Any

from ipywidgets.widgets.widget import _remove_buffers

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>bare</title>
<style>body { margin: 12px; }</style><body data-jp-theme-light="true"></body></html>"""

MODEL = """() => {
  const view = (text) => { // at odd places in a larger buffer, as they come from a kernel
    const raw = atob(text), whole = new Uint8Array(raw.length + 3)
    for (let i = 0; i < raw.length; i++) whole[i + 3] = raw.charCodeAt(i)
    return new DataView(whole.buffer, 3)
  }
  const text = (buffer) => btoa([...new Uint8Array(buffer)].map((one) => String.fromCharCode(one)).join(""))
  const put = (state, paths, buffers) => paths.forEach((path, i) => {
    let at = state
    for (const step of path.slice(0, -1)) at = at[step]
    at[path.at(-1)] = view(buffers[i])
  })
  class Model {
    constructor(id, state) { Object.assign(this, { id, state, changed: {}, listeners: [], said: [] }) }
    get(name) { return this.state[name] }
    set(name, value) {
      this.state[name] = this.changed[name] = value
      this.fire(`change:${name}`)
    }
    on(name, call) { this.listeners.push([name, call]) }
    off(name, call) { this.listeners = this.listeners.filter(([n, c]) => n !== name || c !== call) }
    fire(name, ...rest) { for (const [n, call] of [...this.listeners]) if (n === name) call(...rest) }
    save_changes() {
      const state = this.changed
      this.changed = {}
      return this.tell({ state })
    }
    send(content, _callbacks, buffers) {
      this.said.push(content)
      return this.tell({ content, buffers: (buffers ?? []).map(text) })
    }
    tell(what) {
      window.going = (window.going ?? Promise.resolve()).then(() => window.python(this.id, what)).then(window.take)
      return window.going
    }
  }
  window.models = {}
  window.take = (messages) => {
    for (const { id, state, paths, content, buffers } of messages) {
      const model = window.models[id]
      if (content) { model.fire("msg:custom", content, buffers.map(view)); continue }
      put(state, paths, buffers)
      for (const [name, value] of Object.entries(state)) { model.state[name] = value; model.fire(`change:${name}`) }
    }
  }
  window.mount = async ({ id, state, paths, buffers, esm, css, inside }) => {
    put(state, paths, buffers)
    window.models[id] ??= new Model(id, state)
    const style = document.createElement("style")
    style.textContent = css
    document.head.append(style)
    const url = URL.createObjectURL(new Blob([esm], { type: "text/javascript" }))
    const module = await import(url)
    const el = document.createElement("div")
    document.querySelector(inside).append(el)
    const start = performance.now()
    const end = await module.default.render({ model: window.models[id], el })
    ;(window.ends ??= []).push(end)
    return performance.now() - start
  }
}"""


class Comm:
    """Keeps what a widget sends."""

    def __init__(self, comm_id: str) -> None:
        self.comm_id = comm_id
        self.sent: list[dict[str, Any]] = []

    def on_msg(self, _callback: Any) -> None:
        """Messages come through the page."""

    def send(self, data: dict[str, Any], buffers: Any = None, **_other: Any) -> None:
        """Keep a message as JSON."""
        raw = [base64.b64encode(bytes(one)).decode() for one in buffers or ()]
        if data["method"] == "update":
            self.sent.append({"id": self.comm_id, "state": data["state"], "paths": data["buffer_paths"],
                              "buffers": raw})
        elif data["method"] == "custom":
            self.sent.append({"id": self.comm_id, "content": data["content"], "buffers": raw})

    def close(self, *_rest: Any, **_other: Any) -> None:
        """Nothing to close."""


class Bare:
    """A page that shows widgets.

    Parameters
    ----------
    page : playwright Page
    """

    def __init__(self, page: Any) -> None:
        self.page = page
        self._comms: dict[str, Comm] = {}
        self._widgets: dict[str, Any] = {}
        page.set_content(PAGE)
        page.expose_function("python", self._receive)
        page.evaluate(MODEL)

    def show(self, widget: Any, inside: str = "body") -> float:
        """Show one more view of a widget in its present state; returns how many milliseconds the view took."""
        if widget.model_id not in self._comms:
            comm = Comm(widget.model_id)
            widget.comm = comm
            self._comms[comm.comm_id], self._widgets[comm.comm_id] = comm, widget
        state = {name: value for name, value in widget.get_state().items() if name not in ("_esm", "_css", "layout")}
        clean, paths, buffers = _remove_buffers(state)
        raw = [base64.b64encode(bytes(one)).decode() for one in buffers]
        clean = {name: value for name, value in clean.items() if isinstance(value, str | int | float | list | tuple |
                                                                              dict | None)}
        taken: float = self.page.evaluate("(what) => window.mount(what)", {
            "id": widget.model_id, "state": clean, "paths": paths, "buffers": raw, "esm": str(widget._esm),
            "css": str(widget._css), "inside": inside})
        return taken

    def push(self) -> None:
        """Bring what Python has sent meanwhile to the page, and wait for what the page says."""
        self.page.evaluate("(messages) => window.take(messages)", self._flush())
        self.settle()

    def settle(self) -> None:
        """Wait until all that the page has said is answered."""
        self.page.evaluate("""async () => {
          let last
          do { last = window.going; await last } while (last !== window.going)
        }""")

    def end(self) -> None:
        """Take all views away."""
        self.page.evaluate("() => { for (const end of window.ends.splice(0)) end() }")

    def _flush(self) -> list[dict[str, Any]]:
        return [one for comm in self._comms.values() for one in (comm.sent.copy(), comm.sent.clear())[0]]

    def _receive(self, comm_id: str, what: dict[str, Any]) -> list[dict[str, Any]]:
        widget = self._widgets[comm_id]
        if "content" in what:
            widget._handle_custom_msg(what["content"], [base64.b64decode(one) for one in what["buffers"]])
        else:
            widget.set_state(what["state"])
        return self._flush()
