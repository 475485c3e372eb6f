"""What is kept of a training."""

from zoo.trained import Trained
from zoo.training.training_record import fit_of, record

HISTORY = [
    {"epoch": 2, "loss": 3.0, "value": 0.1, "seconds": 10.0},
    {"epoch": 4, "loss": 2.0, "value": 0.3, "seconds": 20.0},
    {"epoch": 6, "loss": 1.0, "value": 0.2, "seconds": 30.0},
]


def test_validations_do_not_count_as_training():
    fit = fit_of(Trained(4, HISTORY), 99.0)
    assert record([fit], "ndcg@10") == {
        "epochs": 4,
        "seconds": 30.0,
        "monitor": "ndcg@10",
        "seconds_to_best": 20.0,
        "history": HISTORY,
        "refits": [],
    }


def test_the_history_is_that_of_the_fit_that_found_the_epochs():
    found = fit_of(Trained(4, HISTORY), 99.0)
    again = fit_of(Trained(4, []), 25.0)
    kept = record([found, again], "ndcg@10")
    assert kept["history"] == HISTORY
    assert (kept["seconds"], kept["refits"]) == (30.0, [{"epochs": 4, "seconds": 25.0}])


def test_what_ended_a_training_is_told_and_of_a_refit_where_it_was_cut_short():
    found = fit_of(Trained(4, HISTORY, stopped="patience"), 99.0)
    whole, cut = (fit_of(Trained(4, stopped=by), 25.0) for by in ("max_epochs", "time_limit"))
    kept = record([found, whole, cut], "ndcg@10")
    assert kept["stopped"] == "patience"
    assert [fit.get("stopped") for fit in kept["refits"]] == [None, "time_limit"]


def test_without_validations_there_is_the_size_alone():
    fit = fit_of(Trained(7, []), 12.5)
    assert record([fit], "ndcg@10") == {"epochs": 7, "seconds": 12.5, "refits": []}


def test_a_predictor_that_keeps_no_history_has_its_epochs_and_wall_time():
    assert fit_of(Trained(2), 5.0) == {
        "epochs": 2, "seconds": 5.0, "history": [], "stopped": "", "chosen": {},
    }  # fmt: skip


def test_what_the_data_chose_is_kept_once():
    found, again = (fit_of(Trained(4, chosen={"dropout": 0.58}), 25.0) for _ in range(2))
    assert record([found, again], "ndcg@10") == {
        "epochs": 4,
        "seconds": 25.0,
        "chosen": {"dropout": 0.58},
        "refits": [{"epochs": 4, "seconds": 25.0}],
    }


def test_a_model_that_trains_in_no_epochs_has_no_account():
    assert record([], "ndcg@10") == {}
