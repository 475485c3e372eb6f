"""SASRec: what its blocks add to the last item."""

import numpy as np
from shopzoo_transformer.params import SASRecParams
from shopzoo_transformer.sasrec import SASRec

from zoo.api import Interactions, Queries


def small(**params):
    return SASRec(SASRecParams(**{"dim": 16, "length": 12, "blocks": 2, "heads": 2, "dropout": 0.0, **params}))


def test_the_order_of_a_history_is_read_and_without_blocks_the_last_item_alone(fit, training_seed, assert_learned):
    """Users go on to the item before last: 1 2 1 2, 3 1 3 1; the last item alone does not tell."""
    pairs = [(a, b) for a in range(1, 6) for b in range(1, 6) if a != b]
    rows = np.array([[a, b] * 4 for a, b in pairs])
    log = Interactions.from_arrays(np.repeat(np.arange(len(rows)), 8), rows.ravel(), np.tile(np.arange(8), len(rows)))
    found = {}
    for blocks in (0, 2):
        predictor = fit(small(blocks=blocks), log, max_epochs=150, seed=training_seed)
        found[blocks] = (predictor.score(Queries.of_histories(log)).argmax(1).numpy() == rows[:, 0]).mean()
    assert_learned(found[2], above=0.95, of="two blocks")
    assert_learned(found[0], below=0.51, of="no block")  # one of the four others
