"""What an explorer shows beside its catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import ArgumentError, DataError, ShapeError, choice, message
from ..explain.explanationset import ExplanationSet
from ..ids import id_texts
from ..spectrumset import SpectrumSet
from ..triage import Label

if TYPE_CHECKING:
    import pandas as pd

    from ..triage.catalogue.columns import Column

KIN = ("query", "id")
MATCHES = ("id", "service", "status")


@dataclass(frozen=True, eq=False)
class ExplorerData:
    """What the cards of an explorer show; each part may be missing, of all objects or of some.

    Parameters
    ----------
    spectra : SpectrumSet, optional
        Spectra of the objects, found by id; also of kin that are no objects of the catalogue.
    reconstruction : (n, p) array, optional
        What a model makes of `spectra`, row by row.
    explanations : ExplanationSet, optional
        Found by id.
    kin : DataFrame, optional
        One row a neighbour: ``query``, ``id``, and where known ``rank``, ``label``, ``distance``, ``weight``, as
        ``Kin.to_frame()`` has them.
    matches : DataFrame, optional
        One row an object and service: ``id``, ``service``, ``status``, and where known ``name``, ``type``,
        ``separation`` (arcsec), ``z``.
    labels : iterable of Label
        What was said before, e.g. ``LabelLog(path).history()``.
    latents : DataFrame, optional
        ``id`` and two more columns: places on a map of the latent space, e.g. of UMAP. Without it, the two principal
        components of the columns ``latent_0``, ``latent_1``, … of the catalogue.
    columns : iterable of Column
        What columns of your own mean; known ones are told by their name.
    links : bool
        Whether cards link to the surveys' viewers; simulated objects are at no place of the real sky.

    Raises
    ------
    ShapeError, ArgumentError, DataError
        When a part has not the shape or the columns said here, or an id has lost digits.
    """

    spectra: SpectrumSet | None = None
    reconstruction: Any = None
    explanations: ExplanationSet | None = None
    kin: pd.DataFrame | None = None
    matches: pd.DataFrame | None = None
    labels: Iterable[Label] = ()
    latents: pd.DataFrame | None = None
    columns: Iterable[Column] = ()
    links: bool = True

    def __post_init__(self) -> None:
        for name in ("labels", "columns"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if self.reconstruction is not None:
            self._check_reconstruction()
        for name, needed in (("kin", KIN), ("matches", MATCHES), ("latents", ("id",))):
            table = getattr(self, name)
            if table is not None:
                for column in needed:
                    choice(f"{name} column", column, [str(one) for one in table.columns])
                    if column in ("id", "query"):
                        whole_ids(table[column], name)
        if self.latents is not None and len(self.latents.columns) < 3:
            raise ArgumentError(message("latents", expected="id and two more columns",
                                        got=", ".join(map(str, self.latents.columns))))

    def _check_reconstruction(self) -> None:
        if self.spectra is None:
            raise ArgumentError(message("reconstruction", expected="spectra beside it", got="no spectra"))
        shape = np.shape(self.reconstruction)
        if shape != self.spectra.shape:
            raise ShapeError(message("reconstruction", expected=f"shape {self.spectra.shape}, as the spectra",
                                     got=f"shape {shape}", hint="model.reconstruct(sample.flux)"))

    def __repr__(self) -> str:
        parts: dict[str, Any] = {"spectra": self.spectra, "explanations": self.explanations, "kin": self.kin,
                                 "matches": self.matches, "labels": self.labels or None}
        told = [f"{len(part):,} {name}" for name, part in parts.items() if part is not None]
        return f"ExplorerData: {', '.join(told) or 'nothing'}"


def whole_ids(ids: pd.Series[Any], name: str) -> list[str]:
    """Return ids as text.

    Raises
    ------
    DataError
        When they are floats that have lost digits of long ids, or some are missing.
    """
    made = id_texts(ids, f"{name} ids")
    if "" in made:
        raise DataError(message(f"{name} ids", expected="one for each row",
                                got=f"a missing one in row {made.index('')}"))
    return made
