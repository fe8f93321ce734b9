"""An inspector that several files of tests open."""

from __future__ import annotations

import pytest
from specanom.widgets.inspector import ClusterInspector
from specanom.widgets.inspector.book import Book

from .inspected import N, parts


@pytest.fixture(scope="module")
def given():
    return parts()


@pytest.fixture(scope="module")
def inspector(given, tmp_path_factory):
    clusterer, sample, lines = given
    made = ClusterInspector(clusterer, sample, lines=lines, labels=tmp_path_factory.mktemp("first") / "labels.jsonl")
    yield made
    made.close()


@pytest.fixture
def opened(inspector, tmp_path):
    """An inspector in its first state, with labels of its own."""
    inspector.book = Book(tmp_path / "labels.jsonl")
    inspector.k, inspector.scope, inspector.listed, inspector.frame = 3, "focus", "focus", "rest"
    inspector.colour, inspector.compare, inspector.note = "cluster", True, ""
    inspector.clear()
    inspector.cluster, inspector.table.sort = 0, ("distance", "ascending")
    inspector._refresh()
    inspector.table.next(-N)
    yield inspector
    assert inspector.error is None
