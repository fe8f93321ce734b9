"""``python -m benchmarks`` runs what can run as it is, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import __main__ as program


def test_it_is_known_what_does_not_start_without_arguments() -> None:
    told = {name: program.required(name) for name in program.benchmarks()}
    assert told["widgets"] == ["run_dir"]
    assert told["real"] == ["run", "folder"]
    assert told["scale"][0] == "COMMAND"
    assert not any(told[name] for name in ("explain", "mock", "read", "retrieval", "scores", "tutorials"))
    assert not any(told[name] for name in program.NEEDS_FILES), "named in vain"


def test_what_others_share_is_no_benchmark_and_neither_is_the_page() -> None:
    assert not {"page", "baselines", "_watch"} & set(program.benchmarks())
    assert not program.NEEDS_FILES & program.LONG


def test_all_that_can_be_run_are_run_and_failures_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[str] = []

    def run(command: list[str], **_: Any) -> Any:
        started.append(command[-1].removeprefix("benchmarks."))
        return type("Done", (), {"returncode": started[-1] == "mock"})

    monkeypatch.setattr(program.subprocess, "run", run)
    assert program.main([]) == 1
    assert {"explain", "mock", "read", "scores"} <= set(started)
    assert not {"grades", "kills", "page", "tutorials", "widgets"} & set(started)
    assert program.main(["yardstick"]) == 0
    assert started[-1] == "yardstick"
