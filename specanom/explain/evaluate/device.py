"""Scores of many spectra under the same masks, on a device through torch: the CPU, CUDA or MPS.

Squared scores of an affine network whose weights are fixed (MSE, filtered MSE, χ² by inverse variance) are a quadratic
form in the last hidden layer: no array of masks × pixels is made. Weights made of the flux and trimmed scores need
the residual of each pixel; it is made in blocks of bounded size. Everything else goes to the evaluators of the CPU,
and ``path`` says why.

Batches have one fixed shape on each kind of device and each spectrum is a product of its own in them: the bits do not
depend on batch size, order or company. They may differ between devices. float32 products are exact float32
(TF32 is off meanwhile), the large constants float64.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from threading import RLock
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...devices import pick_device
from ...seeds import content_hash
from ..attribution import Evaluator
from ..problem import Problem
from .choosing import evaluator_of, no_layers
from .device_blocks import factored, residuals
from .device_constants import SIZES, Constants, Layers, Pieces, prepare

if TYPE_CHECKING:
    import torch

Masks = NDArray[np.uint8]
_ONE_AT_A_TIME = RLock()  # the precision of products is a setting of the whole process


class Scored(NamedTuple):
    """What a device made of one spectrum.

    Attributes
    ----------
    scores : (n,) float64 array or None
        None when this score cannot be computed on a device.
    path : str
        How they were made, or why not.
    reconstruction : (p,) float32 array or None
        Of the spectrum itself.
    """

    scores: NDArray[np.float64] | None
    path: str
    reconstruction: NDArray[np.float32] | None = None


class Prefetched:
    """An evaluator that knows the scores of the masks a method asks for first.

    Other masks, and what never was on a device, go to the evaluator of the CPU.

    Parameters
    ----------
    problem : Problem
    masks : (n, K) array
        The masks whose scores are known.
    scored : Scored
        Their scores.
    """

    def __init__(self, problem: Problem, masks: Masks, scored: Scored) -> None:
        self.problem, self.n_segments = problem, problem.n_segments
        self._masks, (self._scores, self._path, self._typical) = masks, scored
        self._other: Evaluator | None = None

    @property
    def path(self) -> str:
        """Which evaluator made the scores and why: ``"device: …"``, or that of the CPU and why not the device."""
        return self._path if self._scores is not None else f"{self._cpu.path}; {self._path}"

    @property
    def _cpu(self) -> Evaluator:
        if self._other is None:
            self._other = evaluator_of(self.problem)
        return self._other

    def energy(self) -> NDArray[np.float64]:
        """Return Σ (x − g)² over each segment, shape ``(K,)``."""
        return self.problem.energy()

    def reconstruction(self) -> NDArray[np.float32] | None:
        """Return the model's reconstruction of the spectrum itself, shape ``(p,)``; None without a model."""
        return self._cpu.reconstruction() if self._typical is None else self._typical

    def scores(self, masks: Masks) -> NDArray[np.float64]:
        """Return the score of each perturbed copy, shape ``(n,)`` float64."""
        if self._scores is not None and (masks is self._masks or np.array_equal(masks, self._masks)):
            return self._scores.copy()
        return self._cpu.scores(masks)


def prefetch(problems: Sequence[Problem], masks: Masks | Sequence[Masks], device: Any) -> list[Evaluator]:
    """Score the masks that a method will ask for first, for many spectra at once.

    Parameters
    ----------
    problems : sequence of Problem
    masks : (n, K) array, or one such array for each problem
        As from ``method.masks(seed, k)``.
    device : str or torch.device
        ``"cpu"``, ``"cuda"``, ``"cuda:1"``, ``"mps"`` or ``"auto"``.

    Returns
    -------
    list of Evaluator
        In the order of the problems.
    """
    place = _device(device)
    each: list[Masks] = [masks] * len(problems) if isinstance(masks, np.ndarray) else list(masks)
    made: list[Evaluator | None] = [None] * len(problems)
    groups: dict[str, list[int]] = {}
    for i, content in enumerate(_contents(each)):  # not every method gives all spectra one and the same array
        groups.setdefault(content, []).append(i)
    for rows in groups.values():
        shared = each[rows[0]]
        found = device_scores([problems[i] for i in rows], shared, place)
        for i, scored in zip(rows, found, strict=True):
            made[i] = Prefetched(problems[i], shared, scored)
    return [one for one in made if one is not None]


def device_scores(problems: Sequence[Problem], masks: Masks, device: Any) -> list[Scored]:
    """Return the scores of all spectra under the same masks, and how they were made.

    Parameters
    ----------
    problems : sequence of Problem
        Of any networks and any cuts into K segments.
    masks : (n, K) uint8 array
        1 = as observed.
    device : str or torch.device

    Returns
    -------
    list of Scored
        In the order of the problems.
    """
    import torch

    place = _device(device)
    sizes = SIZES[place.type]
    lacking = [why_not(one, masks.shape[1]) for one in problems]
    able = [i for i, why in enumerate(lacking) if not why]
    made = [Scored(None, f"not on {place}: {why}") for why in lacking]
    with torch.no_grad(), full_precision():
        for rows, ready in _prepared(problems, able, place):
            signs = torch.tensor(masks.astype(np.float32) - 0.5, device=place)
            quadratic = _is_quadratic(ready[0].problem.score)
            raw = factored(ready, signs, sizes) if quadratic else residuals(ready, signs, sizes)
            typical = torch.stack([one.reconstruction for one in ready]).cpu().numpy()
            for i, values, whole in zip(rows, raw, typical, strict=True):
                link = getattr(problems[i].score, "link", None)
                finite = np.where(np.isfinite(values), values, np.nan)
                kind = "factored" if quadratic else "residuals in blocks"
                made[i] = Scored(finite if link is None else link(finite), f"device: {kind}, float32 on {place}", whole)
    return made


def why_not(problem: Problem, k: int) -> str:
    """Return why a device cannot score copies of this spectrum; empty when it can."""
    why = no_layers(problem)
    if why:
        return why
    score: Any = problem.score
    if problem.n_segments != k:
        return f"masks of {k} segments for a spectrum of {problem.n_segments}"
    return "" if score.keep.any() else "no pixel counts"


def _is_quadratic(score: Any) -> bool:
    return score.weighting in ("none", "ivar") and score.trim == 0.0


def _prepared(
    problems: Sequence[Problem], rows: Sequence[int], device: torch.device
) -> Iterator[tuple[list[int], list[Constants]]]:
    """Yield batches of spectra that run side by side: networks of one shape, one kind of score."""
    spectra = SIZES[device.type].spectra
    layers = {i: Layers.of(problems[i].network, device) for i in rows}
    cuts = _contents([problems[i].segments for i in rows])
    ready: dict[int, Constants] = {}
    for batch in _grouped(rows, [(id(layers[i]), cut) for i, cut in zip(rows, cuts, strict=True)], spectra):
        pieces = Pieces(problems[batch[0]].segments, device)
        some = prepare([problems[i] for i in batch], pieces, layers[batch[0]], spectra=spectra)
        ready.update(zip(batch, some, strict=True))
    keys = [(layers[i].shape, _is_quadratic(problems[i].score)) for i in rows]
    for batch in _grouped(rows, keys, spectra):
        yield batch, [ready[i] for i in batch]


def _contents(arrays: Sequence[NDArray[Any]]) -> list[str]:
    """Return what tells arrays of equal content from others."""
    known = {id(one): one for one in arrays}  # most spectra of a batch share one array
    hashes = {key: content_hash(one) for key, one in known.items()}
    return [hashes[id(one)] for one in arrays]


def _grouped(rows: Sequence[int], keys: Sequence[Any], size: int) -> Iterator[list[int]]:
    groups: dict[Any, list[int]] = {}
    for row, key in zip(rows, keys, strict=True):
        groups.setdefault(key, []).append(row)
    for members in groups.values():
        yield from (members[start : start + size] for start in range(0, len(members), size))


def batched_device(name: str) -> torch.device | None:
    """Return the device on which many spectra are scored at once; None for the CPU, whose own evaluators are faster.

    Raises
    ------
    ArgumentError
        When that device is not on this machine.
    """
    if name == "cpu":
        return None
    found = pick_device(name)
    return None if found.type == "cpu" else found


def _device(device: Any) -> torch.device:
    import torch

    return device if isinstance(device, torch.device) else pick_device(str(device))


@contextmanager
def full_precision() -> Iterator[None]:
    """Compute float32 products in float32 (no TF32, no bfloat16) inside; the setting from before comes back."""
    import torch

    with _ONE_AT_A_TIME:
        before = torch.get_float32_matmul_precision()
        torch.set_float32_matmul_precision("highest")
        try:
            yield
        finally:
            torch.set_float32_matmul_precision(before)
