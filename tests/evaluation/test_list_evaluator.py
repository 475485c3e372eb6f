"""Measures of judged lists, against scikit-learn and by hand."""

from typing import Any

import numpy as np
import pytest
import torch
from sklearn.metrics import ndcg_score

from zoo.errors import ConfigError
from zoo.evaluation.list_evaluator import ListEvaluator
from zoo.registry.registry import default_registry


def metric(name: str, k: int, **more: Any) -> Any:
    component = default_registry().find("metric", name)
    return component.build(component.params({"k": k, **more}))


@pytest.fixture
def lists() -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(0)
    labels = torch.randint(0, 4, (6, 9), generator=g).float()
    filled = torch.arange(9) < torch.tensor([9, 5, 2, 9, 1, 4])[:, None]
    labels = labels * filled
    labels[3], labels[4] = 0.0, 0.0
    return torch.arange(1, 55).view(6, 9) * filled, labels


@pytest.mark.parametrize("gain", ["exponential", "linear"])
def test_ndcg_is_scikit_learns(lists: Any, gain: str) -> None:
    items, labels = lists
    found = ListEvaluator([metric("ndcg", 4)], gain=gain).evaluate(items, labels).per_query["ndcg@4"]

    for row in (0, 1, 2, 5):
        n = int((items[row] > 0).sum())
        worth = labels[row, :n].numpy() if gain == "linear" else 2 ** labels[row, :n].numpy() - 1
        assert found[row] == pytest.approx(ndcg_score([worth], [-np.arange(n)], k=4))


@pytest.mark.parametrize(("empty", "value"), [("zero", 0.0), ("one", 1.0), ("skip", None)])
def test_a_list_without_a_relevant_document_counts_what_is_said(lists: Any, empty: Any, value: float | None) -> None:
    items, labels = lists
    evaluation = ListEvaluator([metric("ndcg", 4), metric("mrr", 3)], empty=empty).evaluate(items, labels)

    for name in ("ndcg@4", "mrr@3"):
        found = evaluation.per_query[name]
        others = found[[0, 1, 2, 5]]
        if value is None:
            assert np.isnan(found[[3, 4]]).all()
            assert evaluation.values[name] == pytest.approx(others.mean())
        else:
            assert found[[3, 4]].tolist() == [value, value]
            assert evaluation.values[name] == pytest.approx((others.sum() + 2 * value) / 6)
    assert evaluation.skipped == (2 if value is None else 0)


def test_other_metrics_take_a_label_above_zero_for_relevant(lists: Any) -> None:
    items, labels = lists
    evaluation = ListEvaluator([metric("recall", 20), metric("precision", 2), metric("map", 3)]).evaluate(items, labels)

    assert evaluation.values["recall@20"] == 1.0
    relevant = labels > 0
    assert evaluation.per_query["precision@2"][0] == pytest.approx(float(relevant[0, :2].float().mean()))
    hits, total, found = 0, 0.0, relevant[0, :3].tolist()
    for rank, hit in enumerate(found, 1):
        hits += hit
        total += hit * hits / rank
    assert evaluation.per_query["map@3"][0] == pytest.approx(total / min(3, int(relevant[0].sum())))


def test_what_judged_lists_do_not_have_cannot_be_measured() -> None:
    for name in ("coverage", "revenue"):
        with pytest.raises(ConfigError, match=f"{name}@3 needs a catalogue, prices or item features"):
            ListEvaluator([metric(name, 3)])
