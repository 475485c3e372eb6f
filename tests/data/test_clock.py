"""Times in every form that files hold, and the messages for those that cannot be read."""

from datetime import UTC, date, datetime, timedelta, timezone

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.data.clock import choose_clock, parse_times
from zoo.data.schema import MappedTable
from zoo.errors import DataError

MOMENT = datetime(2024, 5, 31, 12, 30, 15, 250_000, tzinfo=UTC)
MS = 1_717_158_615_250


def times(values, kind=None, clock="timestamp"):
    column = pa.chunked_array([pa.array(values, kind)])
    return parse_times(table(timestamp=column), column, clock)


def table(**columns):
    return MappedTable.of(pa.table(columns), {}, "data.columns", "events.csv")


def refused(values, kind=None, clock="timestamp"):
    with pytest.raises(DataError) as error:
        times(values, kind, clock)
    return str(error.value)


@pytest.mark.parametrize(
    ("values", "kind", "read_as"),
    [
        ([MS], pa.int64(), "milliseconds"),
        ([MS // 1000], pa.int32(), "seconds"),
        ([MS * 1000], pa.int64(), "microseconds"),
        ([MS * 1_000_000], pa.uint64(), "nanoseconds"),
        ([MS / 1000], pa.float64(), "seconds"),
        ([MOMENT], pa.timestamp("us", "UTC"), "dates and times"),
        ([MOMENT.replace(tzinfo=None)], pa.timestamp("ns"), "dates and times"),
        ([MOMENT.astimezone(timezone(timedelta(hours=2)))], pa.timestamp("ms", "+02:00"), "dates and times"),
        ([str(MS)], pa.string(), "milliseconds"),
        ([str(MS / 1000)], pa.string(), "seconds"),
        ([f"  {MS} "], pa.large_string(), "milliseconds"),
        (["2024-05-31T12:30:15.250Z"], pa.string(), "dates and times"),
        (["2024-05-31 12:30:15.250000"], pa.string(), "dates and times"),
        (["2024-05-31T14:30:15.250+02:00"], pa.string(), "dates and times"),
        (["2024-05-31T07:00:15.250-0530"], pa.string(), "dates and times"),
        (["2024-05-31 12:30:15.250 UTC"], pa.string(), "dates and times"),
        (["2024-05-31T12:30:15.250Z"], pa.dictionary(pa.int8(), pa.string()), "dates and times"),
    ],
)
def test_every_form_of_one_moment_is_the_same_time(values, kind, read_as):
    found = times(values, kind)
    assert found.clock == "timestamp"
    assert found.read_as == read_as
    assert found.values.dtype == np.int64
    expected = MS // 1000 * 1000 if kind == pa.int32() else MS
    assert found.values.tolist() == [expected]


def test_a_date_is_its_first_moment():
    midnight = MS // 86_400_000 * 86_400_000
    assert times(["2024-05-31"]).values.tolist() == [midnight]
    assert times([date(2024, 5, 31)], pa.date32()).values.tolist() == [midnight]


@given(st.datetimes(datetime(1975, 1, 1), datetime(2100, 1, 1)), st.integers(-14 * 60, 14 * 60))
def test_texts_with_a_zone_agree_with_datetime(moment, minutes):
    moment = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    assert times([moment.isoformat()]).values.tolist() == [(moment - epoch) // timedelta(milliseconds=1)]


def test_a_count_from_zero_is_left_as_it_is():
    assert times([0, 5, 17]).values.tolist() == [0, 5, 17]
    assert times([0, 7_776_000_000]).values.tolist() == [0, 7_776_000_000]
    assert times([0, MS]).read_as == "milliseconds"


def test_a_count_in_milliseconds_over_months_is_left_as_it_is():
    count = np.random.default_rng(0).integers(0, 7_776_000_000, 1000)
    assert 0 < np.count_nonzero(count < 1e8) < 100
    assert times(count).values.tolist() == count.tolist()


@pytest.mark.parametrize(
    ("stray", "scale", "unit"),
    [
        (0, 0.001, "seconds"),
        (-1, 0.001, "seconds"),
        (86_400, 0.001, "seconds"),
        (32_503_680_000, 0.001, "seconds"),  # the year 3000
        (0, 1000, "microseconds"),
        (0, 1_000_000, "nanoseconds"),
    ],
)
def test_a_time_far_from_the_rest_is_refused(stray, scale, unit):
    """Read as milliseconds for its sake, the whole column would be wrong."""
    year = 365 * 86_400_000
    rest = [int(moment * scale) for moment in (MS, MS - 20 * year, MS + year)]
    assert refused([rest[0], stray, *rest[1:]]) == (
        f"events.csv, row 2: timestamp is {stray}, far from most, which are {unit} ({rest[0]} in row 1). "
        "Correct or remove these 1 rows, or write all values as UTC milliseconds. If the numbers only count events, map the column to 'position'."
    )
    assert times([MS, 0, MS, MS]).values.tolist() == [MS, 0, MS, MS]


def test_units_that_are_mixed_are_refused():
    assert refused([MS, MS + 1, MS // 1000, MS]) == (
        "events.csv, row 3: timestamp is 1717158615, and 1717158615250 in row 1: "
        "a mixture of units (here seconds and milliseconds). Write all values as UTC milliseconds."
    )


def test_forms_that_are_mixed_are_refused():
    assert refused(["1717158615250", "2024-05-31T12:30:15Z"]) == (
        "events.csv, row 2: timestamp is '2024-05-31T12:30:15Z', expected a number, as in the first row. Write all values in one format."
    )
    assert refused(["2024-05-31", "2024-06-01", "1717158615250"]) == (
        "events.csv, row 3: timestamp is '1717158615250', which is not an ISO 8601 date and time "
        "(other formats are ambiguous: day first or month first). "
        "Write all values as 2024-05-31T12:00:00Z or 2024-05-31, or as UTC milliseconds."
    )


def test_the_message_names_the_files_own_column():
    column = pa.chunked_array([["01/02/2024 00:35"]])
    mapped = MappedTable.of(pa.table({"ordered_at": column}), {"timestamp": "ordered_at"}, "data.columns", "events.csv")
    with pytest.raises(DataError) as error:
        parse_times(mapped, column, "timestamp")
    assert str(error.value).startswith(
        "events.csv, row 1: timestamp ('ordered_at' in the data) is '01/02/2024 00:35', which is not an ISO 8601 date and time ("
    )


@given(st.integers(0, 40), st.integers(1, 40))
def test_the_first_unparsable_row_is_named(before, after):
    values = ["2024-05-31"] * (before + 1) + ["31.05.2024"] + ["2024-05-31", "soon"] * after
    assert refused(values).startswith(
        f"events.csv, row {before + 2}: timestamp is '31.05.2024', which is not an ISO 8601 date and time"
    )


@pytest.mark.parametrize("empty", [None, "", "  "])
def test_an_empty_time_is_refused(empty):
    assert refused(["2024-05-31", empty]) == (
        "events.csv, row 2: timestamp is empty, expected UTC milliseconds, or a date and time such as "
        "2024-05-31T12:00:00Z. Correct the row, or remove it from the file."
    )


def test_a_column_of_another_type_is_refused():
    assert refused([[1]], pa.list_(pa.int64())) == (
        "events.csv: timestamp is list<item: int64>, expected UTC milliseconds, or a date and time such as "
        "2024-05-31T12:00:00Z. Choose another column in data.columns, or cast it in the file."
    )


def test_positions_are_whole_numbers():
    assert times(["3", "1"], clock="position").values.tolist() == [3, 1]
    assert times([3.0, 1.0], clock="position").values.tolist() == [3, 1]
    assert refused(["3", "x"], clock="position") == (
        "events.csv, row 2: position is 'x', expected a whole number. Correct the row."
    )
    assert refused([1.0, 2.5, float("nan")], clock="position") == (
        "events.csv, row 3: position is empty, expected a whole number. Correct the row, or remove it from the file."
    )
    assert (
        refused([1.0, 2.5], clock="position")
        == "events.csv, row 2: position is 2.5, expected a whole number. Correct the row."
    )


def test_the_clock_is_a_timestamp_else_a_position_unless_said():
    both = table(timestamp=[1], position=[1])
    assert choose_clock(both, "auto") == "timestamp"
    assert choose_clock(both, "position") == "position"
    assert choose_clock(both, "file-order") == "file-order"
    assert choose_clock(table(position=[1]), "auto") == "position"
    with pytest.raises(DataError) as error:
        choose_clock(table(user_id=[1], when=[1]), "auto")
    assert str(error.value) == (
        "events.csv: there is no column 'timestamp' or 'position' to order a user's events by. Its columns: user_id, when. "
        'Map one, data.columns = { timestamp = "when" } (in Python, columns={"timestamp": "when"}), or declare that the rows are in '
        'order: data.time = "file-order" (in Python, time="file-order").'
    )
    with pytest.raises(DataError, match="no column 'position'"):
        choose_clock(table(timestamp=[1]), "position")


NO_TIME = "expected UTC milliseconds, or a date and time such as 2024-05-31T12:00:00Z. Correct the row, or remove it from the file."


@pytest.mark.parametrize(
    ("values", "kind", "row", "value"),
    [
        ([MS, float("inf")], pa.float64(), 2, "inf"),
        ([float("-inf"), MS], pa.float64(), 1, "-inf"),
        ([0, float("inf")], pa.float32(), 2, "inf"),
        ([MS, 2**63], pa.uint64(), 2, str(2**63)),
        ([2**64 - 1], pa.uint64(), 1, str(2**64 - 1)),
        ([MS, 1e19], pa.float64(), 2, "1e+19"),
        ([-(2**63), -5], pa.int64(), 1, str(-(2**63))),
        ([-5, -(2**62) - 1], pa.int64(), 2, str(-(2**62) - 1)),
        ([str(MS // 1000), "nan"], pa.string(), 2, "nan"),
        (["NaN", str(MS // 1000)], pa.string(), 1, "NaN"),
        ([str(MS), "-inf"], pa.string(), 2, "-inf"),
        (["Infinity", "2024-05-31"], pa.string(), 1, "Infinity"),
        ([str(MS), "1e400"], pa.string(), 2, "1e400"),
        ([str(MS), str(2**63)], pa.string(), 2, str(2**63)),
        ([0, 2**55], pa.timestamp("s"), 2, str(2**55)),
        ([0, -(2**63)], pa.timestamp("ms"), 2, str(-(2**63))),
    ],
)
def test_a_number_that_is_no_time_is_refused(values, kind, row, value):
    """Before, it became another time, or switched off the detection of the unit for the whole column."""
    assert refused(values, kind) == f"events.csv, row {row}: timestamp is {value}, {NO_TIME}"


@pytest.mark.parametrize("kind", [pa.float64(), pa.float32()])
def test_a_nan_among_numbers_is_an_empty_time(kind):
    assert refused([2.0**40, float("nan")], kind).startswith("events.csv, row 2: timestamp is empty, expected UTC")


def test_a_position_beyond_62_bits_is_refused():
    expected = "expected a whole number of less than 63 bits. Correct the row, or remove it from the file."
    assert refused([1, 2**63 - 1], clock="position") == f"events.csv, row 2: position is {2**63 - 1}, {expected}"
    assert refused([1, float("inf")], clock="position").startswith(
        "events.csv, row 2: position is inf, expected a whole"
    )
    assert refused([1, 2**63], pa.uint64(), clock="position").startswith(f"events.csv, row 2: position is {2**63}, ")
    assert times([1, 2**62], clock="position").values.tolist() == [1, 2**62]
