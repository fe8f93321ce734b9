"""What explanations are held against: the published loop (A) and ``lime_image`` on a spectrum drawn as an image (B)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from lime.lime_base import LimeBase
from lime.lime_image import LimeImageExplainer
from sklearn.metrics import pairwise_distances

Score = Callable[[np.ndarray], np.ndarray]


def torch_network(layers: Any) -> torch.nn.Module:
    """Return a model's network as plain torch layers, from its AffineLayers."""
    made: list[torch.nn.Module] = []
    for group, relu in ((layers.encoder, True), ((layers.latent,), False), (layers.decoder, True),
                        ((layers.output,), False)):
        for layer in group:
            linear = torch.nn.Linear(layer.weight.shape[1], layer.weight.shape[0])
            linear.weight.data = torch.from_numpy(np.array(layer.weight))
            linear.bias.data = torch.from_numpy(np.array(layer.bias))
            made += [linear, torch.nn.ReLU()] if relu else [linear]
    return torch.nn.Sequential(*made).eval().requires_grad_(False)


def reconstruction(network: torch.nn.Module) -> Score:
    """Return the network as a function of arrays."""

    def reconstruct(rows: np.ndarray) -> np.ndarray:
        return network(torch.from_numpy(np.ascontiguousarray(rows, dtype=np.float32))).numpy()

    return reconstruct


def plain_scores(reconstruct: Score, keep: np.ndarray, ivar: np.ndarray, *, delta: float = 1e-3) -> dict[str, Score]:
    """Return the scores as one would write them down, float32 as the spectra are."""
    kept = np.flatnonzero(keep)
    stay = kept.size - int(np.ceil(0.03 * kept.size))
    known = np.flatnonzero(ivar > 0)
    weight = ivar[known].astype(np.float32)

    def squares(rows: np.ndarray, pixels: np.ndarray) -> np.ndarray:
        return (rows - reconstruct(rows))[:, pixels] ** 2

    every = np.arange(keep.size)
    return {
        "mse": lambda rows: ((rows - reconstruct(rows)) ** 2).mean(axis=1),
        "mse_filtered": lambda rows: squares(rows, kept).mean(axis=1),
        "chi2_ivar": lambda rows: (squares(rows, known) * weight).mean(axis=1),
        "chi2": lambda rows: (squares(rows, every) / (np.abs(rows) + delta)).mean(axis=1),
        "mse_filtered_trimmed": lambda rows: np.sort(squares(rows, kept), axis=1)[:, :stay].mean(axis=1),
    }


def published_loop(
    score: Score, flux: np.ndarray, masks: np.ndarray, *, segments: np.ndarray, fill: np.ndarray
) -> np.ndarray:
    """Return the weights as the published algorithm makes them: baseline A.

    Copies are filled segment by segment, scored in batches of 100, and fitted with ``lime.lime_base.LimeBase``.
    """
    scores, batch = [], []
    for row in masks:
        copy = flux.copy()
        for off in np.flatnonzero(row == 0):
            inside = segments == off
            copy[inside] = fill[inside]
        batch.append(copy)
        if len(batch) == 100:
            scores.append(score(np.array(batch)))
            batch = []
    if batch:
        scores.append(score(np.array(batch)))
    labels = np.concatenate(scores)
    distances = pairwise_distances(masks, masks[:1], metric="cosine").ravel()
    base = LimeBase(lambda d: np.sqrt(np.exp(-(d**2) / 0.25**2)))
    _, ranked, _, _ = base.explain_instance_with_data(
        masks, labels[:, None], distances, 0, masks.shape[1], feature_selection="none"
    )
    weights = np.empty(masks.shape[1])
    for k, weight in ranked:
        weights[k] = weight
    return weights


def image_lime(score: Score, flux: np.ndarray, *, segments: np.ndarray, n_samples: int) -> np.ndarray:
    """Return what ``LimeImageExplainer`` says of a spectrum drawn as a 1 × p colour image: baseline B."""
    image = np.repeat(flux[None, :, None], 3, axis=2).astype(np.float64)
    made = LimeImageExplainer(random_state=0).explain_instance(
        image, lambda images: score(images[:, 0, :, 0].astype(np.float32))[:, None], labels=(0,), top_labels=None,
        num_features=int(segments.max()) + 1, num_samples=n_samples, batch_size=100,
        segmentation_fn=lambda _: segments[None, :],
    )
    weights = np.empty(int(segments.max()) + 1)
    for k, weight in made.local_exp[0]:
        weights[k] = weight
    return weights


def interleaved(runs: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Return the least CPU time of each run in seconds; runs take turns, so that a busy machine slows all alike."""
    best = dict.fromkeys(runs, np.inf)
    for _ in range(repeats):
        for name, run in runs.items():
            start = time.thread_time()
            run()
            best[name] = min(best[name], time.thread_time() - start)
    return best
