"""Measured lines as a table to read."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from specanom.diagnostics import MEASURED, LineMeasurement
from specanom.lines import line

from ..base.words import in_html

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
    names = ("line", "flux", "S/N", "EW (Å, rest)")
    head = "".join(f"<th scope='col' style='{_style(name)}'>{name}</th>" for name in names)
    body = "".join(_html_row(row) for row in table.itertuples(index=False, name=None))
    return (f"<div style='padding:8px 0 4px;line-height:1.4'>{in_html(caption)}</div>"
            f"<table class='specanom-fluxes' style='border-collapse:collapse;font-variant-numeric:tabular-nums'>"
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>")


def _style(name: str) -> str:
    return f"padding:1px 14px 1px 0;text-align:{'left' if name == 'line' else 'right'}"


def _html_row(row: tuple[Any, ...]) -> str:
    label, flux, error, snr, ew, ew_error = row
    seen = snr >= 3
    cells = {"line": label, "flux": with_error(flux, error) if seen else f"< {_short(3 * error, error)}",
             "S/N": f"{snr:.1f}", "EW": with_error(ew, ew_error) if seen else f"< {_short(3 * ew_error, ew_error)}"}
    fade = "" if seen else ";opacity:.8"
    return "<tr>" + "".join(f"<td style='{_style(name)}{fade}'>{in_html(cell)}</td>"
                            for name, cell in cells.items()) + "</tr>"


def with_error(number: float, error: float) -> str:
    """Write a number with two digits of its error: ``"10010 ± 310"``."""
    return f"{_short(number, error)} ± {_short(error, error)}"


def _short(number: float, error: float) -> str:
    """Write a number to the second digit of its error, with an exponent where it would be long."""
    if not (math.isfinite(error) and error > 0):
        return f"{number:.4g}"
    place = math.floor(math.log10(error)) - 1
    if place > 3 or place < -5:
        return f"{number:.{max(0, math.floor(math.log10(abs(number) or error)) - place)}e}"
    return f"{round(number, -place):.{max(0, -place)}f}"


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
