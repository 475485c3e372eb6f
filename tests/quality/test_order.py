"""What the order of a history is worth to a network that reads it."""

from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.config.train import NetworkSettings
from zoo.data.catalogue import Catalogue
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries, Targets
from zoo.evaluation.evaluator import Evaluator
from zoo.evaluation.metric import Facts
from zoo.pipeline import Pipeline, Rules
from zoo.pipeline.fitting import fit_on_log
from zoo.stages.context import RunContext

pytestmark = pytest.mark.slow


def split(path):
    """Return the events of each user but the last, and the last ones."""
    table = pq.read_table(path, columns=["user_id", "item_id", "position"]).to_pandas()
    table = table.sort_values(["user_id", "position"], kind="stable")
    user = np.unique(table.user_id, return_inverse=True)[1]
    item = np.unique(table.item_id, return_inverse=True)[1] + 1
    last = np.append(user[1:] != user[:-1], True)
    log = Interactions.from_arrays(user[~last], item[~last], n_items=item.max())
    number = np.arange(log.n_users)
    return log, Targets(np.append(number, log.n_users), item[last].astype(np.int32), np.zeros(log.n_users, bool))


def shuffled(log, rng):
    """Return a log whose histories have their items in a random order."""
    order = np.lexsort((rng.random(len(log)), log.users))
    return replace(log, items=log.items[order], source=None, rows=None)


def test_on_movielens_a_shuffled_history_costs_sasrec_a_tenth(data_dir):
    log, targets = split(data_dir / "ml-1m" / "interactions.parquet")
    settings = NetworkSettings(batch_size=128, learning_rate=2e-3, precision="bf16")
    model = replace(Pipeline.of("sasrec", length=50, dropout=0.2).model, train=settings)
    pipeline = fit_on_log(model, log, None, RunContext(epochs=15)).pipeline
    facts = Facts.of(log, Catalogue.bare(log.n_items), log.known, None)
    evaluator = Evaluator([zoo.load("ndcg", stage="metric", k=10)], facts, resamples=0)

    def ndcg(asked):
        queries = replace(Queries.of_histories(asked), targets=targets)
        return evaluator.evaluate(pipeline.recommend(queries, 10, Rules(log.known)), targets).values["ndcg@10"]

    assert ndcg(log) > 0.12  # it has learned something: the most popular items give .018
    assert ndcg(shuffled(log, np.random.default_rng(0))) < 0.9 * ndcg(log)
