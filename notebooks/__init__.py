"""The notebooks of the pipeline, installed with the package so that ``specanom run`` finds them anywhere."""
