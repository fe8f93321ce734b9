"""One model for each bin of S/N behind the face of a single model (Ortiz & Boquien 2025, Sect. 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import ArgumentError, DataError, message
from ..folders import write_json, write_whole
from ..foreign import check, read_arrays
from ..spectrum import Spectrum
from ..spectrumset import SpectrumSet
from .card import BINNED as CARD_FORM
from .folds import Hashes, hash_ids
from .inputs import Floats, Rows, check_grid, read_rows
from .store import CARD, FORMAT, VERSION, read_card

KIND = "BinnedModel"


class BinnedModel:
    """Models of the same kind, one a bin; each spectrum is judged by that of its bin.

    The bin of a spectrum is the column ``bin`` of its table (or of its meta), which scorers pass on (:meth:`knowing`);
    with an id alone it is the bin the id had in training, and a spectrum of unknown bin goes to the last, that of the
    highest S/N.

    Parameters
    ----------
    models : mapping
        Bin → fitted model.
    ids, bins : arrays
        Hashes of the ids seen in training, sorted, and the bin of each.
    """

    def __init__(self, models: Mapping[int, Any], ids: Hashes, bins: NDArray[np.int64]) -> None:
        self.models = dict(sorted(models.items()))
        self._ids, self._bins = ids, bins
        self._told: dict[str, int] = {}

    @classmethod
    def fit(
        cls, make: Callable[[], Any], sample: SpectrumSet, *, progress: bool = False,
        checkpoint: str | Path | None = None, scratch: str | Path | None = None,
    ) -> BinnedModel:
        """Fit one model a bin.

        Parameters
        ----------
        make : callable
            Returns a new, unfitted model.
        sample : SpectrumSet
            With a column ``bin`` (0 … bins − 1), as the Preprocessor makes it.
        progress : bool
            Whether bars are shown.
        checkpoint, scratch : path-like, optional
            As of the models' own ``fit``; each bin has a folder in it.
        """
        if "bin" not in sample.table:
            raise DataError(message("sample", expected="a column 'bin'", got=f"{list(sample.table.columns)[:6]} …",
                                    hint="Preprocessor(bins=4)"))
        of_row = sample.table["bin"].to_numpy(dtype=np.int64)
        models = {}
        for bin in np.unique(of_row).tolist():
            given = {"checkpoint": checkpoint, "scratch": scratch}
            more = {name: Path(folder) / f"bin-{bin}" for name, folder in given.items() if folder is not None}
            models[bin] = make().fit(sample[of_row == bin], progress=progress, **more)
        hashes, first = np.unique(hash_ids(sample.ids), return_index=True)
        return cls(models, hashes, of_row[first])

    # -- the face of a model ---------------------------------------------------------------------------------------

    @property
    def wave(self) -> NDArray[np.float64] | None:
        """Wavelengths, vacuum Å, shape ``(p,)``."""
        wave: NDArray[np.float64] | None = self._last.wave
        return wave

    @property
    def _last(self) -> Any:
        return self.models[max(self.models)]

    @property
    def history(self) -> Any:
        """The histories of all bins, with a column ``bin``."""
        import pandas as pd

        return pd.concat([model.history.assign(bin=bin) for bin, model in self.models.items()], ignore_index=True)

    def reconstruct(self, flux: Any, ids: Sequence[str] | None = None) -> Floats:
        """Return ``(n, p)`` reconstructions, each row by the model of its bin."""
        return self._by_bin(lambda model, rows: model.reconstruct(rows.flux, ids=rows.ids), flux, ids)

    def encode(self, flux: Any, ids: Sequence[str] | None = None) -> Floats:
        """Return ``(n, d)`` latent coordinates, by the reference network of each row's bin.

        The latent spaces of different bins are not aligned.
        """
        return self._by_bin(lambda model, rows: model.encode(rows.flux), flux, ids)

    def encode_distribution(self, flux: Any, ids: Sequence[str] | None = None) -> tuple[Floats, Floats]:
        """Return mean and log variance of the encodings, each ``(n, d)``, as :meth:`encode` chooses networks."""
        both = self._by_bin(lambda model, rows: np.hstack(model.encode_distribution(rows.flux)), flux, ids)
        mean, log_variance = np.hsplit(both, 2)
        return mean, log_variance

    def bind(self, id: str | None) -> Any:
        """Return the one network of the id's bin that has not seen the id."""
        bin = int(self._bins_of([id])[0]) if id is not None else max(self.models)
        return self._model_of(bin).bind(id)

    def _by_bin(self, judge: Callable[[Any, Rows], Floats], given: Any, ids: Sequence[str] | None) -> Floats:
        rows = read_rows("flux", given, ids)
        wave = self.wave
        check_grid("flux", rows, wave, rows.flux.shape[1] if wave is None else wave.size)
        bins = self._known_bins(given)
        if bins is None:
            bins = np.full(len(rows), max(self.models)) if rows.ids is None else self._bins_of(list(rows.ids))
        made: Floats | None = None
        for bin in np.unique(bins):
            at = np.flatnonzero(bins == bin)
            names = None if rows.ids is None else tuple(rows.ids[i] for i in at)
            part = judge(self._model_of(int(bin)), Rows(rows.flux[at], ids=names))
            made = np.empty((len(rows), part.shape[1]), part.dtype) if made is None else made
            made[at] = part
        return np.empty_like(rows.flux) if made is None else made

    def _known_bins(self, given: Any) -> NDArray[np.int64] | None:
        if isinstance(given, SpectrumSet) and "bin" in given.table:
            return given.table["bin"].to_numpy(dtype=np.int64)
        if isinstance(given, Spectrum) and given.meta.get("bin") is not None:
            return np.array([int(given.meta["bin"])])
        return None

    def _bins_of(self, ids: Sequence[str | None]) -> NDArray[np.int64]:
        hashes = hash_ids([str(id) for id in ids])
        at = np.minimum(np.searchsorted(self._ids, hashes), max(self._ids.size - 1, 0))
        found = np.where(self._ids[at] == hashes, self._bins[at], max(self.models))
        if not self._told:
            return found
        return np.array([self._told.get(str(id), bin) for id, bin in zip(ids, found, strict=True)], dtype=np.int64)

    def _model_of(self, bin: int) -> Any:
        if bin not in self.models:
            raise ArgumentError(message("bin", expected=f"one of {sorted(self.models)}", got=bin,
                                        hint="preprocess with the fitted Preprocessor"))
        return self.models[bin]

    def knowing(self, table: Any) -> BinnedModel:
        """Return the same model, which also knows the bins of spectra that come after training.

        Parameters
        ----------
        table : DataFrame or SpectrumSet
            With columns ``id`` and ``bin``; without ``bin``, or where it is missing, nothing new is known.
        """
        known = table.table if isinstance(table, SpectrumSet) else table
        if "bin" not in known:
            return self
        known = known[known["bin"].notna()]
        made = BinnedModel(self.models, self._ids, self._bins)
        made._told = {**self._told, **dict(zip(known["id"].astype(str), known["bin"].astype(int), strict=True))}
        return made

    # -- on disk ---------------------------------------------------------------------------------------------------

    def save(self, path: str | Path) -> Path:
        """Write a folder: one model a bin, the bins of the ids (no pickle), and a card."""
        folder = Path(path)
        folder.mkdir(parents=True, exist_ok=True)
        for bin, model in self.models.items():
            model.save(folder / f"bin{bin}")
        write_whole(folder / "bins.npz", self._write_bins)
        write_json(folder / CARD, {"format": FORMAT, "kind": KIND, "version": VERSION, "bins": list(self.models)})
        return folder

    def _write_bins(self, path: Path) -> None:
        with open(path, "wb") as handle:  # given a name, numpy would append its own suffix
            np.savez(handle, ids=self._ids, bins=self._bins)

    @classmethod
    def load(cls, path: str | Path, *, read: Callable[[Path], Any]) -> BinnedModel:
        """Read what :meth:`save` wrote; `read` opens the model of one bin."""
        folder = Path(path)
        card = read_card(folder)
        if card.get("kind") != KIND:
            raise DataError(message("path", expected=f"a {KIND}", got=str(card.get("kind"))))
        check(card, CARD_FORM, folder / CARD)
        arrays = read_arrays(folder / "bins.npz", f"the bins of a {KIND}", needed=("ids", "bins"))
        ids, bins = arrays["ids"], arrays["bins"]
        if ids.dtype != np.uint64 or bins.dtype.kind != "i" or ids.ndim != 1 or ids.shape != bins.shape:
            raise DataError(message(f"{folder / 'bins.npz'}", expected="a bin for each hash of an id",
                                    got=f"{ids.dtype} {ids.shape} and {bins.dtype} {bins.shape}"))
        return cls({int(bin): read(folder / f"bin{bin}") for bin in card["bins"]}, ids, bins)

    def __repr__(self) -> str:
        return f"BinnedModel: {len(self.models)} bins of {self._last!r}"


def for_sample(model: Any, sample: SpectrumSet) -> Any:
    """Return `model`, knowing the bins of `sample` when it has one network a bin, to be asked by id alone."""
    return model.knowing(sample) if isinstance(model, BinnedModel) else model
