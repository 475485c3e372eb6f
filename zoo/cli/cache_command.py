"""`zoo cache`: the prepared logs that are kept on this machine."""

from __future__ import annotations

import click

from zoo.text_safety import show


@click.group()
def cache() -> None:
    """List or remove the prepared logs of this machine.

    The environment variable ZOO_CACHE names their folder, ~/.cache/shopzoo by default, and ZOO_CACHE_GIB their limit, 100 by default.
    """


@cache.command(name="list")
def list_logs() -> None:
    """List the prepared logs, the one that was opened last first."""
    from zoo.data.bounded_parquet import format_bytes
    from zoo.data.prepared.cache import cache_folder, cached_logs, limit_bytes

    found = cached_logs()
    for prepared in found:
        files = prepared.identity["interactions"]
        more = f" and {len(files) - 1} more" if len(files) > 1 else ""
        click.echo(
            f"{prepared.folder.name}  {format_bytes(prepared.size)}  {prepared.log['events']:,} events of {show(files[0][0])}{more}"
        )
    total = sum(prepared.size for prepared in found)
    logs = "1 log" if len(found) == 1 else f"{len(found)} logs"
    click.echo(f"{logs}, {format_bytes(total)} of at most {format_bytes(int(limit_bytes()))}, in {cache_folder()}")


@cache.command()
def clear() -> None:
    """Remove all prepared logs, also those of other versions; commands prepare them again when they need them."""
    from zoo.data.bounded_parquet import format_bytes
    from zoo.data.prepared.cache import clear_cache

    count, size = clear_cache()
    click.echo(f"removed {'1 log' if count == 1 else f'{count} logs'}, {format_bytes(size)}")
