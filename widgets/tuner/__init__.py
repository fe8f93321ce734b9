"""The dashboard that tunes an explanation."""
