"""One control for each setting of the tuner: what it is called, what it reaches, and what it means."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import ipywidgets

from specanom.errors import ArgumentError, message
from specanom.explain.gradients import BASELINES, RULES
from specanom.explain.lime import DISTANCES, ENGINES, MAX_SAMPLES
from specanom.explain.masks import DESIGNS
from specanom.explain.occlusion import MODES
from specanom.explain.refine import PARTS
from specanom.lines import LINES

from .inputs import MARKS, WIDE, Count, Optional, Stepped, place, round_steps
from .kinds import METHODS, PERTURBATIONS, SEGMENTATIONS, Kind
from .settings import TunerSettings

MOST_SAMPLES = 100_000
MODELLED = ("reconstruction", "")
"""What is typical unless a spectrum of one's own is: a menu takes None for nothing chosen."""


def same(value: Any) -> Any:
    """Return the value: of a control that holds the setting as it is."""
    return value


@dataclass(frozen=True)
class Field:
    """A setting and its control.

    Attributes
    ----------
    control : Widget
        With a trait ``value``.
    read : callable
        Value of the control → setting.
    shown : callable
        Settings, name → value of the control.
    fine : bool
        Whether it is among the finer points, which are folded away.
    """

    control: Any
    read: Callable[[Any], Any] = same
    shown: Callable[[TunerSettings, str], Any] = getattr
    fine: bool = False

    def show(self, settings: TunerSettings, name: str) -> None:
        """Move the control to where the settings are; one that is there already is left in the hand that holds it."""
        try:
            there = self.read(self.control.value) == getattr(settings, name)
        except ArgumentError:
            there = False
        if not there:
            place(self.control, self.shown(settings, name))


def segment_fields(pixels: int) -> dict[str, Field]:
    """Return the controls of the cut, by setting."""
    lines = ipywidgets.SelectMultiple(options=[(item.label, item.name) for item in LINES], rows=5, style=WIDE,
                                      description="Lines", tooltip="Which lines get a segment; none marked: all.")
    edges = ipywidgets.Textarea(description="Edges (Å)", rows=3, continuous_update=False, style=WIDE,
                                placeholder="4000, 4500, 5000",
                                tooltip="Wavelengths between segments, Å, in the frame of the spectrum.")
    return {
        "segmentation": Field(_kinds("Cut", SEGMENTATIONS, "How the spectrum is cut into segments.")),
        "start": Field(_kinds("Start", SEGMENTATIONS, "The coarse cut that is cut further.", without="refined")),
        "count": Field(Count(77, description="Segments", reach=(2, 1000), most=pixels, marks=MARKS,
                             tooltip="Number of segments; few hide where, many share few samples.")),
        "line_width": Field(_slider("Half width", (50, 3000, 50), "Half width of a line's segment, km/s.", ".0f",
                                    unit="km/s")),
        "continuum": Field(_slider("Continuum", (20, 1000, 10), "Greatest length of a piece of continuum, Å.", ".0f",
                                   unit="Å")),
        "lines": Field(lines, lambda value: tuple(value) or None, lambda now, _name: now.lines or ()),
        "compactness": Field(_log("Compactness", (0.001, 100.0), "High: equal widths; low: segments follow the flux.",
                                  marks=(0.1,))),
        "slic_sigma": Field(_slider("Smoothing", (0, 20, 0.5), "Smoothing of the flux before it is cut, pixels.",
                                    ".1f", unit="px")),
        "edges": Field(edges, edges_from, lambda now, _name: edges_told(now.edges)),
        "depth": Field(_whole("Depth", (1, 5), "How many times what leads is cut again.")),
        "parts": Field(_choice("Pieces", PARTS, "Pieces into which a leading segment is cut.")),
        "leading": Field(_whole("Leading", (1, 20), "At most so many segments are cut in a round.")),
        "finest": Field(_whole("Finest", (1, 60), "Pixels below which no piece is made.", unit="px")),
        "published": Field(_tick("cut as published", "n // K pixels at a time and the rest one more segment, as the "
                                 "published code; with SLIC its last segment is never off."), fine=True),
    }


def fill_fields() -> dict[str, Field]:
    """Return the controls of what replaces a segment that is off, by setting."""
    return {
        "perturbation": Field(_kinds("Fill", PERTURBATIONS, "What replaces a segment that is switched off.")),
        "factor": Field(_slider("Factor", (0, 2, 0.05), "By which the flux, or its contrast, is multiplied.", ".2f")),
        "contrast_sigma": Field(_log("Smooth (px)", (0.3, 100.0), "Width of the smooth whose contrast changes, pixels.",
                                     marks=(3.0,))),
        "level": Field(_slider("Level", (0, 3, 0.05), "Of the fill, in units of the (median-normalised) flux.",
                               ".2f")),
        "flat_noise": Field(_slider("Noise", (0, 1, 0.01), "Standard deviation of white noise that is added, in "
                                    "units of the flux.", ".2f")),
        "grey_level": Field(Optional("at the median", _slider(
            "Level", (0, 3, 0.05), "Of the fill, in units of the flux; the median of the spectrum by default.",
            ".2f"))),
        "blur_sigma": Field(_log("Smooth (px)", (1.0, 1000.0), "Width of the Gaussian, pixels: what is narrower goes.",
                                 marks=(20.0,))),
        "amplitude": Field(_slider("Height", (0, 3, 0.05), "Of a bump, in units of the flux.", ".2f")),
        "bump_sigma": Field(Optional("a sixth of the segment wide", _log(
            "Width (px)", (0.5, 300.0), "Width of a bump, pixels; a sixth of the segment by default."))),
        "typical": Field(ipywidgets.Dropdown(description="Spectrum", style=WIDE, tooltip="What is taken for typical: "
                                             "the model's reconstruction, or a spectrum of your own.",
                                             options=[MODELLED]), read=lambda value: value or None,
                         shown=lambda now, _name: now.typical or MODELLED[1]),
        "keep_noise": Field(_tick("keep the noise", "Adds the small-scale structure of the spectrum (flux less its "
                                  "smooth of 3 pixels) to the fill, so that switching off does not also denoise."),
                            shown=lambda now, _name: now.keeps_noise),
    }


def method_fields() -> dict[str, Field]:
    """Return the controls of the method, by setting."""
    return {
        "method": Field(_kinds("Method", METHODS, "How scores of masks become weights.")),
        "adaptive": Field(_choice("Draw", {"so many masks": False, "until sure enough": True},
                                  "A fixed number of masks, or as many as the tolerance asks for.")),
        "n_samples": Field(Count(2000, description="Masks N", reach=(10, 20_000), most=MOST_SAMPLES,
                                 marks=(1000, 2000, 5000),
                                 tooltip="Number of perturbed copies that are scored.")),
        "tolerance": Field(_log("Tolerance", (0.01, 1.0), "Largest half of a 95 % interval among the five leading "
                                "segments, as a share of the largest weight.", marks=(0.1,))),
        "design": Field(_choice("Design", DESIGNS, "How masks are drawn: in complementary pairs, independently (as "
                                "published), or from Hadamard matrices.")),
        "distance": Field(_choice("Proximity", DISTANCES, "Distance of a copy: cosine between masks, or Euclidean "
                                  "(l2) between spectra.")),
        "kernel_width": Field(_log("Kernel w", (0.05, 10.0), "Width of the proximity √exp(−d²/w²); with l2 a share of "
                                   "the median distance.", marks=(0.25, 1.0))),
        "alpha": Field(_log("Ridge α", (1e-4, 1e4), "Penalty of the regression.", marks=(1.0,))),
        "exact": Field(_choice("Exact", {"for few segments": "auto", "always": True, "never": False},
                               "Whether all 2ᴷ masks are scored: possible for up to 20 segments.")),
        "mode": Field(_choice("Switch", {f"each {one}": one for one in MODES}, "Each segment off with all others on, "
                              "or on with all others off.")),
        "steps": Field(Count(64, description="Steps", reach=(2, 1000), most=10_000, marks=(64,),
                             tooltip="Points of the path at which the gradient is taken.")),
        "baseline": Field(_choice("Baseline", BASELINES, "Where the path begins: the model's reconstruction, or the "
                                  "fill.")),
        "rule": Field(_choice("Points", RULES, "Points of Gauss and Legendre, or equidistant ones."), fine=True),
        "max_samples": Field(Count(MAX_SAMPLES, description="At most", reach=(500, MAX_SAMPLES), most=MOST_SAMPLES,
                                   tooltip="Masks at which drawing ends even when the tolerance is not met."),
                             fine=True),
        "normalise": Field(_tick("proximities add up to N", "Scales proximities before the penalty; the published "
                                 "method does not."), fine=True),
        "anchor": Field(_tick("the spectrum itself takes part", "As in LIME; without it, weights are nearer to those "
                              "of endless sampling."), fine=True),
        "engine": Field(_choice("Engine", ENGINES, "“lime” fits with the lime package itself: the slow reference."),
                        fine=True),
        "seed": Field(ipywidgets.BoundedIntText(0, min=0, max=2**31 - 1, description="Seed", style=WIDE, tooltip=(
            "Of the masks and of random fills: another number shows what chance does.")), fine=True),
    }


def edges_from(text: str) -> tuple[float, ...]:
    """Return the wavelengths written in a text, separated by commas, semicolons or spaces.

    Raises
    ------
    ArgumentError
        When one is no number, or they do not ascend.
    """
    found: list[float] = []
    for word in text.replace(",", " ").replace(";", " ").split():
        try:
            found.append(float(word))
        except ValueError as exc:
            raise ArgumentError(message("edges", expected="wavelengths in Å", got=repr(word),
                                        hint="4000, 4500")) from exc
    if found != sorted(set(found)):
        raise ArgumentError(message("edges", expected="ascending wavelengths in Å", got=text.strip(),
                                    hint=edges_told(tuple(sorted(set(found))))))
    return tuple(found)


def edges_told(edges: tuple[float, ...]) -> str:
    """Write wavelengths as text, to a hundredth of an Å.

    Examples
    --------
    >>> edges_told((4000.0, 5008.24))
    '4000, 5008.24'
    """
    return ", ".join(f"{edge:.2f}".rstrip("0").rstrip(".") for edge in edges)


# -- making controls ---------------------------------------------------------------------------------------------------


def _slider(text: str, reach: tuple[float, float, float], tooltip: str, digits: str, *, unit: str = "") -> Any:
    low, high, step = reach
    named = f"{text} ({unit})" if unit in ("px", "Å") else text
    return ipywidgets.FloatSlider(value=low, min=low, max=high, step=step, description=named, tooltip=tooltip,
                                  readout_format=digits, style=WIDE)


def _log(text: str, reach: tuple[float, float], tooltip: str, *, marks: tuple[float, ...] = ()) -> Any:
    return Stepped(reach[0], description=text, tooltip=tooltip, options=round_steps(*reach, marks=marks))


def _whole(text: str, reach: tuple[int, int], tooltip: str, *, unit: str = "") -> Any:
    named = f"{text} ({unit})" if unit else text
    return ipywidgets.IntSlider(value=reach[0], min=reach[0], max=reach[1], description=named, tooltip=tooltip,
                                style=WIDE)


def _choice(text: str, options: Any, tooltip: str) -> Any:
    listed = list(options.items()) if isinstance(options, Mapping) else list(options)
    return ipywidgets.Dropdown(options=listed, description=text, tooltip=tooltip, style=WIDE)


def _tick(text: str, tooltip: str) -> Any:
    return ipywidgets.Checkbox(description=text, tooltip=tooltip, indent=False)


def _kinds(text: str, kinds: Mapping[str, Kind], tooltip: str, *, without: str = "") -> Any:
    return _choice(text, {kind.word: name for name, kind in kinds.items() if name != without}, tooltip)
