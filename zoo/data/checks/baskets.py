"""Check 2: baskets that the split divides between the history and the targets of a query."""

from __future__ import annotations

from zoo.config.split_settings import UNIT_COLUMNS
from zoo.data.checks.checked_task import CheckedTask, DividedColumn
from zoo.data.checks.finding import Check, Evidence, count_of
from zoo.data.schema import MappedTable

LIMIT = 0.01
"""Share of the test users from which on divided units are reported."""
FEWEST = 5
"""Number of users from which on they are reported; a cut in time always divides a few baskets."""


def find(checked: CheckedTask) -> Evidence | None:
    """Return the column whose baskets the split divides for most users."""
    column = next((column for column in checked.divided_columns if column.kind == "basket"), None)
    if column is None or not is_reported(checked, column):
        return None
    return Evidence(
        f"The column {column.name!r} groups the events of a user to baskets, and the split divides them: for "
        f"{count_of(column.users, checked.n_test_users)} users with test events, the history has events of the basket that is "
        f"tested. For example, {column.example}.",
        format_unit_remedy(checked, column),
    )


def is_reported(checked: CheckedTask, column: DividedColumn) -> bool:
    """Return whether the split divides the units of enough users."""
    return column.users >= max(FEWEST, LIMIT * checked.n_test_users)


def format_unit_remedy(checked: CheckedTask, column: DividedColumn) -> str:
    """Return the lines of TOML that make the baskets or sessions of a column the units of the split."""
    source, name = checked.log.source, UNIT_COLUMNS[column.kind]
    own = source.names[column.name] if isinstance(source, MappedTable) else column.name
    mapping = "" if column.name == name else f'[data] columns = {{ {name} = "{own}" }}; '
    return f'{mapping}[split] unit = "{column.kind}"'


CHECK = Check(
    2,
    "baskets",
    "baskets that the split divides between history and targets",
    "What else is in the basket gives the target away. Models that look for items bought together (`transition-graph`, `item-knn`, "
    "networks over sequences) gain, and models of repeat purchases (`personal-popular`) lose, although a shop never sees half a "
    "basket of the next visit.",
    find,
)
