"""Errors say which argument, what was expected, what came, and what to try."""

from __future__ import annotations

import pytest
import sklearn.exceptions

from specanom import errors
from specanom.errors import ArgumentError, MissingDependency, SpecanomError, choice, message, not_fitted, require


def test_a_message_names_all_four_things() -> None:
    text = message("trim", expected="a share in [0, 1)", got=3, hint="0.03")
    assert text == "trim: expected a share in [0, 1), got 3. Try: 0.03"


def test_an_unknown_choice_offers_the_nearest() -> None:
    assert choice("metric", "mse", ("mse", "chi2")) == "mse"
    text = r"metric: expected one of 'mse', 'chi2_ivar', got 'chi2ivar'.*did you mean 'chi2_ivar'"
    with pytest.raises(ArgumentError, match=text):
        choice("metric", "chi2ivar", ("mse", "chi2_ivar"))


def test_a_missing_package_names_the_extra() -> None:
    with pytest.raises(MissingDependency, match=r"pip install 'specanom\[explain\]'"):
        require("no_such_package_anywhere", extra="explain")
    assert issubclass(MissingDependency, ImportError)


def test_not_fitted_is_ours_and_scikit_learns() -> None:
    error = not_fitted(object(), "fit")
    assert isinstance(error, SpecanomError)
    assert isinstance(error, sklearn.exceptions.NotFittedError)
    assert isinstance(error, errors.NotFittedError)
    assert "call .fit(...) first" in str(error)


@pytest.mark.parametrize("name", ["ArgumentError", "DataError", "ShapeError", "GridError", "NotFittedError",
                                  "MissingDependency"])
def test_every_error_derives_from_the_base(name: str) -> None:
    assert issubclass(getattr(errors, name), SpecanomError)


def test_wrong_data_is_a_value_error_too() -> None:
    assert issubclass(errors.ShapeError, ValueError)
    assert issubclass(errors.ArgumentError, ValueError)


def test_not_fitted_is_one_class_however_often_it_is_raised() -> None:
    from specanom.errors import NotFittedError

    assert type(not_fitted(object())) is type(not_fitted(object())) is NotFittedError


def test_the_beginning_of_a_name_is_taken_for_it() -> None:
    with pytest.raises(ArgumentError, match=r"did you mean 'qso-0\.0-1\.5'"):
        choice("quasars", "qso", ("", "qso-0.0-1.5", "qso-1.5-2.5"))
    with pytest.raises(ArgumentError) as told:
        choice("quasars", "", ("qso-0.0-1.5",))
    assert "did you mean" not in str(told.value)
