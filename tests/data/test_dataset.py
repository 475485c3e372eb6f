"""What a dataset returns is validated, and the error names its component and plugin."""

import pyarrow as pa
import pytest

from zoo.data.dataset import Dataset, Tables, read_tables
from zoo.errors import DataError
from zoo.params import Params

TABLE = pa.table({"user_id": ["a"], "item_id": ["b"], "timestamp": [1]})
ORIGIN = "dataset 'mine' of my-data 1.0"


class Given(Dataset):
    """Returns what it was given, or raises it."""

    def __init__(self, answer):
        super().__init__(Params())
        self.answer = answer

    def read(self):
        if isinstance(self.answer, BaseException):
            raise self.answer
        return self.answer


def test_tables_are_returned_as_they_are():
    tables = Tables(TABLE, TABLE)
    assert read_tables(Given(tables), ORIGIN) is tables


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (TABLE, "`read` returned Table, expected zoo.api.Tables(interactions, items)"),
        (None, "`read` returned NoneType, expected zoo.api.Tables(interactions, items)"),
        (Tables([1, 2]), "`read` returned list as interactions, expected a pyarrow.Table or another table with"),
        (Tables(None), "`read` returned NoneType as interactions, expected a pyarrow.Table"),
        (Tables(TABLE, {"a": 1}), "`read` returned dict as items, expected a pyarrow.Table"),
        (KeyError("url"), "`read` failed: KeyError: 'url' ("),
        (SystemExit(0), "`read` failed: SystemExit: 0 ("),
        (
            FileNotFoundError(2, "No such file", "a.db"),
            "`read` failed: FileNotFoundError: [Errno 2] No such file: 'a.db' (",
        ),
        (
            ConnectionError("no route"),
            "`read` failed: ConnectionError: no route (",
        ),  # an OSError, as pandas' DatabaseError is
    ],
)
def test_everything_else_is_refused_with_its_origin(answer, message):
    with pytest.raises(DataError) as error:
        read_tables(Given(answer), ORIGIN)
    assert str(error.value).startswith(f"{ORIGIN}: {message}")


def test_an_error_of_the_core_is_not_changed():
    error = DataError("no such file")
    with pytest.raises(DataError) as found:
        read_tables(Given(error), ORIGIN)
    assert found.value is error
