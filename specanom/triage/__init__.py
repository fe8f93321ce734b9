"""Triage: what people said of spectra and clusters, kept as it is said.

=================  ==================================================================================================
:class:`LabelLog`  an append-only file of labels; survives a kernel that is killed
:class:`Label`     one thing said of one id: word, note, author, source, time
``WORDS``          the words for spectra; ``CLUSTER_WORDS`` those for clusters
=================  ==================================================================================================
"""

from __future__ import annotations

from .label import CLUSTER_WORDS, NOTED, WORDS, Label
from .labels import LabelLog

__all__ = ["CLUSTER_WORDS", "NOTED", "WORDS", "Label", "LabelLog"]
