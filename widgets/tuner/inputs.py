"""Controls that ipywidgets has not: a count on a logarithmic slider with its exact number, and a number or none."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import ipywidgets
import numpy as np
import traitlets

WIDE = {"description_width": "92px"}
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


class Count(ipywidgets.HBox):  # type: ignore[misc]
    """A whole number: a logarithmic slider for the hand and a field for the exact figure.

    Parameters
    ----------
    description, tooltip : str
        Name of the control and what it means.
    low, high : int
        What the slider reaches; the field goes up to `most`.
    most : int
        Largest number.
    marks : sequence of int
        Numbers the slider stops at besides round ones.

    Attributes
    ----------
    value : int
    most : int
    """

    value = traitlets.Int()
    most = traitlets.Int()
    disabled = traitlets.Bool(False)
    continuous_update = traitlets.Bool(True)

    def __init__(
        self, value: int, *, description: str, tooltip: str, reach: tuple[int, int], most: int,
        marks: Sequence[int] = (),
    ) -> None:
        self._reach, self._marks, self._moving = reach, tuple(marks), False
        self.slider = ipywidgets.SelectionSlider(
            options=steps(*reach, marks=marks), description=description, tooltip=tooltip, readout=False, style=WIDE,
            layout=ipywidgets.Layout(flex="1 1 auto", width="auto", min_width="0"))
        self.field = ipywidgets.BoundedIntText(
            value=value, min=reach[0], max=most, tooltip=f"{tooltip} Exact number, up to {most}.",
            layout=ipywidgets.Layout(width="66px", flex="0 0 auto"))
        self.field.description, self.field.style.description_width = description, "0px"
        self.slider.description_tooltip = tooltip
        super().__init__([self.slider, self.field], value=value, most=most)
        self._show()
        self.slider.observe(self._slid, "value")
        traitlets.link((self, "value"), (self.field, "value"))
        self.observe(lambda _change: self._show(), "value")
        for name in ("disabled", "continuous_update"):
            traitlets.dlink((self, name), (self.slider, name))
        traitlets.dlink((self, "disabled"), (self.field, "disabled"))

    @traitlets.observe("most")
    def _bounded(self, change: Any) -> None:
        """Let slider and field end where the spectrum does."""
        self.field.max = max(change["new"], self.field.min)
        self._moving = True
        self.slider.options = steps(self._reach[0], max(self._reach[0], min(self._reach[1], self.most)),
                                    marks=self._marks)
        self._moving = False
        self._show()

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


class Optional(ipywidgets.VBox):  # type: ignore[misc]
    """A number, or none: a tick for what is taken without one, and a slider.

    Parameters
    ----------
    none : str
        What the tick says, e.g. ``"median"``.
    slider : FloatSlider
        Of the number, shown when the tick is off.

    Attributes
    ----------
    value : float or None
    """

    value = traitlets.Float(None, allow_none=True)
    disabled = traitlets.Bool(False)
    continuous_update = traitlets.Bool(True)

    def __init__(self, none: str, slider: Any) -> None:
        self.tick = ipywidgets.Checkbox(value=True, description=none, tooltip=slider.tooltip, indent=False)
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
    """Set the value of a control; a slider whose range ends before it is made longer, so that it never lies."""
    if isinstance(control, ipywidgets.FloatLogSlider):
        exponent = float(np.log10(value)) if value > 0 else control.min
        control.min, control.max = min(control.min, exponent), max(control.max, exponent)
    elif hasattr(control, "min") and hasattr(control, "max"):
        control.min, control.max = min(control.min, value), max(control.max, value)
    elif isinstance(control, Count):
        control.most = max(control.most, value)
    control.value = value
