"""What is said about clusters."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from specanom import SpectrumSet
from specanom.cluster import ClusterSummary, ExplanationClusterer, selection
from specanom.cluster.places import segment_name
from specanom.cluster.story import cluster_names, dominant, sentence
from specanom.errors import ArgumentError, DataError

P, K, N = 800, 8, 60


@pytest.fixture(scope="module")
def made() -> tuple[SimpleNamespace, SpectrumSet, pd.DataFrame]:
    rng = np.random.default_rng(0)
    truth = np.arange(N) % 2
    wave, segments = np.linspace(4700, 6700, P), np.arange(P) * K // P
    weights = np.abs(rng.normal(0, 0.02, (N, K)))
    weights[truth == 0, 7] += 1.0
    weights[truth == 0, 1] += 0.6
    weights[truth == 1, 3] += 1.0
    flux = 1 + rng.normal(0, 0.05, (N, P)) + truth[:, None]
    imputed = np.zeros((N, P), dtype=bool)
    imputed[:, 10:20] = True
    ids = [f"obj{i}" for i in range(N)]
    table = pd.DataFrame({"id": ids, "z": 0.05 + 0.1 * truth, "snr": 10.0 + np.arange(N) / 100})
    context = pd.DataFrame(
        {
            "id": ids,
            "lines": 0.9 - 0.8 * truth,
            "imputed": 0.0,
            "sky": 0.6 * truth,
            "telluric": 0.0,
            "join": np.nan,
            "continuum": 0.1,
        }
    )
    es = SimpleNamespace(
        weights=weights,
        ids=ids,
        scores=np.arange(N, dtype=float),
        segments=segments,
        wave=wave,
        context=context,
        truth=truth,
    )
    sample = SpectrumSet(wave, flux[::-1], np.full((N, P), 400.0), table.iloc[::-1], imputed=imputed)
    lines = pd.DataFrame({"id": ids, "bpt": np.where(truth == 0, "SF", "none")})
    for name, value in (("decrement", 3.5), ("N2", 0.3), ("O3", 1.2), ("O32", 1.1), ("O3N2", 0.6)):
        lines[name] = np.where(truth == 0, value * (1 + 0.01 * rng.normal(size=N)), np.nan)
    return es, sample, lines


@pytest.fixture(scope="module")
def summary(made) -> ClusterSummary:
    es, sample, lines = made
    return ExplanationClusterer(2, bootstrap=5).fit(es).summary(sample, lines)


def emission(summary: ClusterSummary):
    return next(c for c in summary if c.bpt["SF"])


def test_members_are_found_by_id_whatever_the_order_of_the_sample(summary: ClusterSummary, made) -> None:
    es, _, _ = made
    cluster = emission(summary)
    assert set(cluster.ids) == {es.ids[i] for i in np.flatnonzero(es.truth == 0)}
    assert cluster.z[1] == pytest.approx(0.05)
    assert np.nanmean(cluster.flux) == pytest.approx(1.0, abs=0.01)


def test_the_band_holds_two_thirds_and_imputed_pixels_are_left_out(summary: ClusterSummary) -> None:
    cluster = emission(summary)
    assert np.isnan(cluster.flux[10:20]).all()
    assert np.nanmedian(cluster.flux_high - cluster.flux_low) == pytest.approx(2 * 0.05, rel=0.15)
    assert (cluster.weights_low <= cluster.weights_high).all()


def test_medoid_top_and_nearest_are_members(summary: ClusterSummary) -> None:
    for cluster in summary:
        assert cluster.medoid == cluster.nearest[0]
        assert cluster.top[0] == max(cluster.ids, key=lambda id: int(id[3:]))
        assert set(cluster.top) <= set(cluster.ids)


def test_the_sentence_names_lines_gas_and_redshift(summary: ClusterSummary) -> None:
    story = emission(summary).story
    assert story.startswith("30 spectra whose weight sits on Hα+[N II] (")
    assert "[O III]" in story
    assert "star-forming line ratios" in story
    assert story.endswith("median z 0.05.")
    assert "suspicious" not in story


def test_weight_on_the_sky_is_called_suspicious(summary: ClusterSummary) -> None:
    other = next(c for c in summary if not c.bpt["SF"])
    assert other.artefact == pytest.approx(0.6)
    assert "suspicious: 60 % of the weight lies where artefacts do (sky lines 60 %)" in other.story


def test_line_ratios_are_45_to_55_percentile_ranges(summary: ClusterSummary) -> None:
    ratios = emission(summary).ratios
    assert ratios is not None
    assert ratios.loc["decrement", "low"] < 3.5 * 1.01
    assert ratios.loc["decrement", "high"] > ratios.loc["decrement", "low"]
    assert ratios.loc["decrement", "count"] == 30


def test_the_table_has_a_row_a_cluster(summary: ClusterSummary) -> None:
    table = summary.to_frame()
    assert len(table) == len(summary) == 2
    assert {"size", "medoid", "snr", "z", "share_lines", "decrement_low", "story"} <= set(table)
    assert "<table" in summary._repr_html_()
    assert "ClusterSummary: 2 clusters" in repr(summary)
    assert summary.lines is not None
    assert set(summary.lines["cluster"]) == {0, 1}


def test_the_record_is_frozen(summary: ClusterSummary) -> None:
    with pytest.raises(AttributeError):
        summary[0].size = 3
    with pytest.raises(ValueError, match="read-only"):
        summary[0].flux[0] = 1
    with pytest.raises(ArgumentError, match="cluster"):
        summary[2]


def test_spectra_missing_from_the_sample_are_listed_and_none_at_all_is_an_error(made) -> None:
    es, sample, _ = made
    clusters = ExplanationClusterer(2, bootstrap=0).fit(es)
    part = clusters.summary(sample[:50], lines=False)
    assert len(part.left_out) == 10
    assert part[0].ratios is None
    stranger = SpectrumSet(sample.wave, sample.flux[:2])
    with pytest.raises(DataError, match="by id"):
        clusters.summary(stranger, lines=False)
    with pytest.raises(DataError, match="measure_lines"):
        clusters.summary(sample, lines=pd.DataFrame({"id": []}))


def test_lines_are_measured_when_none_are_given(made) -> None:
    es, sample, _ = made
    summary = (
        ExplanationClusterer(2, bootstrap=0)
        .fit(
            SimpleNamespace(
                **{
                    **vars(es),
                    "weights": es.weights[:12],
                    "ids": es.ids[:12],
                    "scores": es.scores[:12],
                    "context": None,
                }
            )
        )
        .summary(sample)
    )
    assert summary.lines is not None
    assert "Ha_flux" in summary.lines
    assert "OII_flux" in summary.lines


def test_segments_are_named_after_their_emission_lines_first() -> None:
    assert segment_name(6520, 6600) == "Hα+[N II]"
    assert segment_name(3960, 3980) == "Hε"
    assert segment_name(5160, 5190) == "Mg b"
    assert segment_name(5400, 5450) == "continuum 5400–5450 Å"


def test_names_follow_the_weight_of_the_members() -> None:
    names = [("sky", "a"), ("Hα", "a"), ("Hα", "b")]
    assert cluster_names(names, np.array([[0.9, 0.1], [0.2, 0.1], [0.3, 0.5]])) == ("sky", "b")


def test_dominant_adds_up_segments_of_one_name() -> None:
    assert dominant(("x", "y", "x"), np.array([0.3, 0.4, 0.3])) == (
        ("x", pytest.approx(0.6)),
        ("y", pytest.approx(0.4)),
    )


def test_widely_spread_weight_and_mixed_gas_are_said() -> None:
    text = sentence(
        50, [("continuum 4000–4050 Å", 0.05)], context={}, classes={"SF": 20, "Seyfert": 20}, z=float("nan")
    )
    assert "is spread widely, most on" in text
    assert "mixed line ratios" in text
    assert "median z" not in text


def test_of_quasars_neither_a_probability_nor_a_share_is_told_as_one() -> None:
    context = pd.DataFrame({"lines": [0.2, 0.2, 0.2], "sky": [0.8, 0.8, 0.8], "artefact": np.nan})
    members = np.array([0, 1])
    for untold, expected in ((["", "", ""], 0.8), (["not for quasars"] * 3, np.nan), (["x", "", "x"], 0.8)):
        features = SimpleNamespace(context=context.assign(untold=untold))
        shares = selection.context_of(features, members)
        assert shares == {"lines": pytest.approx(0.2), "sky": pytest.approx(0.8)}
        assert selection.artefact_of(features, members, shares) == pytest.approx(expected, nan_ok=True)
        assert selection.untold_of(features, members) == (untold[0] if np.isnan(expected) else "")
