"""`zoo bench`: run an experiment with progress bars and print its table."""

from __future__ import annotations

from pathlib import Path

import click

from zoo.cli.interruption import say_what_is_kept
from zoo.cli.output import FILE, plugin_option, set_option, wait_option
from zoo.cli.report_command import import_report, write_page
from zoo.cli.tune_option import read_tune


@click.command()
@click.argument("file", type=FILE)
@click.option("--out", type=FILE, help="The folder of the results; runs/<name of FILE> by default.")
@click.option("--keep-artifacts", is_flag=True, help="Save the fitted model of each run, for `zoo recommend`.")
@click.option(
    "--isolate", is_flag=True, help="Run each row in a process of its own, so that a crash fails one row only."
)
@click.option(
    "--memory", type=float, metavar="GIB", help="With --isolate: the most memory a process of a run may allocate."
)
@click.option("--time", "minutes", type=float, metavar="MINUTES", help="With --isolate: the most minutes of a run.")
@click.option(
    "--executor",
    metavar="NAME[=VALUE]",
    help="Where the runs happen: local (the default), processes=2 for two at once, or ray (plugin shopzoo-ray).",
)
@click.option("--address", help="With an executor of a cluster: its address, or auto for the one of this machine.")
@click.option(
    "--tune",
    "budget",
    multiple=True,
    metavar="KEY=VALUE",
    callback=read_tune,
    help="Tune each model before it is tested: trials=30 or minutes=20; repeat it for metric=recall@10 or seed=1.",
)
@wait_option
@set_option
@plugin_option
@click.pass_context
def bench(
    ctx: click.Context,
    *,
    file: Path,
    out: Path | None,
    keep_artifacts: bool,
    isolate: bool,
    memory: float | None,
    minutes: float | None,
    executor: str | None,
    address: str | None,
    budget: tuple[str, ...],
    wait: bool,
    overrides: tuple[str, ...],
    plugins: tuple[Path, ...],
) -> None:
    """Fit and evaluate all models of an experiment, and compare them.

    Finished runs are kept: after an interruption, the same command resumes. If a model fails, its row has the error, the
    other models still run, and the exit code is 1. While one process runs a benchmark in a folder, a second one ends with
    an error, or waits for it with --wait.
    """
    from zoo.benchmark.python.calls import bench as run
    from zoo.benchmark.python.calls import default_folder
    from zoo.cli.progress_display import bars
    from zoo.cli.terminal_tables import print_results
    from zoo.training.environments import refuse_several_processes

    refuse_several_processes("zoo bench")
    import_report()
    folder = out or default_folder(file)
    with say_what_is_kept(folder, folder), bars() as progress:
        store = run(
            file,
            out=folder,
            overrides=(*overrides, *budget),
            plugins=plugins,
            progress=progress,
            keep_artifacts=keep_artifacts,
            wait=wait,
            isolate=isolate,
            memory=memory,
            time=minutes,
            executor=executor,
            address=address,
        )
    print_results(store)
    if keep_artifacts:
        for row in store.rows():
            if not row.error and not row.reference:
                label = row.label if row.seed is None else f"{row.label}, seed {row.seed}"
                click.echo(f"{label}: zoo recommend {store.artifact(row.key)}")
    if store.rows():
        write_page(folder)
    if any(row.error and not row.reference for row in store.rows()):
        ctx.exit(1)
