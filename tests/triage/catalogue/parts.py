"""Parts of a catalogue of four objects, one of them of DESI."""

from __future__ import annotations

import numpy as np
import pandas as pd

from specanom.triage.catalogue import Catalogue

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


def said(*rows: tuple[str, str, str, str]) -> pd.DataFrame:
    return pd.DataFrame([(*one, f"2026-01-0{i}T00:00:00Z") for i, one in enumerate(rows, 1)],
                        columns=["id", "author", "label", "note", "time"])
