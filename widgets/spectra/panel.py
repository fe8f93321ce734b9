"""The controls of the viewer of one spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from specanom.lines import LINES, line
from specanom.plots.axis import PRIORITY
from specanom.visible import visible

from ..base.controls import bound, button, group, labelled

if TYPE_CHECKING:
    from .viewer import SpectrumViewer

WINDOW = 5000.0
"""Velocity from a line to the end of its window, km/s."""
KINDS = {"emission": "emission", "absorption": "absorption", "ultraviolet": "uv", "sky": "sky"}
"""Traits that say which lines are marked, and the kinds they stand for."""
SMOOTHING = {"none": "none", "boxcar": "boxcar", "gaussian": "Gaussian"}
MARKS = {"emission": "emission", "absorption": "absorption", "ultraviolet": "ultraviolet", "sky": "sky"}
LAYERS = {"noise": "±1σ noise", "masked": "masked", "imputed": "imputed"}


def controls(viewer: SpectrumViewer) -> list[ipywidgets.Widget]:
    """Return the column of controls, each tied to the trait of its meaning."""
    made = [_view(viewer), viewer.redshift]
    if viewer.others:
        options = [("nothing", ""), *((visible(one), one) for one in viewer.others)]
        made.append(group("Compare", bound(viewer, "other", ipywidgets.Dropdown(options=options, description="With"))))
    marks, layers = (group(title, _pairs(_checks(viewer, words)))
                     for title, words in (("Lines", MARKS), ("Pixels", LAYERS)))
    return [*made, _smoothing(viewer), marks, layers, _measured(viewer)]


def line_options() -> list[tuple[str, str]]:
    """Return the entries of the menu of lines: the most telling first, then the others by wavelength."""
    first = [line(name) for name in PRIORITY]
    rest = [item for item in LINES if item.name not in PRIORITY]
    return [("whole spectrum", ""), *((f"{item.label} · {item.wave:.1f} Å", item.name) for item in (*first, *rest))]


def _view(viewer: SpectrumViewer) -> ipywidgets.VBox:
    frame = bound(viewer, "frame", ipywidgets.ToggleButtons(options=["observed", "rest"], description="Frame"))
    unit = bound(viewer, "unit", ipywidgets.ToggleButtons(options=["Å", "nm"], description="Unit"))
    for buttons in (frame, unit):
        buttons.style.button_width = "100px"
    jump = labelled(bound(viewer, "line", ipywidgets.Dropdown(options=line_options(), description="Go to")),
                    f"±{WINDOW:.0f} km/s around a line (n and p: next and previous; 0: all)")
    return group("View", frame, unit, jump)


def _smoothing(viewer: SpectrumViewer) -> ipywidgets.VBox:
    options = [(words, name) for name, words in SMOOTHING.items()]
    kernel = bound(viewer, "kernel", ipywidgets.Dropdown(options=options, description="Smooth"))
    width = labelled(bound(viewer, "width", ipywidgets.IntSlider(min=2, max=51, description="Width (px)")),
                     "Full width of the box, or at half maximum of the Gaussian")
    weighted = labelled(_checks(viewer, {"weighted": "weigh by inverse variance"})[0],
                        "Keeps the residuals of sky lines local, but lowers and narrows bright emission lines, whose "
                        "peaks are noisier than their wings; masked pixels are left out in any case")
    return group("Smoothing", kernel, width, weighted)


def _measured(viewer: SpectrumViewer) -> ipywidgets.VBox:
    buttons = ipywidgets.HBox([
        button("Measure lines", "Fluxes and widths of the main emission lines at this redshift (m)", viewer.measure),
        button("Reset", "Back to how the spectrum was opened (r)", viewer.reset)])
    return group("Measured", buttons, *_checks(viewer, {"fit": "draw the fit and its residual"}))


def _pairs(boxes: list[ipywidgets.Checkbox]) -> ipywidgets.GridBox:
    for box in boxes:
        box.layout.width = "auto"
    return ipywidgets.GridBox(boxes, layout=ipywidgets.Layout(grid_template_columns="1fr 1fr", grid_gap="0 8px"))


def _checks(viewer: SpectrumViewer, words: dict[str, str]) -> list[ipywidgets.Checkbox]:
    return [bound(viewer, name, ipywidgets.Checkbox(description=said, indent=False)) for name, said in words.items()]
