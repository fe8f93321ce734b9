"""A clock that is set while a run works, and files of times that cannot be: nothing depends on them."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from specanom.run import parted
from specanom.run.lock import only_one
from specanom.run.manifest import Manifest
from specanom.run.parameters import STAGES
from specanom.spectrumset import SpectrumSet

DAY = 86_400.0


@pytest.fixture(params=[-400 * DAY, 400 * DAY], ids=["back", "forwards"])
def jumping(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wall clock that is set by more than a year each time that it is read."""
    real, read = time.time, [0]

    def jumps() -> float:
        read[0] += 1
        return float(real() + request.param * read[0])

    monkeypatch.setattr(time, "time", jumps)


@pytest.mark.usefixtures("jumping")
def test_durations_are_those_of_no_clock_that_is_set(stages: Any, tmp_path: Path) -> None:
    stages.again(tmp_path)
    assert all(0 <= Manifest(tmp_path).stage(stage)["seconds"] < 600 for stage in STAGES)
    assert stages.again(tmp_path) == []


@pytest.mark.usefixtures("jumping")
def test_a_run_that_is_interrupted_while_the_clock_jumps_goes_on(stages: Any, tmp_path: Path) -> None:
    stages.fail["04_score"] = KeyboardInterrupt()
    with pytest.raises(KeyboardInterrupt):
        stages.again(tmp_path)
    assert 0 <= Manifest(tmp_path).stage("04_score")["seconds"] < 600
    stages.fail.clear()
    assert stages.again(tmp_path) == list(STAGES[3:])
    with only_one(tmp_path):
        pass


@pytest.mark.parametrize("when", [0.0, 4e9])
def test_products_with_times_that_cannot_be_are_up_to_date(stages: Any, tmp_path: Path, when: float) -> None:
    stages.again(tmp_path)
    for path in tmp_path.rglob("*"):
        os.utime(path, (when, when))
    assert stages.again(tmp_path) == []
    product = tmp_path / "05_explain.product"
    told = json.loads(product.read_text())
    product.write_text(json.dumps(told | {"top": 1}))
    os.utime(product, (when, when))
    assert stages.again(tmp_path) == ["05_explain"]  # altered at a time that is the same


def test_a_set_that_is_replaced_within_one_tick_is_opened_anew(tmp_path: Path) -> None:
    path = tmp_path / "sample.zarr"
    for name in ("first", "second"):
        SpectrumSet([5000.0, 5001.0], [[1.0, float(len(name))]], table=pd.DataFrame({"id": [name]})).save(path)
        os.utime(path / "manifest.json", ns=(1, 1))
        assert list(parted.ReadOnce.of(path).sample().ids) == [name]
