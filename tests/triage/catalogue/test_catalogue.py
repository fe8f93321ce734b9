"""A catalogue has one row an object, tells what each column means, and loses nothing without saying so."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from astropy import units
from astropy.io.votable.ucd import check_ucd
from astropy_healpix import healpix_to_lonlat
from hypothesis import given
from hypothesis import strategies as st

from specanom.errors import ArgumentError, DataError
from specanom.triage.catalogue import Catalogue, Column, Parts, Tiers, explanation_table, healpix_29
from specanom.triage.catalogue.cells import joined, one_line, split
from specanom.triage.catalogue.columns import _KNOWN, _PATTERNS, describe

TARGETID = 39633345008634465  # a float makes …464 of it
TID = str(TARGETID)
IDS = [TID, "0266-51602-0001", "0266-51602-0002", "0266-51602-0003"]


def objects() -> pd.DataFrame:
    return pd.DataFrame({"id": IDS, "survey": ["desi", "sdss", "sdss", "sdss"], "ra": [10.0, 350.5, 180.0, 45.0],
                         "dec": [-5.0, 60.0, 0.0, 0.0], "z": [1.1, 0.1, 0.2, 0.3], "snr": [3.0, 9.0, 20.0, 7.0],
                         "path": "/home/somebody/x.fits", "row": 0})


def scores() -> pd.DataFrame:
    return pd.DataFrame({"id": IDS, "z": 9.0, "mse": [1.0, 2.0, 3.0, 4.0], "chi2_ivar_cal": [9.0, 6.0, 4.0, np.nan],
                         "chi2_ivar_rank": [1, 2, 3, 4], "latent_0": np.arange(4, dtype=np.float32)})


def explanations(**values: list) -> pd.DataFrame:
    table = {"id": IDS[:2], "grade": ["trusted", "trusted"], "artefact": [0.1, 0.1]}
    return pd.DataFrame(table | values)


def row(catalogue: Catalogue, id: str = TID) -> dict:
    return catalogue[id].to_dict()


# -- joining -----------------------------------------------------------------------------------------------------------


def test_every_object_is_a_row_and_every_part_is_optional() -> None:
    catalogue = Catalogue.of(Parts(objects()))
    assert sorted(catalogue.table["id"]) == sorted(IDS)
    assert catalogue.unknown == {}
    assert catalogue.left_out == []
    assert "path" not in catalogue.table, "where a file lies on somebody's disk is nobody else's business"


def test_position_and_redshift_are_those_of_the_objects() -> None:
    catalogue = Catalogue.of(Parts(objects(), scores()))
    assert row(catalogue)["z"] == 1.1
    assert row(catalogue)["mse"] == 1.0
    assert catalogue.table["latent_0"].dtype == np.float32


def test_what_is_not_known_is_blank_of_its_type() -> None:
    clusters = pd.DataFrame({"id": [TID], "cluster": [3], "distance": [0.5]})
    stories = pd.DataFrame({"cluster": [3], "story": ["7 spectra whose weight sits on Hα (40 %)."]})
    catalogue = Catalogue.of(Parts(objects(), clusters=clusters, stories=stories))
    assert row(catalogue)["cluster_story"].startswith("7 spectra")
    other = row(catalogue, IDS[1])
    assert (pd.isna(other["cluster"]), other["cluster_story"]) == (True, "")
    assert np.isnan(other["cluster_distance"])
    assert catalogue.table["cluster"].dtype == "Int64"


def test_ids_nobody_knows_are_listed_by_part() -> None:
    clusters = pd.DataFrame({"id": [TID, "stranger"], "cluster": [3, 4]})
    catalogue = Catalogue.of(Parts(objects(), clusters=clusters))
    assert catalogue.unknown == {"clusters": ["stranger"]}
    assert "1 of the ids in clusters (stranger)" in catalogue.summary()


def test_second_rows_and_rows_without_an_id_are_listed() -> None:
    twice = pd.concat([objects(), objects().iloc[:1], objects().iloc[:1].assign(id=None)], ignore_index=True)
    shares = pd.DataFrame({"id": [TID, TID, ""], "b": [0.2, 0.9, 0.0]})
    catalogue = Catalogue.of(Parts(twice, shares=shares))
    assert len(catalogue) == 4
    assert row(catalogue)["share_b"] == 0.2, "the first row counts"
    assert (TID, "objects: second row of this id") in catalogue.left_out
    assert ("", "objects: row 5 has no id") in catalogue.left_out
    assert ("", "shares: row 2 has no id") in catalogue.left_out
    assert (TID, "shares: second row of this id") in catalogue.left_out


def test_a_long_targetid_is_kept_from_integers_and_text_and_refused_as_a_float() -> None:
    for ids in ([TARGETID], [TID], np.array([TARGETID])):
        assert Catalogue.of(Parts(pd.DataFrame({"id": ids}))).table["id"].tolist() == [TID]
    joined_by_number = Catalogue.of(Parts(objects(), more=pd.DataFrame({"id": [TARGETID], "w1": [15.5]})))
    assert row(joined_by_number)["w1"] == 15.5
    with pytest.raises(DataError, match=r"more id: .*floats lose digits"):
        Catalogue.of(Parts(objects(), more=pd.DataFrame({"id": [float(TARGETID)], "w1": [15.5]})))


@pytest.mark.parametrize(("parts", "text"), [
    ({"objects": pd.DataFrame({"ra": [1.0]})}, "objects: expected columns id, got no id"),
    ({"objects": objects().iloc[:0]}, "at least one object"),
    ({"objects": objects().assign(ra="12:30:00")}, "numbers in degrees in ra"),
    ({"objects": objects(), "matches": pd.DataFrame({"id": [TID], "service": ["SIMBAD"]})}, "got no status"),
    ({"objects": objects(), "matches": pd.DataFrame({"id": [TID], "service": ["S"], "status": ["perhaps"]})},
     "a status out of matched, none, failed, not_checked, got 'perhaps'"),
])
def test_what_cannot_be_joined_is_refused_in_words(parts, text) -> None:
    with pytest.raises(DataError, match=text):
        Catalogue.of(Parts(**parts))


def test_names_that_differ_in_capitals_only_do_not_meet() -> None:
    catalogue = Catalogue.of(Parts(objects(), more=pd.DataFrame({"id": IDS, "Z": 1.0, "my flux (r)": 2.0})))
    assert {"z", "more_Z", "my_flux_r"} <= set(catalogue.table.columns), "FITS does not tell Z from z"


# -- the sky -----------------------------------------------------------------------------------------------------------


def test_rows_are_sorted_by_a_first_column_that_says_where_they_are() -> None:
    table = Catalogue.of(Parts(objects())).table
    assert table.columns[0] == "_healpix_29"
    assert table["_healpix_29"].dtype == np.int64
    assert table["_healpix_29"].is_monotonic_increasing
    lon, lat = healpix_to_lonlat(table["_healpix_29"], 2**29, order="nested")
    assert np.allclose(lon.to_value(units.deg), table["ra"], atol=1e-6)
    assert np.allclose(lat.to_value(units.deg), table["dec"], atol=1e-6)


def test_the_pixel_is_the_one_of_the_published_scheme() -> None:
    # Base pixels of the scheme: 4 at (0, 0), 0–3 around (45, 41.8) …, 8–11 in the south.
    base = healpix_29([0.0, 45.0, 135.0, 45.0], [0.0, 41.8103, 41.8103, -41.8103]) >> 58
    assert base.tolist() == [4, 0, 1, 8]
    assert healpix_29([370.0, -350.0], [5.0, 5.0]).tolist() == healpix_29([10.0, 10.0], [5.0, 5.0]).tolist()


@pytest.mark.parametrize(("ra", "dec", "why"), [
    (np.nan, 0.0, "position is not finite"), (10.0, np.inf, "position is not finite"),
    (10.0, 90.1, "declination beyond the poles"),
])
def test_an_object_without_a_place_stays_and_is_listed(ra, dec, why) -> None:
    table = objects()
    table.loc[1, ["ra", "dec"]] = ra, dec
    catalogue = Catalogue.of(Parts(table))
    assert len(catalogue) == 4
    assert row(catalogue, IDS[1])["_healpix_29"] == -1
    assert catalogue.left_out == [(IDS[1], f"no place on the sky: {why}")]


# -- people and services -----------------------------------------------------------------------------------------------


def said(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame([(*one, f"2026-01-0{i}T00:00:00Z") for i, one in enumerate(rows, 1)],
                        columns=["id", "author", "label", "note", "time"])


def test_the_label_is_what_most_inspectors_say() -> None:
    labels = said((TID, "ada", "lens", "two peaks"), (TID, "bob", "lens", ""), (TID, "eve", "artefact", "sky | noise"),
                  (IDS[1], "ada", "lens", ""), (IDS[1], "bob", "artefact", ""), ("gone", "ada", "lens", ""))
    catalogue = Catalogue.of(Parts(objects(), labels=labels))
    one = row(catalogue)
    assert (one["label"], one["label_count"], one["label_authors"]) == ("lens", 3, "ada;bob;eve")
    assert one["label_agreement"] == pytest.approx(2 / 3)
    assert split(one["label_notes"], "|") == ["two peaks", "sky | noise"]
    assert one["label_time"] == "2026-01-03T00:00:00Z"
    assert row(catalogue, IDS[1])["label"] == "disputed"
    assert (row(catalogue, IDS[2])["label"], row(catalogue, IDS[2])["label_count"]) == ("", 0)
    assert catalogue.unknown == {"labels": ["gone"]}


def test_the_last_word_of_each_counts_and_may_be_taken_back() -> None:
    labels = said((TID, "ada", "lens", ""), (TID, "ada", "artefact", ""), (IDS[1], "ada", "lens", ""),
                  (IDS[1], "ada", "", ""), (IDS[2], "ada", "noted", "look again"))
    catalogue = Catalogue.of(Parts(objects(), labels=labels))
    assert row(catalogue)["label"] == "artefact"
    assert row(catalogue)["label_count"] == 1
    assert row(catalogue, IDS[1])["label_authors"] == ""
    noted = row(catalogue, IDS[2])
    assert (noted["label"], noted["label_notes"], noted["label_count"]) == ("", "look again", 0)


def test_not_checked_is_never_read_as_not_found() -> None:
    matches = pd.DataFrame([
        (TID, "SIMBAD", "matched", "far one", 2.0), (TID, "SIMBAD", "matched", "near one", 0.3),
        (IDS[1], "SIMBAD", "none", "", np.nan), (IDS[2], "SIMBAD", "failed", "", np.nan),
        (TID, "XMatch: AllWISE", "matched", "J00", 0.1), ("stranger", "SIMBAD", "matched", "x", 0.1),
    ], columns=["id", "service", "status", "name", "separation"])
    catalogue = Catalogue.of(Parts(objects(), matches=matches))
    status = catalogue.table.set_index("id")["simbad_status"]
    assert status[IDS].tolist() == ["matched", "none", "failed", "not_checked"]
    assert row(catalogue)["simbad_name"] == "near one"
    assert split(row(catalogue)["matched_in"]) == ["SIMBAD", "XMatch: AllWISE"]
    assert row(catalogue, IDS[1])["xmatch_allwise_status"] == "not_checked"
    assert catalogue.unknown == {"matches": ["stranger"]}


@pytest.mark.parametrize("names", [("id", "kin"), ("query", "id")])
def test_kin_are_one_cell_nearest_first(names) -> None:
    kin = pd.DataFrame({names[0]: [TID, TID, TID], names[1]: ["far", "a;b", "near"], "rank": [3, 2, 1],
                        "distance": [3.0, 2.0, 1.0], "label": ["", "lens", "lens"]})
    catalogue = Catalogue.of(Parts(objects(), kin=kin))
    assert catalogue.kin(TID) == ["near", "a;b", "far"]
    assert split(row(catalogue)["kin_labels"]) == ["lens", "lens", ""]
    assert row(catalogue)["kin_distance"] == 1.0
    assert catalogue.kin(IDS[1]) == []
    with pytest.raises(DataError, match="expected an id of the catalogue, got 'nobody'"):
        catalogue.kin("nobody")


def test_votes_keep_yes_no_and_not_asked_apart() -> None:
    votes = pd.DataFrame({"id": IDS[:2], "vote": ["lens", ""], "far": [False, True], "quantile": [0.2, 0.99],
                          "mean_logmass": [10.5, np.nan]})
    catalogue = Catalogue.of(Parts(objects(), votes=votes))
    assert catalogue.table.set_index("id")["kin_far"][IDS].tolist() == [0, 1, pd.NA, pd.NA]
    assert row(catalogue)["kin_mean_logmass"] == 10.5


def test_what_a_service_was_asked_for_comes_along() -> None:
    matches = pd.DataFrame({"id": [TID], "service": ["AllWISE"], "status": ["matched"], "W1mag": [15.5], "type": [None],
                            "coincidence": [0.01], "date": ["2026-01-01"], "reason": [""]})
    one = row(Catalogue.of(Parts(objects(), matches=matches)))
    assert (one["allwise_W1mag"], one["allwise_coincidence"]) == (15.5, 0.01)
    assert not {"allwise_date", "allwise_reason", "allwise_type"} & set(one), "nobody knows a type"


def test_residuals_of_arms_and_shares_of_bands_are_told_apart() -> None:
    residuals = pd.DataFrame({"id": IDS, "chi2_b": 1.0, "n_b": 100, "percentile_b": 50.0})
    shares = pd.DataFrame({"id": IDS, "b": 0.3})
    told = Catalogue.of(Parts(objects(), shares=shares, residuals=residuals)).describe().set_index("name")
    assert told.loc["residual_chi2_b", "description"] == "Inverse-variance weighted mean squared residual in arm b"
    assert told.loc["residual_n_b", "type"] == "int64"
    assert told.loc["share_b", "description"] == "Share of the residual in band b"


# -- tiers -------------------------------------------------------------------------------------------------------------


def tier_of(catalogue: Catalogue) -> list[str]:
    return catalogue.table.set_index("id")["tier"][IDS].tolist()


def test_gold_asks_for_score_trust_and_a_low_probability_of_an_artefact() -> None:
    catalogue = Catalogue.of(Parts(objects(), scores(), explanations=explanations()))
    assert tier_of(catalogue) == ["gold", "gold", "silver", ""]
    reasons = catalogue.table.set_index("id")["tier_reason"][IDS].tolist()
    assert reasons == ["", "", "chi2_ivar_cal below 5", "chi2_ivar_cal below 3"], "no score is no high score"
    assert catalogue.tier("gold")["id"].tolist() == IDS[:2]
    assert "gold: chi2_ivar_cal at least 5" in catalogue.summary()
    assert catalogue.meta["tiers"]["gold"] == 5.0


@pytest.mark.parametrize(("change", "tier", "reason"), [
    ({"grade": ["unstable", "trusted"]}, "silver", "explanation not trusted"),
    ({"artefact": [0.3, 0.1]}, "silver", "probability of an artefact at least 0.2"),
    ({"artefact": [np.nan, 0.1]}, "silver", "probability of an artefact not known"),
    ({"artefact": [0.7, 0.1]}, "", "probability of an artefact at least 0.5"),
])
def test_each_reason_not_to_be_gold_is_told(change, tier, reason) -> None:
    catalogue = Catalogue.of(Parts(objects(), scores(), explanations=explanations(**change)))
    assert (row(catalogue)["tier"], row(catalogue)["tier_reason"]) == (tier, reason)


def test_where_no_probability_is_calibrated_the_other_thresholds_decide_and_that_is_said() -> None:
    note = "not calibrated for quasars"
    told = explanations(artefact=[np.nan, np.nan], artefact_note=[note, ""])
    catalogue = Catalogue.of(Parts(objects(), scores(), explanations=told))
    assert tier_of(catalogue) == ["gold", "silver", "silver", ""]
    assert row(catalogue)["artefact_note"] == note
    assert f"Of 1 explained objects the probability of an artefact is not asked: it is {note}." in catalogue.summary()
    poor = explanations(artefact=[np.nan, 0.1], artefact_note=[note, ""], grade=["poor fit", "trusted"])
    assert tier_of(Catalogue.of(Parts(objects(), scores(), explanations=poor)))[:2] == ["silver", "gold"]
    assert "not asked" not in Catalogue.of(Parts(objects(), scores(), explanations=explanations())).summary()


def test_an_inspector_who_says_artefact_takes_the_tier_away() -> None:
    catalogue = Catalogue.of(Parts(objects(), scores(), explanations=explanations(),
                                   labels=said((TID, "ada", "artefact", ""))))
    assert (row(catalogue)["tier"], row(catalogue)["tier_reason"]) == ("", "labelled artefact")


def test_thresholds_are_parameters() -> None:
    tiers = Tiers("mse_cal", gold=0.9, silver=0.8)
    with pytest.raises(ArgumentError, match="one of 'chi2_ivar_cal', got 'mse_cal'"):
        Catalogue.of(Parts(objects(), scores()), tiers=tiers)
    with pytest.raises(ArgumentError, match="at least the threshold of silver"):
        Tiers(gold=1.0)
    with pytest.raises(ArgumentError, match="a probability"):
        Tiers(gold_artefact=2.0)
    assert tier_of(Catalogue.of(Parts(objects(), scores()), tiers=Tiers(gold=8.0, silver=5.0))) == ["silver"] * 2 + [
        ""] * 2
    assert "tier" not in Catalogue.of(Parts(objects())).table, "no score, no tier"


# -- what columns mean -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ucd", sorted({one.ucd for one in _KNOWN} | {pattern[3] for pattern in _PATTERNS}))
def test_each_ucd_is_of_the_controlled_vocabulary(ucd) -> None:
    assert check_ucd(ucd, check_controlled_vocabulary=True, has_colon=True)


def test_each_column_is_described() -> None:
    catalogue = Catalogue.of(Parts(objects(), scores(), explanations=explanations()))
    told = catalogue.describe().set_index("name")
    assert told.index.tolist() == catalogue.table.columns.tolist()
    assert (told["description"] != "").all()
    assert told.loc["ra", "unit"] == "deg"
    assert told.loc["id", "ucd"] == "meta.id;meta.main"
    assert "in excess of spectra of like S/N" in told.loc["chi2_ivar_cal", "description"]
    assert told.loc["mse", "description"] == "Score mse, higher is odder"
    assert describe("context_sky").description.endswith("on sky lines")


def test_own_columns_may_be_described_and_are_checked() -> None:
    parts = Parts(objects(), more=pd.DataFrame({"id": IDS, "flux": 1.0}))
    own = Catalogue.of(parts, columns={"flux": Column("flux", "Flux at 5500 A", "1e-17 erg/(s cm2 Angstrom)",
                                                      "phot.flux.density")})
    assert own.describe().set_index("name").loc["flux", "unit"].startswith("1e-17 erg")
    for bad, text in ((Column("flux", "x", "parrots"), "a unit"), (Column("flux", "x", ucd="no.such"), "UCD1"),
                      (Column("flux", "in Å"), "ASCII")):
        with pytest.raises(ArgumentError, match=text):
            Catalogue.of(parts, columns={"flux": bad})


def test_provenance_is_in_every_row_and_the_metadata() -> None:
    catalogue = Catalogue.of(Parts(objects()), provenance={"run": "first", "model": "ab12"})
    assert {"run", "model", "specanom", "date"} <= set(catalogue.meta["provenance"])
    assert "run first" in split(row(catalogue)["provenance"])
    assert (catalogue.table["provenance"] == row(catalogue)["provenance"]).all()


def test_a_page_shows_text_as_text() -> None:
    table = objects().assign(id=["<script>alert(1)</script>", *IDS[1:]])
    page = Catalogue.of(Parts(table, scores()))._repr_html_()
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "Catalogue: 4 objects" in page


# -- explanations ------------------------------------------------------------------------------------------------------


class Explained:
    """What an Explanation offers."""

    id, grade, reason, score, r2, artefact = TID, "trusted", "R² 1.00", 9.0, 0.99, 0.1
    z_second, untold = 0.532, "not calibrated for quasars"
    weights = np.array([0.1, -3.0, 2.0])
    interval = np.array([[0.0, 0.2], [-3.5, -2.5], [1.9, 2.1]])
    names, frame = ("continuum", "Hα+[N II]", "[O III]"), "rest"
    segments, wave = np.repeat([0, 1, 2], 2), np.arange(4000.0, 4006.0)
    order = np.array([1, 2, 0])
    context = type("Context", (), {"shares": dict.fromkeys(
        ("lines", "imputed", "sky", "telluric", "join", "continuum", "narrow"), 1 / 7)})()


def test_the_segments_of_largest_weight_are_columns() -> None:
    made = explanation_table([Explained()], top=2).iloc[0]
    assert (made["top_1_segment"], made["top_1_weight"]) == ("Hα+[N II]", -3.0)
    assert (made["top_1_weight_low"], made["top_1_weight_high"]) == (-3.5, -2.5)
    assert (made["top_2_from"], made["top_2_to"]) == (4004.0, 4005.0)
    assert made["sky"] == pytest.approx(1 / 7)
    one = row(Catalogue.of(Parts(objects(), explanations=explanation_table([Explained()], top=5))))
    assert one["explanation_grade"] == "trusted"
    assert one["explanation_frame"] == "rest"
    assert one["context_sky"] == pytest.approx(1 / 7)
    assert one["z_second"] == 0.532
    assert one["artefact_note"] == "not calibrated for quasars"
    assert one["top_3_segment"] == "continuum"
    assert one["top_5_segment"] == "", "there are three segments only"
    with pytest.raises(ArgumentError, match="a number of segments"):
        explanation_table([], top=-1)


# -- cells -------------------------------------------------------------------------------------------------------------


@given(st.lists(st.text(), min_size=1).filter(lambda texts: texts != [""]))
def test_what_is_joined_can_be_split(texts) -> None:
    assert split(joined(texts)) == texts


@given(st.text(st.characters()))
def test_a_text_of_one_line_stays_as_it_is(text) -> None:
    once = one_line(text)
    assert one_line(once) == once
    assert not any(ord(letter) < 32 or 127 <= ord(letter) < 160 for letter in once)
    once.encode("utf-8")


def test_parts_without_rows_leave_their_columns_blank() -> None:
    empty = {"kin": ["id", "kin", "distance"], "labels": ["id", "label"], "matches": ["id", "service", "status"]}
    parts = {name: pd.DataFrame({column: [] for column in columns}) for name, columns in empty.items()}
    catalogue = Catalogue.of(Parts(objects(), **parts))
    assert (catalogue.table["kin"] == "").all()
    assert (catalogue.table["label"] == "").all()
    assert catalogue.table["label_count"].dtype == np.int64
    assert (catalogue.table["matched_in"] == "").all()


def test_stories_need_to_know_which_cluster_an_object_is_in() -> None:
    stories = pd.DataFrame({"cluster": [0], "story": ["broken Hα"]})
    with pytest.raises(DataError, match=r"clusters.*cluster"):
        Catalogue.of(Parts(objects(), clusters=pd.DataFrame({"id": [TID], "group": [0]}), stories=stories))


def test_a_cluster_of_galaxies_is_no_cluster_of_explanations() -> None:
    known = objects().assign(cluster=[7, 0, 0, 0])
    made = Catalogue.of(Parts(known, clusters=pd.DataFrame({"id": [known["id"][0]], "cluster": [0]}),
                              stories=pd.DataFrame({"cluster": [0, 7], "story": ["broken Hα", "wrong"]})))
    told = made.table.set_index("id")["cluster_story"]
    assert told[str(known["id"][0])] == "broken Hα"
    assert sorted(told) == ["", "", "", "broken Hα"]


@pytest.mark.parametrize("id", [TARGETID, TID, TID.encode(), np.int64(TARGETID), f" {TID} "])
def test_an_object_is_found_by_its_id_however_it_is_given(id) -> None:
    assert Catalogue.of(Parts(objects()))[id]["id"] == TID
