"""What is typed into a filter: comparisons of columns, or a piece of an id. Nothing that is typed is executed."""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from specanom.errors import ArgumentError, choice, message

LONGEST = 1000
EXAMPLE = 'z > 0.1 and snr < 20 and mark == "artefact"'
COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Lt: operator.lt, ast.LtE: operator.le, ast.Gt: operator.gt, ast.GtE: operator.ge, ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul, ast.Div: operator.truediv,
    ast.Mod: operator.mod, ast.Pow: operator.pow,
}
BOOLEAN: dict[type[ast.operator | ast.boolop], Callable[[Any, Any], Any]] = {
    ast.And: np.logical_and, ast.Or: np.logical_or, ast.BitAnd: np.logical_and, ast.BitOr: np.logical_or,
}
SIGN: dict[type[ast.unaryop], Callable[[Any], Any]] = {ast.USub: operator.neg, ast.UAdd: operator.pos}


def is_expression(text: str) -> bool:
    """Whether `text` compares something, rather than being a piece of an id."""
    return bool(re.search(r"[<>]|[=!]=|\b(and|or|not|in)\b", text))


def matching(text: str, columns: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Return which rows an expression is true for.

    Comparisons (chains and ``in`` too), ``and``, ``or``, ``not``, arithmetic, numbers, texts in quotes and names of
    columns, in backquotes where they are no Python names; nothing else. ``"agn" in mark`` looks for a piece of a text.
    A value that is missing is unequal to everything.

    Parameters
    ----------
    text : str
        The expression.
    columns : mapping of str to (n,) array
        What the names stand for: numbers, booleans or texts.

    Raises
    ------
    ArgumentError
        With what is wrong, in words to show beside the field.

    Examples
    --------
    >>> matching("z > 0.1 and kind == 'qso'", {"z": np.array([0.2, 0.3]), "kind": np.array(["qso", "agn"])})
    array([ True, False])
    """
    if len(text) > LONGEST:
        raise _refusal(f"at most {LONGEST} characters", f"{len(text)}")
    quoted: list[str] = []

    def stand_in(found: re.Match[str]) -> str:
        if found[0][0] != "`":  # a text in quotes stays as it is
            return found[0]
        quoted.append(found[0][1:-1])
        return f" __column_{len(quoted) - 1}__ "

    plain = re.sub(r'"[^"]*"|\'[^\']*\'|`[^`]*`', stand_in, text)
    try:
        tree = ast.parse(plain.strip(), mode="eval")
        with np.errstate(all="ignore"):
            made = np.asarray(_Reader(columns, quoted).read(tree.body))
    except SyntaxError:
        raise _refusal("a complete expression", repr(text)) from None
    except (ArithmeticError, MemoryError, RecursionError, TypeError) as exc:
        raise _refusal("an expression that can be computed", f"{type(exc).__name__}: {exc}") from None
    rows = len(next(iter(columns.values()))) if columns else 0
    if made.dtype != np.bool_:
        raise _refusal("a comparison", repr(text))
    return np.array(np.broadcast_to(made, (rows,)))


class _Reader:
    """Computes one expression of one table, step by step."""

    def __init__(self, columns: Mapping[str, NDArray[Any]], quoted: list[str]) -> None:
        self._columns, self._quoted = columns, quoted

    def read(self, node: ast.expr) -> Any:
        known: dict[type[ast.expr], Callable[[Any], Any]] = {
            ast.Constant: self._constant, ast.Name: self._name, ast.Compare: self._compare, ast.BoolOp: self._boolean,
            ast.UnaryOp: self._unary, ast.BinOp: self._binary,
        }
        if type(node) not in known:
            what = {"Call": "a call of a function", "Attribute": "a dot", "Subscript": "brackets"}
            raise _refusal("comparisons, and, or, not, arithmetic, numbers, texts and names of columns",
                           what.get(type(node).__name__, f"'{ast.unparse(node)[:40]}'"))
        return known[type(node)](node)

    def _constant(self, node: ast.Constant) -> Any:
        if isinstance(node.value, bool | str):
            return node.value
        if isinstance(node.value, int | float):
            return np.float64(node.value)  # whole numbers of Python would grow without bound in powers
        raise _refusal("numbers and texts", repr(node.value))

    def _name(self, node: ast.Name) -> NDArray[Any]:
        name = node.id
        if found := re.fullmatch(r"__column_(\d+)__", name):
            name = self._quoted[int(found[1])]
        if name not in self._columns:
            folded = {one.casefold(): one for one in self._columns}
            name = folded.get(name.casefold(), name)
        return self._columns[choice("filter", name, self._columns)]

    def _compare(self, node: ast.Compare) -> Any:
        made: Any = True
        left: Any = self._texts(node.left) if isinstance(node.ops[0], ast.In | ast.NotIn) else self.read(node.left)
        for step, right_node in zip(node.ops, node.comparators, strict=True):
            if isinstance(step, ast.In | ast.NotIn):
                right = self._texts(right_node)
                found = _among(left, right)
                truth = ~found if isinstance(step, ast.NotIn) else found
            else:
                right = self.read(right_node)
                truth = _compared(step, left, right)
            made, left = np.logical_and(made, truth), right
        return made

    def _texts(self, node: ast.expr) -> Any:
        """Constants in brackets as a list; anything else as it reads."""
        if isinstance(node, ast.List | ast.Tuple | ast.Set):
            return [self.read(one) for one in node.elts]
        return self.read(node)

    def _boolean(self, node: ast.BoolOp) -> Any:
        made = _truth(self.read(node.values[0]))
        for one in node.values[1:]:
            made = BOOLEAN[type(node.op)](made, _truth(self.read(one)))
        return made

    def _unary(self, node: ast.UnaryOp) -> Any:
        value = self.read(node.operand)
        return SIGN[type(node.op)](_number(value)) if type(node.op) in SIGN else np.logical_not(_truth(value))

    def _binary(self, node: ast.BinOp) -> Any:
        left, right = self.read(node.left), self.read(node.right)
        if type(node.op) in ARITHMETIC:
            return ARITHMETIC[type(node.op)](_number(left), _number(right))
        if type(node.op) in BOOLEAN:
            return BOOLEAN[type(node.op)](_truth(left), _truth(right))
        raise _refusal("+ - * / % ** and & |", f"'{ast.unparse(node)[:40]}'")


def _is_text(value: Any) -> bool:
    return bool(np.asarray(value).dtype.kind in "UOT")


def _compared(step: ast.cmpop, left: Any, right: Any) -> Any:
    if type(step) not in COMPARE:
        raise _refusal("<, <=, >, >=, ==, != or in", "is")
    if _is_text(left) != _is_text(right):
        raise _refusal("numbers compared with numbers and texts with texts", "a number beside a text",
                       'texts go in quotes: mark == "artefact"')
    return COMPARE[type(step)](left, right)


def _among(left: Any, right: Any) -> NDArray[np.bool_]:
    if isinstance(right, list):
        made: Any = np.zeros(np.shape(left), dtype=bool)
        for one in right:
            made = np.logical_or(made, _compared(ast.Eq(), left, one))
        return np.asarray(made)
    if isinstance(left, str) and isinstance(right, np.ndarray) and _is_text(right):
        return contains(right, left)
    raise _refusal("a list, or a piece of a text, beside in", "neither", 'mark in ("known", "artefact")')


def contains(texts: NDArray[Any], piece: str) -> NDArray[np.bool_]:
    """Return which texts contain `piece`, whatever the case."""
    wanted = piece.casefold()
    return np.fromiter((wanted in one.casefold() for one in texts.tolist()), dtype=bool, count=len(texts))


def _truth(value: Any) -> Any:
    if np.asarray(value).dtype != np.bool_:
        raise _refusal("comparisons beside and, or, not, & and |", "a value",
                       "(z > 0.1) & (snr < 20), in brackets, or z > 0.1 and snr < 20")
    return value


def _number(value: Any) -> Any:
    if _is_text(value):
        raise _refusal("numbers to compute with", "a text")
    return np.asarray(value, dtype=np.float64)


def _refusal(expected: str, got: str, hint: str = EXAMPLE) -> ArgumentError:
    return ArgumentError(message("filter", expected=expected, got=got, hint=hint))
