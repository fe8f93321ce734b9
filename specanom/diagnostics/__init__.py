"""Emission lines: fluxes, ratios, and what they say about the gas.

``measure_lines(sample)`` gives one table for many spectra, ``measure_spectrum(spectrum)`` one fit with its model.

================  ==================================================================
module            what is in it
================  ==================================================================
``atoms``         lines and bands that absorb in stars
``stars``         a small model atmosphere
``templates``     stellar populations made from it
``continuum``     non-negative mix of populations under the lines
``components``    which lines are fitted, tied, and where
``gaussians``     weighted least squares with shared kinematics
``fluxes``        from a fit to fluxes with errors and limits
``measure``       one spectrum
``catalogue``     fluxes that came with the spectra
``table``         many spectra
``ratios``        decrement, N2, O3, O32, O3N2 and their ranges
``bpt``           classes and curves
``smoothing``     inverse-variance weighted means of neighbouring pixels
``peaks``         narrow peaks of a residual, against the noise that is there
``second_lines``  which lines tell a second redshift
``second``        another galaxy in the fibre: emission lines at a second redshift
================  ==================================================================
"""

from __future__ import annotations

from .bpt import CLASSES, bpt_class, bpt_curves, kauffmann2003, kewley2001, seyfert_liner
from .catalogue import from_spzline
from .components import MEASURED
from .measure import FitSettings, LineMeasurement, measure_spectrum
from .ratios import RATIOS, line_ratios, ratio_ranges
from .second import SecondLine, SecondRedshift, SecondSearch, second_redshift
from .second_lines import SOUGHT
from .smoothing import KERNELS, smoothed
from .table import measure_lines
from .templates import TemplateBank, template_bank

__all__ = [
    "CLASSES",
    "FitSettings",
    "KERNELS",
    "LineMeasurement",
    "MEASURED",
    "RATIOS",
    "SOUGHT",
    "SecondLine",
    "SecondRedshift",
    "SecondSearch",
    "TemplateBank",
    "bpt_class",
    "bpt_curves",
    "from_spzline",
    "kauffmann2003",
    "kewley2001",
    "line_ratios",
    "measure_lines",
    "measure_spectrum",
    "ratio_ranges",
    "second_redshift",
    "seyfert_liner",
    "smoothed",
    "template_bank",
]


def __dir__() -> list[str]:
    return sorted(__all__)
