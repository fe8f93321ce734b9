"""Sphinx settings of the documentation."""

from specanom import __version__

project = "specanom"
author = "The specanom developers"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "numpydoc"]
html_theme = "pydata_sphinx_theme"
html_title = "specanom"
exclude_patterns = ["_build"]
numpydoc_show_class_members = False
myst_heading_anchors = 3
