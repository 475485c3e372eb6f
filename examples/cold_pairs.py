"""What single events and a trained encoder add to `tf-idf` among cold items: paired differences over three draws of such items.

Run it with `ZOO_DATA=path/to/data python examples/cold_pairs.py`; it needs the plugins `cnn` and `text`, and about ten minutes a
draw on one core. Features are kept in `runs/cold-pairs`, so that an interrupted run goes on.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zoo.benchmark.feature_cache import FeatureCache
from zoo.benchmark.machine import device_of
from zoo.benchmark.recommend import RecommendComparison
from zoo.config.load import load_experiment
from zoo.stages.context import RunContext

BASE, OTHERS = "tf-idf", ("tf-idf, near events", "text-cnn, near events", "both, near events")
METRICS = ("recall@10", "ndcg@10")
DRAWS = (0, 1, 2)


def paired(difference: NDArray[np.float64], user: NDArray[np.int64]) -> tuple[float, float]:
    """Return the mean of differences `[N]` and half its 95 % interval; a user, asked in several draws, counts as one."""
    of_user = np.bincount(user, difference - difference.mean())
    return float(difference.mean()), float(1.96 * np.sqrt((of_user**2).sum()) / len(difference))


def main() -> None:
    """Print each model's figures among cold items, and how far they are from those of `tf-idf`."""
    values: dict[tuple[str, str], list[NDArray[np.float64]]] = {}
    users = []
    for draw in DRAWS:
        overrides = ["split.cold_items=0.1", f"split.seed={draw}", f"train.seeds=[{draw}]"]
        experiment = load_experiment(Path(__file__).parent / "cold-start.toml", overrides).require_recommend()
        comparison = RecommendComparison(experiment, device_of("auto"))
        features = FeatureCache(Path("runs/cold-pairs") / str(draw))
        asked = comparison.cold()
        assert asked is not None
        queries, rules = asked
        users.append(queries.row)
        evaluator = comparison.evaluator.per_query_only()
        for model in experiment.models:
            if model.label not in (BASE, *OTHERS):
                continue
            context = RunContext(draw, comparison.device)
            with context.seeded("run"):
                pipeline = comparison.fit(model, context, features)
            found = evaluator.evaluate(comparison.recommend(pipeline, queries, rules), queries.answers())
            for metric in METRICS:
                values.setdefault((model.label, metric), []).append(np.asarray(found.per_query[metric], np.float64))
    user = np.concatenate(users)
    for metric in METRICS:
        base = np.concatenate(values[BASE, metric])
        print(f"{metric} {BASE:22} {base.mean():.4f}, {len(base):,} queries")
        for label in OTHERS:
            own = np.concatenate(values[label, metric])
            mean, half = paired(own - base, user)
            print(f"{metric} {label:22} {own.mean():.4f} {mean:+.4f} ({mean - half:+.4f} to {mean + half:+.4f})")


if __name__ == "__main__":
    main()
