"""Live dashboards for notebooks, installed as ``specanom.widgets``."""

if __name__ == "widgets":
    # From the repository root the folder is importable by its bare name too: that would make a second copy of
    # every class, so it is refused.
    raise ImportError("widgets: expected to be imported as specanom.widgets, got the bare name. "
                      "Try: import specanom.widgets")
