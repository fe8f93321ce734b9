"""Surveys: real and simulated spectra behind one face.

===============================  ==================================================================================
:func:`read`                     a folder, glob, file or list → :class:`Survey`, lazily
:func:`read_one`                 one spectrum of a file; what ``Spectrum.read`` calls
:func:`mock`                     a simulated SDSS survey with known anomalies, of the same face
:func:`mock_desi`                a simulated DESI survey, quasars among its objects
:class:`SpectrumIndex`           id → file, HDU, row: any id opens its spectrum at once
:class:`Survey`                  iterates Spectrum; ``.blocks(n)`` gives SpectrumSets, ``.skipped`` what was left out
``archive.query``, ``.download`` the SDSS archive
``desi_archive.download``        the DESI archive: files of targets; ``.fetch`` single spectra by TARGETID
===============================  ==================================================================================

Modules: ``files`` finds and tells apart, ``fits_fast`` and ``fits_full`` read FITS; ``sdss``,
``sdss_image`` and ``sdss_plate`` know the layouts, ``tables`` reads CSV and Parquet; ``columns`` and ``grids`` know
what is in them, ``gate`` which objects pass; ``survey`` and ``blocks`` stream; ``transfer`` fetches for ``archive``.
For DESI, ``desi`` knows the layout, ``desi_arms`` joins the arms, ``desi_tree`` and ``desi_redshifts`` find what is
known of targets, ``desi_gate`` which were observed well, ``desi_releases`` what differs between releases.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ..errors import nearest
from .gate import Gate
from .locate import SpectrumIndex
from .reading import read, read_one
from .survey import Note, Skipped, Survey

if TYPE_CHECKING:
    from . import archive, desi_archive
    from .desi_mock import mock_desi
    from .mock_survey import mock

__all__ = ["Gate", "Note", "Skipped", "SpectrumIndex", "Survey", "archive", "desi_archive", "mock", "mock_desi",
           "read", "read_one"]


def __getattr__(name: str) -> Any:
    if name == "mock":
        value: Any = importlib.import_module("specanom.surveys.mock_survey").mock
    elif name == "mock_desi":
        value = importlib.import_module("specanom.surveys.desi_mock").mock_desi
    elif name in ("archive", "desi_archive"):
        value = importlib.import_module(f"specanom.surveys.{name}")
    else:
        near = None if name.startswith("_") else nearest(name, __all__)
        hint = f". Try: {__name__}.{near}" if near else ""
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}{hint}", name=name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
