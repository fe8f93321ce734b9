"""The controls of the score picker, each bound to the trait of the same meaning."""

from __future__ import annotations

from typing import Any

import ipywidgets

from specanom.lines import LINES
from specanom.scores import METRICS

from ..base.controls import bound, button, group, labelled
from .state import CHOSEN, WINDOWS

METRIC_WORDS = {
    "mse": "mse · squares", "chi2": "chi2 · by flux", "chi2_ivar": "chi2_ivar · noise", "multiscale": "multiscale",
    "mad": "mad · absolute", "lp": "lp · small misfits", "cosine": "cosine", "correlation": "correlation",
    "braycurtis": "braycurtis",
}
METRIC_HELP = (
    "How residuals become one number. mse: mean square; chi2: over the flux; chi2_ivar: over the noise; multiscale: "
    "weak and broad misfits too; mad: mean size; lp: many small misfits count; cosine, correlation, braycurtis: shapes"
)
LISTS = [("vacuum list", "vacuum"), ("broad, of quasars", "quasar"), ("paper's, in air", "paper"),
         ("chosen below", CHOSEN)]
HIGH = "112px"


def score_controls(owner: Any) -> list[ipywidgets.Widget]:
    """Return the boxes that say which score it is."""
    metrics = [(METRIC_WORDS.get(name, name), name) for name in METRICS]
    metric = labelled(bound(owner, "metric", ipywidgets.Dropdown(options=metrics, description="Metric")),
                      METRIC_HELP)
    trim = labelled(bound(owner, "trim", ipywidgets.FloatSlider(
        min=0.0, max=0.2, step=0.005, description="Trim", readout_format=".1%", continuous_update=True)),
        "Share of the pixels left out of each spectrum, those with the largest residuals")
    calibrated = labelled(bound(owner, "calibrated", ipywidgets.Checkbox(
        description="Calibrated for S/N and z", indent=False)),
        "In σ above spectra of like S/N and redshift, so that the score is no noise meter (x)")
    kept = labelled(bound(owner, "as_given", ipywidgets.Checkbox(
        description="Keep the calibration given", indent=False)),
        "The score given was calibrated with other spectra; without this it is calibrated against this sample, as all "
        "other scores are")
    kept.layout.display = "none" if owner.book.given is None else None
    return [group("Score", metric, trim, calibrated, kept), line_controls(owner)]


def line_controls(owner: Any) -> ipywidgets.Widget:
    """Return the box of the line filter; what does not count now cannot be used."""
    on = labelled(bound(owner, "filtered", ipywidgets.Checkbox(description="Leave out lines", indent=False)),
                  "Pixels near spectral lines do not count (f)")
    velocity = labelled(bound(owner, "velocity", ipywidgets.FloatSlider(
        min=25.0, max=5000.0, step=25.0, description="± km/s", readout_format=".0f", continuous_update=True)),
        "Half width of what is left out around each line")
    which = labelled(bound(owner, "lines", ipywidgets.Dropdown(options=LISTS, description="Lines")),
                     "Which lines are left out")
    names = [(f"{line.label}  {line.wave:.0f} Å", line.name) for line in LINES]
    chosen = labelled(bound(owner, "chosen_lines", ipywidgets.SelectMultiple(options=names, description="Chosen",
                                                                             layout=_short())),
                      "Ctrl or shift picks several")

    def sense(_change: Any = None) -> None:
        velocity.disabled = which.disabled = not owner.filtered
        chosen.layout.display = None if owner.filtered and owner.lines == CHOSEN else "none"

    owner.observe(sense, ["filtered", "lines"])
    sense()
    return group("Line filter", on, velocity, which, chosen)


def view_controls(owner: Any, words: ipywidgets.HTML) -> ipywidgets.Widget:
    """Return the box of what is shown of the score."""
    percentile = labelled(bound(owner, "percentile", ipywidgets.FloatSlider(
        min=50.0, max=99.9, step=0.1, description="Percentile", readout_format=".1f")),
        "Where the dashed line of the histogram is; a click into the histogram moves it there")
    return group("How many stand out", percentile, words)


def compare_controls(owner: Any) -> tuple[ipywidgets.Widget, ipywidgets.SelectMultiple]:
    """Return the box of the scores that are compared, and the list in it, whose options its owner sets."""
    top = labelled(bound(owner, "top", ipywidgets.BoundedIntText(min=1, max=1_000_000, description="Top k")),
                   "Length of the lists whose overlap is counted")
    listed = labelled(ipywidgets.SelectMultiple(description="Scores", layout=_short()),
                      "Scores ranked beside the one in force; ctrl or shift picks several")
    pin = button("Keep this score in the list", "Compare others with the score in force, with these settings (p)",
                 owner.pin)
    return group("Compare with", top, listed, pin), listed


def spectrum_controls(owner: Any) -> ipywidgets.HBox:
    """Return the switch between the frames and the choice of what part is seen."""
    narrow = ipywidgets.Layout(width="130px")
    frame = labelled(bound(owner, "frame", ipywidgets.Dropdown(options=["rest", "observed"], description="Frame",
                                                               layout=narrow)),
                     "Wavelengths at rest or as observed (o)")
    zoom = labelled(bound(owner, "zoom", ipywidgets.Dropdown(options=list(WINDOWS), description="Zoom",
                                                             layout=ipywidgets.Layout(width="150px"))),
                    "Part of the spectrum; it stays from one spectrum to the next (w: whole, z: next part)")
    for control in (frame, zoom):
        control.style.description_width = "auto"
    return ipywidgets.HBox([frame, zoom], layout=ipywidgets.Layout(flex="0 0 auto", grid_gap="0 0.8em"))


def _short() -> ipywidgets.Layout:
    """Return the layout of a list, a new one for each: hiding one list must not hide the others."""
    return ipywidgets.Layout(width="auto", height=HIGH)
