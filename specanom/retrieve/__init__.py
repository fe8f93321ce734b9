"""Retrieval: spectra like this one, from a knowledge base of vectors with labels."""
