"""What the checks of a predictor's answers cost, as a share of the time of the lists. Prints a JSON line.

    python tests/speed/checks.py [FOLDER]     ml-1m by default

`ease` recommends ten items to each user, block by block. Then the checks alone run on the answers of the same blocks: type, shape and
device of the scores, and a search for NaN in the lists. Both run by turns; medians are compared. Without the data of ZOO_DATA, a log
of the same size is generated.
"""

import json
import sys
import time
from pathlib import Path
from statistics import median

import numpy as np
import torch
from bare.sequences import load
from logs import log_folder

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.data.interactions import Interactions
from zoo.data.queries import Queries
from zoo.pipeline import Rules
from zoo.pipeline.fitting import fit_on_log
from zoo.registry.registry import default_registry
from zoo.stages.answers import check_ranked, check_scores
from zoo.stages.context import RunContext

K, ROUNDS = 10, 15


def main(folder):
    """Measure lists and checks by turns, and print the share."""
    seqs, n_items = load(folder)
    users = np.repeat(np.arange(len(seqs)), [len(s) for s in seqs])
    log = Interactions.from_arrays(users, np.concatenate(seqs), n_items=n_items)
    component = default_registry().find("predictor", "ease")
    model = ResolvedModel("ease", Chosen(component, component.params()))
    retrieval = fit_on_log(model, log, None, RunContext()).pipeline.retrieval
    queries, rules = Queries.of_histories(log), Rules(np.arange(n_items + 1) > 0)
    with torch.inference_mode():
        blocks = list(retrieval.blocks(queries, K, rules))
        scores = [retrieval.predictor.score(block.queries) for block in blocks]
    lists_s, checks_s = [], []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        retrieval.top(queries, K, rules)
        listed = time.perf_counter()
        for block, answer in zip(blocks, scores, strict=True):
            check_scores(answer, len(block.queries), n_items + 1, "queries, items and padding")
            check_ranked(block.candidates, block.queries)
        lists_s.append(listed - start)
        checks_s.append(time.perf_counter() - listed)
    figures = {
        "what": "checks of ease",
        "queries": len(queries),
        "lists_ms": round(1e3 * median(lists_s), 1),
        "checks_ms": round(1e3 * median(checks_s), 3),
        "share": round(median(checks_s) / median(lists_s), 5),
        "threads": torch.get_num_threads(),
    }
    print(json.dumps({**figures, "folder": Path(folder).name}), flush=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else log_folder("ml-1m"))
