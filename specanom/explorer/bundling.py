"""One script of the page's modules: a page that was opened as a file may load scripts, but no modules."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..errors import DataError, message

EXPORT = re.compile(r"^export (?=(?:async )?(?:function|class|const|let)\b)", re.M)
NAMED = re.compile(r"^export (?:async )?(?:function|class|const|let) (\w+)", re.M)
DEFAULT = re.compile(r"^export default .*$", re.M)
IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+)\.js"$', re.M)


def bundle(modules: Mapping[str, str]) -> str:
    """Return modules as one script, each in a scope of its own.

    Parameters
    ----------
    modules : mapping of str to str
        Name → text, in an order in which each comes after those it imports from. Understood are
        ``import { a, b } from "./x.js"`` and ``export`` before functions, classes and constants; a default export is
        left out.

    Raises
    ------
    DataError
        When a module imports from one that does not come before it.
    """
    seen: list[str] = []
    parts = []
    for name, text in modules.items():
        for _names, source in IMPORT.findall(text):
            if source not in seen:
                raise DataError(message("modules", expected=f"{source} before {name}", got=", ".join([*seen, name])))
        exported = ", ".join(NAMED.findall(text))
        body = EXPORT.sub("", DEFAULT.sub("", IMPORT.sub(r"const {\1} = modules.\2", text)))
        parts.append(f"modules.{name} = (() => {{\n{body}\nreturn {{ {exported} }}\n}})()\n")
        seen.append(name)
    return '"use strict";\n(() => {\nconst modules = {}\n' + "".join(parts) + "})()\n"
