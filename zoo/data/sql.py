"""Tables from queries of a database: DuckDB, SQLite and PostgreSQL.

A connection is read-only. The rows arrive in batches, so that memory holds the result and no second copy of it. A driver may repeat
the URI in its errors: messages contain its text without the password, and are raised without the driver's error as their cause.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pyarrow as pa

from zoo.data.database_uri import FILES, DatabaseUri
from zoo.data.dataset import Dataset, Tables
from zoo.data.dataset_params import SqlParams
from zoo.data.readers import first_line
from zoo.data.sqlite_values import SqliteColumns
from zoo.errors import ComponentError, DataError
from zoo.machine_memory import available_memory

SQL_ROWS = 2**16
"""Rows of a batch."""
READING = ("SELECT", "WITH", "VALUES", "TABLE", "FROM")
"""First words of statements that read; DuckDB also accepts FROM."""
ADVICE = {
    "duckdb": "Check that it is a DuckDB database of a version that the package reads, and that no other program writes to it.",
    "sqlite": "Check that it is a SQLite database, and that this user may read it.",
    "postgresql": "Check that the server is running, host, port, user and database, and the variable with the password.",
}
"""What to do about a database that cannot be opened."""


class Sql(Dataset[SqlParams]):
    """Interactions, items and users from queries of a database."""

    def read(self) -> Tables:
        """Return the results of the queries.

        Raises:
            DataError: The database cannot be opened or refuses a query, or a result has no rows.
            ComponentError: The driver is not installed.
        """
        p = self.params
        uri = DatabaseUri.of(p.uri)
        events_from, items_from = "the query of data.source", "the items_query of data.source"
        users_from = "the users_query of data.source"
        with _connected(uri) as batches:
            events = _result(uri, batches, p.query, events_from)
            items = None if p.items_query is None else _result(uri, batches, p.items_query, items_from)
            users = None if p.users_query is None else _result(uri, batches, p.users_query, users_from)
        return Tables(events, items, events_from, items_from, users=users, users_from=users_from)


Batches = Callable[[str], Iterable[pa.Table]]
"""Runs a query on an open connection."""


@contextmanager
def _connected(uri: DatabaseUri) -> Iterator[Batches]:
    """Open a database, and close it in the end.

    Raises:
        DataError: The file does not exist, or the database cannot be opened.
        ComponentError: The driver is not installed.
    """
    if uri.system in FILES and not uri.path.is_file():
        raise DataError(
            f"data.source: there is no file {uri.path}. Correct the uri: {uri.system}:///shop.db is relative to the experiment file, "
            f"{uri.system}:////data/shop.db with four slashes is not."
        )
    connect = {"duckdb": _connect_duckdb, "sqlite": _connect_sqlite, "postgresql": _connect_postgresql}[uri.system]
    try:
        connection, batches = connect(uri)
    except ImportError:
        raise ComponentError(
            f'data.source: reading {uri.system} needs a driver that is not installed: pip install "shopzoo[sql]"'
        ) from None
    except Exception as error:  # drivers raise what their libraries raise
        raise DataError(
            f"data.source: {uri.shown} cannot be opened: {_reason(uri, error)}. {ADVICE[uri.system]}"
        ) from None
    with closing(connection):
        yield batches


def _connect_duckdb(uri: DatabaseUri) -> tuple[Any, Batches]:
    """Open a DuckDB file."""
    import duckdb

    connection = duckdb.connect(str(uri.path), read_only=True)

    def batches(query: str) -> Iterator[pa.Table]:
        statements = connection.extract_statements(query)
        if [statement.type for statement in statements] != [duckdb.StatementType.SELECT]:  # COPY writes files
            raise ValueError("it is not a single SELECT statement")
        reader = connection.sql(query).to_arrow_reader(SQL_ROWS)
        yield reader.schema.empty_table()
        for batch in reader:
            yield pa.Table.from_batches([batch])

    return connection, batches


def _connect_sqlite(uri: DatabaseUri) -> tuple[Any, Batches]:
    """Open a SQLite file."""
    import sqlite3

    allowed = (sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_RECURSIVE)
    connection = sqlite3.connect(f"{uri.path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # opens the file
    except sqlite3.Error:
        connection.close()
        raise
    connection.set_authorizer(  # VACUUM INTO would write a file
        lambda action, *_: sqlite3.SQLITE_OK if action in allowed else sqlite3.SQLITE_DENY
    )

    def batches(query: str) -> list[pa.Table]:
        cursor = connection.execute(query)
        columns = SqliteColumns([name for name, *_ in cursor.description])
        while rows := cursor.fetchmany(SQL_ROWS):
            columns.append(rows)
        return [columns.table()]

    return connection, batches


def _connect_postgresql(uri: DatabaseUri) -> tuple[Any, Batches]:
    """Connect to a PostgreSQL server."""
    from adbc_driver_postgresql import dbapi

    connection = dbapi.connect(uri.connection, autocommit=True)

    def batches(query: str) -> Iterator[pa.Table]:
        with connection.cursor() as cursor:
            cursor.execute("SET default_transaction_read_only TO on")
            cursor.execute(query)
            reader = cursor.fetch_record_batch()
            yield reader.schema.empty_table()
            for batch in reader:
                yield pa.Table.from_batches([batch])

    return connection, batches


def _result(uri: DatabaseUri, batches: Batches, query: str, origin: str) -> pa.Table:
    """Return the result of a query.

    Raises:
        DataError: The database refuses the query, or the result has no rows, two columns of one name, or does not fit into memory.
    """
    try:
        _refuse_other_statements(query)
        table = pa.concat_tables(_bounded(batches(query)))
    except Exception as error:  # drivers raise what their libraries raise
        raise DataError(
            f"{origin} cannot be run on {uri.shown}: {_reason(uri, error)}. Write one SELECT statement that the database accepts; "
            "the connection is read-only."
        ) from None
    names = table.column_names
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DataError(f"{origin}: two columns are named {twice!r}. Rename one with AS.")
    if not table.num_rows:
        raise DataError(
            f"{origin} gives no rows from {uri.shown}. Check its conditions, and that the database is the right one."
        )
    return table


def _bounded(parts: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Yield the parts of a result.

    Raises:
        MemoryError: They do not fit into memory.
    """
    used, limit = 0, available_memory()
    for part in parts:
        used += part.nbytes
        if used > limit:
            raise MemoryError(f"its result needs more than {limit / 2**30:,.1f} GiB, which are available")
        yield part


def _refuse_other_statements(query: str) -> None:
    """Refuse statements that give no rows by their nature: a read-only connection of some systems writes files by COPY.

    Raises:
        ValueError: The first word of the query is not one of a SELECT statement.
    """
    first = re.match(r"(?:[\s(]|--[^\n]*\n|/\*.*?\*/)*(\w*)", query, re.DOTALL)
    if first is None or first[1].upper() not in READING:
        raise ValueError("it is not a SELECT statement")


def _reason(uri: DatabaseUri, error: Exception) -> str:
    """Return the first line of an error of a driver, without the password."""
    return uri.hide(first_line(error))
