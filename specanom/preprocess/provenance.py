"""What a preprocessed sample says of how it was made."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from .options import Options
from .tally import Tally


def provenance(options: Options, tally: Tally) -> dict[str, Any]:
    """Return the options, the versions, and a hash of the ids that came in."""
    return {"preprocess": options.settings(), "versions": {"specanom": own_version(), "numpy": np.__version__},
            "input": tally.input_hash()}


def own_version() -> str:
    """Return the version of specanom."""
    try:
        return version("specanom")
    except PackageNotFoundError:  # a checkout that was never installed
        return "unknown"
