"""Controls bound to traits, and boxes around them."""

from __future__ import annotations

from typing import Any, TypeVar

import ipywidgets
import traitlets

C = TypeVar("C", bound=ipywidgets.DOMWidget)


def bound(owner: traitlets.HasTraits, name: str, control: C) -> C:
    """Tie the value of a control to the trait `name` of `owner`, both ways; the trait's value comes first.

    A slider whose range ends before the value of the trait is made longer, so that it never shows another one.

    Returns
    -------
    Widget
        The control.
    """
    owner.observe(lambda change: widen(control, change["new"]), name)
    widen(control, getattr(owner, name))
    traitlets.link((owner, name), (control, "value"))
    return control


def widen(control: Any, value: Any) -> None:
    """Let the range of a slider or of a field of numbers hold a value; other controls have none."""
    if control.has_trait("min") and control.has_trait("max") and value is not None:
        control.min, control.max = min(control.min, value), max(control.max, value)


def close_all(widget: ipywidgets.Widget) -> None:
    """Close a widget with all that is in it: the kernel keeps every widget that is not closed."""
    for child in getattr(widget, "children", ()):
        close_all(child)
    for name in ("layout", "style"):
        part = getattr(widget, name, None)
        if isinstance(part, ipywidgets.Widget):
            part.close()
    widget.close()


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
