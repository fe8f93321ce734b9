"""The words of an explorer, in one sentence each."""

from __future__ import annotations

TERMS = (
    ("reconstruction", "What the model, which learned what is usual, makes of the spectrum."),
    ("residual", "Flux minus reconstruction; the band is one standard deviation of the noise on either side of zero."),
    ("score", "How badly a spectrum is reconstructed; the higher, the odder. Names ending in _cal are calibrated: in "
              "excess of spectra of like S/N and redshift, in units of their scatter. Names ending in _rank are "
              "ranks, 1 the oddest."),
    ("percentile", "Percentage of the sample whose score is lower."),
    ("weight", "What a segment, as observed, adds to the score against a typical fill: orange raises the score, blue "
               "lowers it. Whiskers are 95 % intervals over the drawing of masks."),
    ("grade", "trusted: another drawing of masks would say the same; unstable: it might not; poor fit: weights do "
              "not add up to the score."),
    ("artefact", "Probability that the sky, a mask or the instrument makes the spectrum odd, and not the object. "
                 "Not told of quasars, for which it is not calibrated."),
    ("z_second", "Redshift of another galaxy in the fibre, behind or in front, with three or more lines in the "
                 "residual."),
    ("cluster, story", "Objects whose explanations are alike, and what they share."),
    ("kin", "Nearest known spectra in the space of the vectors that were compared; d is their distance, the weight "
            "their share of the vote."),
    ("quality", "Of a visual inspection, as DESI has it: 4 confident, 3 probable, 2 possible, 1 unlikely, 0 nothing. "
                "Issues are R, bad redshift; C, bad class; S, bad spectrum."),
    ("not checked", "A service was not asked, or could not be: nothing is said about a counterpart."),
    ("hatched, tinted", "Masked and imputed pixels; bands of the atmosphere and the 5577 Å line of the night sky."),
)
