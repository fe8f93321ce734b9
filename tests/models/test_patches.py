"""Patches and hidden blocks: nothing of a hidden pixel is in sight."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from specanom.models.patches import Blocks, Patches

LAYOUTS = st.integers(2, 20).flatmap(lambda size: st.tuples(
    st.integers(3 * size, 6 * size + 7), st.just(size), st.integers(1, size)))


@given(layout=LAYOUTS)
@settings(max_examples=60, deadline=None)
def test_each_pixel_is_in_a_patch_and_joining_undoes_cutting(layout: tuple[int, int, int]) -> None:
    patches = Patches(*layout)
    flux = torch.randn(3, layout[0], generator=torch.Generator().manual_seed(0))
    cut = patches.cut(flux)
    assert cut.shape == (3, patches.count, patches.size)
    assert torch.allclose(patches.join(cut), flux, atol=1e-5)


@given(layout=LAYOUTS, share=st.floats(0.05, 0.8), longer=st.integers(0, 5), seed=st.integers(0, 10))
@settings(max_examples=80, deadline=None)
def test_no_patch_in_sight_covers_a_hidden_pixel(layout: tuple[int, int, int], share: float, longer: int,
                                                 seed: int) -> None:
    patches = Patches(*layout)
    blocks = Blocks(patches, share, patches.size + longer)
    hidden = blocks.draw(4, torch.Generator().manual_seed(seed))
    seen = ~patches.touching(hidden)
    starts = torch.arange(patches.count) * patches.stride
    for row in range(4):
        for start in starts[seen[row]].tolist():
            assert not hidden[row, start : start + patches.size].any()
        assert hidden[row].any()
        assert not hidden[row].all()


def test_a_quarter_of_single_patches_would_leak() -> None:
    patches = Patches(3688, 15, 5)
    random = torch.rand(8, patches.count, generator=torch.Generator().manual_seed(0)) < 0.25
    covered = patches.join((~random)[:, :, None].expand(-1, -1, 15).float()) > 0
    in_sight = (patches.cut(covered.float()).mean(dim=2))[random].mean()
    assert in_sight > 0.9, "what blocks are for: 94 % of the pixels of a hidden patch lie in one that is seen"


def test_the_share_that_is_hidden_is_the_one_asked_for() -> None:
    blocks = Blocks(Patches(3840, 32, 32), 0.25, 32)
    hidden = blocks.draw(50, torch.Generator().manual_seed(1))
    assert (hidden.sum(dim=1) == 960).all()
    assert hidden.float().mean(dim=0).std() < 0.1, "everywhere alike"
    assert not torch.equal(hidden[0], hidden[1])


@pytest.mark.parametrize(("patch", "stride", "block", "looks"), [(32, 32, 32, 4), (15, 5, 30, 4), (20, 10, 50, 4)])
def test_in_all_looks_together_each_pixel_is_hidden_once(patch: int, stride: int, block: int, looks: int) -> None:
    masks = list(Blocks(Patches(500, patch, stride), 0.25, block).each_once())
    assert len(masks) == looks
    assert (torch.stack(masks).sum(dim=0) == 1).all()
