"""Colours and type of every figure, light and dark; no bokeh here, so that thumbnails stay light.

The accents are those of Okabe & Ito (2008), which people with any of the common colour-vision deficiencies can tell
apart; on dark paper they are lightened. Every role has a colour of its own in each theme, which is what lets
:func:`specanom.plots.restyle` turn a finished figure from one theme into the other.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

from ..errors import choice

FONT = "Helvetica Neue, Helvetica, Arial, Liberation Sans, DejaVu Sans, sans-serif"
"""Faces whose digits all have the same width, so that numbers line up."""

CATEGORIES = ("blue", "vermilion", "green", "purple", "amber", "sky", "brown", "slate", "olive", "wine", "teal", "rose")
"""Roles used for clusters, bins and curves, in order of use."""


@dataclass(frozen=True)
class Palette:
    """The colours of one theme by role, as ``#rrggbb``.

    ``ink``, ``muted``, ``blue`` and the last three, which write the names of lines, are read on paper: their contrast
    is at least 4.5:1.
    """

    name: str
    paper: str
    ink: str
    muted: str
    faint: str
    grid: str
    flux: str
    band: str
    masked: str
    imputed: str
    blue: str
    vermilion: str
    green: str
    purple: str
    amber: str
    sky: str
    brown: str
    slate: str
    olive: str
    wine: str
    teal: str
    rose: str
    middle: str
    absorption: str
    ultraviolet: str
    airglow: str

    @property
    def categories(self) -> tuple[str, ...]:
        """Twelve colours to tell groups apart."""
        return tuple(getattr(self, role) for role in CATEGORIES)

    def diverging(self, n: int = 65) -> tuple[str, ...]:
        """Return `n` colours from blue (negative) through the neutral middle to vermilion (positive)."""
        half = n // 2
        low = [mix(self.blue, self.middle, i / half) for i in range(half)]
        high = [mix(self.middle, self.vermilion, (i + 1) / half) for i in range(half)]
        return (*low, self.middle, *high)

    def sequential(self, n: int = 65) -> tuple[str, ...]:
        """Return `n` colours from the paper to a saturated blue, for densities."""
        return tuple(mix(self.middle, self.teal, i / (n - 1)) for i in range(n))

    def scale(self, n: int = 64) -> tuple[str, ...]:
        """Return `n` colours from amber over green and blue to dark blue, for points: all stand off the paper.

        Lightness falls all the way, and amber and blue are told apart by everyone.
        """
        stops = (self.amber, self.green, self.blue, mix(self.blue, "#000000", 0.45))
        made = []
        for i in range(n):
            place = i / max(1, n - 1) * (len(stops) - 1)
            first = min(int(place), len(stops) - 2)
            made.append(mix(stops[first], stops[first + 1], place - first))
        return tuple(made)


LIGHT = Palette(
    name="light", paper="#ffffff", ink="#1c2128", muted="#5b6470", faint="#9aa2ad", grid="#e7eaee", flux="#27323f",
    band="#a9b8c8", masked="#8d949e", imputed="#c2649b", blue="#0072b2", vermilion="#d55e00", green="#009e73",
    purple="#aa5c96", amber="#c98a00", sky="#3ba1dc", brown="#8c5a2b", slate="#66707d", olive="#7d8a1e", wine="#882255",
    teal="#0f6e84", rose="#cc6677", middle="#f2f3f5", absorption="#007a59", ultraviolet="#95487f",
    airglow="#8a6000",
)
DARK = Palette(
    name="dark", paper="#14181d", ink="#e6e9ee", muted="#a3abb6", faint="#6f7883", grid="#272e37", flux="#d5dde7",
    band="#4b5a6b", masked="#7f8894", imputed="#e08abb", blue="#4da3e0", vermilion="#ff8a45", green="#2cc79a",
    purple="#cf8fc0", amber="#e9b23c", sky="#7cc6f2", brown="#c4935f", slate="#98a2af", olive="#b4c14e", wine="#d4679c",
    teal="#45b7d1", rose="#f099a6", middle="#2b313a", absorption="#2dc89b", ultraviolet="#d091c1", airglow="#eab33d",
)
THEMES = {"light": LIGHT, "dark": DARK}


def palette(theme: str) -> Palette:
    """Return the colours of ``"light"`` or ``"dark"``.

    Raises
    ------
    ArgumentError
        For any other name.
    """
    return THEMES[choice("theme", theme, THEMES)]


def translation(source: Palette, target: Palette) -> dict[str, str]:
    """Return which colour of `target` stands where `source` has which."""
    pairs = {getattr(source, f.name): getattr(target, f.name) for f in fields(Palette) if f.name != "name"}
    ramps = zip(source.diverging() + source.sequential(), target.diverging() + target.sequential(), strict=True)
    return {**dict(ramps), **pairs}


def mix(first: str, second: str, share: float) -> str:
    """Return the colour `share` of the way from the first to the second."""
    a, b = ([int(c[i : i + 2], 16) for i in (1, 3, 5)] for c in (first, second))
    return "#" + "".join(f"{round(x + (y - x) * share):02x}" for x, y in zip(a, b, strict=True))
