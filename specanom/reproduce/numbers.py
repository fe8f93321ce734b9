"""The numbers of the paper, as data with where they stand, and what its figures show in our words.

Source: Ortiz & Boquien (2025), A&A, *Interpretable anomaly detection in SDSS galaxy spectra*.
"""

from __future__ import annotations

from dataclasses import dataclass

TABLE_1: dict[str, tuple[float, float]] = {
    "mean": (0.11, 14.68), "std": (0.06, 7.04), "min": (0.01, 4.00), "25 %": (0.07, 9.94), "50 %": (0.10, 13.15),
    "75 %": (0.15, 17.55), "max": (0.30, 98.10),
}
"""Redshift and median S/N of the final sample (Table 1)."""
SPECTRA, READ, BEST_BIN, PIXELS = 728_133, 791_738, 181_850, 3_773
"""Final sample, spectra within 0.01 < z < 0.50, those of the bin of highest S/N, and pixels left of 4000 (Sect. 2)."""

TABLE_2: dict[int, int] = {0: 245, 1: 617, 2: 287, 3: 340, 4: 55, 5: 196, 6: 78}
"""Spectra in each cluster of the top 1 % (Table 2)."""
TOP = sum(TABLE_2.values())
"""Spectra that were explained (Sect. 5.3)."""

TABLE_3: dict[int, dict[str, tuple[float, float]]] = {
    1: {"decrement": (3.74, 3.93), "N2": (0.26, 0.32), "O3": (1.09, 1.40), "O32": (1.06, 1.32), "O3N2": (0.53, 0.69)},
    2: {"decrement": (3.48, 3.64), "N2": (0.17, 0.21), "O3": (1.58, 1.86), "O32": (1.24, 1.48), "O3N2": (0.92, 1.02)},
    3: {"decrement": (3.43, 3.54), "N2": (0.11, 0.15), "O3": (3.13, 3.53), "O32": (2.54, 3.06), "O3N2": (1.23, 1.37)},
}
"""45th to 55th percentile of line ratios in clusters 1 to 3 (Table 3)."""
RATIO_NAMES = {"decrement": "Balmer decrement", "N2": "[N II]/Hα", "O3": "[O III]/Hβ", "O32": "[O III]/[O II]",
               "O3N2": "O3N2"}

GOOD_MSE, POOR_MSE = 1.9e-4, 1.5e-2
"""Mean squared errors of the good and the poor reconstruction (Fig. 1)."""
COMMON: dict[int, float] = {100: 0.04, 1000: 0.148}
"""Share of the top 100 and top 1000 that is common to all eight scores (Sect. 5.1)."""
CLIPPED_Z = (0.1083, 0.1181)
"""Median redshifts of clusters 4 and 6 (Sect. 5.3)."""
SCALES, FLATS = (0.6, 0.9, 1.2), (0.8, 1.0, 1.2)
"""Factors of the flux (Fig. 7) and constants (Fig. 8) that replace a segment."""
SEGMENTS, SLIC_SEGMENTS = (11, 111, 943), (4, 54, 1058)
"""Segments asked for, and what SLIC made of these numbers (Fig. 10)."""
SAMPLES = (100, 1000, 5000)
"""Perturbed spectra an explanation takes (Fig. 11)."""
EXAMPLE_SEGMENTS = 77
"""Segments of the examples of Sect. 6.2."""


@dataclass(frozen=True)
class Item:
    """One figure or table of the paper.

    Attributes
    ----------
    key : str
        As ``"figure-4"``.
    title : str
        As ``"Figure 4"``.
    name : str
        What it is about.
    where : str
        The section that speaks of it.
    says : str
        What it shows, in our words.
    """

    key: str
    title: str
    name: str
    where: str
    says: str


ITEMS = (
    Item("table-1", "Table 1", "the sample", "Sect. 2",
         "Redshift and median S/N of the 728 133 spectra that pass the cuts."),
    Item("figure-1", "Figure 1", "a good and a poor reconstruction", "Sect. 3.1",
         "A typical galaxy is reproduced with a mean squared error of about 0.00019; one with features that are rare "
         "in the training data only with about 0.015."),
    Item("figure-2", "Figure 2", "what each variation of the score finds", "Sect. 5.1",
         "MSE finds strong [O III] and Hα, and artefacts; without the 3 % of worst pixels, odd continua; without "
         "±250 km/s around lines, broad lines; with both, a mixture. Only 4 % of the top 100 and 14.8 % of the top "
         "1000 are common to all eight scores."),
    Item("figure-3", "Figure 3", "four anomalies explained", "Sect. 5.2",
         "The weights lie (a) on the emission lines of an extreme emitter, (b) on the noisy red end, (c) on broad "
         "lines, (d) on a continuum that is odd at 380–400 nm and 650–670 nm."),
    Item("table-2", "Table 2", "how the explanations fall into clusters", "Sect. 5.3",
         "Seven clusters of the 1818 spectra that are the top 1 % by MSE of the best S/N bin."),
    Item("figure-4", "Figure 4", "clusters of artefacts and of a clipped line", "Sect. 5.3",
         "Clusters 0 and 5 have diffuse weights, from noise and spikes. In clusters 4 and 6 the weight lies on an "
         "[O III] line that the mask at 557.7 nm clips: their median redshifts are 0.1083 and 0.1181."),
    Item("figure-5", "Figure 5", "clusters led by Hα and by [O II]", "Sect. 5.3",
         "Cluster 1 leans on Hα + [N II], cluster 2 on [O II] and other lines evenly."),
    Item("figure-6", "Figure 6", "the cluster led by [O III]", "Sect. 5.3",
         "Cluster 3 is dominated by [O III] 500.7 nm, in flux and in weight."),
    Item("table-3", "Table 3", "line ratios of three clusters", "Sect. 5.3",
         "From cluster 1 to 3 [N II]/Hα falls, while [O III]/Hβ, [O III]/[O II] and O3N2 rise."),
    Item("figure-7", "Figure 7", "scaling the flux by 0.6, 0.9 and 1.2", "Sect. 6.2.1",
         "The pattern of the weights is stable across the factors."),
    Item("figure-8", "Figure 8", "a constant of 0.8, 1.0 and 1.2 in place of a segment", "Sect. 6.2.1",
         "A constant of 1.0 comes nearest to scaling; 0.8 and 1.2 put spurious weight on the continuum."),
    Item("figure-9", "Figure 9", "the mean of a segment in its place", "Sect. 6.2.1",
         "Sharp lines stand out and the continuum gets less weight, for an example, an artefact and a strong emitter."),
    Item("figure-10", "Figure 10", "few and many segments", "Sect. 6.2.2",
         "11 segments dilute what matters, 943 add noise, 111 lie between. SLIC, asked for as many, made 4, 54 and "
         "1058 of them."),
    Item("figure-11", "Figure 11", "100, 1000 and 5000 perturbed spectra", "Sect. 6.2.2",
         "100 are noisy, with 1000 the structure emerges, with 5000 the weights are stable."),
    Item("table-B.1", "Table B.1", "the lines that a filter leaves out", "Appendix B",
         "Eleven narrow lines, with their wavelengths."),
    Item("figure-C.1", "Figure C.1", "members of cluster 1", "Appendix C",
         "Ranks 1, 2, 5 and 18 of the cluster led by Hα, with images of the galaxies."),
    Item("figure-C.2", "Figure C.2", "members of cluster 2", "Appendix C",
         "Ranks 7, 8, 11 and 14 of the cluster led by [O II], with images of the galaxies."),
    Item("figure-C.3", "Figure C.3", "members of cluster 3", "Appendix C",
         "Four members of the cluster led by [O III], with images of the galaxies."),
)
MEMBER_RANKS: dict[int, tuple[int, ...]] = {1: (1, 2, 5, 18), 2: (7, 8, 11, 14), 3: (1, 5, 9, 19)}
"""Ranks within their cluster of the galaxies shown in Appendix C."""
