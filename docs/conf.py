"""Sphinx settings of the documentation. It is built without a network, and needs none to be read."""

import os
import sys
from pathlib import Path

from specanom import __version__

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from face import bare

project = "specanom"
author = "The specanom developers"
copyright = "The specanom developers"
release = __version__
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.doctest", "numpydoc",
              "docstrings", "lessons", "mathml", "reference"]
exclude_patterns = ["_build"]
templates_path = ["_templates"]

# -- pages ----------------------------------------------------------------------------
myst_enable_extensions = ["attrs_block", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3
html_math_renderer = "mathml"
nitpicky = True
doctest_test_doctest_blocks = ""  # those of docstrings are run by the tests, each among the names of its module

# -- reference ----------------------------------------------------------------------------
autosummary_generate = True
autosummary_ignore_module_all = False
autosummary_context = {"bare": bare()}  # classes whose base is told to nobody
autodoc_typehints = "signature"
autodoc_preserve_defaults = True
maximum_signature_line_length = 90  # longer ones have a parameter a line
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
# Types of other projects, and types inside specanom that nobody needs to name, have no page here.
nitpick_ignore_regex = [
    ("py:class", r"(numpy|np|pandas|pd|pathlib|collections|types|abc|torch|typing|t)\..*"),
    ("py:class", r"(traitlets|ipywidgets|anywidget|bokeh)\..*"),
    ("py:class", r"(NDArray|ArrayLike|Path|Tensor|figure|GridPlot|(tuple|dict|Mapping|collections.abc.Mapping)\[\w+)"),
    ("py:class", r"(Doubles|Floats|Texts|StoredRows|Context|Report|Evaluated|Source|Log|Excess)"),
    ("py:class", r"(Evaluator|Calibratable)"),
    ("py:class", r"specanom\.\w+\..*"),
    ("py:(func|class|data)", r"(controls\.group|jobs\.Job|open_run|MarkBar|median_snr|spread_masks|FATAL_BITS)"),
]
# Other projects are linked only where their lists of names can be fetched: SPECANOM_DOCS_ONLINE=1 make docs
if os.environ.get("SPECANOM_DOCS_ONLINE"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "astropy": ("https://docs.astropy.org/en/stable", None),
        "bokeh": ("https://docs.bokeh.org/en/latest", None),
    }
    intersphinx_timeout = 10

# -- look ----------------------------------------------------------------------------
html_theme = "pydata_sphinx_theme"
html_title = "specanom"
html_static_path = ["_static"]
html_css_files = ["specanom.css"]
html_show_sourcelink = False
html_context = {"default_mode": "auto"}
html_theme_options = {"show_toc_level": 2, "navigation_with_keys": False, "header_links_before_dropdown": 7,
                      "show_prev_next": False, "secondary_sidebar_items": ["page-toc"], "footer_end": []}
html_sidebars = {"index": [], "method": [], "gallery": []}
