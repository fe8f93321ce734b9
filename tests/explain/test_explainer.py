"""The Explainer: same numbers alone or among many, any callable score, bad input told or skipped."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import ArgumentError, DataError, GridError, ShapeError
from specanom.explain.explainer import ExplanationWarning
from specanom.seeds import object_seed

P = 400
WAVE = np.linspace(4000.0, 7000.0, P)
RNG = np.random.default_rng(0)
DOWN, UP = RNG.normal(size=(P, 8)).astype(np.float32) / 20, RNG.normal(size=(8, P)).astype(np.float32) / 20
QUICK = sa.Lime(300)


def reconstruct(flux: np.ndarray) -> np.ndarray:
    """A small autoencoder."""
    return 1 + np.maximum((flux - 1) @ DOWN, -0.1) @ UP


def mse(flux: np.ndarray) -> np.ndarray:
    return ((flux - reconstruct(flux)) ** 2).mean(axis=1)


@dataclass(frozen=True)
class Bound:
    """What a scorer's bind returns."""

    keep: np.ndarray
    name: str = "toy"

    @staticmethod
    def reconstruct(flux: np.ndarray) -> np.ndarray:
        return reconstruct(flux)

    def __call__(self, flux: np.ndarray) -> np.ndarray:
        return ((flux - reconstruct(flux)) ** 2)[:, self.keep].mean(axis=1)


class Toy:
    """A scorer that leaves imputed pixels out and refuses another grid."""

    name = "toy"

    def bind(self, spectrum: sa.Spectrum) -> Bound:
        if len(spectrum) != P:
            raise GridError("another grid")
        return Bound(np.ones(P, dtype=bool) if spectrum.imputed is None else ~spectrum.imputed)


def _sample(n: int = 6, **more: Any) -> sa.SpectrumSet:
    rng = np.random.default_rng(1)
    flux = (1 + 0.05 * rng.normal(size=(n, P))).astype(np.float32)
    for i in range(n):
        flux[i, 40 * i : 40 * i + 20] += 1.5
    table = pd.DataFrame({"id": [f"object {i}" for i in range(n)], "z": 0.1, "instrument": "SDSS"})
    return sa.SpectrumSet(WAVE, flux, np.full((n, P), 400.0), table, **more)


def test_the_segment_that_was_raised_has_the_highest_weight_and_it_is_positive() -> None:
    sample = _sample()
    es = sa.Explainer(Toy(), sa.Uniform(20), method=QUICK).explain_many(sample)
    assert es.weights.argmax(axis=1).tolist() == [2 * i for i in range(6)]
    assert (es.weights.max(axis=1) > 0).all()
    np.testing.assert_allclose(es.scores, mse(sample.flux), rtol=1e-5)


def test_alone_among_many_in_any_order_and_in_threads_the_bits_are_the_same() -> None:
    sample = _sample(20)
    explainer = sa.Explainer(Toy(), sa.Uniform(20), perturbation=sa.Flat(1, noise=0.1), method=QUICK, seed=4)
    many = explainer.explain_many(sample)
    turned = explainer.explain_many(sample[np.arange(20)[::-1]])
    threads = explainer.explain_many(sample, executor="threads:3")
    assert np.array_equal(many.weights, turned.weights[::-1])
    assert np.array_equal(many.weights, threads.weights)
    back = pickle.loads(pickle.dumps(many))  # noqa: S301
    one = pickle.loads(pickle.dumps(many[3]))  # noqa: S301
    assert repr(back[3]) == repr(one) == repr(many[3])
    for i in (0, 7, 19):
        alone = explainer.explain(sample[i])
        assert np.array_equal(alone.weights, many.weights[i])
        assert np.array_equal(alone.interval, many.interval[i])
        np.testing.assert_equal(alone.context.shares, many[i].context.shares)
    assert many.ids == sample.ids


def test_another_seed_draws_other_masks() -> None:
    spectrum = _sample()[0]
    first, second = (sa.Explainer(mse, sa.Uniform(20), method=QUICK, seed=s).explain(spectrum) for s in (0, 1))
    assert not np.array_equal(first.weights, second.weights)
    np.testing.assert_allclose(first.weights, second.weights, atol=0.3 * np.abs(first.weights).max())


def test_any_callable_will_do_as_score() -> None:
    flux = _sample().flux
    plain = sa.Explainer(lambda f: f.mean(axis=1), sa.Uniform(10), method=QUICK).explain(flux[0])
    # Scale(0.9): a segment holds a tenth of its share of the mean.
    parts = 0.1 * flux[0].astype(float).reshape(10, 40).sum(axis=1) / P
    np.testing.assert_allclose(plain.weights, parts, rtol=0.03)
    assert plain.path == "generic: the score is a plain function"
    assert np.isnan([plain.context.lines, plain.context.sky, plain.context.continuum]).all()  # pixels, not Å
    assert plain.names[0].endswith("pixels")
    assert plain.grade == "trusted"
    many = sa.Explainer(lambda f: f.mean(axis=1), sa.Uniform(10), method=QUICK).explain_many(flux)
    assert np.array_equal(many.weights[0], plain.weights)


def test_a_fully_imputed_segment_has_no_weight_and_its_content_does_not_matter() -> None:
    imputed = np.zeros((2, P), dtype=bool)
    imputed[:, 100:120] = True  # segment 5 of 20
    flux = np.repeat(_sample().flux[:1], 2, axis=0)
    flux[1, 100:120] = 1.7

    class Blind(Toy):
        def bind(self, spectrum: sa.Spectrum) -> Any:
            keep = ~spectrum.imputed

            def score(some: np.ndarray) -> np.ndarray:
                return ((some - 1) ** 2)[:, keep].mean(axis=1)

            score.keep = keep  # type: ignore[attr-defined]
            return score

    for fill in (sa.Scale(0.9), sa.SegmentMean(), sa.Blur(10), sa.Contrast(0.9)):
        explainer = sa.Explainer(Blind(), sa.Uniform(20), perturbation=fill, method=sa.Lime(1500, alpha=1e-6))
        sample = sa.SpectrumSet(WAVE, flux, imputed=imputed)
        es = explainer.explain_many(sample)
        np.testing.assert_allclose(es.weights[0], es.weights[1], rtol=1e-6, atol=1e-12)
        assert abs(es.weights[0, 5]) < 0.03 * np.abs(es.weights[0]).max()


def test_an_imputed_pixel_that_the_score_counts_is_perturbed() -> None:
    imputed = np.zeros((1, P), dtype=bool)
    imputed[:, 100:120] = True
    flux = np.ones((1, P), dtype=np.float32)
    flux[:, 100:120] = 2.0
    es = sa.Explainer(mse, sa.Uniform(20), method=QUICK).explain_many(sa.SpectrumSet(WAVE, flux, imputed=imputed))
    assert es.weights[0].argmax() == 5


def test_fills_are_drawn_from_the_seed_and_the_id() -> None:
    seen = []

    def fill(flux: np.ndarray, segments: np.ndarray, *, seed: int, reconstruct: Any = None) -> np.ndarray:
        seen.append(seed)
        return 0.9 * flux

    sa.Explainer(mse, sa.Uniform(5), perturbation=fill, method=QUICK, seed=3).explain_many(_sample(2))
    assert seen == [object_seed(3, "object 0"), object_seed(3, "object 1")]


def test_a_single_bad_spectrum_is_skipped_counted_and_listed() -> None:
    flux = _sample(4).flux.copy()
    flux[1, 7] = np.nan
    sample = _sample(4).replace(flux=flux)

    class Picky(Toy):
        def bind(self, spectrum: sa.Spectrum) -> Any:
            if spectrum.id == "object 2":
                return lambda f: np.full(len(f), np.nan)
            return super().bind(spectrum)

    es = sa.Explainer(Picky(), sa.Uniform(20), method=QUICK).explain_many(sample)
    assert es.ids == ["object 0", "object 3"]
    assert [one.id for one in es.skipped] == ["object 1", "object 2"]
    assert "1 NaN" in es.skipped[0].reason
    assert "finite score of the spectrum itself" in es.skipped[1].reason
    assert "2 skipped" in repr(es)


def test_nothing_left_to_explain_is_an_error_with_the_reasons() -> None:
    with pytest.raises(DataError, match="object 0: flux"):
        sa.Explainer(mse, sa.Uniform(20), method=QUICK).explain_many(_sample(1).replace(flux=np.full((1, P), np.nan)))
    with pytest.raises(DataError, match="empty sample"):
        sa.Explainer(mse, method=QUICK).explain_many([])


def test_wrong_calls_stop_at_once() -> None:
    spectrum = _sample()[0]
    with pytest.raises(DataError, match="NaN or infinite"):
        sa.Explainer(mse).explain(np.full(P, np.inf))
    with pytest.raises(DataError, match="spectrum itself"):
        sa.Explainer(lambda f: np.full(len(f), np.nan), method=QUICK).explain(spectrum)
    with pytest.raises(ArgumentError, match="at most 400 segments"):
        sa.Explainer(mse, sa.Uniform(401)).explain_many(_sample())
    with pytest.raises(GridError):
        sa.Explainer(Toy()).explain_many(sa.SpectrumSet(WAVE[:300], np.ones((2, 300))))
    with pytest.raises(ShapeError, match="one value a row"):
        sa.Explainer(lambda f: f, method=QUICK).explain(spectrum)
    with pytest.raises(ShapeError, match="explain_many"):
        sa.Explainer(mse).explain(_sample().flux)
    for one in (_sample().flux[0], spectrum, 3):
        with pytest.raises(ShapeError, match="explain for one"):
            sa.Explainer(mse).explain_many(one)  # type: ignore[arg-type]
    for many in (_sample(), "x", [[1.0]]):
        with pytest.raises(ShapeError, match="explain_many"):
            sa.Explainer(mse).explain(many)  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match="Spectrum objects"):
        sa.Explainer(mse).explain_many(["x"])  # type: ignore[list-item]
    with pytest.raises(ArgumentError, match="score with a model"):
        sa.Explainer(mse, perturbation=sa.Typical()).explain(spectrum)


@pytest.mark.parametrize(("name", "value"), [("segments", 77), ("segments", sa.Uniform), ("perturbation", "scale"),
                                             ("method", "lime"), ("score", 3), ("preset", "papr")])
def test_parts_that_cannot_be_used_are_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(ArgumentError, match=name):
        sa.Explainer(**{"score": mse, name: value})


def test_lines_need_a_redshift_and_find_lines_in_the_observed_frame() -> None:
    flux = np.ones(P, dtype=np.float32)
    seen = WAVE * 1.1
    flux[np.abs(WAVE - 5008.24) < 8] += 2
    explainer = sa.Explainer(mse, sa.Lines(), method=sa.Lime(600))
    rest = explainer.explain(sa.Spectrum(WAVE, flux, z=0.1, frame="rest", scale="normalised", id="a"))
    observed = explainer.explain(sa.Spectrum(seen, flux, z=0.1, frame="observed", scale="normalised", id="a"))
    assert rest.as_list(1)[0][0] == observed.as_list(1)[0][0] == "[O III] 5008"
    np.testing.assert_allclose(rest.weights, observed.weights)
    with pytest.raises(DataError, match="redshift"):
        explainer.explain(sa.Spectrum(seen, flux, frame="observed"))


def test_paper_preset_is_the_published_method() -> None:
    paper = sa.Explainer(mse, sa.Uniform(20), preset="paper")
    assert paper.method == sa.Lime(5000, design="independent", kernel_width=0.25, distance="cosine", normalise=False)
    assert paper.perturbation == sa.Contrast(0.9, sigma=3)
    assert sa.Explainer(mse, preset="paper", perturbation=sa.Flat(1)).perturbation == sa.Flat(1)
    assert sa.Explainer(mse, preset="paper", method=sa.Lime(1000)).method.n_samples == 1000
    assert sa.Explainer(mse, preset="paper", segments=sa.Uniform(9)).segments == sa.Uniform(9)
    assert sa.Explainer(mse, preset="paper").explain(_sample()[0]).settings["preset"] == "paper"


def test_the_paper_preset_cuts_as_published_where_no_segments_are_given() -> None:
    paper = sa.Explainer(mse, preset="paper", method=sa.Lime(2000))
    assert np.bincount(paper.explain(_sample()[0]).segments).tolist() == [5] * 77 + [15]  # 400 pixels
    assert sa.Explainer(mse, sa.Uniform(77), preset="paper").segments == sa.Uniform(77)


def test_the_published_slic_never_switches_off_its_last_segment() -> None:
    pytest.importorskip("skimage")
    right, published = (sa.Explainer(mse, sa.Slic(8, published=flag), perturbation=sa.Flat(0.0), method=QUICK)
                        .explain(_sample()[0]).weights for flag in (False, True))
    scale = np.abs(right).max()
    assert abs(right[-1]) > 0.1 * scale
    assert abs(published[-1]) < 0.01 * scale
    np.testing.assert_allclose(published[:-1], right[:-1], atol=0.05 * scale)


def test_what_is_given_beside_the_paper_preset_stays_even_where_it_is_the_usual_value() -> None:
    given = sa.Explainer(mse, preset="paper", method=sa.Lime(n_samples=2000, normalise=True),
                         perturbation=sa.Scale(0.9))
    assert given.method == sa.Lime(2000, design="independent", normalise=True)
    assert given.perturbation == sa.Scale(0.9)
    assert sa.Explainer(mse, preset="paper", method=sa.Lime()).method == sa.Lime(5000, "independent", normalise=False)
    copied = pickle.loads(pickle.dumps(sa.Lime(alpha=2.0)))  # noqa: S301
    assert sa.Explainer(mse, preset="paper", method=copied).method.n_samples == 5000
    assert sa.Lime() == sa.Lime(2000, "paired", normalise=True)
    assert hash(sa.Lime()) == hash(sa.Lime(2000))
    assert "n_samples=2000" in repr(sa.Lime())


def test_a_degenerate_kernel_warns() -> None:
    explainer = sa.Explainer(mse, sa.Uniform(20), method=sa.Lime(300, distance="l2", kernel_width=0.1))
    with pytest.warns(ExplanationWarning, match="effective sample size"):
        one = explainer.explain(_sample()[0])
    assert one.grade == "unstable"
    with pytest.warns(ExplanationWarning, match="^6 explanations: effective") as told:
        explainer.explain_many(_sample())
    assert len(told) == 1


def test_progress_is_shown_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    explainer = sa.Explainer(mse, sa.Uniform(5), method=QUICK)
    explainer.explain_many(_sample())
    assert capsys.readouterr().err == ""
    explainer.explain_many(_sample(), progress=True)
    assert "6 of 6 spectra" in capsys.readouterr().err


def test_slic_sets_have_rows_of_their_own_length() -> None:
    es = sa.Explainer(mse, sa.Slic(15, compactness=0.05, sigma=2), method=QUICK).explain_many(_sample())
    assert es.segments.shape == (6, P)
    sizes = es.segments.max(axis=1) + 1
    for i, row in enumerate(es.weights):
        assert np.isfinite(row[: sizes[i]]).all()
        assert np.isnan(row[sizes[i] :]).all()
        assert es[i].n_segments == sizes[i]
    assert es.per_pixel().shape == (6, P)
    assert np.isfinite(es.per_pixel()).all()
    assert es.edges is None


def test_importing_the_room_loads_no_heavy_package() -> None:
    code = ("import sys, specanom.explain as e; e.Explainer; e.ExplanationSet; "
            "heavy = ('sklearn', 'lime', 'skimage', 'torch', 'bokeh', 'zarr', 'pandas'); "
            "print([m for m in heavy if m in sys.modules])")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_signature_is_the_public_face() -> None:
    names = list(inspect.signature(sa.Explainer).parameters)
    assert names == ["score", "segments", "perturbation", "method", "seed", "preset", "device"]
    assert "Uniform(77" in repr(sa.Explainer(mse))
