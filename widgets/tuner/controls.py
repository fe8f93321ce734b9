"""The controls of the tuner, tied to one trait that holds all settings."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import ipywidgets
import traitlets

from specanom.errors import SpecanomError

from ..base.controls import group
from ..base.locking import LOCK
from .fields import Field, fill_fields, method_fields, segment_fields
from .inputs import WIDE
from .kinds import GIVEN, METHODS, PERTURBATIONS, SEGMENTATIONS
from .settings import TunerSettings

GIVEN_OF = {"segmentation": "given_segments", "start": "given_segments", "perturbation": "given_perturbation",
            "method": "given_method"}
KINDS = {"segmentation": SEGMENTATIONS, "start": SEGMENTATIONS, "perturbation": PERTURBATIONS, "method": METHODS}


class TunerControls(ipywidgets.VBox):  # type: ignore[misc]
    """One control for each setting; only those of the chosen kinds are visible.

    Parameters
    ----------
    settings : TunerSettings, optional
        Where the controls stand.
    pixels : int
        Of the spectrum: the most segments there can be.
    scores : sequence of str
        Names of the scores to choose from; with fewer than two there is nothing to choose.

    Attributes
    ----------
    settings : TunerSettings
        Setting it moves all controls and is told once; so is moving a control.
    pixels : int
    scores : tuple of str
    edges : tuple of float
        Edges of the segments shown now, Å: what cutting by hand begins with.
    continuous : bool
        Whether sliders tell of each step while they move, or when they are let go.
    refusal : str
        Why these settings cannot be used, shown below them; empty when they can.
    fields : dict of str to Field
        The controls by setting.
    """

    settings = traitlets.Instance(TunerSettings)
    pixels = traitlets.Int(4000)
    scores = traitlets.Tuple()
    edges = traitlets.Tuple()
    continuous = traitlets.Bool(True)
    refusal = traitlets.Unicode("")

    def __init__(
        self, settings: TunerSettings | None = None, *, pixels: int = 4000, scores: Sequence[str] = (),
    ) -> None:
        self._moving = True
        segments, fill, method = segment_fields(pixels), fill_fields(), method_fields()
        self._fill = tuple(fill)
        score = Field(ipywidgets.Dropdown(description="Score", style=WIDE, tooltip="The score that is explained."))
        self.fields: dict[str, Field] = {"score": score, **segments, **fill, **method}
        self._refusal = ipywidgets.HTML(layout=ipywidgets.Layout(display="none"))
        super().__init__(settings=settings or TunerSettings(), pixels=pixels)
        self._take = ipywidgets.Button(description="take the present edges", layout=ipywidgets.Layout(width="auto"),
                                       tooltip="Cut where the segments shown now are cut.")
        self._take.on_click(lambda _button: self._take_edges())
        self._fine = ipywidgets.Accordion(
            [ipywidgets.VBox([field.control for field in self.fields.values() if field.fine])],
            titles=("Finer points",), selected_index=None)
        self._score = group("Score", score.control)
        self.children = (
            self._score, group("Segments", *_plain(segments), self._take), group("Fill", *_plain(fill)),
            group("Method", *_plain(method)), self._fine, self._refusal)
        self.scores = tuple(scores)
        for name, field in self.fields.items():
            field.control.observe(lambda change, name=name: self._moved(name, change["new"]), "value")
        self._show()

    # -- from controls to settings ---------------------------------------------------------------------------------

    def _moved(self, name: str, value: Any) -> None:
        if self._moving:
            return
        with LOCK:
            try:
                changes = {name: self.fields[name].read(value)}
                if name == "segmentation" and value == "boundaries" and not self.settings.edges:
                    changes["edges"] = self._present()
                self.settings = self.settings.replace(**changes)
            except SpecanomError as exc:
                self.refusal = str(exc)

    def _take_edges(self) -> None:
        with LOCK:
            self.settings = self.settings.replace(segmentation="boundaries", edges=self._present())

    def _present(self) -> tuple[float, ...]:
        """Return the edges shown now in figures that can be read: a hundredth of an Å is far below a pixel."""
        return tuple(round(float(edge), 2) for edge in self.edges)

    # -- from settings to controls ---------------------------------------------------------------------------------

    @traitlets.observe("settings")
    def _settings_changed(self, _change: Any) -> None:
        if hasattr(self, "_take"):
            self._show()

    def _show(self) -> None:
        """Move all controls to the settings, without an echo."""
        now, before = self.settings, self._moving
        self._moving = True
        try:
            self._offer(now)
            for name, field in self.fields.items():
                if name != "score" or now.score in self.scores:
                    field.show(now, name)
            self._show_those_of(now)
        finally:
            self._moving = False if before is False or hasattr(self, "_take") else before

    def _offer(self, now: TunerSettings) -> None:
        """Offer objects of one's own where there are any, and say what the chosen kinds do."""
        for name, given in GIVEN_OF.items():
            control = self.fields[name].control
            offered = [(kind.word, key) for key, kind in KINDS[name].items() if (name, key) != ("start", "refined")]
            if getattr(now, given) is not None:
                offered.append((GIVEN, GIVEN))
            if list(control.options) != offered:
                control.options = offered
            chosen = KINDS[name].get(getattr(now, name))
            control.tooltip = chosen.told if chosen else f"Your own object: {getattr(now, given).thing!r}"
        typical: Any = [("reconstruction", None)]
        if now.typical is not None:
            typical.append(("your own", now.typical))
        if list(self.fields["typical"].control.options) != typical:
            self.fields["typical"].control.options = typical

    def _show_those_of(self, now: TunerSettings) -> None:
        """Hide controls of kinds that are not chosen; disable those that have no effect."""
        used = now.used
        for name, field in self.fields.items():
            shown = name in used and not (name in ("tolerance", "max_samples") and not now.adaptive)
            if name == "score":
                shown = len(self.scores) > 1
            field.control.layout.display = "" if shown else "none"
        self._take.layout.display = "" if "edges" in used and self.edges else "none"
        self._score.layout.display = "" if len(self.scores) > 1 else "none"
        unfilled = now.method == "split" or (now.method == "gradients" and now.baseline == "reconstruction")
        for name in self._fill:
            self.fields[name].control.disabled = unfilled
        self.fields["n_samples"].control.disabled = now.method == "shap" and now.exact is True

    @traitlets.observe("pixels")
    def _pixels_changed(self, change: Any) -> None:
        if hasattr(self, "_take"):
            self._moving = True
            self.fields["count"].control.most = change["new"]
            self._moving = False

    @traitlets.observe("scores")
    def _scores_changed(self, change: Any) -> None:
        self._moving = True
        self.fields["score"].control.options = change["new"]
        self._moving = False
        self._show()

    @traitlets.observe("edges")
    def _edges_changed(self, _change: Any) -> None:
        self._show_those_of(self.settings)

    @traitlets.observe("continuous")
    def _continuity_changed(self, change: Any) -> None:
        for name, field in self.fields.items():
            if name != "edges" and field.control.has_trait("continuous_update"):
                field.control.continuous_update = change["new"]

    @traitlets.observe("refusal")
    def _refusal_changed(self, change: Any) -> None:
        text = change["new"]
        self._refusal.value = f'<div role="alert" class="specanom-refusal">{escape(text)}</div>' if text else ""
        self._refusal.layout.display = "" if text else "none"


def _plain(fields: dict[str, Field]) -> list[Any]:
    return [field.control for field in fields.values() if not field.fine]
