"""The measurement of Binder counts all that a visitor holds, and what is told of it is what was measured."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks import _results, binder

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "binder" / "README.md").read_text(encoding="utf-8")
FOUND = json.loads((_results.RESULTS / "binder.json").read_text(encoding="utf-8"))

CHILD = "held = bytearray(60_000_000); print('held', flush=True); input()"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {CHILD!r}])"


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_children_count_and_what_was_let_go_is_not_forgotten() -> None:
    process = subprocess.Popen([sys.executable, "-c", PARENT], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    look = binder.Look(process.pid)
    try:
        assert process.stdout.readline() == "held\n"
        pss, rss = binder.held(process.pid)
        assert 60e6 < pss <= rss
        end = time.monotonic() + 30
        while look.pss < 60e6 and time.monotonic() < end:
            time.sleep(0.05)
        process.communicate("\n")
    finally:
        look.end()
    assert look.pss > 60e6
    assert look.rss >= look.pss
    assert binder.held(process.pid) == (0, 0)


def test_the_server_is_started_as_on_binder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    server = binder.Binder("lab", tmp_path)
    assert server._command()[0] == str(ROOT / "binder" / "start")
    assert os.access(server._command()[0], os.X_OK)
    assert "OMP_NUM_THREADS" not in server._environment()


def test_the_tutorials_it_runs_have_the_dashboards_it_moves() -> None:
    for name, (_, followed) in binder.TUTORIALS.items():
        cells = json.loads((ROOT / "tutorials" / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        code = "".join("".join(cell["source"]) + "\n" for cell in cells if cell["cell_type"] == "code")
        dashboard = re.findall(r"\b(tuner|inspector)\b", followed)[0]
        assert re.search(rf"^{dashboard} = .*\.(tune|inspect)\(", code, flags=re.M)
        assert re.search(rf"^{dashboard}$", code, flags=re.M), "the last line of a cell, so that it shows"


def test_it_fits_and_the_readme_tells_what_was_measured() -> None:
    assert [name.removeprefix("and ") for name in FOUND] == ["JupyterLab", *binder.TUTORIALS]
    assert max(one["rss"] for one in FOUND.values()) < binder.BUDGET
    told = re.findall(r"^\| ([^|]+) \| (\d+) \| (\d+) \|$", README, flags=re.M)
    assert [(name.replace("`", ""), int(pss), int(rss)) for name, pss, rss in told] == [
        (name, round(one["pss"] / 1e6), round(one["rss"] / 1e6)) for name, one in FOUND.items()]
    assert _results.Results().about["binder"]["command"] in " ".join(README.split())
