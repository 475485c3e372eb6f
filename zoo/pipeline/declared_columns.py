"""The catalogue columns that components declare: refuse a model or a metric whose columns the data lack."""

from __future__ import annotations

from collections.abc import Iterable

from zoo.config.resolved import Chosen, ResolvedModel
from zoo.data.catalogue import Catalogue
from zoo.errors import ConfigError, suggestion


def check_columns(parts: Iterable[Chosen], catalogue: Catalogue | None, where: str) -> None:
    """Check that the catalogue has the columns that components declare.

    Args:
        parts: The components.
        catalogue: The items of the task.
        where: What has the components, for the message.

    Raises:
        ConfigError: Columns are missing; the message has a line for each component.
    """
    have = [] if catalogue is None else catalogue.columns
    lines = []
    for part in parts:
        missing = [name for name in part.capabilities.columns if name not in have]
        if missing:
            lines.append(
                f"{where}: {part.name} reads the item column{'s' * (len(missing) > 1)} {', '.join(map(repr, missing))}, and "
                f"the items have {', '.join(have) or 'no columns'}.{suggestion(missing[0], have)} Map a column of the items "
                "file in data.item_columns, or choose another one in the parameters."
            )
    if lines:
        raise ConfigError("\n".join(lines))


def declared_columns(model: ResolvedModel, catalogue: Catalogue | None) -> Catalogue | None:
    """Return the columns that the rankers of a model declare, or None if they declare none.

    Raises:
        ConfigError: The catalogue lacks a column.
    """
    names = list(dict.fromkeys(name for ranker in model.rankers for name in ranker.capabilities.columns))
    if not names:
        return None
    check_columns(model.rankers, catalogue, model.label)
    assert catalogue is not None  # without one, no column is there
    return catalogue.select(names)
