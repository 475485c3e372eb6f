"""BM25 and overlap, against the formula in a loop."""

import math
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from zoo.data.catalogue import Catalogue
from zoo.stages.text_match import TextMatch, words

TITLES = [None, "Red hat", "blue hat, blue scarf", None, "hat hat hat", "green shoe"]
TEXTS = [None, "a warm red hat", "", "scarf", "nothing", "Schuhe für 2"]
KNOWN = np.array([False, True, True, True, False, True])
QUERIES = ["blue hat", "hat hat unheard", "FÜR scarf", ""]


@pytest.fixture
def match() -> TextMatch:
    catalogue = Catalogue(pa.array([None, *"12345"]), pa.table({"title": TITLES, "text": TEXTS}))
    return TextMatch(catalogue, ["title", "text"], np.arange(6) > 0)


def bm25(query: str, document: int, documents: list[str]) -> float:
    known = [words(d) for d, k in zip(documents, KNOWN, strict=True) if k]
    mean = sum(map(len, known)) / len(known)
    own, total = words(documents[document]), 0.0
    for term in set(words(query)):
        n, tf = sum(term in d for d in known), own.count(term)
        idf = math.log(1 + (len(known) - n + 0.5) / (n + 0.5))
        total += idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * len(own) / mean))
    return total


def test_each_column_is_that_of_the_formula(match: TextMatch) -> None:
    asked_of = [(q, d) for q in range(4) for d in range(1, 6)]
    found = match.columns(QUERIES, np.array([q for q, _ in asked_of]), np.array([d for _, d in asked_of]), KNOWN)
    both = [f"{a or ''} {b or ''}" for a, b in zip(TITLES, TEXTS, strict=True)]

    for at, (q, d) in enumerate(asked_of):
        asked = set(words(QUERIES[q]))
        for name, documents in (("", both), ("-title", TITLES), ("-text", TEXTS)):
            texts = [text or "" for text in documents]
            assert found[f"bm25{name}"][at] == pytest.approx(bm25(QUERIES[q], d, texts), abs=1e-5)
            shared = len(asked & set(words(texts[d]))) / max(len(asked), 1)
            assert found[f"overlap{name}"][at] == pytest.approx(shared)
        assert found["length-title"][at] == pytest.approx(math.log1p(len(words(TITLES[d] or ""))))
        title = words(TITLES[d] or "")
        starts = [1 / (title.index(term) + 1) for term in asked if term in title]
        assert found["start-title"][at] == pytest.approx(sum(starts) / max(len(asked), 1))
        assert found["density-title"][at] == pytest.approx(sum(t in asked for t in title) / max(len(title), 1))
        neighbours = set(pairwise(words(QUERIES[q])))
        there = set(pairwise(words(TITLES[d] or "")))
        assert found["phrase-title"][at] == pytest.approx(len(neighbours & there) / max(len(neighbours), 1))
        assert found["query-length"][at] == len(asked)
