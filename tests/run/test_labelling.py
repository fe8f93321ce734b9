"""Labels of several people reach one run, and none erases another's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import specanom as sa
from specanom.errors import ArgumentError, DataError
from specanom.run.cli import DONE, NO_DATA, WRONG_CALL, main
from specanom.run.labelling import add_labels
from specanom.triage import Label, LabelLog, cohen_kappa
from specanom.triage.label import line_of

IDS = ("39633345008634465", "b", "c", "d", "e")


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A run of five spectra, of which bob said a word by a widget."""
    wave = np.linspace(4000.0, 5000.0, 20)
    made = sa.SpectrumSet(wave, np.ones((5, 20)), np.ones((5, 20)), pd.DataFrame({"id": list(IDS)}))
    folder = tmp_path / "run"
    folder.mkdir()
    made.save(folder / "sample.zarr")
    LabelLog(folder / "labels.jsonl").add("b", "known", author="bob")
    return folder


def exported(path: Path, *said: tuple[str, str, str, str]) -> Path:
    """Write id, word, author and time, line by line."""
    path.write_bytes(b"".join(line_of(Label(id, word, "", who, "explorer", time)) for id, word, who, time in said))
    return path


def test_two_people_and_the_run_keep_what_they_said(run: Path, tmp_path: Path) -> None:
    ada = exported(tmp_path / "labels-ada.jsonl", (IDS[0], "interesting", "ada", "2026-11-23T10:00:00+00:00"),
                   ("b", "artefact", "ada", "2026-11-23T10:01:00+00:00"))
    cyd = exported(tmp_path / "labels-cyd.jsonl", (IDS[0], "interesting", "cyd", "2026-11-23T09:00:00+00:00"))
    made = add_labels(run, [ada, cyd])
    assert [one.new for one in made.files] == [2, 1]
    assert (made.new, made.foreign) == (3, ())
    log = LabelLog(run / "labels.jsonl")
    assert {(one.id, one.author): one.label for one in log.history()} == {
        ("b", "bob"): "known", (IDS[0], "ada"): "interesting", ("b", "ada"): "artefact",
        (IDS[0], "cyd"): "interesting"}
    before = log.path.read_bytes()
    assert add_labels(run, [cyd, ada, log.path]).new == 0
    assert log.path.read_bytes() == before


def test_an_old_word_that_stands_later_in_a_file_overrules_nothing(run: Path, tmp_path: Path) -> None:
    """An explorer whose reader took in an old file of theirs after they had spoken anew."""
    file = exported(tmp_path / "labels.jsonl", ("c", "interesting", "ada", "2026-11-23T10:00:00+00:00"),
                    ("c", "artefact", "ada", "2020-01-01T00:00:00+00:00"))
    add_labels(run, [file])
    assert LabelLog(run / "labels.jsonl").current()["c"].label == "interesting"


def test_the_command_tells_what_is_new_whose_ids_are_foreign_and_how_far_people_agree(
        run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    times = [f"2026-11-23T10:00:0{place}+00:00" for place in range(5)]
    ada = exported(tmp_path / "ada.jsonl", *zip(IDS, ["known", "artefact", "known", "known", "artefact"], ["ada"] * 5,
                                               times, strict=True))
    bob = exported(tmp_path / "bob.jsonl", *zip(IDS, ["known", "artefact", "known", "artefact", "artefact"],
                                               ["bob"] * 5, ["2027" + one[4:] for one in times], strict=True),
                   ("elsewhere", "known", "bob", "2026-11-23T10:00:00+00:00"))
    with bob.open("a") as handle:
        handle.write("{torn\n")
    assert main(["label", str(run), str(ada), str(bob)]) == DONE
    out = capsys.readouterr().out
    assert "ada.jsonl: 5 labels, 5 new\nbob.jsonl: 6 labels, 6 new; 1 line cannot be read\n" in out
    assert "not of this run, kept but of no use here: elsewhere\n" in out
    assert "  ada: 2 artefact, 3 known\n  bob: 3 artefact, 3 known\n" in out
    kappa = cohen_kappa(["known", "artefact", "known", "known", "artefact"],
                        ["known", "artefact", "known", "artefact", "artefact"])
    assert f"judged by two or more: 5 spectra, of which 1 not alike; Cohen's κ = {kappa:.2f} (95%: " in out
    assert "\n  d: ada known, bob artefact\n" in out
    assert f"specanom run --run-dir {run}" in out
    assert main(["label", str(run), str(ada)]) == DONE
    out = capsys.readouterr().out
    assert "ada.jsonl: 5 labels, 0 new" in out
    assert "specanom run" not in out


def test_one_word_by_all_has_no_kappa(run: Path, tmp_path: Path) -> None:
    said = add_labels(run, [exported(tmp_path / "a.jsonl", ("b", "known", "", "2026-11-23T10:00:00+00:00"))]).summary()
    assert "1 spectrum, of which 0 not alike; κ is not defined where all use one word" in said
    assert "  (no name): 1 known" in said


def test_visual_inspections_are_notes_and_take_no_word_away(run: Path, tmp_path: Path) -> None:
    file = tmp_path / "vi.csv"
    file.write_text(f"TARGETID,VI_quality,VI_scanner\n{IDS[0]},4,dan\nb,3,bob\n")
    assert add_labels(run, [file]).new == 1
    log = LabelLog(run / "labels.jsonl")
    assert log.current()["b"].label == "known"
    seen = log.current()[IDS[0]].inspection
    assert seen is not None
    assert seen.quality == 4


@pytest.mark.parametrize(("text", "error", "code", "told"), [
    (None, ArgumentError, WRONG_CALL, "expected a file of labels"),
    ("id,label\nb,known\n", DataError, NO_DATA, "no line can be read"),
    ('{"id": "other", "label": "known"}\n', DataError, NO_DATA, "none of whose 1 id"),
])
def test_a_file_that_cannot_be_meant_leaves_the_run_as_it_is(
        run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str | None,
        error: type[Exception], code: int, told: str) -> None:
    good = exported(tmp_path / "good.jsonl", ("c", "known", "ada", "2026-11-23T10:00:00+00:00"))
    bad = tmp_path / "bad.jsonl"
    if text is not None:
        bad.write_text(text)
    before = (run / "labels.jsonl").read_bytes()
    with pytest.raises(error, match=told):
        add_labels(run, [good, bad])
    assert main(["label", str(run), str(good), str(bad)]) == code
    assert told in capsys.readouterr().err
    assert (run / "labels.jsonl").read_bytes() == before


def test_a_folder_that_is_no_run_is_told(tmp_path: Path) -> None:
    file = exported(tmp_path / "a.jsonl", ("b", "known", "ada", "2026-11-23T10:00:00+00:00"))
    assert main(["label", str(tmp_path / "nowhere"), str(file)]) == NO_DATA
    assert not (tmp_path / "nowhere").exists()


def test_an_empty_file_brings_nothing(run: Path, tmp_path: Path) -> None:
    made = add_labels(run, [exported(tmp_path / "empty.jsonl")])
    assert "empty.jsonl: 0 labels, 0 new" in made.summary()
    assert repr(made) == f"Labelled: 0 new labels of 1 file in {run / 'labels.jsonl'}"


def test_help_tells_what_the_command_does(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["label", "--help"])
    told = " ".join(capsys.readouterr().out.split())
    assert "labels.jsonl" in told
    assert "nobody's words replace another's" in told
