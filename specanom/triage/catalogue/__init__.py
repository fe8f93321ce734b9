"""The catalogue: one row an object, with units, descriptions and provenance."""
