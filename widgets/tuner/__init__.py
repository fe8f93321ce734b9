"""The dashboard that tunes an explanation.

==============  ====================================================================
module          what is in it
==============  ====================================================================
``settings``    TunerSettings: all that can be tuned, and from and to an explainer
``kinds``       which segmentations, fills and methods there are
``refusals``    what cannot be explained, said beforehand
``controls``    one control for each setting (``fields``, ``inputs``)
``presets``     the layouts of the paper's figures
``code``        settings as Python
``describe``    the numbers of an explanation in words
``figure``      the live figure (``panel``: spectrum, ``neighbours``: copies)
``edges``       edges between segments, dragged
``pins``        settings side by side
``scores``      which scores are offered
``history``     settings gone back to
``pace``        how long an explanation will take
``tuner``       LimeTuner, which joins them
==============  ====================================================================
"""

from .tuner import LimeTuner

__all__ = ["LimeTuner"]
