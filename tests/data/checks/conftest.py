"""Tasks on small tables, and what the checks find in them."""

import pyarrow as pa
import pytest

from zoo.config.load import experiment_from
from zoo.data.checks.all_checks import check_task
from zoo.data.dataset import Tables
from zoo.data.log import read_data
from zoo.data.task import Task

SIZES = ("few-queries", "few-validation-queries", "seen-targets", "no-history")


@pytest.fixture
def task_on():
    """Return a function that splits tables with the tables of an experiment file."""

    def build(events, items=None, users=None, **sections):
        data = {"source": {"name": "files", "interactions": "unused.parquet"}, **sections.pop("data", {})}
        e = experiment_from({"data": data, "model": [{"predictor": "popular"}], **sections}).experiment
        items, users = (None if table is None else pa.table(table) for table in (items, users))
        tables = Tables(pa.table(events), items, users=users)
        read = read_data(tables, e.data, sessions_as_users=e.split.unit == "session")
        return Task.of(
            read.log, e.split, e.evaluate, read.catalogue, user_ids=read.user_ids, notes=read.notes, users=read.users
        )

    return build


@pytest.fixture
def found(task_on):
    """Return a function that gives the findings by name, without those about the small size of a test's tables."""

    def find(events, items=None, **sections):
        task = task_on(events, items, **sections)
        return {finding.name: finding for finding in check_task(task) if finding.name not in SIZES}

    return find
