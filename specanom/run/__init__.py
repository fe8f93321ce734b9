"""The unattended run: stages as notebooks, a manifest, a report and the command line.

* :mod:`~specanom.run.parameters` reads what the notebooks can be told, and checks what they are told
* :mod:`~specanom.run.manifest` remembers what was made from what, so that nothing is made twice
* :mod:`~specanom.run.pipeline` executes the stages and resumes after a failure
* :mod:`~specanom.run.folder` is how notebooks open and fill a run folder
* :mod:`~specanom.run.cli` is the command ``specanom``
"""
