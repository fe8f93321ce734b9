"""The masked transformer: patches to tokens, hidden ones to one learnt vector, and back to the pixels of each patch."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .patches import Patches

_INNER = 4  # width of the layer inside a block, in units of the width of a token
_FIRST = 0.02  # standard deviation of first weights (Devlin et al. 2019)
_FAR = 50.0  # an input further from the mean spectrum, in units of the scatter of the sample, is cut to this
_KNOWN = 0.5  # share of a patch's pixels that must be known for it to be seen


class Block(nn.Module):
    """Attention and two layers, each on normalised tokens and added to them."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.between = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attend, self.merge = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, _INNER * width), nn.Linear(_INNER * width, width)

    def forward(self, tokens: Tensor) -> Tensor:
        """Return tokens ``(b, t, d)``."""
        b, t, d = tokens.shape
        parts = self.attend(self.before(tokens)).view(b, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2])
        tokens = tokens + self.merge(seen.transpose(1, 2).reshape(b, t, d))
        made: Tensor = tokens + self.narrow(functional.gelu(self.widen(self.between(tokens))))
        return made


class MaskedTransformer(nn.Module):
    """Predicts hidden pixels from the patches in sight; NaN in a spectrum is a pixel that nobody knows.

    Parameters
    ----------
    patches : Patches
        Where the patches lie.
    width, layers, heads : int
        Numbers of a token, blocks, and attention heads.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, patches: Patches, *, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.patches, self.shape = patches, {"width": width, "layers": layers, "heads": heads}
        with torch.device("meta"):  # first weights come from a seed, by start(), and not from torch's generator
            self.embed = nn.Linear(patches.size, width)
            self.position = nn.Parameter(torch.empty(patches.count, width))
            self.unknown = nn.Parameter(torch.empty(width))
            self.blocks = nn.ModuleList(Block(width, heads) for _ in range(layers))
            self.norm = nn.LayerNorm(width)
            self.head = nn.Linear(width, patches.size)
            self.register_buffer("mean", torch.empty(patches.n_pixels))
            self.register_buffer("scale", torch.empty(()))

    @property
    def n_parameters(self) -> int:
        """Numbers that are learnt."""
        return sum(parameter.numel() for parameter in self.parameters())

    @torch.no_grad()
    def start(self, mean: Tensor, scale: float, generator: torch.Generator) -> None:
        """Set first weights; what adds to the tokens is smaller the more blocks there are (Radford et al. 2019)."""
        for layer in self.modules():
            if isinstance(layer, nn.LayerNorm):
                layer.weight.fill_(1.0)
                layer.bias.zero_()
            elif isinstance(layer, nn.Linear):
                layer.weight.normal_(0.0, _FIRST, generator=generator)
                layer.bias.zero_()
        self.embed.weight.normal_(0.0, 1.0 / math.sqrt(self.patches.size), generator=generator)
        self.position.normal_(0.0, _FIRST, generator=generator)
        self.unknown.normal_(0.0, _FIRST, generator=generator)
        for block in self.blocks:
            assert isinstance(block, Block)
            for layer in (block.merge, block.narrow):
                layer.weight.div_(math.sqrt(2 * len(self.blocks)))
        self.mean.copy_(mean)
        self.scale.fill_(scale)

    def standardise(self, flux: Tensor) -> Tensor:
        """Return flux less the mean spectrum, in units of the scatter; NaN stays."""
        return (flux - self.mean) / self.scale

    def forward(self, standard: Tensor, hidden: Tensor) -> Tensor:
        """Return predictions of all pixels ``(b, p)`` from patches that hold no hidden pixel.

        Parameters
        ----------
        standard : (b, p) tensor
            Standardised flux, NaN where unknown.
        hidden : (b, p) bool tensor
            What is to be predicted.
        """
        tokens = self._tokens(standard, self.seen(standard) & ~self.patches.touching(hidden))
        return self.patches.join(self.head(tokens).float())

    def encode(self, flux: Tensor) -> Tensor:
        """Return the mean ``(b, d)`` of the tokens of the patches that are known; NaN when there is none."""
        standard = self.standardise(flux)
        seen = self.seen(standard)
        tokens = self._tokens(standard, seen) * seen[:, :, None]
        return tokens.sum(dim=1) / seen.sum(dim=1, keepdim=True).to(tokens.dtype)

    def seen(self, standard: Tensor) -> Tensor:
        """Return which patches ``(b, count)`` are known in at least half of their pixels."""
        known = self.patches.cut(torch.isfinite(standard).float()).sum(dim=2)
        whole = self.patches.cut(torch.ones_like(standard[:1])).sum(dim=2)
        return (known > 0) & (known >= _KNOWN * whole)

    def _tokens(self, standard: Tensor, seen: Tensor) -> Tensor:
        pixels = torch.nan_to_num(standard, nan=0.0).clamp(-_FAR, _FAR)
        tokens = torch.where(seen[:, :, None], self.embed(self.patches.cut(pixels)), self.unknown) + self.position
        for block in self.blocks:
            tokens = block(tokens)
        made: Tensor = self.norm(tokens)
        return made
