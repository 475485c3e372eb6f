"""A dataset in one file: orders and products of a shop in a SQLite database.

[data]
source = { name = "sqlite-orders", database = "shop.db" }
"""

import sqlite3
from contextlib import closing

import pyarrow as pa

from zoo.api import ComponentSpec, DataError, Dataset, ExperimentPath, Field, Params, Tables, hookimpl


class SqliteOrdersParams(Params):
    """Parameters of `sqlite-orders`."""

    database: ExperimentPath
    """The database file. Relative to the experiment file."""
    orders: str = Field("SELECT user_id, item_id, timestamp FROM orders", min_length=1)
    """The query for the events."""
    products: str | None = Field("SELECT * FROM products", min_length=1)
    """The query for the items; it has a column `item_id`."""


class SqliteOrders(Dataset[SqliteOrdersParams]):
    """Orders and products of a SQLite database; `[data]` maps columns that have other names."""

    def read(self) -> Tables:
        """Return the tables.

        Raises:
            DataError: There is no such file, or a query fails.
        """
        p = self.params
        if not p.database.is_file():
            raise DataError(f"{p.database}: there is no such file. Set `database` to a SQLite file.")
        with closing(sqlite3.connect(f"{p.database.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            items = None if p.products is None else self.table(connection, p.products)
            return Tables(self.table(connection, p.orders), items, str(p.database), str(p.database))

    def table(self, connection: sqlite3.Connection, query: str) -> pa.Table:
        """Return the rows of a query as a table."""
        try:
            cursor = connection.execute(query)
        except sqlite3.Error as error:
            raise DataError(f"{self.params.database}: {error} in {query!r}. Correct the query.") from error
        names, rows = [column[0] for column in cursor.description], cursor.fetchall()
        return pa.table({name: pa.array([row[at] for row in rows]) for at, name in enumerate(names)})


@hookimpl
def zoo_components() -> list[ComponentSpec]:
    """Return the components of this file."""
    return [
        ComponentSpec(
            name="sqlite-orders",
            stage="dataset",
            target="sqlite_orders:SqliteOrders",
            params=SqliteOrdersParams,
            summary="Orders and products of a SQLite database.",
            expected_failures={"dataset.required-params": "it reads a file that the user names"},
            api=2,
        )
    ]
