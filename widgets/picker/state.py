"""The state of the score picker: which score, how it is shown, and which spectrum is in focus."""

from __future__ import annotations

import traitlets

from specanom.scores import METRICS, CalibratedScorer, Scorer

from .settings import LINE_NAMES, LISTS, Family, base_of

CHOSEN = "chosen"
"""Word for lines that are picked by name."""

WHOLE = "whole"
WINDOWS: dict[str, tuple[float, float] | None] = {
    WHOLE: None, "[O II]": (3660.0, 3800.0), "Ca H K": (3850.0, 4200.0), "Hβ [O III]": (4780.0, 5090.0),
    "Mg b": (5080.0, 5300.0), "Na D": (5820.0, 5970.0), "Hα [N II]": (6480.0, 6660.0), "[S II]": (6640.0, 6810.0),
}
"""Parts of a spectrum to look at, Å at rest."""


class ScoreState(traitlets.HasTraits):
    """What the controls of a :class:`.ScorePicker` hold. Setting a trait does what its control does.

    Attributes
    ----------
    metric : str
        A name of ``specanom.scores.METRICS``.
    filtered : bool
        Whether lines are left out.
    velocity : float
        Half width of the line filter, km/s.
    lines : {"vacuum", "quasar", "paper", "chosen"}
        Which lines are left out.
    chosen_lines : tuple of str
        Names of lines, for ``lines="chosen"``.
    trim : float
        Share of the pixels left out, those with the largest residuals.
    calibrated : bool
        Whether scores are in excess of spectra of like S/N and redshift.
    as_given : bool
        Whether the scorer given keeps its calibration, when that was made with other spectra than the sample.
    percentile : float
        Where the line in the histogram is, in per cent.
    top : int
        Length of the lists whose overlap is counted.
    compared : tuple of str
        Names of the scores that are ranked beside the one in force, without ``_cal``.
    frame : {"rest", "observed"}
        In which the spectrum is drawn.
    zoom : str
        Part of the spectrum that is seen, a name of :data:`WINDOWS`. A window that is dragged in the figure stays too.
    row : int
        Row of the sample in focus, −1 for none.
    """

    metric = traitlets.Enum(tuple(METRICS), "mse")
    filtered = traitlets.Bool(False)
    velocity = traitlets.Float(250.0, min=1.0, max=5000.0)
    lines = traitlets.Enum((*LISTS, CHOSEN), "vacuum")
    chosen_lines = traitlets.Tuple()
    trim = traitlets.Float(0.0, min=0.0, max=0.9)
    calibrated = traitlets.Bool(False)
    as_given = traitlets.Bool(True)
    percentile = traitlets.Float(99.0, min=0.0, max=100.0)
    top = traitlets.Int(100, min=1)
    compared = traitlets.Tuple()
    frame = traitlets.Enum(("rest", "observed"), "rest")
    zoom = traitlets.Enum(tuple(WINDOWS), WHOLE)
    row = traitlets.Int(-1)

    @traitlets.validate("chosen_lines")
    def _known_lines(self, proposal: dict[str, tuple[str, ...]]) -> tuple[str, ...]:
        unknown = [name for name in proposal["value"] if name not in LINE_NAMES]
        if unknown:
            raise traitlets.TraitError(f"chosen_lines: expected names of lines, got {unknown}. Try: {LINE_NAMES[:3]}")
        return tuple(name for name in LINE_NAMES if name in proposal["value"])

    def scorer_of(self, family: Family) -> Scorer:
        """Return the scorer, before calibration, that the traits mean. No chosen line means no filter."""
        lines = self.chosen_lines if self.lines == CHOSEN else self.lines
        velocity = float(self.velocity) if self.filtered and lines else None
        return family.scorer(self.metric, velocity=velocity, trim=float(self.trim), lines=lines or family.lines)

    def take(self, scorer: Scorer | CalibratedScorer) -> None:
        """Set the traits to what a scorer is."""
        base = base_of(scorer)
        given = base.lines or ()
        self.set_trait("metric", base.metric)
        usual = self.velocity if base.lines == self.lines else Family(base).velocity
        self.filtered, self.velocity = base.velocity is not None, base.velocity or usual
        self.lines = given if isinstance(given, str) else CHOSEN
        self.chosen_lines = () if isinstance(given, str) else tuple(given)
        self.trim, self.calibrated = base.trim, isinstance(scorer, CalibratedScorer)
