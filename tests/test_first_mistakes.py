"""The first mistakes of somebody new: each message says which argument is wrong, what came, and what to try."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.io import fits

import specanom as sa


@pytest.fixture(scope="module")
def survey():
    return sa.surveys.mock(n=40, seed=1)


@pytest.fixture(scope="module")
def sample():
    rng = np.random.default_rng(1)
    return sa.SpectrumSet(np.linspace(4000.0, 5000.0, 60), rng.normal(1.0, 0.1, (40, 60)), np.full((40, 60), 100.0))


@pytest.fixture(scope="module")
def model(sample):
    return sa.PCAModel(2, folds=1).fit(sample)


def says(error, *words):
    """Expect an error whose text holds all of `words`."""
    return pytest.raises(error, match="(?s)" + "".join(f"(?=.*{word})" for word in words))


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "meant"), [
    ("Spectra", "specanom.Spectrum"), ("scorer", "specanom.Scorer"), ("explian", "specanom.explain"),
    ("mock", "specanom.surveys.mock"), ("VAE", "specanom.VAEModel"), ("xyzzy", "dir"),
    ("Preprocesor", "specanom.Preprocessor"),
])
def test_a_mistyped_name_of_the_package_offers_the_nearest(typed, meant) -> None:
    with says(AttributeError, typed, meant):
        getattr(sa, typed)


def test_tab_completion_shows_words_and_nothing_else() -> None:
    names = dir(sa)
    assert len(names) < 65
    assert all(not name.startswith("_") or name == "__version__" for name in names)
    assert not {"annotations", "importlib", "spectrum", "spectrumset", "face", "store"} & set(names)


# -- spectra -----------------------------------------------------------------------------------------------------------


def test_an_empty_folder_is_called_empty_and_tables_have_to_be_named(tmp_path) -> None:
    with says(sa.DataError, "path", "empty folder", "simulates"):
        sa.read(tmp_path)
    (tmp_path / "mine.csv").write_text("wave,flux\n1,2\n")
    with says(sa.DataError, "FITS", "mine.csv"):
        sa.read(tmp_path)


def test_a_cube_is_not_called_a_file_without_data(tmp_path) -> None:
    fits.PrimaryHDU(np.zeros((3, 4, 5), dtype="f4")).writeto(tmp_path / "cube.fits")
    with says(sa.DataError, "cube.fits: an array of 3 dimensions"):
        sa.read(tmp_path)


def test_a_survey_has_no_rows_and_says_how_to_get_one(survey) -> None:
    with says(TypeError, "survey", r"next\(iter\(survey\)\)"):
        survey[0]


def test_a_column_is_asked_of_the_table_and_an_id_of_by_id(sample) -> None:
    with says(sa.ArgumentError, "index", r"table\['id'\]"):
        sample["id"]
    with says(sa.ArgumentError, "index", r"by_id\('7001"):
        sample["7001-52013-0001"]


# -- preprocessing -----------------------------------------------------------------------------------------------------


def test_a_grid_without_a_number_of_pixels_is_refused() -> None:
    with says(sa.ArgumentError, "grid", "number of pixels", r"\(3500, 7500, 4000\)"):
        sa.Preprocessor(grid=(3500, 7500))


def test_a_preprocessor_gets_its_survey_when_it_is_called(survey) -> None:
    with says(sa.ArgumentError, "grid", "MockSurvey"):
        sa.Preprocessor(survey)
    with says(sa.ArgumentError, "grid", "3500"):
        sa.Preprocessor(grid=3500)


# -- models and scores -------------------------------------------------------------------------------------------------


def test_a_survey_is_prepared_before_it_is_learnt_or_scored(survey, model) -> None:
    with says(sa.ShapeError, "sample", "MockSurvey", r"Preprocessor\(...\).fit_transform"):
        sa.PCAModel(2).fit(survey)
    with says(sa.DataError, "sample", "MockSurvey", r"Preprocessor\(...\).fit_transform"):
        sa.Scorer(model)(survey)


def test_a_scorer_takes_the_model_not_the_sample(sample, survey, model) -> None:
    for spectra in (sample, survey):
        with says(sa.ArgumentError, "model: expected a model", type(spectra).__name__, r"scorer\(sample\)"):
            sa.Scorer(spectra)
    with says(sa.ArgumentError, "model comes first", r"Scorer\(model, 'mse'\)"):
        sa.Scorer("mse", model)
    with says(sa.ArgumentError, "wrap"):
        sa.Scorer(lambda flux: flux)


def test_a_folder_without_a_model_is_told_where_models_come_from(tmp_path) -> None:
    with says(sa.DataError, "path", "model.save"):
        sa.VAEModel.load(tmp_path)


def test_calibrating_twice_as_a_notebook_does_is_the_same_as_once(sample, model) -> None:
    table = sample.table.assign(snr=np.linspace(5, 30, 40), z=np.linspace(0.05, 0.2, 40))
    known = sample.replace(table=table)
    once = sa.Scorer(model).calibrate(known)
    assert once.calibrate(known).name == once.name
    np.testing.assert_array_equal(once.calibrate(known)(known), once(known))


# -- explanations and after --------------------------------------------------------------------------------------------


def test_one_spectrum_is_explained_not_a_sample(sample, model) -> None:
    explainer = sa.Explainer(sa.Scorer(model))
    for wrong in (sample, 0):
        with says(sa.ShapeError, "spectrum", type(wrong).__name__, r"sample\[0\]", "explain_many"):
            explainer.explain(wrong)


def test_an_explainer_takes_a_score_and_parts_that_are_made(sample, model) -> None:
    with says(sa.ArgumentError, "score", "SpectrumSet", r"Explainer\(Scorer\(model"):
        sa.Explainer(sample)
    with says(sa.ArgumentError, "method", r"Lime\(\), with brackets"):
        sa.Explainer(sa.Scorer(model), method=sa.Lime)


def test_explanations_are_clustered_and_vectors_are_kept_not_spectra(sample) -> None:
    with says(sa.ArgumentError, "explanations", "SpectrumSet", "explain_many"):
        sa.ExplanationClusterer().fit(sample)
    with says(sa.ShapeError, "vectors", "SpectrumSet", r"model.encode\(sample\)"):
        sa.KnowledgeBase.build(sample)


@pytest.mark.parametrize("room", ["explain", "models", "surveys", "scores", "triage"])
def test_tab_completion_in_a_room_shows_what_it_offers(room) -> None:
    names = dir(getattr(sa, room))
    assert names == sorted(getattr(sa, room).__all__)
    assert not {"annotations", "importlib", "Any", "TYPE_CHECKING"} & set(names)
