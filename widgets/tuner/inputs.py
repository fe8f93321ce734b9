"""Controls that ipywidgets has not: numbers on a logarithmic slider with their exact figure, and a number or none."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np
import traitlets

from ..base.controls import widen

WIDE = {"description_width": "92px"}
FIELD = {"width": "72px", "flex": "0 0 auto"}
MARKS = (11, 77, 111, 150, 943)
"""Counts of the paper, which the slider stops at."""


def steps(low: int, high: int, *, marks: Sequence[int] = ()) -> tuple[int, ...]:
    """Return whole numbers from `low` to `high`, by one below 20 and then by about 5 %, in round figures.

    Examples
    --------
    >>> steps(17, 24)
    (17, 18, 19, 20, 21, 22, 23, 24)
    """
    exact = np.geomspace(20, max(high, 20), max(2, int(20 * np.log(max(high, 21) / 20))))
    digits = 10.0 ** np.maximum(np.floor(np.log10(exact)) - 1, 0)
    round_ones = {int(value) for value in np.rint(exact / digits) * digits}
    found = {*range(low, 21), *round_ones, *marks, low, high}
    return tuple(sorted(value for value in found if low <= value <= high))


def round_steps(low: float, high: float, *, marks: Sequence[float] = ()) -> tuple[float, ...]:
    """Return numbers from `low` to `high`, about 24 a decade, with two significant figures.

    Examples
    --------
    >>> round_steps(1.0, 1.5)
    (1.0, 1.1, 1.2, 1.3, 1.5)
    """
    many = max(2, round(24 * float(np.log10(high / low))) + 1)
    found = {float(f"{value:.2g}") for value in np.geomspace(low, high, many)}
    return tuple(sorted(value for value in {*found, *marks, low, high} if low <= value <= high))


class Stepped(ipywidgets.HBox):  # type: ignore[misc]
    """A positive number: a logarithmic slider over round figures for the hand, and a field for the exact figure.

    Parameters
    ----------
    value : int or float
    description, tooltip : str
        Name of the control and what it means.
    options : sequence of int or float
        What the slider stops at, ascending.

    Attributes
    ----------
    value : int or float
    """

    value: Any = traitlets.Float()
    disabled = traitlets.Bool(False)
    continuous_update = traitlets.Bool(True)

    def __init__(self, value: float, *, description: str, tooltip: str, options: Sequence[float]) -> None:
        self._moving = False
        self.slider = ipywidgets.SelectionSlider(
            options=list(options), description=description, tooltip=tooltip, readout=False, style=WIDE,
            layout=ipywidgets.Layout(flex="1 1 auto", width="auto", min_width="0"))
        self.field = self._field(value, f"{description}, exact number. {tooltip}", options[0])
        super().__init__([self.slider, self.field], value=value)
        self._show()
        self.slider.observe(self._slid, "value")
        traitlets.link((self, "value"), (self.field, "value"))
        self.observe(lambda _change: self._show(), "value")
        for name in ("disabled", "continuous_update"):
            traitlets.dlink((self, name), (self.slider, name))
        traitlets.dlink((self, "disabled"), (self.field, "disabled"))

    def _field(self, value: float, tooltip: str, low: float) -> Any:
        return ipywidgets.BoundedFloatText(value=value, min=min(low, 1e-6), max=1e9, step=None, tooltip=tooltip,
                                           layout=ipywidgets.Layout(**FIELD))

    def reach(self, value: float) -> None:
        """Let the field hold a value beyond what it went to."""
        self.field.min, self.field.max = min(self.field.min, value), max(self.field.max, value)

    def _slid(self, change: Any) -> None:
        if not self._moving:
            self.value = change["new"]

    def _show(self) -> None:
        """Put the slider at the number, or at the one nearest to it."""
        options = self.slider.options
        place = min(bisect_left(options, self.value), len(options) - 1)
        if place and abs(options[place - 1] - self.value) < abs(options[place] - self.value):
            place -= 1
        self._moving = True
        self.slider.index = place
        self._moving = False


class Count(Stepped):
    """A whole number, at least 1.

    Parameters
    ----------
    value : int
    description, tooltip : str
        Name of the control and what it means.
    reach : tuple of int
        From where to where the slider goes.
    most : int
        Largest number, which the field takes.
    marks : sequence of int
        Numbers the slider stops at besides round ones.

    Attributes
    ----------
    value : int
    most : int
    """

    value = traitlets.Int()
    most = traitlets.Int(1)

    def __init__(
        self, value: int, *, description: str, tooltip: str, reach: tuple[int, int], most: int,
        marks: Sequence[int] = (),
    ) -> None:
        self._reach, self._marks = reach, tuple(marks)
        super().__init__(value, description=description, tooltip=tooltip, options=self._stops(most))
        self.most = most

    def _field(self, value: float, tooltip: str, low: float) -> Any:
        return ipywidgets.BoundedIntText(value=int(value), min=1, max=max(int(value), 1), tooltip=tooltip,
                                         layout=ipywidgets.Layout(**FIELD))

    def _stops(self, most: int) -> tuple[int, ...]:
        low, high = self._reach
        return steps(low, max(low, min(high, most)), marks=self._marks)

    @traitlets.observe("most")
    def _bounded(self, change: Any) -> None:
        """Let slider and field end where the spectrum does."""
        self.field.max = max(change["new"], self.field.min)
        self._moving = True
        self.slider.options = self._stops(change["new"])
        self._moving = False
        self._show()


class Optional(ipywidgets.VBox):  # type: ignore[misc]
    """A number, or none: a tick for what is taken without one, and a slider.

    Parameters
    ----------
    none : str
        What the tick says, e.g. ``"median"``.
    slider : FloatSlider or Stepped
        Of the number, shown when the tick is off.

    Attributes
    ----------
    value : float or None
    """

    value = traitlets.Float(None, allow_none=True)
    disabled = traitlets.Bool(False)
    continuous_update = traitlets.Bool(True)

    def __init__(self, none: str, slider: Any) -> None:
        self.tick = ipywidgets.Checkbox(value=True, description=none, indent=False,
                                        tooltip=f"Ticked: {none}; else the number below.")
        self.slider = slider
        self._moving = False
        super().__init__([self.tick, slider])
        self._show()
        self.tick.observe(self._moved, "value")
        slider.observe(self._moved, "value")
        self.observe(lambda _change: self._show(), "value")
        for name in ("disabled", "continuous_update"):
            traitlets.dlink((self, name), (slider, name))
        traitlets.dlink((self, "disabled"), (self.tick, "disabled"))

    def _moved(self, _change: Any) -> None:
        if not self._moving:
            self.value = None if self.tick.value else float(self.slider.value)

    def _show(self) -> None:
        self._moving = True
        self.tick.value = self.value is None
        self.slider.layout.display = "none" if self.value is None else ""
        if self.value is not None:
            place(self.slider, self.value)
        self._moving = False


def place(control: Any, value: Any) -> None:
    """Set the value of a control; one whose range ends before it is made longer, so that it never lies."""
    if isinstance(control, Count):
        control.most = max(control.most, value)
    elif isinstance(control, Stepped):
        control.reach(value)
    else:
        widen(control, value)
    control.value = value
