"""`zoo fit`: fit one model of an experiment and write its artifact."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import click

from zoo.cli.output import FILE, plugin_option, registry_with, set_option


@click.command()
@click.argument("file", type=FILE)
@click.option("--model", "label", metavar="LABEL", help="The model to fit; the file's only one by default.")
@click.option("--out", type=FILE, required=True, help="The folder of the artifact; one that is there is replaced.")
@click.option("--seed", type=int, help="The seed; the first of train.seeds by default.")
@click.option("--all-events", is_flag=True, help="Fit on the test's events as well: for use, not for measuring.")
@click.option("--without-histories", is_flag=True, help="Leave out what the users did; queries then bring their own.")
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

    It is fitted as `zoo bench` does: on everything before the test.
    """
    from zoo.config.load import load_experiment

    experiment = load_experiment(file, overrides, registry_with(plugins))

    import torch

    from zoo.artifacts.fit import chosen_model
    from zoo.artifacts.fit import fit as fitted
    from zoo.artifacts.folder import refuse_taken
    from zoo.artifacts.saving import save_artifact
    from zoo.benchmark.judge import device_of
    from zoo.cli.progress import bars

    train = experiment.experiment.train
    model = chosen_model(experiment, label)
    refuse_taken(out)
    if train.threads:
        torch.set_num_threads(train.threads)
    with bars() as shown:
        artifact = fitted(
            experiment,
            model,
            seed=seed,
            device=device_of(train.device),
            all_events=all_events,
            progress=partial(shown.phase, "fit"),
        )
    save_artifact(artifact, out, histories=not without_histories)
    size = sum(path.stat().st_size for path in out.iterdir()) / 2**20
    click.echo(f"{model.label} in {out} ({size:.2g} MiB): zoo recommend {out} --user {artifact.user_ids[0].as_py()}")
