"""The controls of the tuner, tied to one trait that holds all settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

import ipywidgets
import traitlets

from specanom.errors import SpecanomError

from ..base.controls import button, group
from ..base.locking import LOCK
from ..base.words import in_html
from .fields import MODELLED, Field, fill_fields, method_fields, segment_fields
from .inputs import WIDE
from .kinds import GIVEN, METHODS, PERTURBATIONS, SEGMENTATIONS
from .presets import LAYOUTS
from .settings import AsGiven, TunerSettings

GIVEN_OF = {"segmentation": "given_segments", "start": "given_segments", "perturbation": "given_perturbation",
            "method": "given_method"}
KINDS = {"segmentation": SEGMENTATIONS, "start": SEGMENTATIONS, "perturbation": PERTURBATIONS, "method": METHODS}


class LayoutButtons(ipywidgets.HBox):  # type: ignore[misc]
    """One button for each layout of the paper's figures.

    Parameters
    ----------
    choose : callable
        Called with the name of a layout, e.g. ``"Fig. 7"``.
    """

    def __init__(self, choose: Callable[[str], None]) -> None:
        label = ipywidgets.Label("Paper:")
        made = [button(one.name, one.told, partial(choose, one.name)) for one in LAYOUTS]
        super().__init__([label, *made], layout=ipywidgets.Layout(flex_flow="row wrap"))
        self.add_class("specanom-bar")


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
        Why what was entered cannot be used, shown above the controls; empty when it can.
    fields : dict of str to Field
        The controls by setting.
    """

    settings = traitlets.Instance(TunerSettings)
    pixels = traitlets.Int(4000)
    scores = traitlets.Tuple()
    edges = traitlets.Tuple()
    continuous = traitlets.Bool(True)
    refusal = traitlets.Unicode("")

    _built = False
    _moving = False
    _own: AsGiven | None = None  # the spectrum of one's own, also while it is not taken

    def __init__(
        self, settings: TunerSettings | None = None, *, pixels: int = 4000, scores: Sequence[str] = (),
    ) -> None:
        super().__init__(settings=settings or TunerSettings(), pixels=pixels, scores=tuple(scores))
        segments, fill, method = segment_fields(pixels), fill_fields(), method_fields()
        self._filling = tuple(fill)
        score = Field(ipywidgets.Dropdown(description="Score", style=WIDE, tooltip="The score that is explained."))
        self.fields: dict[str, Field] = {"score": score, **segments, **fill, **method}
        self._take = button("take the present edges", "Cut where the segments shown now are cut.", self._take_edges)
        self._refusal = ipywidgets.HTML(layout=ipywidgets.Layout(display="none"))
        self._refusal.add_class("specanom-error")
        self._score = group("Score", score.control)
        fine = ipywidgets.VBox([field.control for field in self.fields.values() if field.fine])
        self.children = (
            self._refusal, self._score, group("Segments", *_plain(segments), self._take), group("Fill", *_plain(fill)),
            group("Method", *_plain(method)),
            ipywidgets.Accordion([fine], titles=("Finer points",), selected_index=None))
        self._built = True
        self._show()
        for name, field in self.fields.items():
            field.control.observe(lambda change, name=name: self._moved(name, change["new"]), "value")

    # -- from controls to settings ---------------------------------------------------------------------------------

    def _moved(self, name: str, value: Any) -> None:
        if self._moving:
            return
        with LOCK:
            try:
                changes = {name: self.fields[name].read(value)}
                if name == "segmentation" and value == "boundaries" and not self.settings.edges:
                    changes["edges"] = self._present()
                changed = self.settings.replace(**changes)
            except SpecanomError as exc:
                self.refusal = str(exc)
                return
            self.refusal = ""
            self.settings = changed

    def _take_edges(self) -> None:
        with LOCK:
            self.settings = self.settings.replace(segmentation="boundaries", edges=self._present())

    def _present(self) -> tuple[float, ...]:
        """Return the edges shown now in figures that can be read: a hundredth of an Å is far below a pixel."""
        return tuple(round(float(edge), 2) for edge in self.edges)

    # -- from settings to controls ---------------------------------------------------------------------------------

    @traitlets.observe("settings", "scores")
    def _on_settings(self, _change: Any) -> None:
        self._show()

    def _show(self) -> None:
        """Move all controls to the settings, without an echo."""
        if not self._built:
            return
        now = self.settings
        with self._quietly():
            self._offer(now)
            for name, field in self.fields.items():
                if name != "score" or now.score in self.scores:
                    field.show(now, name)
            self._show_those_of(now)

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        """Let controls move without telling of it."""
        before, self._moving = self._moving, True
        try:
            yield
        finally:
            self._moving = before

    def _offer(self, now: TunerSettings) -> None:
        """Offer objects of one's own where there are any, and say what the chosen kinds do."""
        for name, given in GIVEN_OF.items():
            control = self.fields[name].control
            offered = [(kind.word, key) for key, kind in KINDS[name].items() if (name, key) != ("start", "refined")]
            if getattr(now, given) is not None:
                offered.append((GIVEN, GIVEN))
            _give_options(control, offered)
            chosen = KINDS[name].get(getattr(now, name))
            control.tooltip = chosen.told if chosen else f"Your own object: {getattr(now, given).thing!r}"
        self._own = now.typical or self._own
        own = [] if self._own is None else [("your own", self._own)]
        _give_options(self.fields["typical"].control, [MODELLED, *own])
        _give_options(self.fields["score"].control, [(name, name) for name in self.scores])

    def _show_those_of(self, now: TunerSettings) -> None:
        """Hide controls of kinds that are not chosen; disable those that have no effect."""
        used = now.used
        for name, field in self.fields.items():
            shown = name in used and (now.adaptive or name not in ("tolerance", "max_samples"))
            shown = shown and (name != "typical" or self._own is not None)  # with one choice there is none
            field.control.layout.display = "" if shown else "none"
        self._take.layout.display = "" if "edges" in used and self.edges else "none"
        self._score.layout.display = "" if len(self.scores) > 1 else "none"
        unfilled = now.method == "split" or (now.method == "gradients" and now.baseline == "reconstruction")
        for name in self._filling:
            self.fields[name].control.disabled = unfilled
        self.fields["n_samples"].control.disabled = now.method == "shap" and now.exact is True

    @traitlets.observe("pixels")
    def _on_pixels(self, change: Any) -> None:
        if self._built:
            with self._quietly():
                self.fields["count"].control.most = change["new"]

    @traitlets.observe("edges")
    def _on_edges(self, _change: Any) -> None:
        if self._built:
            self._show_those_of(self.settings)

    @traitlets.observe("continuous")
    def _on_continuity(self, change: Any) -> None:
        for name, field in self.fields.items():
            if name != "edges" and field.control.has_trait("continuous_update"):
                field.control.continuous_update = change["new"]

    @traitlets.observe("refusal")
    def _on_refusal(self, change: Any) -> None:
        text = change["new"]
        self._refusal.value = f'<div role="alert">{in_html(text)}</div>' if text else ""
        self._refusal.layout.display = "" if text else "none"


def _give_options(control: Any, options: list[tuple[str, Any]]) -> None:
    if list(control.options) != options:
        control.options = options


def _plain(fields: dict[str, Field]) -> list[Any]:
    return [field.control for field in fields.values() if not field.fine]
