"""Two tiny runs on the same files, as published and with the defaults, and their page, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specanom import surveys
from specanom.reproduce import figures, reproduce, variations
from specanom.run import pipeline
from tests.once import once
from tests.run.conftest import execute_here

TINY: dict[str, Any] = {"survey": "sdss", "max_steps": 20, "epochs": 2, "folds": "2", "top": 10, "samples": 100,
                        "segments": 16, "clusters": 4, "grid_pixels": 2000}


@pytest.fixture(scope="session")
def reproduction(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the two runs and the page, of the files in ``survey``; nobody may change it."""
    def make(folder: Path) -> None:
        surveys.mock(n=60, seed=1).write(folder / "survey")
        (folder / "survey" / "truth.csv").unlink()  # as of real spectra
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pipeline, "_papermill", execute_here)
            patch.setattr(figures, "LOOKED", 3)
            patch.setattr(variations, "SEGMENTS", (11, 20, 30))
            patch.setattr(variations, "SAMPLES", (50, 100, 200))
            reproduce(folder, {**TINY, "path": str(folder / "survey")})

    return once(tmp_path_factory, "tiny reproduction", make)


@pytest.fixture
def without_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let stages run in this process."""
    monkeypatch.setattr(pipeline, "_papermill", execute_here)
