"""The catalogue columns that components declare: refuse a model or a metric whose columns the data lack."""

from __future__ import annotations

from collections.abc import Iterable

from zoo.config.chosen import Chosen
from zoo.config.resolved import ResolvedModel
from zoo.data.catalogue import Catalogue
from zoo.data.near_columns import format_mapping, near_column, suggest_column
from zoo.errors import ConfigError


def check_columns(parts: Iterable[Chosen], catalogue: Catalogue | None, where: str) -> None:
    """Check that the catalogue has the columns that components declare; see `refuse_missing`.

    Raises:
        ConfigError: Columns are missing; the message has a line for each component.
    """
    refuse_missing([(part.name, part.capabilities.columns) for part in parts], catalogue, where)


def refuse_missing(needs: Iterable[tuple[str, tuple[str, ...]]], catalogue: Catalogue | None, where: str) -> None:
    """Check that the catalogue has declared columns.

    Args:
        needs: Names of components, and the columns that each declares.
        catalogue: The items of the task.
        where: What has the components, for the message.

    Raises:
        ConfigError: Columns are missing; the message has a line for each component.
    """
    have = [] if catalogue is None else catalogue.columns
    lines = []
    for needing, columns in needs:
        missing = [name for name in columns if name not in have]
        if missing:
            lines.append(
                f"{where}: {needing} reads the item column{'s' * (len(missing) > 1)} {', '.join(map(repr, missing))}, and "
                f"the items have {', '.join(have) or 'no columns'}.{suggest_column(missing[0], have)} Map a column of the items, "
                f"{format_mapping('data.item_columns', missing[0], near_column(missing[0], have))}, or choose another one in the "
                "parameters."
            )
    if lines:
        raise ConfigError("\n".join(lines))


def declared_columns(model: ResolvedModel, catalogue: Catalogue | None) -> Catalogue | None:
    """Return the columns that the rankers and candidate features of a model declare, or None if they declare none.

    Raises:
        ConfigError: The catalogue lacks a column.
    """
    needs = declared_needs(model)
    names = list(dict.fromkeys(name for _, columns in needs for name in columns))
    if not names:
        return None
    refuse_missing(needs, catalogue, model.label)
    assert catalogue is not None  # without one, no column is there
    return catalogue.select(names)


def declared_needs(model: ResolvedModel) -> list[tuple[str, tuple[str, ...]]]:
    """Return the rankers and the candidate features of a model by name, with the columns that each declares."""
    groups = model.candidate_features.plugin_groups if model.rankers else ()
    return [
        *((ranker.name, ranker.capabilities.columns) for ranker in model.rankers),
        *((group.spec.name, group.columns) for group in groups),
    ]
