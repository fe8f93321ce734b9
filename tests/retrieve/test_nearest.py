"""The nearest are those that scikit-learn finds, whatever searches for them."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from sklearn.neighbors import NearestNeighbors

from specanom.errors import MissingDependency
from specanom.retrieve import KnowledgeBase
from specanom.retrieve.approximate import Approximate
from specanom.retrieve.backends import Flat, Products, Tree, exact_backend
from specanom.retrieve.index import Index


def cloud(n: int, d: int, *, seed: int = 0, at: float = 0.0) -> np.ndarray:
    """Return clusters of vectors, far from the origin when `at` is large."""
    rng = np.random.default_rng(seed)
    return at + rng.normal(size=(20, d))[rng.integers(0, 20, n)] + 0.3 * rng.normal(size=(n, d))


BACKENDS = {
    "tree": Tree, "faiss": lambda v: Flat(v, faiss=True), "products": lambda v: Flat(v, faiss=False),
}


@pytest.mark.parametrize("backend", list(BACKENDS))
@pytest.mark.parametrize(("d", "at"), [(1, 0.0), (12, 0.0), (40, 0.0), (40, 1e4)])
def test_exact_search_equals_scikit_learn(backend, d, at):
    base, queries = cloud(1500, d, at=at), cloud(60, d, seed=1, at=at)
    index = Index(base, BACKENDS[backend](base))
    distance, rows = index.nearest(queries, 7)
    truth, expected = NearestNeighbors(n_neighbors=7, algorithm="brute" if d > 1 else "kd_tree").fit(
        base - at).kneighbors(queries - at)
    assert (rows == expected).all()
    np.testing.assert_allclose(distance, truth, rtol=1e-6)


def test_products_find_what_faiss_finds():
    import faiss

    base = cloud(20_000, 32).astype(np.float32)
    base, queries = base[:-100], base[-100:]
    index = faiss.IndexFlatL2(32)
    index.add(base)
    squares, rows = Products(base).search(queries, 12)
    truth, expected = index.search(queries, 12)
    assert (rows == expected).mean() > 0.99, "rounding may swap two that are equally far"
    np.testing.assert_allclose(squares, truth, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize(("threads", "name"), [(1, "flat search"), (4, "flat search"), (5, "faiss Flat")])
def test_faiss_searches_where_it_has_many_threads(monkeypatch, threads, name):
    import faiss

    monkeypatch.setattr(faiss, "omp_get_max_threads", lambda: threads)
    assert Flat(cloud(50, 20)).name == name


def test_the_default_is_a_tree_up_to_sixteen_dimensions_and_flat_above():
    assert isinstance(exact_backend(cloud(50, 16)), Tree)
    assert isinstance(exact_backend(cloud(50, 17)), Flat)


@pytest.mark.parametrize("backend", list(BACKENDS))
def test_many_copies_of_one_vector_are_taken_in_order(backend):
    base = np.vstack([np.full((400, 20), 3.0), cloud(600, 20)])
    _, rows = Index(base, BACKENDS[backend](base)).nearest(np.full((1, 20), 3.0), 5)
    assert rows.tolist() == [[0, 1, 2, 3, 4]]


@pytest.mark.parametrize("backend", ["faiss", "products"])
def test_flat_search_is_exact_where_float32_cannot_tell_apart(backend):
    rng = np.random.default_rng(3)
    base = np.vstack([1e3 + 1e-5 * rng.normal(size=(300, 24)), -1e3 * np.ones((5, 24))])
    queries = 1e3 + 1e-5 * rng.normal(size=(10, 24))
    _, rows = Index(base, BACKENDS[backend](base)).nearest(queries, 3)
    gap = np.linalg.norm(queries[:, None] - base[None], axis=2)
    assert (rows == np.argsort(gap, axis=1)[:, :3]).all()


def test_queries_that_overflow_float32_are_still_answered():
    base = cloud(100, 20)
    distance, _ = Index(base, Flat(base)).nearest(np.full((1, 20), 1e30), 2)
    assert np.isfinite(distance).all()


def test_a_member_is_left_out_of_its_own_answer_and_others_are_not():
    base = cloud(300, 5)
    index = Index(base)
    alone = index.nearest(base[:4], 3)[1]
    assert (alone[:, 0] == np.arange(4)).all()
    without = index.nearest(base[:4], 3, leave_out=np.array([0, 1, -1, 3]))[1]
    assert without[2].tolist() == alone[2].tolist()
    for row in (0, 1, 3):
        assert row not in without[row]
        assert without[row, :2].tolist() == alone[row, 1:].tolist()


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_the_recall_of_an_approximate_index_is_that_on_vectors_it_had_not_seen(kind):
    both = cloud(3400, 24)
    base, queries = both[:3000], both[3000:]
    made = Approximate.build(base, kind)
    assert made.recall.queries == 300
    assert made.recall.value >= 0.95
    truth, found = Index(base).nearest(queries, 10)[1], Index(base, made).nearest(queries, 10)[1]
    shared = np.mean([len(set(a) & set(b)) / 10 for a, b in zip(truth, found, strict=True)])
    assert shared == pytest.approx(made.recall.value, abs=0.05)


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_an_approximate_index_is_the_same_each_time(kind):
    base, queries = cloud(800, 24), cloud(50, 24, seed=1)
    first, second = (Index(base, Approximate.build(base, kind)).nearest(queries, 5)[1] for _ in range(2))
    assert (first == second).all()


def test_the_recall_is_shown():
    kb = KnowledgeBase.build(cloud(600, 8), index="hnsw")
    assert f"recall@10 {kb.recall.value:.3f} on 60 held-out vectors" in repr(kb)
    assert KnowledgeBase.build(cloud(60, 8)).recall is None


@pytest.mark.parametrize("kind", ["hnsw", "ivf"])
def test_an_approximate_index_of_few_vectors_still_gives_all_of_them(kind):
    base = cloud(9, 4)
    kb = KnowledgeBase.build(base, index=kind)
    assert (np.sort(kb.query(base, 9).rows, axis=1) == np.arange(9)).all()
    assert kb.recall.queries == 0
    assert "recall not measured on so few" in repr(kb)


def test_one_thread_is_used_for_building_and_given_back():
    import faiss

    before = faiss.omp_get_max_threads()
    Approximate.build(cloud(200, 6), "hnsw")
    assert faiss.omp_get_max_threads() == before


def test_without_faiss_exact_search_works_and_an_approximate_index_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "faiss", None)
    base = cloud(60, 20)
    kb = KnowledgeBase.build(base)
    assert (kb.query(base, 1).rows[:, 0] == np.arange(60)).all()
    with pytest.raises(MissingDependency, match=r"pip install 'specanom\[retrieve\]'"):
        KnowledgeBase.build(base, index="hnsw")
