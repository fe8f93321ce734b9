"""Two tiny runs on the same simulated spectra, as published and with the defaults, and their page, made once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from specanom.reproduce import figures, reproduce, variations
from specanom.run import pipeline
from tests.once import once
from tests.run.conftest import execute_here

TINY: dict[str, Any] = {"n": 100, "max_steps": 20, "epochs": 3, "folds": "2", "top": 16, "samples": 200,
                        "segments": 20}


@pytest.fixture(scope="session")
def reproduction(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the two runs and the page; nobody may change it."""
    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pipeline, "_papermill", execute_here)
            patch.setattr(figures, "LOOKED", 6)
            patch.setattr(variations, "SEGMENTS", (11, 30, 60))
            patch.setattr(variations, "SAMPLES", (100, 200, 400))
            reproduce(folder, TINY)

    return once(tmp_path_factory, "tiny reproduction", make)
