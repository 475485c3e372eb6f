"""`[model.ranker_train]`: how the networks among a model's rankers are trained."""

import pytest

from zoo.config.load import experiment_from
from zoo.errors import ConfigError

RANKER = {"name": "neural-ranker"}


def resolved(ranker=RANKER, predictor="ease", **model):
    return experiment_from({
        "data": {"source": "synthetic-shop"}, "split": {"cuts": [0.7, 0.8, 0.9]},
        "train": {"max_epochs": 7, "learning_rate": 0.5, "schedule": "cosine"},
        "model": [{"predictor": predictor, "rankers": [ranker], **model}],
    }).models[0]  # fmt: skip


def test_rankers_have_defaults_of_their_own_and_take_the_rest_from_the_models_networks():
    model = resolved(predictor="sasrec", train={"clip_norm": 1.0, "batch_size": 8}, ranker_train={"patience": 3})
    own, shared = model.ranker_train, model.train
    assert (own.max_epochs, own.patience, own.batch_size, own.learning_rate, own.weight_decay) == (
        100,
        3,
        32,
        1e-3,
        0.0,
    )
    assert (own.schedule, own.clip_norm) == (shared.schedule, shared.clip_norm) == ("cosine", 1.0)
    assert (shared.max_epochs, shared.batch_size, shared.learning_rate) == (7, 8, 0.5)
    assert model.as_json()["ranker_train"]["patience"] == 3
    assert "ranker_train" not in resolved("lambdamart").as_json()


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            {"ranker": {**RANKER, "max_epochs": 5, "patience": 2}},
            "model[1].rankers[1]: max_epochs, patience: how rankers are trained is set for all rankers of a model. Move them to "
            "[model.ranker_train].",
        ),
        (
            {"train": {"learning_rate": 0.1}},
            "model[1].train: only rankers of ease train in epochs, and learning_rate of neural-ranker are set in [model.ranker_train]. "
            "Move them there.",
        ),
        (
            {"ranker": "lambdamart", "train": {"learning_rate": 0.1}},
            "model[1].train: only rankers of ease train in epochs, and learning_rate of lambdamart are set in the ranker's table. "
            "Write them there.",
        ),
        (
            {"ranker": "lambdamart", "ranker_train": {"max_epochs": 5}},
            "model[1].ranker_train: ease has no neural ranker of the core. Remove [model.ranker_train].",
        ),
        (
            {"ranker_train": {"max_epoch": 5}},
            "model[1].ranker_train.max_epoch: unknown key. Did you mean 'max_epochs'?",
        ),
        (
            {"ranker_train": {"seeds": [1]}},
            "model[1].ranker_train.seeds: is the same for all models. Move it to [train].",
        ),
        (
            {"ranker_train": {"monitor": "hit@10"}},
            "model[1].ranker_train.monitor: does not apply to rankers, which watch the NDCG of `cutoff`",
        ),
    ],
)  # fmt: skip
def test_what_is_misplaced_is_told_with_its_place(model, message):
    with pytest.raises(ConfigError) as error:
        resolved(**model)
    assert str(error.value).startswith(message)
