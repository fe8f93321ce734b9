"""Settings of the tuner make an explainer, and an explainer gives its settings back."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from specanom.widgets.tuner.kinds import METHODS, PERTURBATIONS, SEGMENTATIONS
from specanom.widgets.tuner.settings import AsGiven, TunerSettings

import specanom as sa
from specanom.explain.segments import Uniform


def canonical(settings: TunerSettings) -> TunerSettings:
    """Return settings with all that do not matter at their defaults: equal for equal explainers."""
    return TunerSettings(**{name: getattr(settings, name) for name in settings.used})


def odd(flux: np.ndarray) -> np.ndarray:
    return ((flux - 1.0) ** 2).mean(axis=1)


positive = st.floats(0.01, 100.0)
number = st.floats(-5.0, 5.0)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "segmentation": st.sampled_from(list(SEGMENTATIONS)),
    "count": st.integers(1, 1000), "published": st.booleans(), "line_width": positive, "continuum": positive,
    "lines": st.none() | st.just(("Ha", "OIII5008")), "compactness": positive, "slic_sigma": st.floats(0, 5),
    "edges": st.lists(st.floats(3000, 9000), min_size=1, max_size=5, unique=True).map(lambda x: tuple(sorted(x))),
    "start": st.sampled_from([name for name in SEGMENTATIONS if name != "refined"]),
    "depth": st.integers(1, 4), "parts": st.sampled_from([2, 4, 8, 16]), "leading": st.integers(1, 9),
    "finest": st.integers(1, 9),
    "perturbation": st.sampled_from(list(PERTURBATIONS)),
    "factor": number, "contrast_sigma": positive, "level": number, "flat_noise": st.floats(0, 1),
    "grey_level": st.none() | number, "blur_sigma": positive, "amplitude": number, "bump_sigma": st.none() | positive,
    "keep_noise": st.sampled_from([None, True, False]),
    "method": st.sampled_from(list(METHODS)),
    "n_samples": st.integers(4, 9000), "adaptive": st.booleans(), "tolerance": positive,
    "max_samples": st.integers(4, 20_000), "design": st.sampled_from(["paired", "independent", "hadamard"]),
    "distance": st.sampled_from(["cosine", "l2"]), "kernel_width": positive, "alpha": positive,
    "normalise": st.booleans(), "anchor": st.booleans(), "engine": st.sampled_from(["specanom", "lime"]),
    "exact": st.sampled_from(["auto", True, False]), "mode": st.sampled_from(["off", "on"]),
    "steps": st.integers(1, 99), "baseline": st.sampled_from(["reconstruction", "fill"]),
    "rule": st.sampled_from(["gauss", "midpoint"]), "seed": st.integers(0, 99),
    "preset": st.sampled_from([None, "paper"]), "device": st.just("cpu"),
}
all_settings = st.fixed_dictionaries(VALUES).map(lambda values: TunerSettings(**values, score="odd"))


@hypothesis_settings(max_examples=120)
@given(all_settings)
def test_an_explainer_gives_back_the_settings_it_was_made_of(settings: TunerSettings) -> None:
    made = settings.explainer(odd)
    assert TunerSettings.of(made) == canonical(settings)
    again = TunerSettings.of(made).explainer(odd)
    for name in ("segments", "perturbation", "method", "seed", "preset", "device", "settings"):
        assert getattr(again, name) == getattr(made, name), name


@hypothesis_settings(max_examples=120)
@given(all_settings)
def test_every_setting_is_tried_and_what_does_not_matter_is_forgotten(settings: TunerSettings) -> None:
    kept = canonical(settings)
    assert kept.used == settings.used
    unused = set(VALUES) - settings.used
    assert all(getattr(kept, name) == getattr(TunerSettings(), name) for name in unused)


@pytest.mark.parametrize("preset", [None, "paper"])
def test_defaults_are_those_of_the_explainer(preset: str | None) -> None:
    made = sa.Explainer(odd, preset=preset)
    found = TunerSettings.of(made)
    assert found.explainer(odd).settings == made.settings
    if preset is None:
        assert found == TunerSettings(score="odd")
    else:
        assert (found.perturbation, found.n_samples, found.design, found.published) == (
            "contrast", 5000, "independent", True)


def test_objects_of_ones_own_are_carried_along() -> None:
    class Thirds:
        uses_flux = False

        def __call__(self, flux: np.ndarray, wave: np.ndarray) -> np.ndarray:
            return np.arange(flux.size) * 3 // flux.size

    class Mine(Uniform):
        pass

    thirds, fill, mine = Thirds(), lambda flux, segments, *, seed, reconstruct=None: 0 * flux, Mine(3)
    found = TunerSettings.of(sa.Explainer(odd, thirds, perturbation=fill))
    assert (found.segmentation, found.perturbation) == ("as given", "as given")
    changed = found.replace(method="shap", factor=0.5)
    assert changed.explainer(odd).segments is thirds
    assert changed.explainer(odd).perturbation is fill
    assert TunerSettings.of(sa.Explainer(odd, mine)).segmentation == "as given"
    # Switched away and back, it is still there.
    back = found.replace(segmentation="uniform").replace(segmentation="as given")
    assert back.explainer(odd).segments is thirds
    refined = TunerSettings.of(sa.Explainer(odd, sa.Refined(thirds)))
    assert (refined.segmentation, refined.start) == ("refined", "as given")
    assert refined.explainer(odd).segments.start is thirds


def test_a_typical_spectrum_of_ones_own_is_kept() -> None:
    mean = np.ones(9)
    found = TunerSettings.of(sa.Explainer(odd, sa.Uniform(3), perturbation=sa.Typical(mean, keep_noise=True)))
    assert (found.perturbation, found.keeps_noise) == ("typical", True)
    assert found.replace(keep_noise=False).fill().spectrum is mean
    assert found.replace(typical=None).fill().spectrum is None


def test_numbers_of_numpy_become_plain() -> None:
    found = TunerSettings.of(sa.Explainer(odd, sa.Uniform(np.int64(5)), perturbation=sa.Scale(np.float64(0.5))))
    assert type(found.count) is int
    assert type(found.factor) is float


def test_noise_follows_the_kind_unless_it_is_chosen() -> None:
    plain = TunerSettings()
    assert not plain.keeps_noise
    assert plain.replace(perturbation="contrast").keeps_noise
    assert plain.replace(keep_noise=True).replace(perturbation="flat").fill().keep_noise
    assert not plain.replace(perturbation="contrast", keep_noise=False).fill().keep_noise


def test_the_score_is_chosen_by_name() -> None:
    scores = {"odd": odd, "other": lambda flux: flux.max(axis=1)}
    assert TunerSettings(score="other").explainer(scores).score is scores["other"]
    with pytest.raises(sa.ArgumentError, match="'odd', 'other'"):
        TunerSettings(score="othr").explainer(scores)


@pytest.mark.parametrize("wrong", [{"segmentation": "unifrom"}, {"perturbation": "as given"}, {"start": "refined"},
                                   {"method": "LIME"}, {"preset": "article"}])
def test_a_kind_that_is_not_offered_is_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(sa.ArgumentError):
        TunerSettings(**wrong)


# -- what is refused, and told beforehand ------------------------------------------------------------------------------

WAVE = np.linspace(3800.0, 7200.0, 300)
FLUX = (1 + np.random.default_rng(4).normal(0, 0.05, (40, 300))).astype("f4")
MODEL = sa.PCAModel(3).fit(sa.SpectrumSet(WAVE, FLUX))
SPECTRUM = sa.Spectrum(WAVE, FLUX[0], z=0.1, id="one")
CHI2, MAD = sa.Scorer(MODEL, "mse"), sa.Scorer(MODEL, "mad")
PLAIN = sa.Spectrum(WAVE, FLUX[0], id="no redshift", frame="observed")

REFUSED: list[tuple[dict[str, Any], Any, sa.Spectrum, str]] = [
    ({"count": 301}, CHI2, SPECTRUM, "at most 300"),
    ({"segmentation": "slic", "count": 500}, CHI2, SPECTRUM, "at most 300"),
    ({"segmentation": "lines"}, CHI2, PLAIN, "redshift"),
    ({"segmentation": "boundaries"}, CHI2, SPECTRUM, "take the present edges"),
    ({"segmentation": "boundaries", "edges": (5000.0, 4000.0)}, CHI2, SPECTRUM, "ascending"),
    ({"segmentation": "boundaries", "edges": (5000.0, 5000.1, 5000.2)}, CHI2, SPECTRUM, "at least one pixel"),
    ({"segmentation": "refined", "count": 40, "n_samples": 10}, CHI2, SPECTRUM, "enough for 3 rounds"),
    ({"segmentation": "refined", "start": "lines"}, CHI2, PLAIN, "redshift"),
    ({"perturbation": "typical"}, odd, SPECTRUM, "segment mean"),
    ({"perturbation": "typical", "typical": AsGiven(np.ones(7))}, CHI2, SPECTRUM, "300 pixels"),
    ({"perturbation": "blur", "blur_sigma": 0.0}, CHI2, SPECTRUM, "above 0"),
    ({"method": "shap", "exact": True}, CHI2, SPECTRUM, "at most 20"),
    ({"method": "shap", "n_samples": 3}, CHI2, SPECTRUM, "at least 4"),
    ({"n_samples": 3, "anchor": False}, CHI2, SPECTRUM, "at least 4 masks"),
    ({"method": "gradients"}, MAD, SPECTRUM, "squared residuals"),
    ({"method": "gradients"}, odd, SPECTRUM, "“fill”"),
    ({"method": "gradients", "baseline": "fill"}, odd, SPECTRUM, "Lime"),
    ({"method": "split"}, MAD, SPECTRUM, "squared residuals"),
    ({"method": "split"}, odd, SPECTRUM, "squared residuals"),
]


@pytest.mark.filterwarnings("ignore::specanom.explain.explainer.ExplanationWarning")
@pytest.mark.parametrize(("values", "score", "spectrum", "told"), REFUSED,
                         ids=lambda part: str(getattr(part, "__name__", part))[:40])
def test_what_would_raise_is_told_beforehand(
    values: dict[str, Any], score: Any, spectrum: sa.Spectrum, told: str
) -> None:
    settings = TunerSettings(**values)
    reason = settings.refused(score, spectrum)
    assert reason is not None
    assert told in reason
    assert "Try" in reason or "expected" in reason
    with pytest.raises(sa.SpecanomError):
        settings.explainer(score).explain(spectrum)


@pytest.mark.filterwarnings("ignore::specanom.explain.explainer.ExplanationWarning")
@hypothesis_settings(max_examples=40)
@given(all_settings, st.sampled_from([CHI2, MAD, odd]), st.sampled_from([SPECTRUM, PLAIN]))
def test_it_is_refused_just_when_explaining_fails(settings: TunerSettings, score: Any, spectrum: sa.Spectrum) -> None:
    settings = settings.replace(n_samples=min(settings.n_samples, 400), max_samples=min(settings.max_samples, 400),
                                kernel_width=max(settings.kernel_width, 0.05), continuum=settings.continuum + 20)
    reason = settings.refused(score, spectrum)
    if reason is None:
        assert settings.explainer(score).explain(spectrum).weights.size >= 1
    else:
        with pytest.raises(sa.SpecanomError):
            settings.explainer(score).explain(spectrum)


def test_a_score_that_is_bound_already_is_not_bound_again() -> None:
    assert TunerSettings(method="gradients").refused(CHI2.bind(SPECTRUM), SPECTRUM) is None


def test_without_score_or_spectrum_only_the_settings_are_judged() -> None:
    assert TunerSettings(count=9999, method="split").refused() is None
    assert "compactness" in str(TunerSettings(segmentation="slic", compactness=0.0).refused())
