"""Controls bound to traits, and boxes around them."""

from __future__ import annotations

from typing import Any, TypeVar

import ipywidgets
import traitlets

C = TypeVar("C", bound=ipywidgets.DOMWidget)
CONTROL = ipywidgets.Layout(width="auto", min_width="0")


def bound(owner: traitlets.HasTraits, name: str, control: C) -> C:
    """Tie the value of a control to the trait `name` of `owner`, both ways; the trait's value comes first.

    Returns
    -------
    Widget
        The control.
    """
    traitlets.link((owner, name), (control, "value"))
    return control


def labelled(control: C, tooltip: str) -> C:
    """Give a control the text that appears when the pointer rests on it; returns the control."""
    control.tooltip = tooltip
    return control


def group(title: str, *controls: ipywidgets.Widget) -> ipywidgets.VBox:
    """Return a titled box around controls, which it makes as wide as itself."""
    for control in controls:
        if isinstance(control, ipywidgets.DOMWidget) and control.layout.width is None:
            control.layout.width = "auto"
    heading = ipywidgets.Label(title)
    heading.add_class("specanom-group-title")
    box = ipywidgets.VBox([heading, *controls])
    box.add_class("specanom-group")
    return box


def button(text: str, tooltip: str, action: Any, *, icon: str = "") -> ipywidgets.Button:
    """Return a button that calls `action()`."""
    made = ipywidgets.Button(description=text, tooltip=tooltip, icon=icon, layout=ipywidgets.Layout(width="auto"))
    made.on_click(lambda _button: action())
    return made
