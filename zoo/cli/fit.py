"""`zoo fit`: fit one model of an experiment and write its artifact."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import click

from zoo.cli.output import FILE, plugin_option, registry_with, set_option

if TYPE_CHECKING:
    from zoo.artifacts.artifact import Artifact


@click.command()
@click.argument("file", type=FILE)
@click.option("--model", "label", metavar="LABEL", help="The model to fit; the file's only one by default.")
@click.option("--out", type=FILE, required=True, help="The folder of the artifact; one that is there is replaced.")
@click.option("--seed", type=int, help="The seed; the first of train.seeds by default.")
@click.option("--all-events", is_flag=True, help="Fit on the test's events as well: for use, not for measuring.")
@click.option(
    "--without-histories", is_flag=True, help="Leave out what the users did; queries then bring their own history."
)
@set_option
@plugin_option
def fit(
    *,
    file: Path,
    label: str | None,
    out: Path,
    seed: int | None,
    all_events: bool,
    without_histories: bool,
    overrides: tuple[str, ...],
    plugins: tuple[Path, ...],
) -> None:
    """Fit one model of an experiment and write an artifact, from which `zoo recommend` recommends.

    It is fitted as `zoo bench` does: on everything before the test. After an interruption the same command goes on from
    the last epoch, which is kept beside the artifact until that is complete. Under torchrun or SLURM the processes train
    networks together, and the first of them prints and writes.
    """
    from zoo.config.load import load_experiment, recommending

    experiment = recommending(load_experiment(file, overrides, registry_with(plugins)))

    import torch

    from zoo.artifacts.fit import chosen_model
    from zoo.artifacts.fit import fit as fitted
    from zoo.artifacts.folder import refuse_taken
    from zoo.artifacts.saving import save_artifact
    from zoo.benchmark.judge import device_of
    from zoo.benchmark.progress import Progress
    from zoo.benchmark.runner import fit_key
    from zoo.cli.progress import bars
    from zoo.data.task import load_task
    from zoo.training.checkpoint import forget
    from zoo.training.launching import is_first_process, own_device

    train = experiment.experiment.train
    model = chosen_model(experiment, label)
    refuse_taken(out)
    device, is_first = own_device(device_of(train.device)), is_first_process()
    seed = train.seeds[0] if seed is None else seed
    if train.threads:
        torch.set_num_threads(train.threads)
    kept = out.parent / f"{out.name}.training"
    with bars() if is_first else nullcontext(Progress()) as shown:
        task = load_task(experiment)
        shown.loaded(1)
        shown.started(model.label, None if model.deterministic else seed, again=False)
        folder = kept / fit_key(experiment, model, task, seed, all_events=all_events)
        artifact = fitted(
            experiment,
            model,
            task=task,
            seed=seed,
            device=device,
            all_events=all_events,
            folder=folder,
            progress=partial(shown.phase, "fit"),
        )
    if not is_first:
        return
    save_artifact(artifact, out, histories=not without_histories)
    forget(kept)
    size = sum(path.stat().st_size for path in out.iterdir()) / 2**20
    with_plugins = "".join(f" --plugin {quote(str(file))}" for file in plugins)
    example = f"zoo recommend {out}{with_plugins} {_example(artifact, without_histories)}"
    click.echo(f"{model.label} in {out} ({size:.2g} MiB): {example}")
    if folder.exists():
        click.echo(f"Logs in {folder}")


def _example(artifact: Artifact, without_histories: bool) -> str:
    """Return a query that the artifact answers by what it knows of a user: an id, or where it knows nothing a history."""
    pipeline = artifact.pipeline
    if without_histories and pipeline.model.predictor.capabilities.cold_users:
        return f"--history {quote(artifact.catalogue.ids[int(pipeline.known.argmax())].as_py())}"
    return f"--user {quote(artifact.user_ids[int(pipeline.known_users.argmax()) - 1].as_py())}"
