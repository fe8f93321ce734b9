"""Cuts spectra into patches, and hides stretches of them so that no patch in sight covers a hidden pixel.

Overlapping patches leak: with 15 pixels every 5, a pixel of a hidden patch lies in two more. Here pixels are hidden,
in contiguous blocks, and every patch that touches one of them is out of sight.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class Patches:
    """Where the patches of a spectrum lie; the last one may reach beyond its end, so that each pixel is in one.

    Parameters
    ----------
    n_pixels : int
        Of a spectrum.
    size, stride : int
        Pixels of a patch, and from the start of one to that of the next; stride ≤ size ≤ n_pixels.
    """

    n_pixels: int
    size: int
    stride: int

    @property
    def count(self) -> int:
        """Patches of a spectrum."""
        return math.ceil((self.n_pixels - self.size) / self.stride) + 1

    @property
    def width(self) -> int:
        """Pixels up to the end of the last patch."""
        return (self.count - 1) * self.stride + self.size

    def cut(self, pixels: Tensor) -> Tensor:
        """Return the patches ``(b, count, size)`` of ``(b, p)``; zeros beyond the end."""
        return functional.pad(pixels, (0, self.width - self.n_pixels)).unfold(1, self.size, self.stride)

    def join(self, patches: Tensor) -> Tensor:
        """Return ``(b, p)``: each pixel is the mean of the patches ``(b, count, size)`` that cover it."""
        if self.stride == self.size:
            return patches.reshape(len(patches), self.width)[:, : self.n_pixels]
        cover = torch.ones(1, self.count, self.size, device=patches.device, dtype=patches.dtype)
        return (self._add(patches) / self._add(cover))[:, : self.n_pixels]

    def touching(self, pixels: Tensor) -> Tensor:
        """Return which patches ``(b, count)`` hold at least one of the pixels ``(b, p)``."""
        return self.cut(pixels).any(dim=2)

    def _add(self, patches: Tensor) -> Tensor:
        columns = patches.transpose(1, 2)
        return functional.fold(columns, (1, self.width), (1, self.size), stride=(1, self.stride))[:, 0, 0]


@dataclass(frozen=True)
class Blocks:
    """Which pixels are hidden: blocks of `length` pixels, together about `share` of a spectrum.

    Parameters
    ----------
    patches : Patches
        Blocks begin where patches do, so that as few of them as possible are out of sight.
    share : float
        Of the blocks, in (0, 1).
    length : int
        Pixels of a block; blocks side by side make a longer one.
    """

    patches: Patches
    share: float
    length: int

    def draw(self, n: int, generator: torch.Generator) -> Tensor:
        """Return hidden pixels ``(n, p)``, drawn for each spectrum on its own."""
        shift = torch.randint(0, math.ceil(self.length / self.patches.stride), (n, 1), generator=generator)
        cells = (torch.arange(self.patches.n_pixels) + shift * self.patches.stride) // self.length
        count = cells[:, -1:] + 1  # a shifted spectrum may have one block more
        wanted = torch.minimum((self.share * count).round().long().clamp_min(1), count - 1)
        keys = torch.rand(n, int(count.max()), generator=generator)
        keys[torch.arange(keys.shape[1]) >= count] = 2.0
        return (keys.argsort(dim=1).argsort(dim=1) < wanted).gather(1, cells)

    def each_once(self) -> Iterator[Tensor]:
        """Yield hidden pixels ``(p,)``, regularly spaced, in as many looks as it takes to hide each pixel once."""
        cells = torch.arange(self.patches.n_pixels) // self.length
        looks = min(max(2, round(1.0 / self.share)), int(cells.max()) + 1)
        for look in range(looks):
            yield cells % looks == look
