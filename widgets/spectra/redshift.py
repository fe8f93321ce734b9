"""Controls of a redshift: an exact field, a slider over all redshifts, a fine one in velocity, and steps."""

from __future__ import annotations

import math
from typing import Any

import ipywidgets
import traitlets

from specanom.errors import ArgumentError, message
from specanom.lines import C_KMS

from ..base.controls import bound, button, group, labelled

STEPS = (10.0, 50.0, 200.0, 1000.0)
STEP = 50.0
"""Velocities of one step, km/s, and the one to begin with."""
REACH = 3000.0
"""Ends of the fine slider, km/s."""
LOWEST, HIGHEST, FINE = -0.005, 0.903, 1e-4
"""Ends and step of the slider, log10(1 + z): from blueshifted stars to redshift 7, in steps of 69 km/s."""
SLOW = 10.0
"""Step of the fine slider, km/s."""


def shifted(z: float, velocity: float) -> float:
    """Return the redshift at `velocity` (km/s) from `z`: the same share of every wavelength, as on a log axis."""
    return (1.0 + z) * math.exp(velocity / C_KMS) - 1.0


def velocity_between(z: float, z0: float) -> float:
    """Return the velocity (km/s) that leads from `z0` to `z`."""
    return C_KMS * math.log((1.0 + z) / (1.0 + z0))


def as_redshift(text: str) -> float | None:
    """Return the redshift that a person wrote; None for nothing.

    Raises
    ------
    ArgumentError
        For anything but a number above -1.
    """
    if not text.strip():
        return None
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = math.nan
    if not (math.isfinite(value) and value > -1.0):
        raise ArgumentError(message("z", expected="a number above -1, or nothing", got=repr(text), hint="0.1"))
    return value


class RedshiftControl(ipywidgets.VBox):  # type: ignore[misc]
    """A redshift, set by number, by sliding, or by steps of a velocity.

    Attributes
    ----------
    z : float or None
        The redshift; None when it is not known.
    step : float
        Velocity of one step, km/s.
    origin : float or None
        Where the fine slider has its zero.
    problem : Exception or None
        What was wrong with the number written last.
    """

    z = traitlets.Float(None, allow_none=True)
    step = traitlets.Float(STEP)
    problem = traitlets.Instance(Exception, None, allow_none=True)

    def __init__(self, z: float | None) -> None:
        self.origin = z
        self._following = False
        self.text = labelled(ipywidgets.Text(description="z", placeholder="not known", continuous_update=False),
                             "Redshift; empty when it is not known")
        self.stretch = labelled(
            ipywidgets.FloatLogSlider(description="1 + z", min=LOWEST, max=HIGHEST, step=FINE, value=1.0,
                                      readout_format=".4f"), "All redshifts from -0.01 to 7, in steps of 69 km/s")
        self.velocity = labelled(
            ipywidgets.FloatSlider(description="Δv (km/s)", min=-REACH, max=REACH, step=SLOW, readout_format=".0f"),
            "Velocity from the redshift that came with the spectrum")
        sizes = ipywidgets.Dropdown(options=[(f"{v:.0f} km/s", v) for v in STEPS], description="Step")
        less = button("− step", "One step to lower redshift (left arrow)", lambda: self.move(-1))
        more = button("+ step", "One step to higher redshift (right arrow)", lambda: self.move(1))
        back = button("as given", "Back to the redshift that came with the spectrum", self.restore)
        super().__init__([group("Redshift", self.text, self.stretch, self.velocity, bound(self, "step", sizes),
                                ipywidgets.HBox([less, more, back]))])
        self.z = z
        self._show()
        self.text.observe(self._on_text, "value")
        self.stretch.observe(self._on_stretch, "value")
        self.velocity.observe(self._on_velocity, "value")

    def move(self, steps: int) -> None:
        """Go some steps to higher redshift, or lower when negative; from 0 when it is not known."""
        self.z = shifted(self.z or 0.0, steps * self.step)

    def resize(self, places: int) -> None:
        """Take the next larger (+1) or smaller (-1) step."""
        nearest = min(range(len(STEPS)), key=lambda i: abs(STEPS[i] - self.step))
        self.step = STEPS[min(max(nearest + places, 0), len(STEPS) - 1)]

    def begin(self, z: float | None) -> None:
        """Begin anew with the redshift of another spectrum."""
        self.origin = z
        self.z = z
        self._show()

    def restore(self) -> None:
        """Take the redshift that came with the spectrum."""
        self.z = self.origin

    @traitlets.validate("z")
    def _check(self, proposal: Any) -> float | None:
        value = proposal["value"]
        return None if value is None else as_redshift(repr(float(value)))

    @traitlets.observe("z")
    def _on_z(self, _change: Any) -> None:
        self._show()

    def _show(self) -> None:
        """Let all controls tell the redshift; those that do so already are left alone, or a slider would jump back."""
        self._following = True
        try:
            self.text.value = "" if self.z is None else f"{self.z:.6f}"
            z = self.z or 0.0
            _follow(self.stretch, min(max(1.0 + z, 10**LOWEST), 10**HIGHEST), 1e-7)
            _follow(self.velocity, min(max(velocity_between(z, self.origin or 0.0), -REACH), REACH), 0.01)
        finally:
            self._following = False

    def _on_text(self, change: Any) -> None:
        if not self._following:
            self.problem = None
            try:
                self.z = as_redshift(change["new"])
            except ArgumentError as exc:
                self._show()
                self.problem = exc

    # A page rounds a slider to its steps and sends that back: what is within half a step is no move of the user.

    def _on_stretch(self, change: Any) -> None:
        moved = abs(math.log10(change["new"] / (1.0 + (self.z or 0.0)))) > 0.501 * FINE
        if moved and not self._following:
            self.z = change["new"] - 1.0

    def _on_velocity(self, change: Any) -> None:
        moved = abs(change["new"] - velocity_between(self.z or 0.0, self.origin or 0.0)) > 0.501 * SLOW
        if moved and not self._following:
            self.z = shifted(self.origin or 0.0, change["new"])


def _follow(slider: Any, value: float, tolerance: float) -> None:
    if abs(slider.value - value) > tolerance:
        slider.value = value
