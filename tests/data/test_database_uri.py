"""URIs of databases: which are accepted, and that no message shows a password."""

import pytest

from zoo.config.load import experiment_from
from zoo.data.database_uri import DatabaseUri
from zoo.data.dataset_params import SqlParams
from zoo.data.sql import Sql
from zoo.errors import ConfigError, DataError
from zoo.params import validated

CLOSED = "postgresql://shop:${PASSWORD}@127.0.0.1:1/shop"
"""No server listens on port 1."""


def test_a_relative_path_starts_from_the_experiment_file(tmp_path):
    def uri(text):
        return validated(SqlParams, {"uri": text, "query": "SELECT 1"}, "", {"base": tmp_path}).uri

    assert uri("duckdb:///data/shop.db") == f"duckdb:///{tmp_path}/data/shop.db"
    assert uri("sqlite:////data/shop.db") == "sqlite:////data/shop.db"
    assert uri(CLOSED) == CLOSED


SUCH = "such as duckdb:///shop.db, sqlite:///shop.db or postgresql://user:${PASSWORD}@host/database"


@pytest.mark.parametrize(("uri", "told"), [
    ("mysql://shop:${P}@host/db", f"expected the URI of a database, {SUCH}, found the scheme 'mysql'."),
    ("shop.db", f"expected the URI of a database, {SUCH}, found a text without scheme://."),
    (7, f"expected the URI of a database as text, {SUCH}."),
    ("duckdb://shop.db", "expected duckdb:/// and the path of a file, such as duckdb:///shop.db, found duckdb:// without a third "
     "slash and a path."),
])  # fmt: skip
def test_another_uri_is_refused(uri, told):
    with pytest.raises(ConfigError) as error:
        validated(SqlParams, {"uri": uri, "query": "SELECT 1"}, "data.source")
    assert str(error.value) == f"data.source.uri: {told}"


@pytest.mark.parametrize("uri", [
    "postgresql://shop:hunter2@host/db",
    "postgresql://shop:pw@host:5432/db",
    "postgres://:pw@/db",
    "postgresql://shop:pw${PASSWORD}@host/db",
    "postgresql://host/db?user=shop&password=pw",
    "postgresql://shop:${PASSWORD}@host/db?sslpassword=pw",
])  # fmt: skip
def test_a_password_in_the_file_is_refused(uri):
    with pytest.raises(ConfigError) as error:
        experiment_from({"data": {"source": {"name": "sql", "uri": uri}}}, env={"PASSWORD": "x"})
    assert str(error.value) == (
        "data.source.uri: the URI contains a password as text, and results and artifacts repeat the file. Write ${PASSWORD} in its "
        "place, and set the environment variable: export PASSWORD=..."
    )


@pytest.mark.parametrize("uri", [
    CLOSED, "postgresql://host:5432/db?application_name=a@b", "postgresql://shop@host:5432/db", "${URI}", "duckdb:///a:b@c",
    "postgresql://host/db?password=${PASSWORD}",
])  # fmt: skip
def test_a_uri_without_a_written_password_is_accepted(uri):
    raw = {"data": {"source": {"name": "sql", "uri": uri, "query": "SELECT 1"}}, "model": [{"predictor": "popular"}]}
    resolved = experiment_from(raw, env={"PASSWORD": "pw", "URI": "postgresql://shop:pw@host/db"})
    if "${" in uri:
        assert resolved.as_written()["data"]["source"]["uri"] == uri


@pytest.mark.parametrize("password", ["pw", "a", "hunter2-hunter2", "p@ss/w?rd#1 %zz", "%41bc%2Fd", "12/3@x"])
def test_no_message_contains_the_password(password):
    pytest.importorskip("adbc_driver_postgresql", reason="needs the extra shopzoo[sql]")
    uri = CLOSED.replace("${PASSWORD}", password)
    with pytest.raises(DataError) as error:
        Sql(SqlParams(uri=uri, query="SELECT 1")).read()
    told = str(error.value)
    assert error.value.__cause__ is None
    assert told.startswith("data.source: postgresql://127.0.0.1:1/shop cannot be opened: ")
    assert told.endswith(
        "Connection refused. Check that the server is running, host, port, user and database, and the variable with the password."
    )
    repeated = " ".join((uri, password, DatabaseUri.of(uri).connection, f"'{password}'"))
    assert DatabaseUri.of(uri).hide(repeated) == (
        "postgresql://127.0.0.1:1/shop *** postgresql://127.0.0.1:1/shop '***'"
    )


@pytest.mark.parametrize(
    ("uri", "connection", "shown"),
    [
        ("postgresql://me:a@b:c@shop.org/db", "postgresql://me:a%40b%3Ac@shop.org/db", "postgresql://shop.org/db"),
        (
            "postgresql://me:secret@shop.org:5432/db?options=a@b&sslmode=require",
            "postgresql://me:secret@shop.org:5432/db?options=a@b&sslmode=require",
            "postgresql://shop.org:5432/db",
        ),
        ("postgresql://me:pass@word@[::1]/db?user=a@b", "postgresql://me:pass%40word@[::1]/db?user=a@b", "postgresql://[::1]/db"),
    ],
)  # fmt: skip
def test_a_password_ends_before_the_host(uri, connection, shown):
    found = DatabaseUri.of(uri)
    assert found.connection == connection
    assert found.shown == shown
