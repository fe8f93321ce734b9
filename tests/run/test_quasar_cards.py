"""Cards of quasars tell of broad absorption, and of what is not known of artefacts."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pandas as pd

from specanom.run import anomalies

NAMES = ("C III]", "Mg II trough, −5,500 km/s", "C IV trough, −8,000 km/s", "Mg II trough, −3,500 km/s (telluric H₂O)")


def explained(order: list[int]) -> SimpleNamespace:
    context = SimpleNamespace(artefact=float("nan"), z_second=float("nan"), lines=0.8, artefact_share=0.1)
    return SimpleNamespace(id="a", names=NAMES, order=np.array(order), weights=np.array([1.0, 4.0, 2.0, 3.0]),
                           context=context, artefact=float("nan"), z_second=float("nan"), grade="trusted")


def content() -> SimpleNamespace:
    return SimpleNamespace(column="mse", scores=pd.DataFrame({"id": ["a"], "mse": [2.0]}), truth=None)


def test_a_card_names_the_lines_that_absorb() -> None:
    said = anomalies._verdict(content(), explained([1, 3, 2, 0]), z=2.0)
    assert said.endswith("80 % of its weight lies on lines at the object's redshift; broad absorption of Mg II and "
                         "C IV.")
    chips = anomalies._chips(content(), explained([1, 3, 2, 0]), {"z": 2.0, "snr": 9.0})
    assert [one["text"] for one in chips][2:] == ["broad absorption", "explanation: trusted"]
    assert "likely artefact" not in str(chips)


def test_a_card_without_troughs_in_its_leading_segments_says_nothing_of_them() -> None:
    one = explained([0, 0, 0, 1])
    assert "absorption" not in anomalies._verdict(content(), one, z=2.0)
    assert "absorption" not in str(anomalies._chips(content(), one, {"z": 2.0, "snr": 9.0}))
