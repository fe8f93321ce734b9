"""What a column of a catalogue means: unit, description and UCD, known by its name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ...errors import ArgumentError, message


class Column(NamedTuple):
    """What a column means.

    Attributes
    ----------
    name : str
    description : str
        One sentence, ASCII, so that a FITS header can hold it.
    unit : str
        As astropy writes it in FITS, ``"deg"``, ``"arcsec"``, ``"Angstrom"``; empty for none.
    ucd : str
        UCD1+ words of the IVOA's controlled vocabulary.
    """

    name: str
    description: str
    unit: str = ""
    ucd: str = ""


HEALPIX = "_healpix_29"
"""The column by which HATS and LSDB sort and partition."""

_KNOWN = (
    Column(HEALPIX, "HEALPix pixel of order 29, nested scheme, of the ICRS position; -1 without one",
           ucd="pos.healpix"),
    Column("id", "Name of the spectrum; text, every digit counts", ucd="meta.id;meta.main"),
    Column("survey", "Survey the spectrum is of", ucd="meta.dataset"),
    Column("survey_program", "Programme within the survey", ucd="meta.code"),
    Column("instrument", "Spectrograph", ucd="instr"),
    Column("ra", "Right ascension, ICRS", "deg", "pos.eq.ra;meta.main"),
    Column("dec", "Declination, ICRS", "deg", "pos.eq.dec;meta.main"),
    Column("z", "Redshift by the pipeline of the survey", ucd="src.redshift"),
    Column("z_err", "Error of the redshift", ucd="stat.error;src.redshift"),
    Column("zwarning", "Warning flags of the redshift, 0 is good", ucd="meta.code.qual;src.redshift"),
    Column("deltachi2", "Chi-squared difference between the best and the next best redshift",
           ucd="stat.fit.chi2;src.redshift"),
    Column("snr", "Median signal-to-noise ratio of a pixel", ucd="stat.snr"),
    Column("class", "Class by the pipeline of the survey", ucd="src.class"),
    Column("subclass", "Subclass by the pipeline of the survey", ucd="src.class"),
    Column("objtype", "What the fibre was meant for", ucd="meta.code.class"),
    Column("plate", "Plate; -1 when there is none", ucd="meta.id;instr.plate"),
    Column("mjd", "Modified Julian Date of the last exposure; -1 when not known", "d", "time.epoch;obs"),
    Column("fiber", "Fibre; -1 when not known", ucd="meta.id;instr"),
    Column("petal", "Petal of the focal plane; -1 when there is none", ucd="meta.id;instr"),
    Column("tile", "Tile; -1 when there is none", ucd="meta.id;obs.field"),
    Column("healpix", "HEALPix pixel the survey filed the spectrum under; -1 when there is none", ucd="pos.healpix"),
    Column("specobjid", "Name of the spectrum in the tables of SDSS; text", ucd="meta.id"),
    Column("ebv", "Galactic reddening E(B-V)", "mag", "phot.color.excess"),
    Column("exptime", "Exposure time", "s", "time.duration;obs.exposure"),
    Column("z_noqso", "Redshift when quasar templates are left out", ucd="src.redshift"),
    Column("lsf", "Standard deviation of the line-spread function", "km / s", "instr.dispersion"),
    Column("note", "Remarks of the reader on the spectrum", ucd="meta.note"),
    Column("snr_survey", "Median signal-to-noise ratio as the survey gives it", ucd="stat.snr"),
    Column("missing", "Share of the pixels of the grid without data", ucd="meta.code.qual"),
    Column("median", "Median flux by which the spectrum was divided, in the unit of the survey",
           ucd="phot.flux.density"),
    Column("bin", "S/N bin of the spectrum, each with a model of its own", ucd="meta.code"),
    Column("tier", "gold, silver or empty, by the thresholds told in the metadata", ucd="meta.code.class"),
    Column("tier_reason", "What keeps the object from the next higher tier; empty for gold", ucd="meta.note"),
    Column("percentile", "Percentage, 0 to 100, of the sample whose ranking score is lower", ucd="stat.rank"),
    Column("cluster", "Cluster of explanations; -1 for none, blank when not explained", ucd="meta.code.class"),
    Column("cluster_distance", "Distance from the centre of the cluster, of explanations of unit length",
           ucd="stat.value"),
    Column("cluster_story", "What the members of the cluster share", ucd="meta.note"),
    Column("explanation_grade", "trusted, unstable or poor fit; empty when not explained", ucd="meta.code.qual"),
    Column("explanation_reason", "Why the explanation has its grade", ucd="meta.note"),
    Column("explanation_frame", "Frame of the wavelengths of the segments: rest or observed; empty when not explained",
           ucd="meta.code"),
    Column("explanation_score", "Score that was explained", ucd="stat.value"),
    Column("explanation_r2", "Weighted R-squared of the surrogate", ucd="stat.fit.goodness"),
    Column("artefact", "Probability that sky, mask or instrument makes the spectrum odd; not told of quasars",
           ucd="stat.probability"),
    Column("artefact_note", "Why the probability of an artefact is not told of such an object; empty otherwise",
           ucd="meta.note"),
    Column("z_second", "Redshift of emission lines of another galaxy in the fibre, among what the model leaves over",
           ucd="src.redshift"),
    Column("kin", "Names of the nearest spectra in the knowledge base, nearest first, joined by ;",
           ucd="meta.id.assoc"),
    Column("kin_labels", "Labels of the kin in their order, joined by ;", ucd="meta.code.class"),
    Column("kin_distance", "Distance of the nearest of the kin, in units of the vectors", ucd="stat.value"),
    Column("vote", "Label the kin vote for; empty when not asked or not known", ucd="meta.code.class"),
    Column("kin_far", "1: far from everything known, 0: not; blank when not asked", ucd="meta.code"),
    Column("kin_quantile", "Quantile of the distance of the kin among those within the knowledge base",
           ucd="stat.rank"),
    Column("matched_in", "Services with a counterpart, joined by ;", ucd="meta.id.cross"),
    Column("label", "Label most inspectors gave; disputed when there is no such one; empty when nobody looked",
           ucd="meta.code.class"),
    Column("label_count", "Inspectors who labelled the object", ucd="meta.number"),
    Column("label_agreement", "Share of the inspectors who gave the most frequent label", ucd="stat.value"),
    Column("label_authors", "Inspectors, joined by ;", ucd="meta.id;obs.observer"),
    Column("label_notes", "What the inspectors noted, joined by |", ucd="meta.note"),
    Column("label_time", "Time of the last label, ISO 8601, UTC", ucd="time.creation"),
    Column("provenance", "Run, specanom, model and parameters the row is from", ucd="meta.curation"),
)
_BY_NAME: Mapping[str, Column] = {one.name: one for one in _KNOWN}

_CLASSES = {"lines": "rest-frame lines", "imputed": "masked pixels and their edges", "sky": "sky lines",
            "telluric": "telluric bands", "join": "the join of the arms", "continuum": "continuum",
            "narrow": "segments narrower than the instrument"}
# The first pattern that matches the whole name decides; {0}, {1} are its groups.
_PATTERNS = tuple((re.compile(pattern), text, unit, ucd) for pattern, text, unit, ucd in (
    (r"latent_(\d+)", "Latent number {0} of the spectrum", "", "stat.value"),
    (r"rarity_gmm", "How rare the encoding is: -log density of a Gaussian mixture", "", "stat.value"),
    (r"rarity_knn", "How rare the encoding is: distance to the tenth nearest, in standard deviations", "",
     "stat.value"),
    (r"rarity_forest", "How rare the encoding is: isolation forest, 0 to 1", "", "stat.value"),
    (r"rarity_kl", "How far the encoding is from the prior: Kullback-Leibler divergence, nats", "", "stat.value"),
    (r"share_(.+)", "Share of the residual in band {0}", "", "stat.fit.residual"),
    (r"residual_n_(.+)", "Good pixels in arm {0}", "", "meta.number"),
    (r"residual_percentile_(.+)", "Percentage, 0 to 100, of like spectra whose residual in arm {0} is lower", "",
     "stat.rank"),
    (r"residual_(?:chi2_)?(.+)", "Inverse-variance weighted mean squared residual in arm {0}", "", "stat.fit.residual"),
    (r"context_(.+)", "Share of the explanation's absolute weight on {0}", "", "stat.weight"),
    (r"top_(\d+)_segment", "Name of the segment of rank {0} by absolute weight", "", "meta.id;em.wl"),
    (r"top_(\d+)_from", "First wavelength of the segment of rank {0}, vacuum, in explanation_frame", "Angstrom",
     "em.wl"),
    (r"top_(\d+)_to", "Last wavelength of the segment of rank {0}, vacuum, in explanation_frame", "Angstrom",
     "em.wl"),
    (r"top_(\d+)_weight", "Weight of the segment of rank {0}: what it adds to the score as observed", "",
     "stat.weight"),
    (r"top_(\d+)_weight_low", "Lower end of the 95 % interval of the weight of rank {0}", "", "stat.weight"),
    (r"top_(\d+)_weight_high", "Upper end of the 95 % interval of the weight of rank {0}", "", "stat.weight"),
    (r"(.+)_status", "Cross-match with {0}: matched, none, not_checked or failed", "", "meta.code.status"),
    (r"(.+)_name", "Name of the nearest counterpart in {0}", "", "meta.id.cross"),
    (r"(.+)_type", "Type of the counterpart in {0}", "", "src.class"),
    (r"(.+)_separation", "Angle between the position and the counterpart in {0}", "arcsec", "pos.angDistance"),
    (r"(.+)_chance", "Share of unrelated positions that would have a match in {0}", "", "stat.probability"),
    (r"(.+)_coincidence", "Chance of an unrelated source of {0} at least as near as this one", "", "stat.probability"),
    (r"(.+)_z", "Redshift of the counterpart in {0}", "", "src.redshift"),
    (r"kin_mean_(.+)", "Weighted mean of {0} of the kin", "", "stat.value"),
    (r"kin_spread_(.+)", "Weighted spread of {0} of the kin", "", "stat.stdev"),
    (r"(.+)_cal", "Score {0} in excess of spectra of like S/N and redshift, in units of their scatter", "",
     "stat.value"),
    (r"(.+)_rank", "Rank by score {0}, 1 the oddest", "", "stat.rank"),
))


def describe(name: str, part: str = "") -> Column:
    """Return what the column `name` means; one that is not known by its name is told by the `part` it came with.

    Examples
    --------
    >>> describe("simbad_separation")
    Column(name='simbad_separation', description='Angle between the position and the counterpart in simbad', \
unit='arcsec', ucd='pos.angDistance')
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    for pattern, text, unit, ucd in _PATTERNS:
        found = pattern.fullmatch(name)
        if found:
            words = [_CLASSES.get(word, word) if name.startswith("context_") else word for word in found.groups()]
            return Column(name, text.format(*words), unit, ucd)
    if part == "scores":
        return Column(name, f"Score {name}, higher is odder", "", "stat.value")
    return Column(name, f"Column {name} of the part {part}" if part else f"Column {name}")


def checked(one: Column) -> Column:
    """Return a user's column with its unit as astropy spells it.

    Raises
    ------
    ArgumentError
        When the unit or the UCD is none, or the description is not ASCII.
    """
    from astropy import units
    from astropy.io.votable.ucd import check_ucd

    try:
        unit = str(units.Unit(one.unit)) if one.unit else ""
        if unit:
            units.Unit(unit).to_string("fits")
    except ValueError as exc:
        raise ArgumentError(message(f"columns[{one.name!r}]", expected="a unit that FITS knows", got=repr(one.unit),
                                    hint="km / s, Angstrom, deg, mag, 1e-17 erg / (s cm2 Angstrom)")) from exc
    if one.ucd and not check_ucd(one.ucd, check_controlled_vocabulary=True, has_colon=True):
        raise ArgumentError(message(f"columns[{one.name!r}]", expected="UCD1+ words of the IVOA", got=repr(one.ucd),
                                    hint="phot.mag;em.opt.R, meta.note, stat.value"))
    if not one.description.isascii():
        raise ArgumentError(message(f"columns[{one.name!r}]", expected="a description in ASCII, for FITS headers",
                                    got=repr(one.description)))
    return one._replace(unit=unit)


def described(names: Iterable[str], known: Mapping[str, Column], origin: Mapping[str, str]) -> tuple[Column, ...]:
    """Return what each column means: as told in `known`, else by name and the part it came with."""
    own = {name: checked(one._replace(name=name)) for name, one in known.items()}
    return tuple(own.get(name) or describe(name, origin.get(name, "")) for name in names)
