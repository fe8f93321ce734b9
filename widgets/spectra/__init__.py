"""Spectra drawn live."""
