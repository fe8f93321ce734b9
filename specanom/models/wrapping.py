"""Makes a model of anything that reconstructs: a network of your own, a template fit, a smoother."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..errors import ArgumentError, DataError, ShapeError, message
from ..spectrum import as_wavelength
from .inputs import Rows, check_grid, read_rows

Floats = NDArray[np.float32]


class WrappedModel:
    """A model made of a callable; see :func:`wrap`."""

    def __init__(self, reconstruct: Callable[[Any], Any], wave: NDArray[np.float64] | None) -> None:
        self._callable, self._wave = reconstruct, wave

    @property
    def wave(self) -> NDArray[np.float64] | None:
        """Vacuum wavelengths, Å, ``(p,)``, or None."""
        return self._wave

    def reconstruct(self, flux: Any, ids: Sequence[str] | None = None) -> Floats:
        """Return ``(n, p)`` float32 reconstructions.

        Raises
        ------
        ShapeError, DataError
            When the callable returns another shape, or values that are not finite.
        """
        rows = read_rows("flux", flux, ids)
        check_grid("flux", rows, self._wave, rows.flux.shape[1] if self._wave is None else self._wave.size)
        return self._checked(rows)

    def bind(self, id: str | None) -> Callable[[ArrayLike], Floats]:
        """Return :meth:`reconstruct`: there is one model for each spectrum."""
        return self.reconstruct

    def _checked(self, rows: Rows) -> Floats:
        made = self._callable(rows.flux)
        if hasattr(made, "detach"):  # a torch tensor
            made = made.detach().cpu().numpy()
        try:
            values = np.asarray(made, dtype=np.float32)
        except (TypeError, ValueError) as exc:
            raise ShapeError(message("reconstruct", expected=f"the callable to return an array of shape "
                                     f"{rows.flux.shape}", got=type(made).__name__)) from exc
        if values.shape != rows.flux.shape:
            raise ShapeError(message("reconstruct", expected=f"the callable to return shape {rows.flux.shape}",
                                     got=f"shape {values.shape}", hint="it gets (n, p) and returns (n, p)"))
        if not np.isfinite(values).all():
            raise DataError(message("reconstruct", expected="the callable to return finite values",
                                    got="NaN or infinity"))
        return values

    def __repr__(self) -> str:
        name = getattr(self._callable, "__name__", type(self._callable).__name__)
        grid = "any grid" if self._wave is None else f"{self._wave.size} pixels"
        return f"WrappedModel: {name}, {grid}"


def wrap(reconstruct: Any, wave: Any = None) -> WrappedModel:
    """Make a model of a callable, or of an object with a ``reconstruct`` method.

    Parameters
    ----------
    reconstruct : callable or object
        Takes ``(n, p)`` float32 flux and returns ``(n, p)``: an array or a torch tensor.
    wave : (p,) array or Quantity, optional
        Its grid; spectra on another one are then refused.

    Returns
    -------
    WrappedModel
        With `wave`, `reconstruct` and `bind`. It is not cross-fitted: whether it has seen the spectra that it
        judges is for you to know.

    Raises
    ------
    ArgumentError
        When there is nothing to call.

    Examples
    --------
    >>> import numpy as np
    >>> wrap(lambda flux: np.ones_like(flux)).reconstruct(np.zeros((2, 5)))[0]
    array([1., 1., 1., 1., 1.], dtype=float32)
    """
    method = getattr(reconstruct, "reconstruct", reconstruct)
    if not callable(method):
        hint = ("wrap(lambda flux: m.inverse_transform(m.transform(flux)))" if hasattr(reconstruct, "inverse_transform")
                else "a detector without reconstructions is a score: Explainer(lambda flux: -m.score_samples(flux))"
                if hasattr(reconstruct, "score_samples") else "")
        raise ArgumentError(message("reconstruct", expected="a callable, or an object with a reconstruct method",
                                    got=type(reconstruct).__name__, hint=hint))
    return WrappedModel(method, None if wave is None else as_wavelength(wave))
