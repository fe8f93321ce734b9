"""What specanom raises, and how an error speaks.

Every message says which argument is wrong, what was expected, what came, and what to try: build it with
:func:`message`. One bad object in a survey is not an error (it is skipped and listed); a wrong call is.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable
from types import ModuleType
from typing import TYPE_CHECKING, Any, TypeVar

from .visible import visible

__all__ = ["ArgumentError", "DataError", "GridError", "MissingDependency", "NotFittedError", "ShapeError",
           "SpecanomError", "choice", "message", "nearest", "not_fitted", "require", "unprepared"]

T = TypeVar("T")
MANY = 12
"""Beyond as many names, an error with a hint does not list them."""


class SpecanomError(Exception):
    """The base of everything specanom raises on purpose."""


class ArgumentError(SpecanomError, ValueError):
    """An argument has a value that cannot be used."""


class DataError(SpecanomError, ValueError):
    """Data cannot be used: an unreadable file, flux that is not finite, too few spectra."""


class ShapeError(DataError):
    """Arrays do not have the shape that was expected."""


class GridError(DataError):
    """Spectra are on another wavelength grid, in another frame or on another scale than needed."""


if TYPE_CHECKING:

    class NotFittedError(SpecanomError, ValueError, AttributeError):
        """Something was used before it was fitted; at run time scikit-learn's error of that name too."""


class MissingDependency(SpecanomError, ImportError):
    """An optional package is needed for what was asked."""


def message(argument: str, *, expected: str, got: object, hint: str = "") -> str:
    """Say which argument is wrong, what was expected, what came, and what to try; names cannot act on a terminal.

    Examples
    --------
    >>> message("trim", expected="a share in [0, 1)", got=3, hint="0.03 leaves out the worst 3 %")
    'trim: expected a share in [0, 1), got 3. Try: 0.03 leaves out the worst 3 %'
    """
    text = f"{argument}: expected {expected}, got {got}"
    return visible(f"{text}. Try: {hint}" if hint else text, keep="\n\t")


def choice(argument: str, value: T, allowed: Iterable[T]) -> T:
    """Return `value` when it is among `allowed`; otherwise raise and offer the nearest name.

    Raises
    ------
    ArgumentError
        With the closest allowed value as a hint, and every one unless they are many and one is close.
    """
    options = list(allowed)
    if value in options:
        return value
    near = nearest(value, options)
    hint = f"did you mean {near!r}?" if near else ""
    listed = ", ".join(repr(option) for option in options)
    if near and len(options) > MANY:
        listed = f"{len(options)} names"
    raise ArgumentError(message(argument, expected=f"one of {listed}", got=repr(value), hint=hint))


def nearest(value: object, allowed: Iterable[object]) -> str | None:
    """Return the name among `allowed` that `value` may have been meant for, or begins; None when none is near.

    Examples
    --------
    >>> nearest("process", ["threads", "processes"])
    'processes'
    >>> nearest("SDSS", ["mock", "sdss"])
    'sdss'
    """
    names = [str(option) for option in allowed]
    near = [name for name in names if name.casefold() == str(value).casefold()]
    near = near or difflib.get_close_matches(str(value), names, n=1)
    near = near or [name for name in names if value and name.startswith(f"{value}")]
    return near[0] if near else None


def unprepared(given: object) -> str:
    """Return what to try when a survey, as it was read, is given where prepared spectra belong; "" for all else."""
    survey = hasattr(given, "blocks") and hasattr(given, "skipped")
    return "Preprocessor(...).fit_transform(survey) makes a SpectrumSet of a survey" if survey else ""


def require(module: str, *, extra: str) -> ModuleType:
    """Import an optional package, or say which extra installs it.

    Parameters
    ----------
    module : str
        Name to import, e.g. ``"dustmaps.sfd"``.
    extra : str
        The extra of specanom that brings it, e.g. ``"explain"``.

    Raises
    ------
    MissingDependency
        With the command that installs the extra.
    """
    try:
        return importlib.import_module(module)
    except ImportError as exc:
        package = module.partition(".")[0]
        raise MissingDependency(
            message(package, expected="an installed package", got=f"none ({exc})",
                    hint=f"pip install 'specanom[{extra}]'")
        ) from exc


def not_fitted(instance: object, method: str = "fit") -> Exception:
    """Make the error of an estimator used before it was fitted; also scikit-learn's ``NotFittedError``."""
    name = type(instance).__name__
    error: type[Exception] = globals().get("NotFittedError") or __getattr__("NotFittedError")
    return error(message(name, expected="a fitted object", got="an unfitted one", hint=f"call .{method}(...) first"))


def __getattr__(name: str) -> Any:
    # scikit-learn takes half a second to import, so the class that derives from its error is made on demand.
    if name != "NotFittedError":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sklearn.exceptions import NotFittedError as SklearnNotFitted

    made = type("NotFittedError", (SpecanomError, SklearnNotFitted),
                {"__doc__": "Something was used before it was fitted.", "__module__": __name__})
    globals()[name] = made
    return made


def __dir__() -> list[str]:
    return sorted(__all__)
