"""Line fluxes that came with the spectra."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..errors import DataError, message
from .components import MEASURED

SPZLINE_NAMES: dict[str, str] = {
    "[O_II] 3725": "OII3727",
    "[O_II] 3727": "OII3730",
    "[Ne_III] 3868": "NeIII3870",
    "H_epsilon": "Hzeta",
    "[Ne_III] 3970": "Hepsilon",
    "H_delta": "Hd",
    "H_gamma": "Hg",
    "[O_III] 4363": "OIII4364",
    "He_II 4685": "HeII4687",
    "H_beta": "Hb",
    "[O_III] 4959": "OIII4960",
    "[O_III] 5007": "OIII5008",
    "[O_I] 6300": "OI6302",
    "[O_I] 6363": "OI6366",
    "[N_II] 6548": "NII6550",
    "H_alpha": "Ha",
    "[N_II] 6583": "NII6585",
    "[S_II] 6716": "SII6718",
    "[S_II] 6730": "SII6733",
    "He_I 5876": "HeI5877",
}
"""Names in the SPZLINE table of SDSS spec files. Its "H_epsilon" is at 3890 Å, which is Hζ."""


def from_spzline(rows: Any) -> dict[str, float]:
    """Turn an SPZLINE table into ``Ha_flux``, ``Ha_err``, … as used by ``measure_lines(..., source="catalogue")``.

    Parameters
    ----------
    rows : structured array, FITS_rec, DataFrame or mapping
        With LINENAME, LINEAREA and LINEAREA_ERR; or line name → (flux, error), as the SDSS reader gives them in
        ``meta["spzline"]``. Lines are matched by name: their number differs between releases.

    Returns
    -------
    dict
        Flux and error of each known line; not measured (error ≤ 0) is NaN. ``OII`` is the sum of the doublet.

    Raises
    ------
    DataError
        When the columns are not there.
    """
    nan = float("nan")
    values: dict[str, float] = {}
    for name, (area, error) in _pairs(rows).items():
        key = SPZLINE_NAMES.get(" ".join(name.split()))
        if key is not None:
            known = error > 0 and np.isfinite(area)
            values[f"{key}_flux"], values[f"{key}_err"] = (area, error) if known else (nan, nan)
    return values | _doublet(values)


def _pairs(rows: Any) -> dict[str, tuple[float, float]]:
    if isinstance(rows, Mapping):
        return {str(name): (float(pair[0]), float(pair[1])) for name, pair in rows.items()}
    try:
        names, areas, errors = (list(rows[key]) for key in ("LINENAME", "LINEAREA", "LINEAREA_ERR"))
    except (KeyError, ValueError) as exc:
        wanted = "columns LINENAME, LINEAREA, LINEAREA_ERR"
        raise DataError(message("rows", expected=wanted, got=str(exc))) from exc
    words = [name.decode() if isinstance(name, bytes) else str(name) for name in names]
    return {name: (float(a), float(e)) for name, a, e in zip(words, areas, errors, strict=True)}


def _doublet(values: Mapping[str, float]) -> dict[str, float]:
    nan = float("nan")
    flux = values.get("OII3727_flux", nan) + values.get("OII3730_flux", nan)
    return {
        "OII_flux": flux,
        "OII_err": float(np.hypot(values.get("OII3727_err", nan), values.get("OII3730_err", nan))),
    }


def catalogue_row(meta: Mapping[str, Any], blank: dict[str, Any]) -> dict[str, Any]:
    """Return a row of the line table from what is known of an object.

    `meta` may hold ``Ha_flux`` and ``Ha_err`` and so on, or an SPZLINE table under ``"spzline"``.
    """
    rows = meta.get("spzline")
    known = dict(meta) if rows is None else {**meta, **from_spzline(rows)}
    row, found = dict(blank), False
    if "OII_flux" not in known:
        known |= _doublet({k: v for k, v in known.items() if k.startswith("OII")})
    for name in (*MEASURED, "OII"):
        flux, error = known.get(f"{name}_flux"), known.get(f"{name}_err")
        if flux is not None and error is not None:
            row[f"{name}_flux"], row[f"{name}_err"] = float(flux), float(error)
            row[f"{name}_limit"] = bool(float(flux) < 3 * float(error))
            found = found or bool(np.isfinite(float(flux)))
    row["note"] = "" if found else "no catalogue fluxes"
    return row
