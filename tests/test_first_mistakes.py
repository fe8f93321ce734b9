"""The first mistakes of somebody new: each message says which argument is wrong, what came, and what to try."""

from __future__ import annotations

import copy
import importlib
import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from astropy import units
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


@pytest.mark.parametrize(("typed", "meant"), [("mock_dessi", "mock_desi"), ("Mock", "mock"), ("archiv", "archive")])
def test_a_mistyped_name_of_the_surveys_offers_the_nearest(typed, meant) -> None:
    with says(AttributeError, f"has no attribute '{typed}'. Try: specanom.surveys.{meant}$"):
        getattr(sa.surveys, typed)


@pytest.mark.parametrize("given", [{"survey": "SDSS"}, {"target": "GALAXY"}])
def test_a_name_in_capitals_offers_the_one_in_small_letters(given, tmp_path) -> None:
    (name, value), = given.items()
    with says(sa.ArgumentError, f"{name}: expected", f"did you mean '{value.lower()}'"):
        sa.read(tmp_path, **given)


def test_of_many_names_the_nearest_is_offered_and_no_list() -> None:
    with pytest.raises(sa.ArgumentError, match=r"expected one of 20 names, got 'ms9'. Try: did you mean 'ms1'"):
        sa.errors.choice("rank_by", "ms9", ["ms1", *(f"name {i}" for i in range(19))])


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


# -- wavelengths in other units ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(("first", "last", "words"), [(361.0, 980.0, "nm"), (0.36, 0.98, "µm"),
                                                     (3.55, 3.99, r"10\*\*wave")])
def test_plain_wavelengths_that_are_hardly_angstrom_are_warned_of_once(first, last, words) -> None:
    wave = np.linspace(first, last, 50)
    with pytest.warns(UserWarning, match=f"wave: expected vacuum Å, got .*{words}") as told:
        spectrum = sa.Spectrum(wave, np.ones(50))
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        spectrum.replace(z=0.1)
        sa.SpectrumSet(wave, np.ones((2, 50)))[0]
    with pytest.warns(UserWarning, match=words):
        sa.SpectrumSet(wave * 1.001, np.ones((2, 50)))


def test_wavelengths_with_a_unit_and_far_ultraviolet_ones_are_taken_as_they_are() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        short = sa.Spectrum(np.linspace(310.0, 990.0, 50) * units.AA, np.ones(50))
        short.replace(z=0.1)
        assert sa.Spectrum(np.linspace(350.0, 950.0, 50) * units.nm, np.ones(50)).wave[0] == pytest.approx(3500)
        sa.Spectrum(np.linspace(905.0, 1187.0, 50), np.ones(50))
        sa.Spectrum(np.arange(1, 20), np.ones(19))


def test_a_table_in_nanometres_is_left_out_and_says_why(tmp_path) -> None:
    wave = np.linspace(380.0, 920.0, 1500)
    table = pd.DataFrame({"wave": wave, "flux": np.ones(1500), "ivar": np.ones(1500)})
    table.to_csv(tmp_path / "mine.csv", index=False)
    with says(sa.DataError, "380 to 920, which look like nm", "unit"):
        list(sa.read(str(tmp_path / "mine.csv")))
        raise sa.DataError(sa.read(str(tmp_path / "mine.csv")).skipped[0].reason)
    table.assign(wave=10 * wave).to_csv(tmp_path / "mine.csv", index=False)
    assert next(iter(sa.read(str(tmp_path / "mine.csv")))).wave[0] == pytest.approx(3800)


@pytest.mark.parametrize("grid", [(350, 750, 4000), (0.35, 0.75, 4000), np.linspace(350, 750, 400)])
def test_a_grid_in_nanometres_is_refused(grid) -> None:
    with says(sa.ArgumentError, "grid", "looks like", r"\(3500, 7500, 4000\)"):
        sa.Preprocessor(grid=grid)


def test_a_table_without_redshifts_or_with_columns_of_other_names_is_told_what_to_write(tmp_path) -> None:
    wave = np.linspace(3800.0, 9200.0, 1500)
    table = pd.DataFrame({"wave": wave, "flux": np.ones(1500), "ivar": np.full(1500, 100.0)})
    table.to_csv(tmp_path / "mine.csv", index=False)
    with says(sa.DataError, "redshift is missing", "Try: give each a redshift"):
        sa.Preprocessor(grid=(4000, 7000, 500)).fit_transform(sa.read(str(tmp_path / "mine.csv")))
    with says(sa.DataError, "no pipeline class", "Try: target=None"):
        prep = sa.Preprocessor(grid=(4000, 7000, 500), target="galaxy")
        prep.fit_transform(sa.read(str(tmp_path / "mine.csv"), target="galaxy"))
    table.rename(columns={"wave": "lambda_A"}).to_csv(tmp_path / "mine.csv", index=False)
    with says(sa.DataError, "it has lambda_A", "Try: columns wave"):
        sa.read(str(tmp_path / "mine.csv"))


@pytest.mark.parametrize(("fields", "argument"), [({"z": "0.1"}, "z"), ({"z": [0.1]}, "z"), ({"flux": None}, "flux"),
                                                  ({"wave": ["a", "b"]}, "wave")])
def test_a_spectrum_of_wrong_types_is_refused_by_name(fields, argument) -> None:
    with says(sa.SpecanomError, f"{argument}: expected"):
        sa.Spectrum(**{"wave": [4000, 4001], "flux": [1.0, 2.0], **fields})


def test_a_redshift_in_the_place_of_the_mask_is_not_lost() -> None:
    for z in (pd.Series([0.06, 0.06]), np.array([0.06, np.nan])):
        with says(sa.ArgumentError, "mask: expected integers", "z=0.1"):
            sa.Spectrum([4000.0, 4001.0], [1.0, 2.0], [1.0, 1.0], z)
    with says(sa.ShapeError, "mask: expected an integer a pixel, got 0.06", "z=0.1"):
        sa.Spectrum([4000.0, 4001.0], [1.0, 2.0], [1.0, 1.0], 0.06)
    whole = sa.Spectrum([4000.0, 4001.0], [1.0, 2.0], [1.0, 1.0], [0.0, 4.0])
    assert whole.mask.tolist() == [0, 4]


def test_a_column_of_redshifts_is_counted_not_printed() -> None:
    with says(sa.ArgumentError, "z: expected a number.*got 3,850 of them", r"z=float\(z\[0\]\)"):
        sa.Spectrum([4000.0, 4001.0], [1.0, 2.0], z=pd.Series(np.full(3850, 0.06)))


# -- what other packages call it ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(("typed", "meant"), [("wavelength", ".wave"), ("redshift", ".z"), ("error", ".ivar"),
                                              ("header", ".meta"), ("plate", r".meta\['plate'\]"), ("iva", ".ivar")])
def test_an_attribute_of_a_spectrum_by_another_name(sample, typed, meant) -> None:
    spectrum = sample[0].replace(meta={"plate": 266})
    with says(AttributeError, f"'Spectrum' object has no attribute '{typed}'", f"Try: {meant}"):
        getattr(spectrum, typed)


@pytest.mark.parametrize(("typed", "meant"), [("wavelength", ".wave"), ("redshift", r".table\['z'\]"),
                                              ("head", ".table"), ("snr", r".table\['snr'\]"), ("to_fits", ".save")])
def test_an_attribute_of_a_set_by_another_name(sample, typed, meant) -> None:
    with says(AttributeError, f"Try: {meant}"):
        getattr(sample.replace(table=sample.table.assign(snr=1.0)), typed)


def test_a_survey_says_where_its_spectra_are(survey) -> None:
    for typed in ("wavelength", "flux", "redshift", "table"):
        with says(AttributeError, typed, r"next\("):
            getattr(survey, typed)


@pytest.mark.parametrize("kind", [sa.Spectrum, sa.SpectrumSet])
def test_a_property_that_fails_tells_its_own_error(sample, monkeypatch, kind) -> None:
    monkeypatch.setattr(kind, "broken", property(lambda self: self.wave.no_such_thing), raising=False)
    with says(AttributeError, "'numpy.ndarray' object", "no_such_thing"):
        (sample[0] if kind is sa.Spectrum else sample).broken  # noqa: B018


def test_hints_do_not_stand_in_the_way_of_copies_and_questions(sample) -> None:
    for one in (sample, sample[0]):
        assert not hasattr(one, "wavelength")
        assert not hasattr(one, "__array__")
        assert len(pickle.loads(pickle.dumps(one))) == len(copy.deepcopy(one)) == len(one)  # noqa: S301


def test_a_set_of_spectra_alone_says_how_one_is_made(sample) -> None:
    with says(sa.ArgumentError, "flux", r"fit_transform\(\[s1, s2\]\)", "frame"):
        sa.SpectrumSet([sample[0], sample[1]])


def test_a_set_is_saved_to_a_folder_and_not_called_a_file(sample, tmp_path) -> None:
    with says(sa.ArgumentError, "path", "x.fits", "folder", "x.zarr"):
        sample.save(tmp_path / "x.fits")
    assert not list(tmp_path.iterdir())


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


def test_an_explainer_shows_its_settings_in_a_line(model) -> None:
    scorer = sa.Scorer(model)
    assert len(repr(sa.Explainer(scorer))) < 120
    own = sa.Explainer(scorer, sa.Uniform(5), method=sa.Lime(300, alpha=2.0), perturbation=sa.Scale(0.8))
    assert repr(own) == "Explainer(mse, Uniform(5), perturbation=Scale(0.8), method=Lime(300, alpha=2.0), seed=0)"


def test_explanations_are_clustered_and_vectors_are_kept_not_spectra(sample) -> None:
    with says(sa.ArgumentError, "explanations", "SpectrumSet", "explain_many"):
        sa.ExplanationClusterer().fit(sample)
    with says(sa.ShapeError, "vectors", "SpectrumSet", r"model.encode\(sample\)"):
        sa.KnowledgeBase.build(sample)


ROOMS = ["lines", "errors", "testing", "surveys", "preprocess", "models", "scores", "diagnostics", "explain", "cluster",
         "retrieve", "triage", "explorer", "plots", "parallel", "surveys.archive", "surveys.desi_archive",
         "triage.candidates", "triage.crossmatch", "triage.quality", "triage.catalogue"]


@pytest.mark.parametrize("room", ROOMS)
def test_tab_completion_in_a_room_shows_what_it_offers(room) -> None:
    module = importlib.import_module(f"specanom.{room}")
    names = dir(module)
    assert names == sorted(module.__all__)
    assert all(hasattr(module, name) for name in names)
    assert not {"annotations", "importlib", "Any", "TYPE_CHECKING", "dataclass"} & set(names)


def test_a_plural_a_file_for_a_model_and_half_a_row_are_answered_at_once(sample, model, tmp_path) -> None:
    with says(sa.ArgumentError, "target", "'galaxies'", "'galaxy'"):
        sa.Preprocessor(grid=(3500, 7500, 400), target="galaxies")
    with says(sa.ArgumentError, "path", r"m\.pt", "folder"):
        model.save(tmp_path / "m.pt")
    with says(sa.ArgumentError, "index", r"1\.5", r"sample\[1\]"):
        sample[1.5]
    base = sa.KnowledgeBase.build(np.random.default_rng(0).normal(size=(10, 3)), ["a", "b"] * 5)
    with says(sa.ShapeError, "vectors", "SpectrumSet", r"model.encode\(sample\)"):
        base.query(sample)
