"""SpectrumViewer: one spectrum, its lines at any redshift, smoothed, measured."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

import ipywidgets
import numpy as np
import pandas as pd
import traitlets
from numpy.typing import NDArray

from specanom.diagnostics import LineMeasurement, measure_spectrum, smoothed
from specanom.lines import C_KMS, Line, line
from specanom.spectrum import Spectrum

from ..base.dashboard import Dashboard, guarded
from ..base.pane import FigurePane, page_theme
from .code import code_of
from .fluxes import fitted_model, flux_html, flux_table, summary
from .live import LiveSpectrum
from .overlays import Overlays
from .panel import KINDS, LAYERS, SMOOTHING, WINDOW, controls
from .redshift import STEP, RedshiftControl, as_redshift

HEIGHT = 540


class SpectrumViewer(Dashboard):
    """Look at one spectrum: frame, unit, smoothing, redshift, lines, noise and mask; measure its lines.

    Parameters
    ----------
    spectrum : Spectrum
        Raw or preprocessed, with or without redshift, noise and mask.
    others : sequence of Spectrum
        Spectra that can be laid over it.

    Attributes
    ----------
    frame : {"observed", "rest"}
        Frame of the axis; without a redshift it stays that of the spectrum.
    unit : {"Å", "nm"}
        Unit of the axis.
    z : float or None
        The redshift at which lines are marked.
    kernel : {"none", "boxcar", "gaussian"}
        Smoothing.
    width : int
        Its full width (at half maximum), pixels.
    weighted : bool
        Whether pixels weigh by their inverse variance. That keeps the residuals of the sky local, but distorts bright
        emission lines, see :func:`specanom.diagnostics.smoothed`.
    emission, absorption, ultraviolet, sky : bool
        Which lines are marked; ``sky`` also tints telluric bands.
    noise, masked, imputed : bool
        Whether the ±1σ band and the marks of pixels set aside are seen.
    line : str
        Name of the line in the window (as in :func:`specanom.lines.line`); empty for the whole spectrum.
    other : str
        Id of the spectrum laid over it; empty for none.
    fit : bool
        Whether stars and lines as measured are drawn, with the residual.

    Examples
    --------
    >>> viewer = sa.Spectrum.read("spec-0266-51602-0013.fits").interact()  # doctest: +SKIP
    >>> viewer.z = 0.1213; viewer.line = "Ha"                               # doctest: +SKIP
    >>> viewer.result                                                       # doctest: +SKIP
    """

    title: ClassVar[str] = "Spectrum"

    frame = traitlets.Enum(("observed", "rest"), "observed")
    unit = traitlets.Enum(("Å", "nm"), "Å")
    z = traitlets.Float(None, allow_none=True)
    kernel = traitlets.Enum(tuple(SMOOTHING), "none")
    width = traitlets.Int(5, min=2, max=101)
    weighted = traitlets.Bool(False)
    emission = traitlets.Bool(True)
    absorption = traitlets.Bool(True)
    ultraviolet = traitlets.Bool(True)
    sky = traitlets.Bool(True)
    noise = traitlets.Bool(True)
    masked = traitlets.Bool(True)
    imputed = traitlets.Bool(True)
    line = traitlets.Unicode("")
    other = traitlets.Unicode("")
    fit = traitlets.Bool(False)

    def __init__(self, spectrum: Spectrum, *, others: Sequence[Spectrum] = ()) -> None:
        super().__init__()
        self.spectrum = spectrum
        self.others = {one.id: one for one in others}
        self.measured: LineMeasurement | None = None
        self._measured_z: float | None = None
        self._smooth: tuple[Any, Spectrum, Spectrum] | None = None
        theme = page_theme()
        self.live = LiveSpectrum(theme=theme, height=HEIGHT, model="stars and lines")
        self.overlays = Overlays(self.live, theme)
        self.redshift = RedshiftControl(spectrum.z)
        self.set_trait("z", spectrum.z)
        self.set_trait("frame", spectrum.frame)
        self.set_trait("selected", spectrum.id)
        self._draw(whole=True)
        self.pane = FigurePane(self.live.root, label=f"spectrum {spectrum.id}", theme=theme)
        self._fluxes = ipywidgets.HTML()
        self.build(controls=controls(self), main=[self.pane, self._fluxes], panes=[self.pane])
        self._watch()

    # -- what it results in ------------------------------------------------------------------------------------------

    @property
    def result(self) -> Spectrum:
        """The spectrum with the redshift chosen, unsmoothed."""
        return self.spectrum if self.z == self.spectrum.z else self.spectrum.replace(z=self.z)

    @property
    def shown(self) -> Spectrum:
        """The spectrum as drawn: at the redshift chosen, smoothed."""
        if self.kernel == "none":
            return self.result
        key = (self.kernel, self.width, self._weights)
        if self._smooth is None or self._smooth[:2] != (key, self.spectrum):
            self._smooth = key, self.spectrum, self._smoothed(self.spectrum)
        return self._smooth[2].replace(z=self.z)

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of lines that are marked."""
        return tuple(kind for name, kind in KINDS.items() if getattr(self, name))

    def show(self, spectrum: Spectrum) -> None:
        """Look at another spectrum with the same settings, at its own redshift."""
        self.spectrum, self.measured = spectrum, None
        with self.hold_trait_notifications():
            self.line, self.fit, self.selected = "", False, spectrum.id
        self.redshift.begin(spectrum.z)
        self._fluxes.value = ""
        self.say("")
        self._redraw(True)

    def to_code(self) -> str:
        """Return Python that draws the same figure of ``spectrum``."""
        window = self.live.flux.x_range
        return code_of(self.spectrum, self.z, f"frame={self._frame!r}, unit={self.unit!r}, lines={self.kinds!r}",
                       smoothing=None if self.kernel == "none" else (self.width, self.kernel, self._weights),
                       window=(window.start, window.end) if self.live.zoomed else None)

    def facts(self) -> Sequence[tuple[str, str]]:
        """Return what is shown, in words."""
        made = [("spectrum", repr(self.spectrum)), ("redshift", "not known" if self.z is None else f"{self.z:.6f}"),
                ("frame and unit", f"{self._frame} frame, {self.unit}")]
        if self.kernel != "none":
            weights = "weights by inverse variance" if self.weighted else "equal weights"
            made.append(("smoothing", f"{SMOOTHING[self.kernel]}, {self.width} pixels, {weights}"))
        if self.measured is not None:
            made.append(("lines", summary(self.measured)))
        return made

    def tables(self) -> Sequence[tuple[str, pd.DataFrame]]:
        """Return the measured lines, if any."""
        return [] if self.measured is None else [("Measured lines", flux_table(self.measured))]

    # -- what it does ------------------------------------------------------------------------------------------------

    def shortcuts(self) -> Mapping[str, tuple[str, Callable[[], None]]]:
        """Return what keys do."""
        return {
            **super().shortcuts(),
            "ArrowLeft": ("redshift one step lower", lambda: self.redshift.move(-1)),
            "ArrowRight": ("redshift one step higher", lambda: self.redshift.move(1)),
            "ArrowUp": ("larger steps of the redshift", lambda: self.redshift.resize(1)),
            "ArrowDown": ("smaller steps of the redshift", lambda: self.redshift.resize(-1)),
            "n": ("next line", lambda: self.step_line(1)),
            "p": ("previous line", lambda: self.step_line(-1)),
            "0": ("whole spectrum", self.whole),
            "f": ("rest or observed frame", self.toggle_frame),
            "s": ("smoothing on or off", self.toggle_smoothing),
            "m": ("measure the lines", self.measure),
            "r": ("reset", self.reset),
        }

    def step_line(self, step: int) -> None:
        """Go to the next line that the spectrum covers (-1: the one before)."""
        names = [item.name for item in self.covered()]
        if not names:
            self.say("no line of the object lies within the spectrum")
            return
        at = names.index(self.line) + step if self.line in names else (0 if step > 0 else -1)
        self.line = names[at % len(names)]

    def covered(self) -> list[Line]:
        """Return the lines of the object that lie within the spectrum, by wavelength."""
        view = self.live.view
        if view is None:
            return []
        found = [item for item, _ in view.axis.lines_within(float(view.edges[0]), float(view.edges[-1]))]
        return sorted(found, key=lambda item: item.wave)

    def whole(self) -> None:
        """Show the whole spectrum."""
        if self.line:
            self.line = ""
        else:
            self._redraw(True)

    def toggle_frame(self) -> None:
        """Go to the other frame."""
        self.frame = "rest" if self.frame == "observed" else "observed"

    def toggle_smoothing(self) -> None:
        """Switch smoothing off, or on with the Gaussian."""
        self.kernel = "gaussian" if self.kernel == "none" else "none"

    def reset(self) -> None:
        """Go back to how the spectrum was opened."""
        kept = ("z", "frame", "selected", "theme")
        with self.hold_trait_notifications():
            for name, trait in type(self).class_own_traits().items():
                if name not in kept:
                    setattr(self, name, trait.default_value)
            self.frame = self.spectrum.frame
        self.redshift.step = STEP
        self.redshift.begin(self.spectrum.z)
        self._redraw(True)

    @guarded
    def measure(self) -> None:
        """Measure the main emission lines at the redshift chosen, in the background."""
        given, spectrum = self.spectrum, self.result
        if spectrum.z is None and spectrum.frame == "observed":
            self.say("lines cannot be measured without a redshift")
            return
        self.background(lambda _progress, _cancelled: (given, spectrum.z, measure_spectrum(spectrum)),
                        done=self._show_fluxes, title="measuring lines")

    # -- inside ------------------------------------------------------------------------------------------------------

    @property
    def _frame(self) -> str:
        """The frame drawn in: the other one needs a redshift."""
        return str(self.frame) if self.z is not None else self.spectrum.frame

    def _show_fluxes(self, result: tuple[Spectrum, float | None, LineMeasurement]) -> None:
        given, z, measured = result
        if given is not self.spectrum:  # another one is looked at by now
            return
        self._measured_z, self.measured = z, measured
        table = flux_table(self.measured)
        told = summary(self.measured)
        unit = str(self.spectrum.meta.get("unit") or "the spectrum's unit") + " × Å"
        at = "" if self._measured_z is None else f" at z = {self._measured_z:.5f}"
        self._fluxes.value = flux_html(table, f"Lines{at}, flux in {unit}: {told}") if len(table) else ""
        self.say(f"lines measured{at}: {told}")
        if not self.measured.values["note"] and not self.fit:
            self.fit = True
        else:
            self._redraw()

    @property
    def _weights(self) -> str:
        return "ivar" if self.weighted else "equal"

    def _smoothed(self, spectrum: Spectrum) -> Spectrum:
        return smoothed(spectrum, self.width, kernel=self.kernel, weights=self._weights)

    def _model(self) -> NDArray[np.floating]:
        """Return stars and lines as measured, smoothed like the flux that they are compared with."""
        assert self.measured is not None
        model = fitted_model(self.measured)
        if self.kernel == "none":
            return model
        return self._smoothed(self.spectrum.replace(flux=model)).flux

    def _draw(self, *, whole: bool = False) -> None:
        shown = self.shown
        self.live.unit, self.live.kinds = self.unit, self.kinds
        fitted = self.fit and self.measured is not None and self._measured_z == self.z
        self.live.show(shown, self._model() if fitted else None, frame=self._frame, keep_zoom=not whole)
        self.overlays.show_raw(None if self.kernel == "none" else self.result)
        other = self.others.get(self.other)
        placeable = other is not None and (other.frame == self._frame or other.z is not None)
        self.overlays.show_other(other if placeable else None)
        for name in (*LAYERS, "sky"):
            for renderer in self.live.layers[name]:
                renderer.visible = getattr(self, name)

    @guarded
    def _redraw(self, whole: bool = False) -> None:
        with self.pane.batch():
            self._draw(whole=whole)

    @guarded
    def _on_look(self, change: Any) -> None:
        if change["name"] == "frame" and self.z is None and change["new"] != self.spectrum.frame:
            self.say(f"without a redshift the axis stays in the {self.spectrum.frame} frame")
        self._redraw()

    @guarded
    def _on_z(self, _change: Any) -> None:
        if self.fit and self._measured_z != self.z:
            self.fit = False  # what was fitted at another redshift says nothing of this one
        self._redraw()

    @guarded
    def _on_line(self, change: Any) -> None:
        with self.pane.batch():
            if not change["new"]:
                self._draw(whole=True)
                return
            item, view = line(change["new"]), self.live.view
            assert view is not None
            at = float(view.axis.place(item.wave, "rest"))
            if not (view.edges[0] < at < view.edges[-1]):
                why = "needs a redshift" if not np.isfinite(at) else "lies outside the spectrum at this redshift"
                self.say(f"{item.label} {why}")
                return
            self.live.zoom(at * (1 - WINDOW / C_KMS), at * (1 + WINDOW / C_KMS))

    @guarded
    def _on_problem(self, change: Any) -> None:
        if change["new"] is not None:
            raise change["new"]

    @guarded
    def _on_selected(self, change: Any) -> None:
        found = self.others.get(change["new"])
        if found is not None and found is not self.spectrum:
            self.show(found)

    @traitlets.validate("z")
    def _check_z(self, proposal: Any) -> float | None:
        return None if proposal["value"] is None else as_redshift(repr(float(proposal["value"])))

    @traitlets.validate("line")
    def _check_line(self, proposal: Any) -> str:
        return line(proposal["value"]).name if proposal["value"] else ""

    def _watch(self) -> None:
        traitlets.link((self, "z"), (self.redshift, "z"))
        self.redshift.observe(self._on_problem, "problem")
        self.observe(self._on_z, "z")
        self.observe(self._on_line, "line")
        self.observe(self._on_selected, "selected")
        self.observe(self._on_look, ["frame", "unit", "kernel", "width", "weighted", *KINDS, *LAYERS, "other", "fit"])
