"""`zoo explain`: why items are in a user's list."""

from __future__ import annotations

import warnings
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from zoo.cli.output import FILE, echo_json, json_option, plugin_option
from zoo.text_safety import show, show_lines

if TYPE_CHECKING:
    from zoo.artifacts.explained import Explained, Explanation
    from zoo.artifacts.model_explanation import ModelExplanation

LONGEST = 200
"""Characters of an id or a title that is shown."""


@click.command("explain")
@click.argument("folder", type=FILE)
@click.option("--user", help="The id of a user.")
@click.option("--history", metavar="A,B,C", help="The item ids of a history, oldest first, in place of the user's own.")
@click.option("--item", "items", multiple=True, help="The id of an item to explain, in place of the list. Repeatable.")
@click.option("--k", type=click.IntRange(1), default=10, show_default=True, help="Length of the list.")
@click.option("--most", type=click.IntRange(1), default=3, show_default=True, help="The most reasons of an item.")
@click.option(
    "--now", help="The time of the query (ISO 8601, or UTC milliseconds); by default just after the last event."
)
@click.option(
    "--global", "globally", is_flag=True, help="Explain the model as a whole, by the lists of a sample of users."
)
@click.option(
    "--faithfulness",
    is_flag=True,
    help="Measure how far scores fall without the events that explain them, against random ones.",
)
@json_option
@plugin_option
def explain_list(
    *,
    folder: Path,
    user: str | None,
    history: str | None,
    items: tuple[str, ...],
    k: int,
    most: int,
    now: str | None,
    globally: bool,
    faithfulness: bool,
    as_json: bool,
    plugins: tuple[Path, ...],
) -> None:
    """Explain a user's list with the artifact in FOLDER: which past items carry each score, and by how much.

    With --global, explain what the model as a whole goes by; with --faithfulness, measure how good its explanations are. Linear models compute a score as a sum over the history, and its parts are shown. For all others, a part is how far the score
    falls without the event.
    """
    asked = [user is not None or history is not None, globally, faithfulness]
    if sum(asked) != 1:
        raise click.UsageError("Give one of --user ID (or --history A,B,C), --global and --faithfulness.")
    from zoo.artifacts.saving import load_artifact

    artifact = load_artifact(folder, plugins=plugins)
    if globally:
        _print_model(artifact.explain_model(k=k), as_json=as_json)
        return
    if faithfulness:
        measured = artifact.faithfulness()
        if as_json:
            echo_json(asdict(measured))
        else:
            click.echo(str(measured))
        return
    given = None if history is None else [item.strip() for item in history.split(",") if item.strip()]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = artifact.explain(user, history=given, items=list(items) or None, k=k, most=most, now=now)
    for warning in caught:
        click.echo(f"zoo: {show_lines(str(warning.message))}", err=True)
    if as_json:
        echo_json(found.to_arrow().to_pylist())
        return
    for rank, item in enumerate(found, 1):
        _print(rank, item, exact=found.exact)
    _note(found)


def _print(rank: int, item: Explained, *, exact: bool) -> None:
    """Print an item with its reasons."""
    click.echo(f"{rank:>3}  {_name(item.item_id, item.title)}" + ("" if item.score is None else f"  {item.score:.4g}"))
    if item.score is None:
        click.echo("       the model has no score for it; popular items fill such places of a list")
        return
    for reason in item.reasons:
        times = f", {reason.n_events} times" if reason.n_events > 1 else ""
        last = f", {'last ' if reason.n_events > 1 else ''}{reason.last}" if reason.last else ""
        click.echo(
            f"     {reason.contribution:>+10.4g}  {_name(reason.item_id, reason.title)} ({show(reason.events)}{times}{last})"
        )
    if not item.reasons:
        click.echo("       no event of the history speaks for it")
    if exact:
        click.echo(f"     {item.others:>+10.4g}  all other events")
        if abs(item.rest) > 1e-4 * abs(item.score):
            click.echo(f"     {item.rest:>+10.4g}  what no event carries")
    for feature in item.features:
        click.echo(f"     {feature.contribution:>+10.4g}  ranker: {show(feature.feature)} = {feature.value:.4g}")


def _print_model(found: ModelExplanation, *, as_json: bool) -> None:
    """Print what carries the scores of a sample of users."""
    table = found.to_arrow()
    if as_json:
        echo_json(table.to_pylist())
        return
    click.echo(f"What carries the scores in the lists of {found.users:,} users:")
    for row in table.to_pylist():
        name = _name(row["group"], row["title"])
        click.echo(f"  {row['by']:<6} {row['share']:>6.1%}  {name} ({row['events']:,} events)")
    if found.exact:
        click.echo(f"  {found.rest:>13.1%}  what no event carries")
    click.echo(
        "Shares of the absolute parts of the scores."
        if found.exact
        else "Shares of the absolute changes of the scores without each event alone."
    )


def _note(found: Explanation) -> None:
    """Say what the numbers are."""
    if all(item.score is None for item in found):
        return
    if found.exact:
        click.echo("The numbers are the parts of the score.")
    else:
        click.echo("The numbers are how far the score falls without the events of that item, each left out alone.")
    if found.rankers:
        click.echo(
            f"The list is ordered by {' > '.join(found.rankers)}. The score is that of the predictor before; a line `ranker` is what a feature "
            f"adds to the score of {found.rankers[-1]}."
        )


def _name(item_id: str, title: str | None) -> str:
    """Return an id with its title, safe to print."""
    return show(f"{item_id} {title}" if title else item_id, LONGEST)
