"""Fixtures every room shares."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

os.environ.setdefault("OMP_NUM_THREADS", "1")
settings.register_profile(
    "specanom", deadline=None, derandomize=True, max_examples=30, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("specanom")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared() -> Path:
    """The workshop's folder of real data beside the checkout; tests that need it skip where there is none."""
    folder = Path(os.environ.get("SPECANOM_SHARED", ROOT.parent / "shared"))
    if not (folder / "data" / "sdss").is_dir():
        pytest.skip(f"needs the real spectra of {folder}/data (set SPECANOM_SHARED)")
    return folder


@pytest.fixture(scope="session")
def sdss_files(shared: Path) -> list[Path]:
    """Every real SDSS file, any format."""
    return sorted(p for p in (shared / "data" / "sdss").rglob("*") if p.suffix in {".fits", ".fit"})
