"""One spectrum, live.

============  ===================================================================
module        what is in it
============  ===================================================================
``live``      LiveSpectrum: a layout built once, whose data change
``viewer``    SpectrumViewer: ``spectrum.interact()``
``redshift``  a redshift by number, by sliding and by steps
``overlays``  the flux before smoothing, and another spectrum
``fluxes``    measured lines as a table
``code``      what is shown, as Python
============  ===================================================================
"""

from __future__ import annotations

from .live import LiveSpectrum
from .viewer import SpectrumViewer

__all__ = ["LiveSpectrum", "SpectrumViewer"]
