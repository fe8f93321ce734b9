"""The figures and tables of the paper, on spectra at hand: ``specanom reproduce``.

==============  ====================================================================
module          what is in it
==============  ====================================================================
``numbers``     the paper's numbers, and where they stand
``sides``       one of the two runs that are compared, opened
``tables``      Tables 1 to 3
``filters``     Table B.1
``figures``     Figures 1 to 3
``clusters``    Figures 4 to 6 and C.1 to C.3
``variations``  Figures 7 to 11
``groups``      which cluster of ours is like which of the paper
``drawing``     panels as inline SVG
``beside``      the numbers of the paper beside ours
``verdicts``    sentences computed from them
``reasons``     why, with the rows of docs/differences.md
``page``        the page
``making``      the two runs
==============  ====================================================================
"""

from __future__ import annotations

from .making import reproduce

__all__ = ["reproduce"]
