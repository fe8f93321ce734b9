"""Keys: the keyboard of a dashboard, its help, names for screen readers, and the style sheet of all dashboards."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from specanom.errors import ArgumentError, message

from .locking import LOCK

HERE = Path(__file__).parent
WORDS = {"ArrowDown": "↓", "ArrowUp": "↑", "ArrowLeft": "←", "ArrowRight": "→", " ": "Space", "Escape": "Esc"}
"""How keys are written in the help where it is not by their names."""


class Keys(anywidget.AnyWidget):
    """Listens to the keyboard inside its dashboard and tells Python which of its keys was pressed.

    A key belongs to the control that has the focus when that control uses it: a text field all keys, a slider, a menu
    or a table the arrows. The key ``?`` shows what the others do.

    It also gives the handles of sliders the names of their sliders, keeps the shortcuts of the notebook away from keys
    pressed in the dashboard, marks the dashboard as light or dark, and brings the style sheet.

    Parameters
    ----------
    names : mapping of str to str, or sequence of str
        Names of keys as browsers call them (``"ArrowDown"``, ``"1"``, ``"c"``) and what they do, in words.
    theme : {"auto", "light", "dark"}
        Colours of the dashboard; ``"auto"`` takes those of the page.

    Attributes
    ----------
    names : tuple of str
        The keys it sends.

    Examples
    --------
    >>> keys = Keys({"ArrowDown": "next row", "1": "mark as interesting"})
    >>> keys.on_key(print)
    >>> keys.press("1")
    1
    """

    _esm = (HERE / "keys.js").read_text(encoding="utf-8")
    _css = (HERE / "dashboard.css").read_text(encoding="utf-8")
    _help: traitlets.List[Any] = traitlets.List().tag(sync=True)
    theme = traitlets.Enum(("auto", "light", "dark"), "auto").tag(sync=True)

    def __init__(self, names: Mapping[str, str] | Sequence[str], *, theme: str = "auto") -> None:
        self._callbacks: list[Callable[[str], Any]] = []
        super().__init__(theme=theme, _help=_rows(names))
        self.on_msg(self._receive)

    @property
    def names(self) -> tuple[str, ...]:
        """The keys it sends."""
        return tuple(name for name, _, _ in self._help)

    def on_key(self, callback: Callable[[str], Any]) -> None:
        """Call `callback` with the name of each key pressed."""
        self._callbacks.append(callback)

    def press(self, name: str) -> None:
        """Do what the key does; a key that is not listened to does nothing."""
        with LOCK:
            if name in self.names:
                for callback in self._callbacks:
                    callback(name)

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        if not isinstance(content, dict):
            return
        if content.get("kind") == "there?":  # without an answer the page says that Python is busy or gone
            self.send({"kind": "here"})
        if content.get("kind") != "key":
            return
        try:
            self.press(str(content.get("name")))
        finally:  # the page sends the next press when this one is dealt with, so that a key held down cannot pile up
            self.send({"kind": "done", "press": content.get("press")})


def _rows(names: Mapping[str, str] | Sequence[str]) -> list[list[str]]:
    """Return (name, how it is written, what it does) of each key."""
    pairs = dict(names) if isinstance(names, Mapping) else dict.fromkeys(names, "")
    for name, words in pairs.items():
        if not (isinstance(name, str) and name and isinstance(words, str)) or name == "?":
            raise ArgumentError(message("names", expected="names of keys other than '?', and texts", got=repr(name),
                                        hint="{'ArrowDown': 'next row'}"))
    return [[name, WORDS.get(name, name), words] for name, words in pairs.items()]
