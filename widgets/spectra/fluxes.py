"""Measured lines as a table to read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from specanom.diagnostics import MEASURED, LineMeasurement
from specanom.lines import line

COLUMNS = ("line", "flux", "error", "S/N", "EW (Å)", "EW error")


def flux_table(measured: LineMeasurement) -> pd.DataFrame:
    """Return one row a line that has pixels: flux and rest-frame equivalent width with errors.

    Broad components follow their narrow ones; lines without pixels are left out.
    """
    rows = []
    for name in MEASURED:
        for key, label in ((name, line(name).label), (f"{name}_broad", f"{line(name).label} broad")):
            row = _row(measured.values, key, label)
            if row is not None:
                rows.append(row)
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _row(values: Mapping[str, Any], key: str, label: str) -> tuple[Any, ...] | None:
    flux, error = float(values.get(f"{key}_flux", math.nan)), float(values.get(f"{key}_err", math.nan))
    if not (math.isfinite(flux) and math.isfinite(error) and error > 0):
        return None
    return label, flux, error, flux / error, float(values[f"{key}_ew"]), float(values[f"{key}_ew_err"])


def flux_html(table: pd.DataFrame, caption: str) -> str:
    """Return the table as HTML; lines below 3σ are written as upper limits of 3σ."""
    head = "".join(f"<th scope='col'>{name}</th>" for name in ("line", "flux", "S/N", "EW (Å, rest)"))
    body = "".join(_html_row(row) for row in table.itertuples(index=False, name=None))
    return (f"<table class='specanom-fluxes' style='border-collapse:collapse;font-variant-numeric:tabular-nums'>"
            f"<caption style='text-align:left;padding:4px 0'>{escape(caption)}</caption>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _html_row(row: tuple[Any, ...]) -> str:
    label, flux, error, snr, ew, ew_error = row
    seen = snr >= 3
    cells = (label, f"{flux:.4g} ± {error:.2g}" if seen else f"< {3 * error:.2g}", f"{snr:.1f}",
             f"{ew:.2f} ± {ew_error:.2f}" if seen else f"< {3 * ew_error:.2f}")
    style = "padding:1px 12px 1px 0" if seen else "padding:1px 12px 1px 0;opacity:.75"
    return "<tr>" + "".join(f"<td style='{style}'>{escape(cell)}</td>" for cell in cells) + "</tr>"


def summary(measured: LineMeasurement) -> str:
    """Return velocity and width of the lines in words, or why nothing was measured."""
    values = measured.values
    if values["note"]:
        return str(values["note"])
    velocity, sigma = float(values["velocity"]), float(values["sigma"])
    if not math.isfinite(sigma):
        return "no line above 3σ"
    return (f"lines at {velocity:+.1f} ± {float(values['velocity_err']):.1f} km/s of this redshift, "
            f"σ {sigma:.1f} ± {float(values['sigma_err']):.1f} km/s (instrument included)")


def fitted_model(measured: LineMeasurement) -> NDArray[np.float64]:
    """Return stars and lines on all pixels: stars alone outside the fitted windows."""
    return np.where(np.isfinite(measured.model), measured.model, measured.stars)
