"""Seeds do not depend on order, process or Python's hash()."""

from __future__ import annotations

import numpy as np

from specanom.seeds import content_hash, object_seed


def test_a_seed_is_the_same_for_ever() -> None:
    assert object_seed(0, "0266-51602-0001") == object_seed(0, "0266-51602-0001")
    assert object_seed(0, "a") != object_seed(1, "a")
    assert object_seed(1, "1a") != object_seed(11, "a")
    assert 0 <= object_seed(5, "x") < 2**63


def test_a_content_hash_sees_shape_type_and_bytes() -> None:
    a = np.arange(6.0)
    assert content_hash(a) == content_hash(a.copy())
    assert len({content_hash(a), content_hash(a.reshape(2, 3)), content_hash(a.astype("f4")), content_hash(a + 1)}) == 4
