"""The physics behind `specanom.surveys.mock`: from stellar atmospheres to the pixels of a plate.

`opacity`, `stellar_lines`, `line_opacity`, `atmospheres` make single stars; `populations` makes starlight by age and
metals; `galaxies` draws galaxies and shows them at their redshift and velocity dispersion; `emission` adds the gas;
`others` makes stars and quasars; `anomalies_sky` and `anomalies_fibre` change what a `target` holds; `spectrograph`
adds the night sky and the noise; `fibres` puts all of it together. `grid` and `deck` hold pixels and random numbers.
"""
