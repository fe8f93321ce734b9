"""What is known of the spectrum in focus beside its flux: a picture, ranks, and links to survey viewers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import ipywidgets
import numpy as np

from specanom.surveys.viewers import SIDE, Cutouts, links

from ..base.words import in_html

SHOWN = 96
"""Screen pixels of the picture."""


class SpectrumDetails:
    """A picture of the sky, a line of facts, and links that open only when they are clicked.

    Parameters
    ----------
    cutouts : Cutouts, optional
        Where pictures come from; without, a drawing says where the spectrum is.

    Attributes
    ----------
    root : ipywidgets.HBox
    """

    def __init__(self, cutouts: Cutouts | None = None) -> None:
        self.cutouts = Cutouts() if cutouts is None else cutouts
        self.picture = ipywidgets.HTML(layout=ipywidgets.Layout(min_width=f"{SHOWN}px", margin="0 12px 0 0"))
        self.facts = ipywidgets.HTML()
        self.links = ipywidgets.HTML()
        self.words = ipywidgets.VBox([self.facts, self.links], layout=ipywidgets.Layout(flex="1 1 auto", min_width="0"))
        self.root = ipywidgets.HBox([self.picture, self.words], layout=ipywidgets.Layout(align_items="center"))

    def show(self, id: str, about: Mapping[str, Any], facts: Sequence[tuple[str, str]]) -> None:
        """Show another spectrum.

        Parameters
        ----------
        id : str
        about : mapping
            Where it is: ra, dec, plate, mjd, fiber, as far as known.
        facts : sequence of (str, str)
            Names and values.
        """
        ra, dec = (number(about.get(name)) for name in ("ra", "dec"))
        self.picture.value = picture_html(self.cutouts.at_once(id, ra, dec), id)
        self.facts.value = f"<div class='specanom-facts'><b>{in_html(id)}</b> " + " · ".join(
            f"{in_html(name)} {in_html(value)}" for name, value in facts) + "</div>"
        self.links.value = " · ".join(
            f"<a href='{in_html(one['url'], quote=True)}' target='_blank' rel='noopener noreferrer'>"
            f"{in_html(one['name'])}</a>" for one in links(about)) or "<span>no position, plate or target known</span>"

    def wants(self, id: str, about: Mapping[str, Any]) -> bool:
        """Whether the image server may and need be asked."""
        return self.cutouts.can_ask(id, number(about.get("ra")), number(about.get("dec")))

    def fetch(self, id: str, about: Mapping[str, Any]) -> str | None:
        """Ask the image server; waits for it."""
        return self.cutouts.of(id, number(about.get("ra")), number(about.get("dec")))


def picture_html(address: str, id: str) -> str:
    """Return a picture as HTML. Its address is data, so nobody is asked."""
    return (f"<img src='{in_html(address, quote=True)}' width='{SHOWN}' height='{SHOWN}' "
            f"alt='{in_html(f'sky around {id}', quote=True)}' style='border-radius:4px;display:block' "
            f"title='{SIDE * 0.4:.0f} arcsec wide'>")


def number(value: Any) -> float:
    """Return a value as a number, NaN when it is none."""
    try:
        return float(value)
    except (TypeError, ValueError):
        return float(np.nan)
