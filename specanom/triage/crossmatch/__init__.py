"""Cross-match: what others know of a position."""
