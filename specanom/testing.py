"""Checks for your own models, scores, segmenters, perturbations and methods.

Each ``check_…`` runs a list of named checks of one contract and returns a :class:`ContractReport`; when something is
broken it raises :class:`ContractError`, which names every broken line of the contract and what was seen. Nothing has
to be inherited: what passes here works everywhere in specanom.

Examples
--------
>>> import numpy as np
>>> report = check_score(lambda flux: (flux**2).mean(axis=1), np.ones((4, 10)))
>>> report.passed[:2]
('returns (n,) float64', 'gives the same answer twice')
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .errors import ShapeError, SpecanomError, message
from .protocols import Informed

__all__ = ["ContractError", "ContractReport", "TOLERANCE", "check_model", "check_perturbation", "check_score",
           "check_segmenter"]

Check = tuple[str, Callable[[], str | None]]
Floats = NDArray[np.float64]

TOLERANCE = 1e-5
"""How far, relative to the largest value, answers may differ with the order or the split of rows."""


class ContractError(SpecanomError, AssertionError):
    """A part breaks its contract; the text lists how."""


@dataclass(frozen=True)
class ContractReport:
    """What was checked.

    Attributes
    ----------
    what : str
        The kind of part and its type.
    passed : tuple of str
        Lines of the contract that hold.
    broken : tuple of (str, str)
        Lines that do not, with what was seen.
    """

    what: str
    passed: tuple[str, ...]
    broken: tuple[tuple[str, str], ...] = field(default=())

    def __repr__(self) -> str:
        lines = [f"{self.what}: {len(self.passed)} of {len(self.passed) + len(self.broken)} checks pass"]
        return "\n".join(lines + [f"  broken: {name} ({seen})" for name, seen in self.broken])


def _run(what: str, checks: Sequence[Check]) -> ContractReport:
    passed: list[str] = []
    broken: list[tuple[str, str]] = []
    for name, check in checks:
        try:
            seen = check()
        except Exception as exc:  # whatever a user's part raises is the finding
            seen = f"raised {type(exc).__name__}: {exc}"
        passed += [name] * (seen is None)
        broken += [] if seen is None else [(name, seen)]
    report = ContractReport(what, tuple(passed), tuple(broken))
    if broken:
        raise ContractError(repr(report))
    return report


def _rows(flux: ArrayLike) -> NDArray[Any]:
    array = np.array(flux)
    if array.ndim != 2 or array.shape[0] < 2:
        expected = "an (n, p) array of at least two rows"
        raise ShapeError(message("flux", expected=expected, got=array.shape, hint="sample.flux[:20]"))
    array.flags.writeable = False
    return array


def _differ(first: Any, second: Any, *, exact: bool = False) -> str | None:
    a, b = np.asarray(first, dtype=np.float64), np.asarray(second, dtype=np.float64)
    if a.shape != b.shape:
        return f"shapes {a.shape} and {b.shape}"
    if np.array_equal(a, b, equal_nan=True):
        return None
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return "NaN in different places"
    gap = float(np.nanmax(np.abs(a - b)))
    scale = float(np.nanmax(np.abs(a))) or 1.0
    return f"answers differ by {gap:.3g}" if exact or gap > TOLERANCE * scale + 1e-12 else None


def _is(value: Any, shape: tuple[int, ...], *, kind: str = "f", finite: bool = True) -> str | None:
    if not isinstance(value, np.ndarray):
        return f"got {type(value).__name__}, not an array"
    if value.shape != shape:
        return f"got shape {value.shape}, not {shape}"
    if value.dtype.kind not in kind:
        return f"got {value.dtype}"
    if finite and not np.isfinite(value).all():
        return f"{int((~np.isfinite(value)).sum())} values are not finite"
    return None


def _untouched(call: Callable[[NDArray[Any]], object], rows: NDArray[Any]) -> str | None:
    given = rows.copy()
    call(given)
    return None if np.array_equal(given, rows, equal_nan=True) else "the array that was passed in has changed"


def _rowwise(call: Callable[[NDArray[Any]], Any], rows: NDArray[Any]) -> list[Check]:
    """Return checks that a function of rows treats each on its own: twice, in another order, in parts, one alone."""
    n = len(rows)
    order = np.roll(np.arange(n)[::-1], 1)
    cut = max(1, n // 3)
    return [
        ("gives the same answer twice", lambda: _differ(call(rows), call(rows), exact=True)),
        ("does not depend on the order of rows", lambda: _differ(call(rows)[order], call(rows[order]))),
        ("does not depend on the rows beside it",
         lambda: _differ(call(rows), np.concatenate([call(rows[:cut]), call(rows[cut:])]))),
        ("takes a single row", lambda: _differ(call(rows)[:1], call(rows[:1]))),
        ("does not change its input", lambda: _untouched(call, rows)),
    ]  # fmt: skip


def check_model(model: Any, flux: ArrayLike, ids: Sequence[str] | None = None) -> ContractReport:
    """Check a model: ``wave``, ``reconstruct(flux, ids=None)``, ``bind(id)``; also ``encode``, ``decode``, ``knowing``.

    Parameters
    ----------
    model : Model
        Anything with a ``reconstruct``.
    flux : (n, p) array
        A few spectra that it should be able to reconstruct.
    ids : sequence of str, optional
        Their ids, when the model has been trained on them.

    Raises
    ------
    ContractError
        Naming each line of the contract that is broken.
    """
    rows = _rows(flux)
    names = [f"unknown-{i}" for i in range(len(rows))] if ids is None else [str(id) for id in ids]
    if len(names) != len(rows):
        raise ShapeError(message("ids", expected=f"{len(rows)} ids, one a row", got=len(names)))
    checks: list[Check] = [
        ("wave is None or (p,) ascending Å", lambda: _wave(model, rows.shape[1])),
        ("reconstruct returns (n, p) finite floats", lambda: _is(model.reconstruct(rows), rows.shape)),
        *_rowwise(model.reconstruct, rows),
        ("reconstruct takes ids", lambda: _is(model.reconstruct(rows, ids=names), rows.shape)),
        ("bind(id) is the network that judges this id", lambda: _bound(model, rows, names)),
        ("bind(None) judges spectra it has never seen", lambda: _reference(model, rows)),
        ("NaN is refused or stays NaN", lambda: _nan_is_seen(model.reconstruct, rows)),
    ]
    if isinstance(model, Informed):
        checks.append(("knowing(table) of ids alone changes nothing", lambda: _knowing(model, rows, names)))
    if getattr(model, "wave", None) is not None:
        checks.append(("refuses spectra of another length", lambda: _refuses(model.reconstruct, rows[:, :-1])))
    if hasattr(model, "encode"):
        checks += [("encode returns (n, d) finite floats", lambda: _latent(model, rows)),
                   ("encode gives the same answer twice",
                    lambda: _differ(model.encode(rows), model.encode(rows), exact=True))]  # fmt: skip
    if hasattr(model, "encode") and hasattr(model, "decode"):
        checks.append(("decode(encode(flux)) returns (n, p)",
                       lambda: _is(model.decode(model.encode(rows)), rows.shape)))  # fmt: skip
    return _run(f"model {type(model).__name__}", checks)


def _wave(model: Any, pixels: int) -> str | None:
    wave = model.wave
    if wave is None:
        return None
    array = np.asarray(wave)
    return _is(array, (pixels,)) or (None if (np.diff(array) > 0).all() else "wavelengths do not ascend")


def _knowing(model: Any, rows: NDArray[Any], names: Sequence[str]) -> str | None:
    told = model.knowing(pd.DataFrame({"id": list(names)}))
    return _differ(told.reconstruct(rows, ids=names), model.reconstruct(rows, ids=names), exact=True)


def _bound(model: Any, rows: NDArray[Any], names: Sequence[str]) -> str | None:
    for i in (0, len(rows) - 1):
        seen = _differ(model.bind(names[i])(rows[i : i + 1]), model.reconstruct(rows[i : i + 1], ids=[names[i]]))
        if seen is not None:
            return f"bind({names[i]!r}) and reconstruct(ids=[{names[i]!r}]): {seen}"
    return None


def _reference(model: Any, rows: NDArray[Any]) -> str | None:
    # Changed a little, so that a model that knows its training spectra by their content does not recognise them.
    strange = (rows * 1.001).astype(rows.dtype)
    return _differ(model.bind(None)(strange), model.reconstruct(strange))


def _latent(model: Any, rows: NDArray[Any]) -> str | None:
    latent = np.asarray(model.encode(rows))
    if latent.ndim != 2:
        return f"got shape {latent.shape}"
    return _is(latent, (len(rows), latent.shape[1]))


def _refuses(call: Callable[[NDArray[Any]], object], rows: NDArray[Any]) -> str | None:
    try:
        call(rows)
    except Exception:  # any refusal will do
        return None
    return f"took an array of shape {rows.shape}"


def _nan_is_seen(call: Callable[[NDArray[Any]], Any], rows: NDArray[Any]) -> str | None:
    spoiled = np.array(rows)
    spoiled[0] = np.nan
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it may say that there is no score
            answer = np.asarray(call(spoiled))
    except (SpecanomError, ValueError):
        return None
    if not np.isnan(answer[0]).all():
        return f"a row of NaN became {np.ravel(answer[0])[:3]}"
    return _differ(answer[1:], np.asarray(call(rows))[1:])


def check_score(score: Any, flux: ArrayLike) -> ContractReport:
    """Check a score: ``score(flux)`` of shape ``(n, p)`` gives ``(n,)`` float64, each row on its own, higher is odder.

    Parameters
    ----------
    score : Score
        A bound score, or any callable.
    flux : (n, p) array
        A few spectra, finite.
    """
    rows = _rows(flux)

    def returns() -> str | None:
        value = score(rows)
        wrong = _is(value, (len(rows),))
        return wrong or (None if value.dtype == np.float64 else f"got {value.dtype}, where sums lose digits")

    return _run(
        f"score {type(score).__name__}",
        [("returns (n,) float64", returns), *_rowwise(score, rows),
         ("a spectrum of NaN has no score (NaN, or an error)", lambda: _nan_is_seen(score, rows))],
    )  # fmt: skip


def check_segmenter(segmenter: Any, flux: ArrayLike, wave: ArrayLike) -> ContractReport:
    """Check a segmenter: ``segmenter(flux, wave)`` gives ids 0…K−1, one a pixel, each id in use.

    Parameters
    ----------
    segmenter : Segmenter
        With ``uses_flux``.
    flux, wave : (p,) arrays
        One spectrum.
    """
    one, grid = _one(flux), np.array(wave, dtype=np.float64)

    def covers() -> str | None:
        ids = np.asarray(segmenter(one, grid))
        wrong = _is(ids, one.shape, kind="iu")
        if wrong is None and set(np.unique(ids)) != set(range(int(ids.max()) + 1)):
            wrong = f"ids {np.unique(ids)[:5]}… do not run from 0 to K−1"
        return wrong

    def declares() -> str | None:
        if not isinstance(segmenter.uses_flux, (bool, np.bool_)):
            return f"uses_flux is {segmenter.uses_flux!r}"
        other = one[::-1] * 2 + 1
        if segmenter.uses_flux or np.array_equal(segmenter(one, grid), segmenter(other, grid)):
            return None
        return "the cut changes with the flux although uses_flux is False"

    return _run(
        f"segmenter {type(segmenter).__name__}",
        [("returns integer ids 0…K−1 covering each pixel once", covers), ("uses_flux is true to its name", declares),
         ("gives the same answer twice", lambda: _differ(segmenter(one, grid), segmenter(one, grid), exact=True)),
         ("does not change its input", lambda: _untouched(lambda given: segmenter(given, grid), one))],
    )  # fmt: skip


def check_perturbation(
    perturbation: Any, flux: ArrayLike, segments: ArrayLike, *, reconstruct: Callable[[Any], Any] | None = None
) -> ContractReport:
    """Check a perturbation: ``perturbation(flux, segments, seed=…, reconstruct=…)`` gives a finite fill, ``(p,)``.

    Parameters
    ----------
    perturbation : Perturbation
        The settings object or function.
    flux : (p,) array
        One spectrum, finite.
    segments : (p,) int array
        Ids 0…K−1.
    reconstruct : callable, optional
        ``(n, p) -> (n, p)``, for perturbations that ask the model.
    """
    one, ids = _one(flux), np.array(segments, dtype=np.intp)
    if ids.shape != one.shape:
        raise ShapeError(message("segments", expected=f"shape {one.shape} as flux", got=f"shape {ids.shape}"))

    def fill(given: NDArray[Any], cut: NDArray[np.intp] = ids, seed: int = 7) -> Any:
        return perturbation(given, cut, seed=seed, reconstruct=reconstruct)

    def own_numbers() -> str | None:
        state = np.random.get_state(legacy=True)  # noqa: NPY002 - the global generator is what is checked
        try:
            answers = []
            for start in (1, 2):
                np.random.seed(start)  # noqa: NPY002
                answers.append(fill(one))
            return _differ(answers[0], answers[1], exact=True)
        finally:
            np.random.set_state(state)  # noqa: NPY002

    return _run(
        f"perturbation {type(perturbation).__name__}",
        [("returns (p,) finite floats", lambda: _is(fill(one), one.shape)),
         ("one seed, one answer, whatever the global generator", own_numbers),
         ("takes any 63-bit seed", lambda: _is(fill(one, seed=2**63 - 1), one.shape)),
         ("works with a single segment", lambda: _is(fill(one, np.zeros_like(ids)), one.shape)),
         ("does not change its input", lambda: _untouched(fill, one)),
         ("does not change the segments", lambda: _untouched(lambda given: fill(one, given), ids))],
    )  # fmt: skip


def _one(flux: ArrayLike) -> NDArray[Any]:
    array = np.array(flux)
    if array.ndim != 1 or array.size < 2:
        raise ShapeError(message("flux", expected="one spectrum, (p,)", got=array.shape, hint="sample.flux[0]"))
    array.flags.writeable = False
    return array


def __dir__() -> list[str]:
    return sorted(__all__)
