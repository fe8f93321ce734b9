"""From observed spectra to one sample at rest: masked, dereddened, resampled, normalised, complete.

=============================  =====================================================================================
:class:`Preprocessor`          joins the steps; ``fit_transform(survey)``, ``transform(later)``, ``.report``
:class:`QuasarPreprocessors`   three of them, for quasars by redshift; :func:`quasar_bins`, :func:`bin_of`
:class:`PreprocessReport`      the waterfall of cuts with ids, missing pixels, extinction, notes
``pixels``                     :class:`BadPixels`, :class:`Airglow`, :class:`SignalToNoise`, :class:`FaintPixels`
``extinction``                 :class:`Extinction`: Milky Way dust, Fitzpatrick 1999
``resample``                   :class:`ToRest`: rest frame, common grid, ivar propagated
``select``                     the cuts, each saying which rows fail and why
``normalise``                  :class:`Finish`: median 1, imputed, S/N bin
=============================  =====================================================================================

Each step takes a SpectrumSet block and returns another, and can be used alone.
"""

from .extinction import Extinction
from .normalise import Finish
from .pixels import Airglow, BadPixels, FaintPixels, SignalToNoise
from .preprocessor import Preprocessor
from .presets import QuasarBin
from .quasars import QuasarPreprocessors, bin_of, quasar_bins
from .report import Cut, ExtinctionCount, Note, PreprocessReport
from .resample import ToRest

__all__ = [
    "Airglow", "BadPixels", "Cut", "Extinction", "ExtinctionCount", "FaintPixels", "Finish", "Note",
    "PreprocessReport", "Preprocessor", "QuasarBin", "QuasarPreprocessors", "SignalToNoise", "ToRest", "bin_of",
    "quasar_bins",
]


def __dir__() -> list[str]:
    return sorted(__all__)
