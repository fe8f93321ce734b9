"""The dashboard that picks a score."""
