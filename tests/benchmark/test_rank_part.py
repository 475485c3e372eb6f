"""Two-stage models without a clock: the `rank` part of positions and of a given column."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import zoo
from zoo.errors import ConfigError

SORTED = {"predictor": "popular", "rankers": [{"name": "lambdamart", "trees": 3}], "label": "sorted"}


def experiment_of(folder, split, parts):
    """Return an experiment on 60 users with six events each, whose last three have the given parts."""
    rng = np.random.default_rng(0)
    n_users, n = 60, 6
    file = folder / "events.parquet"
    pq.write_table(pa.table({
        "user_id": np.repeat(np.arange(n_users), n),
        "item_id": np.concatenate([rng.permutation(12)[:n] for _ in range(n_users)]),
        "position": np.tile(np.arange(n), n_users),
        "part": [*(["train"] * (n - len(parts))), *parts] * n_users,
    }), file)  # fmt: skip
    return {
        "data": {"source": {"name": "files", "interactions": str(file)}}, "split": split,
        "evaluate": {"metrics": ["ndcg@5"], "candidates": 8}, "train": {"device": "cpu"}, "model": [{"predictor": "popular"}, SORTED],
    }  # fmt: skip


@pytest.mark.parametrize("split", [{"policy": "leave-last-out", "rank": True}, {"policy": "given", "column": "part"}])
def test_a_ranker_is_fitted_on_the_rank_part_of_positions(tmp_path, split):
    experiment = experiment_of(tmp_path, split, ["valid", "rank", "test"])
    store = zoo.bench(experiment, out=tmp_path / "run")
    assert not any(row.error for row in store.rows())
    (row,) = (row for row in store.rows() if row.label == "sorted")
    assert row.slices["candidates"]["informative"][1] > 0


def test_a_column_without_a_rank_value_is_refused_before_the_first_fit(tmp_path):
    experiment = experiment_of(tmp_path, {"policy": "given", "column": "part"}, ["valid", "test"])
    with pytest.raises(ConfigError) as error:
        zoo.bench(experiment, out=tmp_path / "run")
    assert str(error.value) == (
        "model[2]: ranker 'lambdamart' is fitted on the `rank` part, and no event of the data is in it (parts: train, validate, test). "
        "Give some rows of the split column a value of split.rank, or use another policy."
    )
