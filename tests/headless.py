"""A browser without a screen."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

WITHOUT = ("WebUIOmniboxPopup", "WebUIOmniboxAimPopup", "AimEnabled", "LensOverlay", "MediaRouter", "OptimizationHints",
           "HttpsUpgrades", "PaintHolding", "DestroyProfileOnBrowserClose", "ThirdPartyStoragePartitioning")
"""Features of Chromium that tests have no use for: what its address bar lets fall down takes 0.7 s of a core for each
window. The list takes the place of Playwright's, so that those of it that change what pages do are named as well."""


def headless() -> Iterator[Any]:
    """Start Chromium; without one, tests are skipped on a laptop and fail in continuous integration."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        if os.environ.get("CI") == "true":
            pytest.fail("continuous integration needs Chromium: make chromium")
        pytest.skip("needs Chromium")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--no-sandbox", f"--disable-features={','.join(WITHOUT)}"]
        browser = playwright.chromium.launch(executable_path=program, args=options)
        yield browser
        browser.close()
