"""One network trained by Ray Train: the weights of spawned processes, and what it says when a process fails or is lost."""

import textwrap

import pytest
from safetensors.torch import load_file

import zoo

EXPERIMENT = {
    "data": {
        "source": {"name": "synthetic-shop", "customers": 60, "items": 40, "events": 1500},
        "accept": ["few-queries", "few-validation-queries", "seen-targets"],
    },
    "train": {"threads": 1, "max_epochs": 2, "devices": 2, "refit": False},
    "references": False,
}
SASREC = {"predictor": {"name": "sasrec", "dim": 16, "length": 8, "blocks": 1, "heads": 1}}
LOST = '''
    import os, signal
    from pathlib import Path
    import pytorch_lightning as pl
    from zoo.api import hookimpl

    class Lost(pl.Callback):
        """Ends its process in the third epoch, the first time."""

        def on_train_epoch_start(self, trainer, module):
            with Path({place!r}).open("a") as file:
                file.write(str(trainer.current_epoch))
            if trainer.current_epoch == 2 and Path({place!r}).read_text().count("2") == 1:
                os.kill(os.getpid(), signal.SIGKILL)

    @hookimpl
    def zoo_callbacks(run):
        return [Lost()]
'''


def weights(result):
    """Return the tensors of the predictor of the only run."""
    (row,) = result.rows()
    assert row.error is None
    (file,) = [path for path in result.artifact(row.key).rglob("*.safetensors") if "predictor" in path.name]
    return load_file(file)


@pytest.mark.robust  # workers that import everything anew
def test_ray_train_gives_the_weights_of_spawned_processes(cluster, tmp_path):
    experiment = {**EXPERIMENT, "model": [SASREC]}
    here = zoo.bench(experiment, tmp_path / "here", keep_artifacts=True)
    there = zoo.bench(experiment, tmp_path / "there", keep_artifacts=True, executor="ray", address=cluster.address)
    one, other = weights(here), weights(there)
    assert one.keys() == other.keys()
    assert max(float((one[name].double() - other[name].double()).abs().max()) for name in one) <= 1e-6
    assert there.rows()[0].training["history"][0]["loss"] == pytest.approx(
        here.rows()[0].training["history"][0]["loss"]
    )
    assert not [path for path in (tmp_path / "there").iterdir() if path.name.startswith(".")]


@pytest.mark.robust  # workers that import everything anew
def test_a_lost_process_of_a_training_is_started_again_and_an_error_of_one_is_told(cluster, tmp_path):
    file = tmp_path / "lost.py"
    file.write_text(textwrap.dedent(LOST).format(place=str(tmp_path / "epochs.txt")))
    experiment = {**EXPERIMENT, "train": {**EXPERIMENT["train"], "max_epochs": 4}}
    diverges = {**SASREC, "label": "diverges", "train": {"learning_rate": 1e30}}
    result = zoo.bench({**experiment, "model": [SASREC, diverges]}, tmp_path / "there", plugins=[file], executor="ray", address=cluster.address)  # fmt: skip
    first, second = result.rows()
    assert first.error is None
    assert (tmp_path / "epochs.txt").read_text().startswith("012")
    assert "SASRec: the loss is nan in epoch" in second.error
