"""Buttons that mark a spectrum."""
