"""What a column is told to mean is what it holds, by its name and by the part it is from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from astropy.io.votable.ucd import check_ucd

from specanom.triage.catalogue import Catalogue, Parts
from specanom.triage.catalogue.columns import describe

IDS = ["a", "b"]


def told(**parts: pd.DataFrame) -> pd.DataFrame:
    objects = pd.DataFrame({"id": IDS, "ra": 1.0, "dec": 2.0, "photo_z": 0.1, "file_name": "x", "median": 3.0})
    return Catalogue.of(Parts(objects, **parts)).describe().set_index("name")


@pytest.mark.parametrize(("name", "description", "ucd"), [
    ("kin_mean_z", "Mean of z of the kin, by their weights", "src.redshift;stat.mean"),
    ("kin_spread_z", "Standard deviation of z of the kin, by their weights", "src.redshift;stat.stdev"),
    ("kin_mean_snr", "Mean of snr of the kin, by their weights", "stat.snr;stat.mean"),
    ("kin_mean_mass", "Mean of mass of the kin, by their weights", "stat.value;stat.mean"),
    ("kin_mean_my_type", "Mean of my_type of the kin, by their weights", "stat.value;stat.mean"),
])
@pytest.mark.parametrize("part", ["", "votes"])
def test_means_and_spreads_of_kin_are_told_of_kin(name, description, ucd, part) -> None:
    one = describe(name, part)
    assert (one.description, one.ucd) == (description, ucd)
    assert check_ucd(ucd, check_controlled_vocabulary=True, has_colon=True)


def test_what_the_kin_say_has_a_meaning_and_a_ucd() -> None:
    votes = pd.DataFrame({"id": IDS, "vote": "GALAXY", "share": 0.8, "far": False, "quantile": 0.5, "nearest": "b",
                          "distance": 0.3, "mean_z": 0.1, "spread_z": 0.01})
    columns = told(votes=votes)
    assert (columns["ucd"] != "").loc[["vote", "share", "nearest", "distance", "kin_mean_z", "kin_spread_z"]].all()
    assert columns.loc["share", "description"] == "Share of the weight of the kin with a label that stands for the vote"
    assert columns.loc["nearest", "description"] == "Name of the nearest of the kin"
    assert columns.loc["distance", "description"] == "Distance of the nearest of the kin, in units of the vectors"


def test_a_column_of_the_users_is_not_told_to_be_something_else() -> None:
    more = pd.DataFrame({"id": IDS, "share": 0.1, "distance": 30.0, "my_z": 0.1, "x_rank": 3, "x_cal": 1.0})
    columns = told(more=more)
    for name in ("share", "distance", "my_z", "x_rank", "x_cal"):
        assert columns.loc[name, "description"] == f"Column {name} of the part more"
    for name in ("photo_z", "file_name"):
        assert columns.loc[name, "description"] == f"Column {name} of the part objects"


def test_verdicts_of_rules_and_columns_of_matched_tables_are_told() -> None:
    matches = pd.DataFrame({"id": IDS, "service": "wise", "status": ["matched", "none"], "w1": [14.0, np.nan],
                            "separation": [0.3, np.nan], "z": [0.1, np.nan]})
    columns = told(more=pd.DataFrame({"id": IDS, "verdict": "AGN", "rule": "broad"}), matches=matches)
    assert (columns.loc["verdict", "description"], columns.loc["verdict", "ucd"]) == (
        "Class that the rules of the run give; empty when not explained", "meta.code.class")
    assert (columns.loc["rule", "description"], columns.loc["rule", "ucd"]) == (
        "Rule that decided the verdict", "meta.note")
    assert columns.loc["wise_w1", "description"] == "Column of the nearest counterpart in a matched table: wise_w1"
    assert (columns.loc["wise_separation", "unit"], columns.loc["wise_separation", "ucd"]) == (
        "arcsec", "pos.angDistance")
    assert columns.loc["wise_z", "ucd"] == "src.redshift"


def test_the_combined_score_the_median_and_the_percentile_say_what_they_are() -> None:
    assert describe("combined_cal", "scores").description == (
        "Largest of the calibrated scores of the spectrum, each in units of its own scatter")
    assert describe("combined_rank", "scores").description == (
        "Rank by the largest of the calibrated scores, 1 the oddest")
    assert "1e-17 erg / (s cm2 Angstrom) of SDSS and DESI" in describe("median").description
    assert "those as odd count half" in describe("percentile").description
