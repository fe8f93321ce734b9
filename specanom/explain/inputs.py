"""What an explainer is given: one spectrum, or many, brought into blocks of Spectrum objects."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, ShapeError, message
from ..seeds import content_hash
from ..spectrum import Spectrum
from ..spectrumset import SpectrumSet
from .classes import PIXELS

BLOCK = 16  # spectra handed to a worker at a time


def as_spectrum(spectrum: Any, score: Any) -> Spectrum:
    """Return what was given as a Spectrum; a bare (p,) array gets the wavelengths of the score, or pixel numbers."""
    if isinstance(spectrum, Spectrum):
        return spectrum
    # A copy: the explanation keeps the flux, and arrays are often filled anew with the next spectrum.
    flux = np.array(spectrum) if isinstance(spectrum, (np.ndarray, list, tuple)) else np.empty((0, 0))
    if flux.ndim != 1 or not np.issubdtype(flux.dtype, np.number):
        got = f"shape {flux.shape}" if flux.size else type(spectrum).__name__
        raise ShapeError(message("spectrum", expected="a Spectrum or a (p,) array", got=got,
                                 hint="sample[0] is one spectrum; explain_many takes several"))
    return next(iter(as_set(flux[None, :], score)))


def as_set(flux: NDArray[Any], score: Any) -> SpectrumSet:
    """Put bare rows, ``(n, p)``, on the wavelengths of the score, or number their pixels."""
    import pandas as pd

    wave = getattr(score, "wave", None)
    if wave is None:
        wave = getattr(getattr(score, "model", None), "wave", None)
    if wave is not None and np.shape(wave) == flux.shape[1:]:
        return SpectrumSet(wave, flux)
    table = pd.DataFrame({"id": [content_hash(row.astype(np.float32)) for row in flux], "wave": PIXELS})
    return SpectrumSet(np.arange(1.0, flux.shape[1] + 1.0), flux, table=table)


def blocks_of(sample: Any, score: Any) -> Iterator[list[Spectrum]]:
    """Yield the spectra of a sample, a few at a time."""
    if isinstance(sample, Spectrum) or not isinstance(sample, Iterable) or getattr(sample, "ndim", 2) != 2:
        got = f"shape {sample.shape}" if isinstance(sample, np.ndarray) else type(sample).__name__
        images = getattr(sample, "ndim", 2) in (3, 4)
        raise ShapeError(message("sample", expected="a SpectrumSet, several Spectrum or an (n, p) array", got=got,
                                 hint="[explainer.explain(image) for image in images]" if images
                                 else "explain for one spectrum"))
    if isinstance(sample, np.ndarray):
        sample = as_set(sample, score)
    spectra = iter(sample)
    while block := list(islice(spectra, BLOCK)):
        for one in block:
            if not isinstance(one, Spectrum):
                raise ArgumentError(message("sample", expected="Spectrum objects", got=type(one).__name__))
        yield block
