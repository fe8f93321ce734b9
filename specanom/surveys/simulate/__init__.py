"""The physics behind `mock` and `mock_desi` of `specanom.surveys`: from stellar atmospheres to pixels.

`opacity`, `stellar_lines`, `line_opacity`, `atmospheres` make single stars; `populations` makes starlight by age and
metals; `galaxies` draws galaxies and shows them at their redshift and velocity dispersion; `emission` adds the gas;
`others` makes stars and quasars; `anomalies_sky` and `anomalies_fibre` change what a `target` holds; `spectrograph`
adds the night sky and the noise; `fibres` puts all of it together. `grid` and `deck` hold pixels and random numbers.

DESI has pixels of its own (`desi_grid`), its night (`desi_night`), its galaxies (`desi_galaxies`) and faults
(`desi_faults`); `quasars`, `quasar_anomalies` and `forest` make its quasars and what lies in front of them;
`desi_objects` and `desi_fibres` put all of it together.
"""
