"""The controls of the viewer of one spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets

from specanom.lines import LINES, line
from specanom.plots.axis import PRIORITY

from ..base.controls import bound, button, group, labelled

if TYPE_CHECKING:
    from .viewer import SpectrumViewer

WINDOW = 5000.0
"""Velocity from a line to the end of its window, km/s."""
KINDS = {"emission": "emission", "absorption": "absorption", "ultraviolet": "uv", "sky": "sky"}
"""Traits that say which lines are marked, and the kinds they stand for."""
SMOOTHING = {"none": "none", "boxcar": "boxcar", "gaussian": "Gaussian"}
MARKS = {"emission": "emission lines", "absorption": "absorption lines", "ultraviolet": "UV lines",
         "sky": "sky lines and bands"}
LAYERS = {"noise": "±1σ noise", "masked": "masked pixels", "imputed": "imputed pixels"}


def controls(viewer: SpectrumViewer) -> list[ipywidgets.Widget]:
    """Return the column of controls, each tied to the trait of its meaning."""
    made = [_view(viewer), viewer.redshift]
    if viewer.others:
        options = [("nothing", ""), *((one, one) for one in viewer.others)]
        made.append(group("Compare", bound(viewer, "other", ipywidgets.Dropdown(options=options, description="With"))))
    return [*made, _smoothing(viewer), group("Lines", *_checks(viewer, MARKS)), group("Pixels", *_checks(viewer, LAYERS)),
            _measured(viewer)]


def line_options() -> list[tuple[str, str]]:
    """Return the entries of the menu of lines: the most telling first, then the others by wavelength."""
    first = [line(name) for name in PRIORITY]
    rest = [item for item in LINES if item.name not in PRIORITY]
    return [("whole spectrum", ""), *((f"{item.label} · {item.wave:.1f} Å", item.name) for item in (*first, *rest))]


def _view(viewer: SpectrumViewer) -> ipywidgets.VBox:
    frame = bound(viewer, "frame", ipywidgets.ToggleButtons(options=["observed", "rest"], description="Frame"))
    unit = bound(viewer, "unit", ipywidgets.ToggleButtons(options=["Å", "nm"], description="Unit"))
    for buttons in (frame, unit):
        buttons.style.button_width = "72px"
    jump = labelled(bound(viewer, "line", ipywidgets.Dropdown(options=line_options(), description="Go to")),
                    f"±{WINDOW:.0f} km/s around a line (n and p: next and previous; 0: all)")
    return group("View", frame, unit, jump)


def _smoothing(viewer: SpectrumViewer) -> ipywidgets.VBox:
    options = [(words, name) for name, words in SMOOTHING.items()]
    kernel = bound(viewer, "kernel", ipywidgets.Dropdown(options=options, description="Smooth"))
    width = labelled(bound(viewer, "width", ipywidgets.IntSlider(min=2, max=51, description="Width (px)")),
                     "Full width of the box, or at half maximum of the Gaussian")
    weighted = labelled(_checks(viewer, {"weighted": "weigh by inverse variance"})[0],
                        "Keeps the residuals of sky lines local, but lowers bright emission lines, whose peaks are "
                        "noisier than their wings")
    return group("Smoothing", kernel, width, weighted)


def _measured(viewer: SpectrumViewer) -> ipywidgets.VBox:
    buttons = ipywidgets.HBox([
        button("Measure lines", "Fluxes and widths of the main emission lines at this redshift (m)", viewer.measure),
        button("Reset", "Back to how the spectrum was opened (r)", viewer.reset)])
    return group("Measured", buttons, *_checks(viewer, {"fit": "draw the fit and its residual"}))


def _checks(viewer: SpectrumViewer, words: dict[str, str]) -> list[ipywidgets.Checkbox]:
    return [bound(viewer, name, ipywidgets.Checkbox(description=said, indent=False)) for name, said in words.items()]
