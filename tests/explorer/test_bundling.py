"""Modules become one script."""

from __future__ import annotations

import pytest

from specanom.errors import DataError
from specanom.explorer.bundling import bundle


def test_exports_reach_the_modules_that_import_them() -> None:
    made = bundle({"a": "export const one = 1\nexport function two() { return 2 }\nexport default { one }\n",
                   "b": 'import { one, two } from "./a.js"\nexport class Three {}\n'})
    assert "export" not in made
    assert "import" not in made
    assert "return { one, two }" in made
    assert "const { one, two } = modules.a" in made
    assert "return { Three }" in made


def test_a_module_comes_after_those_it_imports_from() -> None:
    with pytest.raises(DataError, match="a before b"):
        bundle({"b": 'import { one } from "./a.js"\n', "a": "export const one = 1\n"})
