"""`zoo recommend`: recommend for a file of queries, for all users, or for one user on the terminal."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from zoo.cli.output import FILE, console, plugin_option, wait_option
from zoo.cli.rule_options import parse_exclude, parse_where, rule_options
from zoo.text_safety import show, show_lines

if TYPE_CHECKING:
    from zoo.artifacts.artifact import Artifact

SILENCE = 30.0
"""Minimum seconds between lines of progress without a terminal."""
LONGEST_TITLE = 200
"""Characters of an id or a title that the table shows."""


@click.command()
@click.argument("folder", type=FILE)
@click.option("--queries", type=FILE, help="A file of queries: .parquet, .csv or .jsonl.")
@click.option("--all-users", is_flag=True, help="Recommend to every user of the artifact, instead of --queries.")
@click.option(
    "--out",
    type=FILE,
    help="With --queries, the file of lists to write, in one of the same formats; with --all-users, a folder of Parquet files.",
)
@click.option("--user", help="The id of a user, instead of --queries.")
@click.option(
    "--history", metavar="A,B,C", help="The item ids of a user's history, oldest first, instead of --queries."
)
@click.option("--k", type=click.IntRange(1), default=10, show_default=True, help="Length of a list.")
@click.option(
    "--now",
    help="The time of queries without one (ISO 8601, or UTC milliseconds); by default just after the artifact's last event.",
)
@rule_options
@click.option("--new-items", type=FILE, help="A file of new items to recommend too, in the format of the data's items.")
@click.option(
    "--executor",
    metavar="NAME[=VALUE]",
    help="With --all-users, where it happens: local (the default), processes=2, or ray (plugin shopzoo-ray).",
)
@click.option("--address", help="With an executor of a cluster: its address, or auto for the one of this machine.")
@click.option(
    "--threads",
    type=click.IntRange(1),
    help="With --all-users, the threads of each process, and the cores that a cluster reserves for it; 1 unless local.",
)
@click.option("--shard-users", type=click.IntRange(1), help="With --all-users, the users in a file; 65,536 by default.")
@wait_option
@plugin_option
def recommend(
    *,
    folder: Path,
    queries: Path | None,
    all_users: bool,
    out: Path | None,
    user: str | None,
    history: str | None,
    k: int,
    now: str | None,
    exclude: str | None,
    where: tuple[str, ...],
    new_items: Path | None,
    executor: str | None,
    address: str | None,
    threads: int | None,
    shard_users: int | None,
    wait: bool,
    plugins: tuple[Path, ...],
) -> None:
    """Recommend with the artifact in FOLDER, written by `zoo fit`. The training data are not needed.

    A query has a `user_id`, whose history is in the artifact, or its own `history`, a list of item ids. With --all-users,
    finished files are kept: after an interruption, the same command resumes.
    """
    of_all = {"--executor": executor, "--address": address, "--threads": threads, "--shard-users": shard_users}
    if all_users:
        if queries is not None or user is not None or history is not None:
            raise click.UsageError("--all-users excludes --queries, --user and --history. Give one of them.")
        if out is None:
            raise click.UsageError("--all-users and --out FOLDER go together: the lists are written to a folder.")
        _all_users(
            folder,
            out,
            executor,
            address,
            threads,
            wait=wait,
            k=k,
            now=now,
            exclude=tuple(parse_exclude(exclude)),
            where=parse_where(where),
            new_items=new_items,
            plugins=plugins,
            **({} if shard_users is None else {"shard_users": shard_users}),
        )
        return
    for option, value in {**of_all, "--wait": wait or None}.items():
        if value is not None:
            raise click.UsageError(f"{option} is for --all-users only. Remove it, or add --all-users.")
    if queries is not None and (user is not None or history is not None):
        raise click.UsageError(
            f"--queries and {'--user' if user is not None else '--history'} exclude each other. Give one."
        )
    if queries is None and user is None and history is None:
        raise click.UsageError(
            "Give --queries FILE and --out FILE; --all-users and --out FOLDER; or, for one user, --user ID or --history A,B,C."
        )
    if (queries is None) != (out is None):
        raise click.UsageError("--queries FILE and --out FILE go together: the lists of a file are written to a file.")
    if user is not None and history is not None:
        raise click.UsageError(
            "Give --user or --history, not both. To replace the history of a known user, use --queries: a row may have both."
        )
    excluded, wanted = parse_exclude(exclude), parse_where(where)
    from zoo.artifacts.saving import load_artifact

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        artifact = load_artifact(folder, plugins=plugins)
        if new_items is not None:
            artifact = artifact.with_items(new_items)
        if excluded or wanted:
            artifact = artifact.with_rules(exclude=excluded, where=wanted)
    for warning in caught:
        click.echo(f"zoo: {show_lines(str(warning.message))}", err=True)
    if queries is not None and out is not None:
        _file(artifact, queries, out, k, now)
    else:
        _one(artifact, user, history, k, now)


def _file(artifact: Artifact, queries: Path, out: Path, k: int, now: str | None) -> None:
    """Answer a file of queries."""
    from zoo.artifacts.list_files import recommend_file

    start = time.perf_counter()
    notes = recommend_file(artifact, queries, out, k, now=now)
    seconds = time.perf_counter() - start
    for line in notes.messages():
        click.echo(f"zoo: {show(line)}", err=True)
    click.echo(f"{notes.queries:,} lists in {out} ({notes.queries / seconds:,.0f} a second)")


def _all_users(
    folder: Path, out: Path, executor: str | None, address: str | None, threads: int | None, *, wait: bool, **call: Any
) -> None:
    """Answer all users of an artifact."""
    import torch

    from zoo.artifacts.all_users import ListsCall, recommend_all_users
    from zoo.benchmark.executors.choose import choose_executor
    from zoo.cli.interruption import say_what_is_kept

    chosen = choose_executor(call["plugins"], executor, address=address)
    threads = threads or (1 if chosen.at_once else torch.get_num_threads())
    start = time.perf_counter()
    with say_what_is_kept(out, out), _progress() as show_progress:
        found = recommend_all_users(
            folder,
            out,
            ListsCall(threads=threads, **call),
            chosen.map,
            wait=wait,
            waiting=lambda holder: click.echo(f"waiting for {holder} ...", err=True),
            progress=show_progress,
        )
    seconds = time.perf_counter() - start
    for line in (*found.warnings, *found.notes.messages()):
        click.echo(f"zoo: {show_lines(line)}", err=True)
    rate = (
        f" ({found.written / seconds:,.0f} a second)"
        if found.written == found.users
        else f" ({found.written:,} of them now)"
    )
    click.echo(f"{found.users:,} lists in {found.shards:,} files of {out}{rate}")


@contextmanager
def _progress() -> Iterator[Callable[[int, int], None]]:
    """Yield a function that shows the number of finished lists: as a bar on a terminal, as a line now and then elsewhere."""
    from rich.progress import Progress

    err = console(stderr=True)
    last = time.monotonic()
    with Progress(console=err, transient=True) if err.is_terminal else nullcontext() as bars:
        task = None if bars is None else bars.add_task("lists", total=None)

        def show_progress(users: int, of: int) -> None:
            nonlocal last
            if bars is not None and task is not None:
                bars.update(task, completed=users, total=of)
            elif time.monotonic() - last >= SILENCE:
                last = time.monotonic()
                err.print(f"lists: {users:,} of {of:,}")

        yield show_progress


def _one(artifact: Artifact, user: str | None, history: str | None, k: int, now: str | None) -> None:
    """Print the recommendations for one user."""
    import pyarrow as pa
    from rich.markup import escape
    from rich.table import Table

    from zoo.artifacts.query_warnings import QueryWarnings

    columns = {"user_id": user, "history": history}
    queries = pa.table({name: [value] for name, value in columns.items() if value is not None})
    notes = QueryWarnings()
    (listed,) = artifact.to_items(artifact.lists(queries, k, now=now, notes=notes))
    for line in notes.messages():
        click.echo(f"zoo: {show(line)}", err=True)
    titled = any(item.title for item in listed)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    table.add_column("rank", justify="right")
    for name in ("item", *(["title"] if titled else [])):
        table.add_column(name)
    table.add_column("score", justify="right")
    for rank, item in enumerate(listed, 1):
        title = [escape(show(item.title or "", LONGEST_TITLE))] if titled else []
        score = "popular" if item.score is None else f"{item.score:.4g}"
        table.add_row(str(rank), escape(show(item.item_id, LONGEST_TITLE)), *title, score)
    console().print(table)
