"""How fast item texts become features, and in how much memory `content-knn` recommends from them. Prints JSON lines.

    python tests/speed/text.py [ITEMS]      100,000 by default

Texts are random words by Zipf's law: titles of 8 words, descriptions of 40. `tf-idf` and scikit-learn run by turns in one
process, and medians are compared: both at once learn and transform; ours also reads the catalogue's columns. `content-knn`
then recommends to 2,000 users with 50 events each from features of 200,000 terms, in a fresh process, whose peak is what
the kernel says it was; and, in another, to 100 users with a `temperature`, which compares with every event.
"""

import json
import resource
import subprocess
import sys
import time
from statistics import median

import numpy as np
import pyarrow as pa
import scipy.sparse
from shopzoo_text.params import TfIdfParams
from shopzoo_text.vectorizers import TfIdf
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.pipeline import make_pipeline

from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.pipeline import Pipeline, Rules
from zoo.pipeline.fitting import fit_on_log
from zoo.stages.context import RunContext
from zoo.stages.item_features import ItemFeatures
from zoo.stages.stage import TrainingData

ROUNDS = 3
TERMS = 200_000
USERS, EVENTS = {None: 2_000, 0.3: 100}, 50
COLUMNS = ["title", "description"]
CASES = {
    "tf-idf": ({}, lambda: TfidfVectorizer()),
    "tf-idf, two words": ({"ngrams": (1, 2), "min_df": 2}, lambda: TfidfVectorizer(ngram_range=(1, 2), min_df=2)),
    "tf-idf, hashed": (
        {"hashing": 2**18},
        lambda: make_pipeline(HashingVectorizer(n_features=2**18, norm=None, alternate_sign=False), TfidfTransformer()),
    ),
    "tf-idf, svd": (
        {"svd": 128, "min_df": 5},
        lambda: make_pipeline(TfidfVectorizer(min_df=5), TruncatedSVD(128, random_state=0)),
    ),
}


def catalogue_of(n_items):
    """Return items with a title and a description of random words."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{i:x}" for i in range(TERMS)])

    def texts(length):
        drawn = words[(rng.zipf(1.1, (n_items, length)) - 1) % TERMS]
        return [None, *(" ".join(row) for row in drawn.tolist())]

    ids = pa.array([None, *map(str, range(1, n_items + 1))])
    return Catalogue(ids, pa.table({"title": texts(8), "description": texts(40)}))


def featurize(n_items):
    """Compare with scikit-learn."""
    catalogue = catalogue_of(n_items)
    everything = np.arange(1, n_items + 1)
    data = TrainingData.of(Interactions.from_arrays(everything * 0, everything), catalogue)
    texts = catalogue.texts(COLUMNS)[1:]
    for name, (params, peer) in CASES.items():
        ours, theirs = [], []
        for _ in range(ROUNDS):
            theirs.append(seconds(lambda peer=peer: peer().fit_transform(texts)))
            model = TfIdf(TfIdfParams(columns=COLUMNS, **params))
            ours.append(seconds(lambda model=model: model.fit_transform(data, RunContext())))
        figures = {
            "what": name, "items": n_items, "s": round(median(ours), 2), "sklearn_s": round(median(theirs), 2),
            "ratio": round(median(ours) / median(theirs), 3),
        }  # fmt: skip
        print(json.dumps(figures), flush=True)


def seconds(work):
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def recommend(n_items, temperature):
    """Recommend by sparse features of 200,000 terms, and print how much memory it took."""
    n_users = USERS[temperature]
    rng = np.random.default_rng(0)
    columns = (rng.zipf(1.1, n_items * 48) - 1) % TERMS
    columns[:TERMS] = np.arange(TERMS)[: len(columns)]  # every term occurs
    rows = np.repeat(np.arange(1, n_items + 1), 48)
    shape = (n_items + 1, TERMS)
    matrix = scipy.sparse.csr_matrix((rng.random(len(rows)).astype(np.float32) + 0.1, (rows, columns)), shape)
    features = ItemFeatures.of_sparse(matrix, tuple(map(str, range(TERMS))))
    users = np.repeat(np.arange(n_users), EVENTS)
    log = Interactions.from_arrays(users, rng.integers(1, n_items + 1, len(users)), n_items=n_items)
    queries, before = Queries.of_histories(log), peak_gib()
    model = Pipeline.of("content-knn", temperature=temperature).model
    pipeline = fit_on_log(model, log, Catalogue.bare(n_items), RunContext(), features=features).pipeline
    fitted = peak_gib()
    start = time.perf_counter()
    lists = pipeline.recommend(queries, 10, Rules(np.arange(n_items + 1) > 0))
    spent = time.perf_counter() - start
    single = [seconds(lambda at=at: pipeline.recommend(queries[at : at + 1], 10, Rules(np.arange(n_items + 1) > 0))) for at in range(20)]  # fmt: skip
    assert bool((lists.items > 0).all())
    print(json.dumps({
        "what": "content-knn", "temperature": temperature, "items": n_items, "terms": TERMS, "stored": matrix.nnz,
        "users": n_users, "users_per_s": round(n_users / spent, 1), "single_ms": round(median(single) * 1e3, 1),
        "before_gib": round(before, 2), "fitted_gib": round(fitted, 2), "peak_gib": round(peak_gib(), 2),
    }))  # fmt: skip


def peak_gib():
    """Return the most memory this process has had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    if sys.argv[1:2] == ["recommend"]:
        recommend(int(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else None)
    else:
        size = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
        for temperature in ([], ["0.3"]):
            subprocess.run([sys.executable, __file__, "recommend", str(size), *temperature], check=True)
        featurize(size)
