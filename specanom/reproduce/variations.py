"""Figures 7 to 11: how explanations change with what replaces a segment, with segments and with masks."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np

from ..explain.explainer import ExplanationWarning
from ..explain.explanation import Explanation
from ..explain.perturb import Contrast, Flat, Scale, SegmentMean
from ..explain.segments import Slic, Uniform
from ..run.tabulate import ShownTable, fixed, number, percent
from .beside import DASH, both, shown
from .drawing import Panel, picture, weights_panel
from .figures import described, examples
from .groups import on_lines, share_of
from .numbers import EXAMPLE_SEGMENTS, FLATS, SAMPLES, SCALES, SEGMENTS, SLIC_SEGMENTS
from .sides import Made, Picture, Side
from .verdicts import AGREES, DIFFERS, OPEN, PARTLY, Verdict, graded, judged

STABLE, LIKE = 0.9, 0.7
"""From which correlation of |weights| two explanations are stable, and from which alike."""
OPPOSED, SHARED = (0.9, 0.6), "squared residuals that whole segments share"
"""Factors that are set against 2 − factor, to part what turns its sign from what does not."""
OBJECTS = {"the example": ("d", EXAMPLE_SEGMENTS), "the artefact": ("b", EXAMPLE_SEGMENTS),
           "the strong emitter": ("a", 150)}
"""The objects of Fig. 9: examples of Fig. 3, and into how many segments they are cut."""


def scaling(side: Side, factor: float) -> Any:
    """Return what is called scaling: of contrast as in the published code, of the flux in the defaults."""
    return Contrast(factor) if side.preset else Scale(factor)


def alike(first: Explanation, second: Explanation) -> float:
    """Return the correlation of the |weights| of two explanations, pixel by pixel."""
    return _together(np.abs(np.asarray(first.weights))[np.asarray(first.segments)], second)


def noise_of(e: Explanation) -> float:
    """Return the median error of a weight by the drawing of masks, as a share of the largest |weight|."""
    largest = float(np.nanmax(np.abs(np.asarray(e.weights)), initial=0.0))
    error = np.asarray(e.error, dtype=np.float64) if e.error is not None else np.full(1, np.nan)
    known = error[np.isfinite(error)]
    return float(np.median(known) / largest) if known.size and largest > 0 else float("nan")


def small(share: float) -> str:
    """Return a share that may be far below a hundredth as a percentage."""
    return f"{fixed(2)(100 * share)} %" if np.isfinite(share) else DASH


def spread(e: Explanation) -> float:
    """Return the smallest share of the pixels that holds half of Σ|weight|."""
    size = np.abs(np.nan_to_num(np.asarray(e.weights)))
    pixels = np.bincount(np.asarray(e.segments), minlength=size.size)
    order = np.argsort(-size / np.maximum(pixels, 1), kind="stable")
    held = np.cumsum(size[order]) / max(size.sum(), 1e-300)
    return float(pixels[order][: int(np.searchsorted(held, 0.5)) + 1].sum() / pixels.sum())


def _uniform(side: Side, k: int) -> Uniform:
    return Uniform(min(k, side.wave.size), published=bool(side.preset))


def _example(side: Side, explainers: Mapping[str, Any], letter: str = "d") -> dict[str, Explanation]:
    spectrum = side.spectrum(examples(side)[letter].id)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExplanationWarning)  # too few masks are what some of these figures show
        return {name: one.explain(spectrum) for name, one in explainers.items()}


def _picture(side: Side, found: Mapping[str, Explanation], said: str) -> Picture:
    id = next(iter(found.values())).id
    flux = Panel(np.asarray(side.spectrum(id).flux, dtype=np.float64), title=described(side, id), label="flux / median")
    panels = [flux, *(weights_panel(e, title=name, height=60) for name, e in found.items())]
    return picture(side.wave, panels, name=said, caption=said)


def unturned(darker: Explanation, brighter: Explanation) -> float:
    """Return how large the part of the weights is that is the same for opposite factors, over that which turns sign.

    A score of squared residuals has both: one goes with the change of the flux, the other with its square.
    """
    first, second = (np.asarray(e.weights, dtype=np.float64) for e in (darker, brighter))
    turns = float(np.linalg.norm(first - second))
    return float(np.linalg.norm(first + second)) / turns if turns > 0 else float("nan")


def shared(side: Side, id: str, segments: Any) -> float:
    """Return which share of the squared residuals of an object whole segments have in common; noise has little."""
    rest = np.nan_to_num(side.residuals([id])[0])
    cut = np.asarray(segments)
    sums, pixels = np.bincount(cut, rest), np.maximum(np.bincount(cut), 1)
    total = float((rest**2).sum())
    return float((sums**2 / pixels).sum() / total) if total > 0 else float("nan")


def figure_7(side: Side) -> Made:
    """Return the weights of one object under three factors, and why they are alike or not."""
    factors = dict.fromkeys([*SCALES, *(2 - f for f in OPPOSED)])
    found = _example(side, {f"factor {f:g}": side.varied(_uniform(side, EXAMPLE_SEGMENTS), scaling(side, f))
                            for f in factors})
    drawn = {f"factor {f:g}": found[f"factor {f:g}"] for f in SCALES}
    middle = drawn[f"factor {SCALES[1]:g}"]
    numbers = {name: alike(e, middle) for name, e in drawn.items()}
    numbers |= {_opposed(f): unturned(found[f"factor {f:g}"], found[f"factor {2 - f:g}"]) for f in OPPOSED}
    numbers[SHARED] = shared(side, middle.id, middle.segments)
    said = ("Example (d) of Figure 3. A factor above 1 brightens: the part of a weight that goes with the change turns "
            "its sign, and that which goes with its square does not.")
    return Made(numbers, (_picture(side, drawn, said),))


def _opposed(factor: float) -> str:
    return f"same sign over turned sign, {factor:g} and {2 - factor:g}"


def judge_7(paper: Made, defaults: Made) -> Verdict:
    """Return whether the pattern is stable."""
    def say(made: Made) -> tuple[str, str]:
        least = float(np.min([made.numbers[f"factor {f:g}"] for f in SCALES]))
        if not np.isfinite(least):
            return OPEN, "one of the explanations has the same weight everywhere"
        parts = " and ".join(f"{fixed(2)(made.numbers[_opposed(f)])} times as large for {f:g}" for f in OPPOSED)
        text = (f"|weights| under 0.6 and 1.2 correlate with those under 0.9 by {fixed(2)(least)} or more; what the "
                f"square of the change adds to them is {parts} as what turns its sign with the change, and whole "
                f"segments share {percent(made.numbers[SHARED])} of the squared residuals")
        return AGREES if least >= STABLE else PARTLY if least >= LIKE else DIFFERS, text
    lead = f"Stable means a correlation of at least {STABLE:g}, and in part so one of at least {LIKE:g}."
    return judged(paper, defaults, say, lead=lead, why=("scale", "squares", "ranking"))


def figure_8(side: Side) -> Made:
    """Return the weights of one object with three constants in place of segments."""
    cut, lines = _uniform(side, EXAMPLE_SEGMENTS), on_lines(side.wave)
    plan = {"scaling by 0.9": side.varied(cut, scaling(side, 0.9)),
            **{f"constant {c:g}": side.varied(cut, Flat(c)) for c in FLATS}}
    found = _example(side, plan)
    scaled = found["scaling by 0.9"]
    numbers = {f"constant {c:g}": alike(found[f"constant {c:g}"], scaled) for c in FLATS}
    off = {f"off lines, {name}": 1 - share_of(e.weights, e.segments, lines) for name, e in found.items()}
    flux = np.asarray(side.spectrum(scaled.id).flux, dtype=np.float64)
    for c in FLATS:
        square = _by_segment((c - flux) ** 2, scaled)
        numbers[f"squared change by {c:g}, with its |weights|"] = _together(square, found[f"constant {c:g}"])
        numbers[f"squared change by {c:g}, with those of scaling"] = _together(square, scaled)
    said = "Example (d) of Figure 3."
    return Made({**numbers, **off}, (_picture(side, found, said),))


def _by_segment(values: Any, e: Explanation) -> Any:
    """Return the mean of pixels in each segment of an explanation, repeated for its pixels."""
    cut = np.asarray(e.segments)
    return (np.bincount(cut, values) / np.maximum(np.bincount(cut), 1))[cut]


def _together(values: Any, e: Explanation) -> float:
    """Return the correlation of values of pixels with the |weights| of an explanation."""
    size = np.abs(np.asarray(e.weights))[np.asarray(e.segments)]
    return float(np.corrcoef(values, size)[0, 1]) if values.std() > 0 and size.std() > 0 else float("nan")


def judge_8(paper: Made, defaults: Made) -> Verdict:
    """Return whether a constant of 1.0 comes nearest to scaling, and puts least weight off the lines."""
    def say(made: Made) -> tuple[str, str]:
        like = {c: made.numbers[f"constant {c:g}"] for c in FLATS}
        off = {c: made.numbers[f"off lines, constant {c:g}"] for c in FLATS}
        nearest, least = max(like, key=lambda c: like[c]), min(off, key=lambda c: off[c])
        near, low = (f"; 1 has {text}" for text in (fixed(2)(like[1.0]), percent(off[1.0])))
        text = (f"{nearest:g} comes nearest to scaling (correlation {fixed(2)(like[nearest])}"
                f"{near if nearest != 1.0 else ''}), and {least:g} puts least weight off the lines "
                f"({percent(off[least])}{low if least != 1.0 else ''}); the squared distance of the flux from "
                f"{', '.join(f'{c:g}' for c in FLATS)} correlates with the |weights| under it by "
                f"{_listed(made, 'its |weights|')}, with those of scaling by {_listed(made, 'those of scaling')}")
        return graded([nearest == 1.0, least == 1.0]), text
    return judged(paper, defaults, say, why=("constant", "scale", "kernel", "simulated"))


def _listed(made: Made, whose: str) -> str:
    """Return correlations with the squared change that the constants make, one after the other."""
    return ", ".join(fixed(2)(made.numbers[f"squared change by {c:g}, with {whose}"]) for c in FLATS)


def figure_9(side: Side) -> Made:
    """Return the weights of three objects with the mean of a segment in its place."""
    lines, numbers, pictures = on_lines(side.wave), dict[str, Any](), []
    for name, (letter, k) in OBJECTS.items():
        cut = _uniform(side, k)
        found = _example(side, {"mean of the segment": side.varied(cut, SegmentMean()),
                                "scaling by 0.9": side.varied(cut, scaling(side, 0.9))}, letter)
        for fill, e in found.items():
            numbers[f"{name}, {fill}"] = share_of(e.weights, e.segments, lines)
        pictures.append(_picture(side, found, f"{name[:1].upper()}{name[1:]}: ({letter}) of Figure 3, {k} segments."))
    return Made(numbers, tuple(pictures))


def judge_9(paper: Made, defaults: Made) -> Verdict:
    """Return whether the mean of a segment brings out lines more than scaling does."""
    def say(made: Made) -> tuple[str, str]:
        pairs = {name: (made.numbers[f"{name}, mean of the segment"], made.numbers[f"{name}, scaling by 0.9"])
                 for name in OBJECTS}
        more = [mean > scale for mean, scale in pairs.values()]
        shares = "; ".join(f"{name} {percent(mean)} against {percent(scale)}" for name, (mean, scale) in pairs.items())
        return graded(more), f"lines have more of the weight than with scaling in {sum(more)} of {len(more)} ({shares})"
    return judged(paper, defaults, say, why=("scale", "simulated"))


def figure_10(side: Side) -> Made:
    """Return the weights of one object in few and in many segments."""
    fill = scaling(side, 0.9)
    numbers, pictures = dict[str, Any](), []
    for kind, cuts in (("uniform", {k: _uniform(side, k) for k in SEGMENTS}),
                       ("SLIC", {k: Slic(k, published=bool(side.preset)) for k in SEGMENTS})):
        made = _example(side, {str(k): side.varied(cut, fill) for k, cut in cuts.items()})
        found = {}
        for asked, e in made.items():
            numbers |= {f"{kind} {asked}": e.n_segments, f"{kind} {asked}, spread": spread(e),
                        f"{kind} {asked}, noise": noise_of(e)}
            found[f"{kind}, asked for {asked}: {e.n_segments} segments"] = e
        pictures.append(_picture(side, found, "Example (d) of Figure 3."))
    return Made(numbers, tuple(pictures))


def judge_10(paper: Made, defaults: Made) -> Verdict:
    """Return whether few segments dilute, many are noisy, and SLIC makes as many as in the paper."""
    few, some, many = SEGMENTS

    def say(made: Made) -> tuple[str, str]:
        n = made.numbers
        dilutes = n[f"uniform {few}, spread"] > n[f"uniform {some}, spread"]
        noisy = n[f"uniform {many}, noise"] > n[f"uniform {some}, noise"]
        slic = [n[f"SLIC {k}"] for k in SEGMENTS]
        same = all(0.5 <= a / b <= 2 for a, b in zip(slic, SLIC_SEGMENTS, strict=True))
        text = (f"half of the weight lies in {percent(n[f'uniform {few}, spread'])} of the pixels with {few} segments "
                f"and in {percent(n[f'uniform {some}, spread'])} with {some}; the error of a weight is "
                f"{small(n[f'uniform {some}, noise'])} of the largest with {some} segments and "
                f"{small(n[f'uniform {many}, noise'])} with {many}; SLIC makes {slic[0]}, {slic[1]} and {slic[2]}")
        return graded([dilutes, noisy, same]), text
    return judged(paper, defaults, say, why=("slic", "segments", "samples", "kernel"))


def beside_10(paper: Made, defaults: Made) -> ShownTable:
    """Return the segments obtained, and how noisy and spread the weights are."""
    rows = [(f"{kind}, asked for {k}: segments", number(theirs), *both(paper, defaults, f"{kind} {k}"))
            for kind, them in (("uniform", SEGMENTS), ("SLIC", SLIC_SEGMENTS))
            for k, theirs in zip(SEGMENTS, them, strict=True)]
    rows += [(f"uniform {k}: {what}", DASH, *both(paper, defaults, f"uniform {k}, {key}", small))
             for key, what in (("spread", "pixels with half of the weight"), ("noise", "error over largest weight"))
             for k in SEGMENTS]
    return shown(rows)


def figure_11(side: Side) -> Made:
    """Return the weights of one object by few and by many masks, against another drawing of many."""
    cut, fill = _uniform(side, EXAMPLE_SEGMENTS), scaling(side, 0.9)
    found = _example(side, {f"{n} masks": side.varied(cut, fill, n) for n in SAMPLES})
    other = _example(side, {"other": side.varied(cut, fill, SAMPLES[-1], seed=1)})["other"]
    numbers = {name: alike(e, other) for name, e in found.items()}
    return Made(numbers, (_picture(side, found, "Example (d) of Figure 3, 77 segments."),))


def judge_11(paper: Made, defaults: Made) -> Verdict:
    """Return whether explanations become stable with the number of masks."""
    def say(made: Made) -> tuple[str, str]:
        values = [made.numbers[f"{n} masks"] for n in SAMPLES]
        shown_values = ", ".join(fixed(3)(value) for value in values)
        text = f"the correlations are {shown_values} with {', '.join(map(str, SAMPLES))} masks"
        return graded([values[0] < values[1] <= values[2] + 0.01, values[2] >= STABLE]), text
    lead = (f"Each is compared with another drawing of {SAMPLES[-1]} masks. It agrees when |weights| come closer to it "
            f"from {SAMPLES[0]} to {SAMPLES[1]} and end above {STABLE:g}.")
    return judged(paper, defaults, say, lead=lead, why=("samples", "kernel"))


def beside_numbers(paper: Made, defaults: Made) -> ShownTable:
    """Return every number of the two runs; the paper gives none."""
    names = {**paper.numbers, **defaults.numbers}
    return shown([(name, DASH, *both(paper, defaults, name, fixed(2))) for name in names])
