"""What the viewer of one spectrum shows, as Python."""

from __future__ import annotations

from specanom.spectrum import Spectrum


def code_of(spectrum: Spectrum, z: float | None, look: str, *, smoothing: tuple[int, str, str] | None = None,
            window: tuple[float, float] | None = None) -> str:
    """Return Python that draws ``spectrum``.

    Parameters
    ----------
    spectrum : Spectrum
        As it was given.
    z : float or None
        The redshift chosen.
    look : str
        Arguments of ``plot``.
    smoothing : (int, str, str), optional
        Width in pixels, kernel and weights.
    window : (float, float), optional
        Wavelengths that are seen, in the frame and unit of the axis.
    """
    path, row = spectrum.meta.get("path"), spectrum.meta.get("row")
    made = ["# spectrum is the Spectrum that this viewer was opened on"]
    if path:
        made.append(f"# as it was read: spectrum = sa.Spectrum.read({str(path)!r}, row={row!r})")
    made += [f"spectrum = spectrum.replace(z={z!r})", "shown = spectrum"]
    if smoothing is not None:
        width, kernel, weights = smoothing
        made.insert(0, "from specanom.diagnostics import smoothed\n")
        made[-1] = f"shown = smoothed(spectrum, {width}, kernel={kernel!r}, weights={weights!r})"
    made.append(f"figure = shown.plot({look})")
    if window is not None:
        made.append(f"figure.children[0][0].x_range.update(start={window[0]!r}, end={window[1]!r})")
    return "\n".join(made) + "\n"
