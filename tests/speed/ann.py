"""How fast and how exactly an index of item vectors answers, on one thread. Prints JSON lines.

    python tests/speed/ann.py [ITEMS]      1,000,000 by default; it needs usearch (shopzoo[ann]) and about 6 GiB

`als` with 64 factors is fitted on a log that is drawn here: 1,000 groups of items, a user for every four items, 20 events of each
user; each prefers a group, in which few items are popular, and every item occurs. Four items of five are in stock. The first line is the index:
its build and what `zoo index` prints. The second: 1,000 queries one by one with lists of 100: the index alone (search, scores,
exclusions), the answer of `artifact.recommend(history=...)` up to the item ids, the same with `exclude` and `where`, and exact retrieval for
50 of them; recall@100 over the 1,000 queries. The third: 10,000 queries with `exclude` and `where`, and the items in their lists that
are seen, excluded or not in stock.
"""

import json
import sys
import time
from dataclasses import replace

import numpy as np
import torch

import zoo
from zoo.config.load import experiment_from
from zoo.pipeline import Pipeline

GROUPS, EVENTS, OWN, K = 1_000, 20, 4, 100
TIMED, EXACT, CHECKED = 1_000, 50, 10_000


def draw_data(n_items):
    """Return a log whose users prefer one of the groups, and a catalogue that says what is in stock."""
    rng = np.random.default_rng(0)
    users = n_items // OWN
    size = n_items // GROUPS
    group = np.arange(users)[:, None] % GROUPS
    place = (rng.random((users, EVENTS)) ** 3 * size).astype(np.int64)
    place[:, :OWN] = OWN * (np.arange(users)[:, None] // GROUPS) + np.arange(OWN)  # every item occurs
    group = np.where(rng.random((users, EVENTS)) < 0.8, group, rng.integers(0, GROUPS, (users, EVENTS)))
    group[:, :OWN] = np.arange(users)[:, None] % GROUPS
    names = np.arange(n_items).astype(str)
    events = {
        "user_id": np.repeat(np.arange(users), EVENTS),
        "item_id": names[(group + GROUPS * place).ravel()],
        "timestamp": 1_700_000_000_000 + rng.integers(0, 10**10, users * EVENTS),
    }
    return zoo.read_log(events, {"item_id": names, "in_stock": rng.random(n_items) < 0.8})


def median_ms(calls):
    """Return median and 95th percentile of the time of calls, in milliseconds of the processor."""
    times = []
    for call in calls:
        start = time.process_time()
        call()
        times.append(1e3 * (time.process_time() - start))
    return round(float(np.median(times)), 3), round(float(np.quantile(times, 0.95)), 3)


def single(artifact, queries):
    """Return a call for each query."""
    retrieval, rules = artifact.pipeline.retrieval, artifact.rules
    return [lambda at=at: retrieval.top(queries[at : at + 1], K, rules) for at in range(len(queries))]


def main(n_items):
    """Measure and print."""
    torch.set_num_threads(1)
    data = draw_data(n_items)
    task = zoo.Task.of(data.log, zoo.LeaveLastOut(), catalogue=data.catalogue, user_ids=data.user_ids)
    predictor = {"name": "als", "factors": 64, "iterations": 3}
    model = experiment_from({"data": {"source": "synthetic-shop"}, "model": [{"predictor": predictor}]}).models[0]
    start = time.process_time()
    exact = zoo.Artifact.of(Pipeline(model).fit(task), task)
    fit_s = time.process_time() - start
    start = time.process_time()
    indexed = exact.with_retriever()
    entry = indexed.retriever
    size = len(indexed.pipeline.retrieval.retriever.index.content()) / 2**20
    line = {"what": "index", "items": entry.items, "fit_s": round(fit_s), "build_s": round(time.process_time() - start)}
    print(
        json.dumps({**line, "mib": round(size), "recall": entry.recall, "equal_lengths": entry.settings.equal_lengths}),
        flush=True,
    )

    queries = task.queries("test")
    some = queries.at(np.linspace(0, len(queries) - 1, TIMED).astype(np.int64))
    own = replace(indexed.pipeline.retrieval.retriever)
    always = indexed.pipeline.retrieval._always_excluded(indexed.rules)
    vectors = indexed.pipeline.predictor.query_vectors(some.compact())
    excluded = [replace(indexed.rules.exclusions(some[at : at + 1]), always=always) for at in range(TIMED)]
    ids = indexed.catalogue.ids
    histories = [ids.take(some[at : at + 1].histories.items).to_pylist() for at in range(TIMED)]
    rules = {"exclude": ["1", "2", "3"], "where": {"in_stock": True}}
    timed = {
        "index": [lambda at=at: own._found(vectors[at : at + 1], K, excluded[at]) for at in range(TIMED)],
        "top": single(indexed, some),
        "answer": [lambda h=h: indexed.recommend(history=h, k=K)[0] for h in histories],
        "with_rules": [lambda h=h: indexed.recommend(history=h, k=K, **rules)[0] for h in histories],
        "exact_top": single(exact, some)[:EXACT],
    }
    figures = {"what": "one by one", "k": K, "queries": TIMED}
    for name, calls in timed.items():
        median_ms(calls[:20])
        figures[f"{name}_p50_ms"], figures[f"{name}_p95_ms"] = median_ms(calls)
    ours, theirs = (part.pipeline.retrieval.top(some, K, part.rules).items.numpy() for part in (indexed, exact))
    shares = [len(np.intersect1d(a[a > 0], b[b > 0])) / K for a, b in zip(ours, theirs, strict=True)]
    figures["recall"] = round(float(np.mean(shares)), 4)
    print(json.dumps(figures), flush=True)

    many = queries.at(np.linspace(0, len(queries) - 1, CHECKED).astype(np.int64))
    banned = ids.take(ours[:, 0]).to_pylist()  # what would come first
    ruled = indexed.with_rules(exclude=banned, where={"in_stock": True})
    start = time.process_time()
    found = ruled.pipeline.recommend(many, K, ruled.rules).items.numpy()
    seconds = time.process_time() - start
    seen = many.histories
    taken = np.unique(seen.rows * (n_items + 1) + seen.items)
    violated = {
        "seen": int(np.isin(np.arange(CHECKED)[:, None] * (n_items + 1) + found, taken).sum()),
        "excluded": int(np.isin(found, np.unique(ours[:, 0])).sum()),
        "not_in_stock": int((~np.asarray(data.catalogue.numbers("in_stock") > 0)[found] & (found > 0)).sum()),
        "repeated": int(sum(len(row) - len(np.unique(row)) for row in found)),
    }
    line = {
        "what": "rules",
        "queries": CHECKED,
        "per_s": round(CHECKED / seconds),
        "empty_slots": int((found == 0).sum()),
    }
    print(json.dumps({**line, **violated}), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)
