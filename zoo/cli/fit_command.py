"""`zoo fit`: fit one model of an experiment and write its artifact."""

from __future__ import annotations

from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.interruption import say_what_is_kept
from zoo.cli.output import FILE, plugin_option, registry_with, set_option, wait_option

if TYPE_CHECKING:
    from zoo.artifacts.artifact import Artifact


@click.command()
@click.argument("file", type=FILE)
@click.option("--model", "label", metavar="LABEL", help="The model to fit; optional if the file has only one.")
@click.option("--out", type=FILE, required=True, help="The folder of the artifact; an existing artifact is replaced.")
@click.option("--seed", type=int, help="The seed; the first of train.seeds by default.")
@click.option("--all-events", is_flag=True, help="Also fit on the test events: for production, not for evaluation.")
@click.option(
    "--without-histories", is_flag=True, help="Do not save the users' histories; each query must then include one."
)
@wait_option
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
    wait: bool,
    overrides: tuple[str, ...],
    plugins: tuple[Path, ...],
) -> None:
    """Fit one model of an experiment and write its artifact, which `zoo recommend` uses.

    The model is fitted as in `zoo bench`: on all events before the test part. After an interruption, the same command
    resumes from the last epoch; its checkpoint is stored beside the artifact until the artifact is complete. Under torchrun
    or SLURM, the processes train networks together, and the first one prints and writes.
    """
    from zoo.benchmark.fit_model import fit as fit_model
    from zoo.benchmark.fit_model import training_folder
    from zoo.cli.progress_display import bars
    from zoo.config.load import load_experiment
    from zoo.training.environments import is_first_process

    experiment = load_experiment(file, overrides, registry_with(plugins))
    options: dict[str, Any] = {
        "out": out, "seed": seed, "all_events": all_events, "histories": not without_histories, "wait": wait,
    }  # fmt: skip
    if not is_first_process():
        fit_model(experiment, label, **options)
        return
    if out.exists() and out.samefile("."):
        out = out.resolve()  # the fit replaces the folder, and `.` is then the old one
    with say_what_is_kept(out, training_folder(out)), bars() as shown:
        artifact = fit_model(experiment, label, **options, progress=shown)
    size = sum(path.stat().st_size for path in out.iterdir()) / 2**20
    with_plugins = "".join(f" --plugin {quote(str(file))}" for file in plugins)
    example = f"zoo recommend {out}{with_plugins} {_example(artifact, without_histories)}"
    click.echo(f"{artifact.pipeline.model.label} in {out} ({size:.2g} MiB): {example}")
    if not all_events and artifact.data.get("split", {}).get("policy") != "none":
        click.echo("zoo: fitted on the events before the test part. For production, add --all-events.", err=True)
    if shown.logs is not None:
        click.echo(f"Logs in {shown.logs}")


def _example(artifact: Artifact, without_histories: bool) -> str:
    """Return the options of an example query: a known user, or a history if the artifact has no histories."""
    pipeline = artifact.pipeline
    if without_histories and pipeline.model.predictor.capabilities.cold_users:
        return f"--history {quote(artifact.catalogue.ids[int(pipeline.known.argmax())].as_py())}"
    return f"--user {quote(artifact.user_ids[int(pipeline.known_users.argmax()) - 1].as_py())}"
