"""Nothing in specanom can be made to run what a file holds: the source is read, not the promise."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SOURCES = sorted([*(ROOT / "specanom").rglob("*.py"), *(ROOT / "widgets").rglob("*.py")])
MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle",
           "runpy", "code", "codeop"}
"""Modules that load objects, or run text."""
NAMES = {"eval", "exec", "compile", "__import__"}
ATTRIBUTES = {"read_pickle", "to_pickle", "unsafe_load", "full_load", "load_module", "fromstring_unsafe"}
TORCH = {"load", "save"}
"""Of torch: its files are pickles."""


def full_name(node: ast.AST) -> str:
    """``a.b.c`` of an attribute chain; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = full_name(node.value)
        return f"{before}.{node.attr}" if before else node.attr
    return ""


def keyword(call: ast.Call, name: str) -> object:
    """The constant given for a keyword; None where there is none."""
    found = next((one.value for one in call.keywords if one.arg == name), None)
    return found.value if isinstance(found, ast.Constant) else found


def findings(tree: ast.AST) -> list[tuple[int, str]]:
    """Every line that could run what a file holds, and why."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, one.name) for one in node.names if one.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = {one.name for one in node.names}
            if node.module.split(".")[0] in MODULES or (node.module == "torch" and names & TORCH):
                found.append((node.lineno, node.module))
            if node.module in ("numpy", "os", "subprocess") and names & {"load", "system", "popen", "getoutput"}:
                found.append((node.lineno, f"{node.module}: {names}"))
        elif isinstance(node, ast.Call):
            found += [(node.lineno, why) for why in calls(node)]
    return found


def calls(node: ast.Call) -> list[str]:
    name = full_name(node.func)
    last = name.rpartition(".")[2]
    why = []
    bare = isinstance(node.func, ast.Name) and node.func.id in NAMES  # network.eval() is another thing
    if bare or name.startswith("builtins.") or last in ATTRIBUTES:
        why.append(name)
    if name in ("torch.load", "torch.save", "torch.jit.load", "yaml.load", "yaml.unsafe_load", "os.system", "os.popen",
                "importlib.machinery.SourceFileLoader"):
        why.append(name)
    if name in ("np.load", "numpy.load") and keyword(node, "allow_pickle") is not False:
        why.append(f"{name} without allow_pickle=False")
    if name in ("np.fromfile", "np.genfromtxt") or (last == "tofile" and name.startswith("np.")):
        why.append(name)
    if last == "load" and name.startswith("pd."):
        why.append(name)
    if any(one.arg == "shell" and keyword(node, "shell") is not False for one in node.keywords):
        why.append(f"{name}(shell=…)")
    if any(one.arg == "allow_pickle" and keyword(node, "allow_pickle") is not False for one in node.keywords):
        why.append(f"{name}(allow_pickle=…)")
    if last == "open_group" and (keyword(node, "zarr_format") != 3 or keyword(node, "use_consolidated") is not False):
        why.append(f"{name} of another format than 3, or by consolidated metadata")
    return why


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_nothing_runs_what_a_file_holds(path: Path) -> None:
    assert findings(ast.parse(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("text", [
    "import pickle", "from joblib import load", "import torch\ntorch.load('x')", "import numpy as np\nnp.load('x')",
    "np.load('x', allow_pickle=True)", "np.savez('x', allow_pickle=flag)", "eval('1')", "exec(text)", "yaml.load(text)",
    "subprocess.run('ls', shell=True)", "os.system('ls')", "pd.read_pickle('x')", "from numpy import load",
    "from torch import load", "import marshal", "zarr.open_group('x', mode='r')", "__import__('os')",
])
def test_the_search_finds_what_it_looks_for(text: str) -> None:
    assert findings(ast.parse(text))


def test_all_of_the_package_is_searched() -> None:
    assert len(SOURCES) > 300
    assert {"store.py", "archive.py", "checkpoint.py", "storage.py"} <= {path.name for path in SOURCES}
