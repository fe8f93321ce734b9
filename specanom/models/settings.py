"""How a network is trained: one frozen record of settings, with what was published as an alternative."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from ..errors import ArgumentError, choice, message

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Training:
    """How a network is trained.

    The loss of a VAE is ``W·MSE + (1 − alpha)·KLD + (alpha + lam − 1)·MMD`` (Ortiz & Boquien 2025), with
    W the number of pixels. A :class:`TransformerEncoder` has another loss and other first weights: of these settings
    it takes those of the loop, from `weight` to `trim` and from `precision` on.

    Parameters
    ----------
    alpha, lam : float
        Weights of the two terms that shape the latent space.
    mmd_samples : int
        Fresh normal draws per batch against which the MMD is measured.
    mse_scale : float, optional
        W; the number of pixels when None.
    weight : {"auto", "ivar", "none"}
        Whether a squared residual counts by its inverse variance. ``"auto"``: yes where the sample has one. Imputed
        pixels then have no weight at all.
    floor : float
        Variance added to the noise before it becomes a weight, in units of the sample's median noise variance:
        no pixel weighs more than ``1/floor`` typical ones.
    batch_size : int, optional
        Spectra per step; None lets it grow with the sample, ``1.5·√n`` as a power of two within 16–1024.
    learning_rate, plateau, factor : float, int, float
        Adam's step; it is multiplied by `factor` when the validation loss has not improved for `plateau` counts.
    patience : int
        Counts without improvement after which training ends; the best weights are kept.
    count_in : {"steps", "epochs"}
        What `patience` and `plateau` count.
    check_every : int
        Steps between looks at the validation data (an epoch, when epochs are counted).
    validation : float
        Share of each training fold that is kept for validation.
    validation_from : {"hash", "last"}
        Chosen by a hash of the id, or the last rows.
    trim : float
        Share of the validation spectra, the worst ones, that do not count: they are the anomalies.
    monitor : {"reconstruction", "loss"}
        What is watched: ``W·MSE`` of the deterministic reconstruction, or the whole loss.
    centre : bool
        Whether inputs are centred on the mean spectrum; the affine layers absorb it after training.
    basis : int, optional
        The first and the last layer are trained inside the span of this many principal components of the training
        fold. Noise outside it cannot be learnt and a step costs a tenth. None trains them freely.
    start : {"auto", "pca", "glorot"}
        First weights: those of the principal components, carried through the ReLUs as pairs (x⁺, x⁻), or Glorot's.
        ``"auto"``: PCA where every hidden layer has room for the pairs.
    clip : float
        Share of the training spectra, the worst by reconstruction, left out in a second fit; 0 makes one fit.
    precision : {"auto", "float32"}
        ``"auto"``: bfloat16 products on CUDA, float32 elsewhere.
    schedule : {"plateau", "cosine"}
        ``"cosine"``: the step rises in a straight line to `learning_rate`, then falls along half a cosine to zero at
        the last step; `plateau`, `factor` and `patience` have no part in it.
    warmup : float
        Share of the steps in which it rises.
    weight_decay : float
        Decoupled decay of the matrices (AdamW, Loshchilov & Hutter 2019); 0 is Adam.
    max_gradient : float, optional
        Norm that longer gradients are cut to.

    Examples
    --------
    >>> Training().batch_for(1500)
    64
    >>> Training.paper().batch_for(180_000)
    256
    """

    alpha: float = 0.0
    lam: float = 8.6
    mmd_samples: int = 200
    mse_scale: float | None = None
    weight: str = "auto"
    floor: float = 0.1
    batch_size: int | None = None
    learning_rate: float = 1e-3
    plateau: int = 200
    factor: float = 0.1
    patience: int = 500
    count_in: str = "steps"
    check_every: int = 50
    validation: float = 0.15
    validation_from: str = "hash"
    trim: float = 0.1
    monitor: str = "reconstruction"
    centre: bool = True
    basis: int | None = 64
    start: str = "auto"
    clip: float = 0.0
    precision: str = "auto"
    schedule: str = "plateau"
    warmup: float = 0.0
    weight_decay: float = 0.0
    max_gradient: float | None = None

    def __post_init__(self) -> None:
        choice("weight", self.weight, ("auto", "ivar", "none"))
        choice("count_in", self.count_in, ("steps", "epochs"))
        choice("validation_from", self.validation_from, ("hash", "last"))
        choice("monitor", self.monitor, ("reconstruction", "loss"))
        choice("start", self.start, ("auto", "pca", "glorot"))
        choice("precision", self.precision, ("auto", "float32"))
        choice("schedule", self.schedule, ("plateau", "cosine"))
        for name in ("mmd_samples", "patience", "plateau", "check_every", "batch_size", "basis"):
            value = getattr(self, name)
            if value is not None and (isinstance(value, bool) or value != int(value) or value < 1):
                raise ArgumentError(message(name, expected="a positive integer", got=repr(value)))
        for name in ("learning_rate", "factor", "floor", "mse_scale", "max_gradient"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value > 0):
                raise ArgumentError(message(name, expected="a positive number", got=repr(value)))
        shares = {"validation": 0.9, "trim": 0.9, "clip": 0.5, "warmup": 0.9, "weight_decay": 1.0}
        for name, top in shares.items():
            value = getattr(self, name)
            if not 0 <= value <= top or (name == "validation" and value == 0):
                raise ArgumentError(message(name, expected=f"a share up to {top}", got=repr(value)))

    @classmethod
    def paper(cls) -> Training:
        """Return what was published: batches of 256, uncentred input, epochs counted, the last 20 % for validation."""
        return cls(mse_scale=3776.0, weight="none", batch_size=256, plateau=5, factor=0.1, patience=10,
                   count_in="epochs", validation=0.2, validation_from="last", trim=0.0, monitor="loss", centre=False,
                   basis=None, start="glorot")

    @classmethod
    def masked(cls, batch_size: int = 64) -> Training:
        """Return what suits a masked transformer: AdamW, a tenth of the steps to warm up, then half a cosine."""
        return cls(batch_size=batch_size, validation=0.1, start="glorot", basis=None, schedule="cosine", warmup=0.1,
                   weight_decay=0.05, max_gradient=1.0)

    def rate_at(self, step: int, steps: int) -> float:
        """Return the step size of a cosine schedule at `step` (from 0) of `steps`."""
        rise = self.warmup * steps
        if step + 1 < rise:
            return self.learning_rate * (step + 1) / rise
        part = (step + 1 - rise) / max(steps - rise, 1.0)
        return self.learning_rate * 0.5 * (1.0 + math.cos(math.pi * min(part, 1.0)))

    def trimmed_mean(self, errors: Tensor) -> float:
        """Return the mean of the validation errors ``(n,)`` but for the worst share `trim`."""
        kept = max(1, round(len(errors) * (1.0 - self.trim)))
        return float(errors.sort().values[:kept].mean())

    def batch_for(self, n: int) -> int:
        """Return the batch size for `n` training spectra."""
        if self.batch_size is not None:
            return self.batch_size
        return int(2 ** min(max(round(math.log2(1.5 * math.sqrt(max(n, 1)))), 4), 10))

    def to_card(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return asdict(self)
