"""RowTable: a ranked table of many rows, virtually scrolled, sortable, filterable and driven by the keyboard."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import anywidget
import numpy as np
import pandas as pd
import traitlets
from numpy.typing import ArrayLike, NDArray

from specanom import plots
from specanom.errors import ArgumentError, choice, message
from specanom.plots.cells import default_format, encoded, parsed_format

from .locking import LOCK
from .rows import Rows

TABLE = Path(plots.__file__).parent / "table"
"""The page's side, which other pages of ours share."""
DIRECTIONS = ("ascending", "descending")


def _slot(number: int) -> Any:
    """A trait that holds nothing here: its column is encoded whenever the state is sent, so notebooks stay small."""
    return traitlets.Any().tag(sync=True, to_json=lambda _value, table: table._sent_column(number))


class RowTable(anywidget.AnyWidget):
    """A ranked table of up to 10⁶ rows, virtually scrolled, sortable, filterable, keyboard-driven.

    All rows are in the page, so that scrolling shows no blanks; columns that are hidden are not. A click or the arrow
    keys put a row in focus, shift and ctrl pick several.

    Parameters
    ----------
    table : DataFrame
        One row an object.
    key : str
        The column that tells rows apart; shown first, and it stays in sight.
    columns : sequence of str, or mapping of str to str, optional
        Columns shown at first, in this order, and their headings; all when not given. The others can be switched on.
    formats : mapping of str to str, optional
        How numbers are written, as in Python: ``{"z": ".4f", "rank": ",d"}``.
    height : int
        Of the rows on the screen, in pixels.
    sort : (str, {"ascending", "descending"})
        Order at first; when there is no such column the rows come as they are.

    Attributes
    ----------
    selected : str
        Key of the row in focus; empty when there is none.
    chosen : tuple of str
        Keys of the rows picked with shift or ctrl, in the order shown.
    sort : tuple
        ``(column, "ascending" or "descending")``, or empty: the rows as they came. Missing values come last either
        way, ties go by key.
    filter : str
        ``z > 0.1 and snr < 20 and mark == "artefact"``, or a piece of a key. Where it cannot be read, `error` says why
        and the rows stay.
    error : str
        What is wrong with the filter.
    hidden : tuple of str
        Columns not shown.
    height : int

    Examples
    --------
    >>> table = RowTable(pd.DataFrame({"id": ["a", "b", "c"], "score": [0.1, 3.0, 2.0]}))
    >>> table.filter = "score > 1"
    >>> list(table.view()["id"]), table.shown
    (['b', 'c'], 2)
    """

    _esm = TABLE.with_suffix(".js").read_text(encoding="utf-8")
    _css = TABLE.with_suffix(".css").read_text(encoding="utf-8")

    selected = traitlets.Unicode("")
    chosen = traitlets.Tuple()
    sort = traitlets.Tuple().tag(sync=True)
    filter = traitlets.Unicode("").tag(sync=True)
    error = traitlets.Unicode("").tag(sync=True)
    hidden = traitlets.Tuple().tag(sync=True)
    height = traitlets.Int(360, min=80).tag(sync=True)
    label = traitlets.Unicode("Table").tag(sync=True)

    _focus = traitlets.Tuple((0, -1)).tag(sync=True)  # (edition of the table, row)
    _columns: traitlets.List[Any] = traitlets.List().tag(sync=True)
    _order = traitlets.Any().tag(sync=True, to_json=lambda _value, table: table._sent_order())
    _picked = traitlets.Any().tag(sync=True, to_json=lambda _value, table: table._sent_picked())

    def __init__(self, table: pd.DataFrame, *, key: str = "id",
                 columns: Sequence[str] | Mapping[str, str] | None = None, formats: Mapping[str, str] | None = None,
                 height: int = 360, sort: Sequence[str] = ("score", "descending")) -> None:
        self._formats = dict(formats or {})
        self._headings = dict(columns) if isinstance(columns, Mapping) else {}
        self._edition, self._sent, self._jump, self._place, self._slots = 1, 0, 0, -1, 0
        self._pick = ("", 0)  # the view and the press that chose last
        self._ready = False  # whether changes of traits are answered
        self._rows = Rows(table, key, list(columns or ()))
        self._add_slots()
        names = self._rows.data
        super().__init__(height=height, sort=tuple(sort) if sort and sort[0] in names else (),
                         hidden=() if columns is None else tuple(name for name in names if name not in columns),
                         _columns=self._described(), _focus=(self._edition, -1))
        self._ready = True
        self._arrange()
        self.on_msg(self._receive)

    # -- what it shows ---------------------------------------------------------------------------------------------

    @property
    def order(self) -> NDArray[np.int32]:
        """The rows of the table in the order shown, ``(shown,)``."""
        return self._rows.order

    @property
    def shown(self) -> int:
        """How many rows the filter leaves."""
        return len(self._rows.order)

    def view(self) -> pd.DataFrame:
        """Return the rows in the order shown, with all their columns."""
        with LOCK:
            return self._rows.frame.iloc[self.order]

    def next(self, step: int = 1) -> None:
        """Put the row `step` further down in focus, or up when negative; stays at the ends.

        When the row in focus has left the rows shown, the one that took its place counts as the next.
        """
        with LOCK:
            if not self.shown:
                return
            here = self._rows.position(self.selected)
            if here < 0:
                here = max(self._place, 0) - (1 if step > 0 else 0)
            self.selected = str(self._rows.keys[self.order[int(np.clip(here + step, 0, self.shown - 1))]])

    def set_table(self, table: pd.DataFrame) -> None:
        """Show other rows. Focus and picks stay with keys that are still there; so do filter, sort and columns."""
        with LOCK:
            old = self._rows.data
            self._rows = Rows(table, self._rows.key, [name for name in old if name in table])
            names = self._rows.data
            fresh = [name for name in names if name not in old] if self.hidden else []
            self._edition += 1
            self._ready = False
            self.hidden = (*self.hidden, *fresh)
            self.sort = self.sort if self.sort and self.sort[0] in names else ()
            self.selected = self.selected if self._rows.number(self.selected) >= 0 else ""
            self.chosen = tuple(self.chosen)  # those that are still there
            self._ready = True
            self._add_slots()
            self._columns = self._described()
            for number in range(self._slots):
                self.send_state(f"_column_{number}")
            self._arrange()
            self._point()
            self.send_state("_picked")

    def set_column(self, name: str, values: ArrayLike | pd.Series[Any]) -> None:
        """Replace or add one column; only it is sent.

        Parameters
        ----------
        name : str
            Not the key.
        values : (n,) array or one value
            In the order of the table given, not as shown.
        """
        with LOCK:
            self._rows.set_column(name, values)
            self._add_slots()
            self._columns = self._described()
            self.send_state(f"_column_{list(self._rows.data).index(name)}")
            resort = bool(self.sort) and self.sort[0] == name
            if self.filter or resort:
                self._arrange(resort=resort)

    # -- traits ----------------------------------------------------------------------------------------------------

    @traitlets.validate("sort")
    def _valid_sort(self, proposal: Any) -> tuple[str, ...]:
        value = list(proposal["value"])
        if not value:
            return ()
        if len(value) != 2:
            raise ArgumentError(message("sort", expected="a column and a direction", got=repr(tuple(value)),
                                        hint="('score', 'descending')"))
        return choice("sort", value[0], self._rows.data), choice("sort", value[1], DIRECTIONS)

    @traitlets.validate("hidden")
    def _valid_hidden(self, proposal: Any) -> tuple[str, ...]:
        return tuple(name for name in proposal["value"] if name in self._rows.data and name != self._rows.key)

    @traitlets.validate("chosen")
    def _valid_chosen(self, proposal: Any) -> tuple[str, ...]:
        return tuple(one for one in map(str, proposal["value"]) if self._rows.number(one) >= 0)

    @traitlets.observe("sort", "filter")
    def _on_arrangement(self, change: Any) -> None:
        with LOCK:
            if self._ready:
                self._jump += 1
                self._arrange(resort=change["name"] == "sort")

    @traitlets.observe("hidden")
    def _on_hidden(self, change: Any) -> None:
        with LOCK:
            if self._ready:
                back = set(change["old"]) - set(change["new"])
                for number in (number for number, name in enumerate(self._rows.data) if name in back):
                    self.send_state(f"_column_{number}")

    @traitlets.observe("selected")
    def _on_selected(self, _change: Any) -> None:
        with LOCK:
            if self._ready:
                self._point()

    @traitlets.observe("_focus")
    def _on_focus(self, change: Any) -> None:
        with LOCK:
            edition, row = change["new"]
            if not self._ready or edition != self._edition:
                return
            if 0 <= row < len(self._rows):
                self.selected = str(self._rows.keys[row])
            elif self._rows.number(self.selected) >= 0:
                self.selected = ""

    @traitlets.observe("chosen")
    def _on_chosen(self, _change: Any) -> None:
        with LOCK:
            if self._ready:
                self.send_state("_picked")

    def _receive(self, _widget: Any, content: Any, buffers: Any) -> None:
        """Take the rows that a view has picked."""
        with LOCK:
            if content.get("kind") != "choose" or content.get("edition") != self._edition:
                return
            rows = np.unique(np.frombuffer(bytes(buffers[0]), dtype=np.int32))
            if rows.size and not 0 <= rows[0] <= rows[-1] < len(self._rows):
                return
            self._pick = (str(content.get("view", "")), int(content.get("press", 0)))
            self.chosen = tuple(self._rows.keys[self._rows.as_shown(rows)].tolist())

    # -- on the way to the page ------------------------------------------------------------------------------------

    def _arrange(self, *, resort: bool = True) -> None:
        self.error = self._rows.arrange(self.sort, self.filter, resort=resort)
        self._remember_place()
        self.send_state("_order")

    def _point(self) -> None:
        self._remember_place()
        self._focus = (self._edition, self._rows.number(self.selected))

    def _remember_place(self) -> None:
        here = self._rows.position(self.selected)
        self._place = here if here >= 0 else self._place

    def _add_slots(self) -> None:
        wanted = len(self._rows.data)
        more = {f"_column_{number}": _slot(number) for number in range(self._slots, wanted)}
        self._slots = max(self._slots, wanted)
        if self.comm is None:
            # The state is sent as a whole when the table opens: a widget would encode each new trait twice more.
            traitlets.HasTraits.add_traits(self, **more)
        elif more:
            self.add_traits(**more)

    def _style(self, name: str) -> dict[str, Any] | None:
        values = self._rows.data[name].to_numpy()
        if values.dtype.kind not in "iuf":
            return None
        return parsed_format(name, self._formats.get(name) or default_format(name, values))

    def _described(self) -> list[dict[str, Any]]:
        kinds = {"O": "text", "b": "flag"}
        return [{"name": name, "heading": self._headings.get(name, name), "style": self._style(name),
                 "kind": kinds.get(column.dtype.kind, "number")} for name, column in self._rows.data.items()]

    def _sent_column(self, number: int) -> dict[str, Any] | None:
        with LOCK:
            names = list(self._rows.data)
            if number >= len(names) or names[number] in self.hidden:
                return None
            self._sent += 1  # last, where the page looks first for a difference
            made = encoded(self._rows.data[names[number]], self._style(names[number]))
            return {**made, "edition": self._edition, "sent": self._sent}

    def _sent_order(self) -> dict[str, Any]:
        with LOCK:
            self._sent += 1
            return {"rows": self.order.astype(np.int32).tobytes(), "all": len(self._rows), "jump": self._jump,
                    "edition": self._edition, "sent": self._sent}

    def _sent_picked(self) -> dict[str, Any]:
        with LOCK:
            rows = np.array([self._rows.number(one) for one in self.chosen], dtype=np.int32)
            view, press = self._pick
            return {"rows": rows.tobytes(), "edition": self._edition, "view": view, "press": press}
