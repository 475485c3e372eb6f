"""The pipeline of judged lists: one step fits it, and nothing changes it afterwards."""

from dataclasses import FrozenInstanceError

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch

from zoo.benchmark.rank import RankComparison
from zoo.config.load import experiment_from
from zoo.rank_pipeline import fit_rank_pipeline
from zoo.stages.context import RunContext
from zoo.stages.featurizer import ReadsColumns


@pytest.fixture
def experiment(tmp_path):
    rng = np.random.default_rng(0)
    query = np.repeat(np.arange(30), 4)
    words = np.array(["red", "green", "blue"])
    label = rng.integers(0, 2, len(query))
    table = pa.table({
        "query_id": query, "label": label, "part": query // 10, "query": words[query % 3],
        "title": ["thing"] * len(query), "note": [words[(q + (0 if good else 1)) % 3] for q, good in zip(query, label, strict=True)],
    })  # fmt: skip
    pq.write_table(table, tmp_path / "judged.parquet")
    return experiment_from({
        "task": "rank",
        "data": {"source": {"name": "files", "interactions": str(tmp_path / "judged.parquet")}, "text": ["title", "note"]},
        "split": {"policy": "folds", "column": "part"},
        "evaluate": {"metrics": ["ndcg@5"]},
        "model": [{
            "featurizer": {"name": "tf-idf", "columns": ["note"]},
            "rankers": [{"name": "borda", "columns": ["cosine-tf-idf"]}],
        }],
    })  # fmt: skip


def test_a_fitted_pipeline_does_not_change(experiment):
    comparison = RankComparison(experiment, torch.device("cpu"))
    [model], fold = experiment.models, comparison.folds[0]
    pipeline, data = fit_rank_pipeline(model, comparison.lists, fold, RunContext(0), refit=True)
    assert (len(pipeline.rankers), pipeline.trained, len(data)) == (1, (None,), int(fold.test.sum()))
    with pytest.raises(FrozenInstanceError):
        pipeline.rankers = ()
    first, second = pipeline.rank(data), pipeline.rank(data)
    assert torch.equal(first.items, second.items)
    # The query's text is compared with the column that the parameters of the featurizer name.
    assert isinstance(model.featurizers[0].params, ReadsColumns)
    cosines = data.features[:, data.columns.index("cosine-tf-idf")]
    assert torch.equal(cosines > 0.5, data.labels > 0)
