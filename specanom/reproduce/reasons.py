"""Why the two runs differ from each other and from the paper: each reason with its row in docs/differences.md."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Reason:
    """One reason.

    Attributes
    ----------
    text : str
        What is different, and what that does.
    row : str
        Name of the row in docs/differences.md; empty where the data are the reason.
    """

    text: str
    row: str = ""


REASONS: dict[str, Reason] = {
    "simulated": Reason("The spectra are simulated: made to look like SDSS in redshift, S/N and noise, with anomalies "
                        "of known kinds put in. How many strong emitters, spikes or clipped lines there are is a "
                        "choice of the simulation."),
    "others": Reason("The spectra are not those of the paper. How many strong emitters, spikes or clipped lines are "
                     "among them depends on which files were given."),
    "desi": Reason("The spectra are of DESI: another instrument, with other targets, another resolution and other "
                   "artefacts."),
    "few": Reason("The paper trained on 145 480 spectra of its best bin. With thousands or hundreds a network of the "
                  "published size learns less of what is ordinary, and its training ends early."),
    "steps": Reason("The published length of training is counted in epochs, which are short in a small sample.",
                    "length of training"),
    "inputs": Reason("The defaults centre the inputs on the mean spectrum and start from principal components; the "
                     "published network starts from nothing.", "first and last layer"),
    "folds": Reason("The published network judges the spectra it was trained on; the defaults cross-fit.",
                    "who judges"),
    "bins": Reason("The paper looks at the best of four bins of S/N; the defaults have one bin, so that noisier "
                   "spectra are among those judged.", "S/N bins"),
    "faint": Reason("The published cut replaces pixels below an S/N of one, and with them noise, troughs and dead "
                    "blocks; the defaults keep them.", "faint pixels"),
    "airglow": Reason("The published code overwrites the window at 5577 Å by its neighbours, which puts a copy of a "
                      "line at half height there; in the defaults the pixels are missing.", "airglow at 5577 Å"),
    "warnings": Reason("The paper rejects any redshift warning; the defaults let three pass with a note.",
                       "redshift warnings"),
    "ranking": Reason("The defaults rank by χ² by inverse variance in excess of spectra of like S/N and redshift, "
                      "the paper by raw MSE, which follows the noise.", "dependence on S/N"),
    "lines": Reason("The published line filter has wavelengths in air for spectra in vacuum.", "lines of the filter"),
    "nan": Reason("As published, χ² can be NaN and then ranks first.", "NaN"),
    "fill": Reason("The defaults replace a segment by the reconstruction of the model; the paper dims it.",
                   "fill in `specanom run`"),
    "scale": Reason("What the published code calls scaling is a change of contrast around a smooth of the spectrum; "
                    "the defaults scale the flux.", '"scale" perturbation'),
    "squares": Reason("A score of squared residuals answers to a change of the flux in two ways: by the residual times "
                      "the change, whose sign turns with it, and by the square of the change, which does not turn. A "
                      "strong change makes an ordinary continuum odd by itself. The first leads as long as residuals "
                      "go the same way along whole segments; where they are noise, it averages out and the second "
                      "leads already at moderate factors."),
    "constant": Reason("A constant changes the flux by its distance from it, most where it is furthest off, as at a "
                       "faint end; scaling the flux changes it least there. Scaling the contrast goes by the distance "
                       "from the median, as a constant of 1 does, but a tenth as far. What is neutral for a flat "
                       "continuum is not so for a steep one."),
    "samples": Reason("The defaults draw 2000 masks in complementary pairs where the paper draws 5000 independently.",
                      "samples"),
    "kernel": Reason("Published proximities are not scaled, so that the ridge penalty holds weights back, the more so "
                     "the fewer masks.", "kernel weights"),
    "segments": Reason("As published, the remainder of a division is one segment more.", "segments"),
    "slic": Reason("Published SLIC never switches its last segment off, and its compactness is not told.", "SLIC"),
    "clusters": Reason("The defaults choose the number of clusters by silhouette.", "number of clusters"),
    "imputed": Reason("Published scores count filled-in pixels; the defaults leave them out.", "imputed pixels"),
}
"""By key; the page gives each an anchor."""


def reasons_of(keys: tuple[str, ...], *, simulated: bool, survey: str) -> tuple[str, ...]:
    """Return the reasons that hold for the spectra at hand: what is said of simulated ones only of these."""
    sample = (("simulated",) if simulated else ("others",)) + (("desi",) if "desi" in survey else ())
    return tuple(key for one in keys for key in (sample if one == "simulated" else (one,)))
