"""The dashboard that inspects clusters.

==============  =====================================================================
module          what is in it
==============  =====================================================================
``members``     what is known of each explained spectrum, as columns
``colouring``   columns as colours of points, with their legend
``atlas``       the map and the BPT diagram, one selection
``counting``    elbow, silhouette and stability
``averages``    mean spectrum and mean explanation of the selection
``member``      the spectrum of one member with its explanation
``book``        names of clusters and marks of members, kept and exported
``telling``     what is said of the selection: sentence and line ratios
``code``        clusters, names and marks as Python
``working``     what is done in the background
``panel``       controls
``state``       public traits
``showing``     what is shown, from the state
``clustering``  clusters anew: another k, another frame
``choosing``    what is in focus
``inspector``   ClusterInspector
==============  =====================================================================
"""

from __future__ import annotations

from .inspector import ClusterInspector

__all__ = ["ClusterInspector"]
