"""Scales, ticks and paths of charts."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.html_report.charts import Point, Scale, Tick, _label_box, label_apart, path_through, ticks_apart
from zoo.html_report.formatting import format_mebibytes, format_seconds, format_short


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20))
def test_every_value_is_on_the_canvas_and_ticks_are_in_order(values):
    scale = Scale.of(values, 50, 390)
    assert all(50 <= scale.at(value) <= 390 for value in values)
    places = [tick.at for tick in scale.ticks(5)]
    assert places == sorted(places)
    assert all(50 <= place <= 390 for place in places)


@given(st.lists(st.floats(1e-6, 1e9), min_size=1, max_size=20))
def test_a_logarithmic_scale_covers_its_values(values):
    scale = Scale.of(values, 0, 100, log=True)
    assert all(0 <= scale.at(value) <= 100 for value in values)
    assert all(0 <= tick.at <= 100 for tick in scale.ticks(5))


def test_a_scale_without_a_finite_value_is_drawn_all_the_same():
    assert Scale.of([math.nan, math.inf], 0, 100).ticks(4)
    assert Scale.of([0.0], 0, 100, log=True).ticks(4)


def test_ticks_are_round_numbers():
    assert [tick.label for tick in Scale(0, 1, 0, 100).ticks(5)] == ["0", "0.2", "0.4", "0.6", "0.8", "1"]
    assert [tick.label for tick in Scale(0.1, 1000, 0, 100, log=True).ticks(5)] == ["0.1", "1", "10", "100", "1,000"]
    assert [tick.label for tick in Scale(2, 40, 0, 100, log=True).ticks(5)] == ["3", "10", "30"]


def test_positive_values_near_zero_begin_at_zero():
    assert Scale.of([0.01, 1.0], 0, 100).low == 0.0
    assert Scale.of([-1.0, 1.0], 0, 100).low < -1


def test_a_path_joins_its_points():
    assert path_through([(1, 2), (3.5, 4)]) == "M1 2L3.5 4"
    assert path_through([(1, 2), (3.5, 4)], steps=True) == "M1 2H3.5V4"
    assert path_through([]) == ""


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0023, "2.3 ms"), (0.5, "500 ms"), (12.34, "12.3 s"), (90, "1.5 min"), (7200, "2 h"), (math.inf, "–")],
)
def test_a_duration_has_the_largest_unit_of_which_it_has_one(seconds, text):
    assert format_seconds(seconds) == text


def test_numbers_of_axes_are_short():
    assert [format_short(v) for v in (0, 0.25, 1234, 2e7, 5e-6)] == ["0", "0.25", "1,234", "2e7", "5e-6"]
    assert (format_mebibytes(512), format_mebibytes(20480)) == ("512 MiB", "20.0 GiB")


def overlap(a, b):
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


@given(st.lists(st.tuples(st.floats(60, 380), st.floats(30, 230)), min_size=1, max_size=12))
def test_labels_overlap_neither_each_other_nor_a_point(places):
    points = label_apart([Point(x, y, "a-model", "", front=True) for x, y in places], 400)
    boxes = [_label_box(point) for point in points if point.labelled]
    assert not any(overlap(a, b) for at, a in enumerate(boxes) for b in boxes[:at])
    assert not any(overlap(box, (p.x - 5, p.y - 5, p.x + 5, p.y + 5)) for box in boxes for p in points)
    assert all(box[0] >= 0 and box[2] <= 400 for box in boxes)


def test_a_label_leaves_a_point_off_the_front_free():
    front, other = Point(200, 100, "model", "", front=True), Point(215, 92, "other", "")
    label, none = label_apart([front, other], 400)
    assert (label.anchor, label.below, none.labelled) == ("end", False, False)


def test_a_label_without_a_place_is_left_out_and_others_move_aside():
    crowd = [Point(200, 100 + at, "model", "", front=True) for at in range(8)]
    labels = label_apart(crowd, 400)
    assert next((p.anchor, p.below) for p in labels if p.labelled) == ("start", False)
    assert 2 <= sum(p.labelled for p in labels) < 8


def test_ticks_whose_labels_overlap_are_left_out():
    ticks = [Tick(100, "1,000 MiB"), Tick(130, "1,500 MiB"), Tick(180, "2,000 MiB"), Tick(260, "3,000 MiB")]
    assert [tick.label for tick in ticks_apart(ticks)] == ["1,000 MiB", "2,000 MiB", "3,000 MiB"]
