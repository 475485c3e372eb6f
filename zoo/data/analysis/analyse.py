"""The data report: what is in a log, what is wrong with it, and a proposed experiment that was tried."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from zoo.config.load import experiment_from
from zoo.config.resolved import ResolvedExperiment
from zoo.data.analysis.fault import Fault
from zoo.data.analysis.find_faults import find_faults
from zoo.data.analysis.goods import Cold, Column, Prices, measure_cold, measure_columns, measure_prices
from zoo.data.analysis.guess import ReadForReport, read_for_report
from zoo.data.analysis.proposal import Proposal, propose, usable_units
from zoo.data.analysis.propose_cleaners import STRAY_TIMES, name_cleaners, propose_cleaners
from zoo.data.analysis.propose_split import propose_splits
from zoo.data.analysis.rhythm import Rhythm, Sessions, Turnover, measure_rhythm, measure_sessions, measure_turnover
from zoo.data.analysis.size import Histories, Size, measure_histories, measure_size
from zoo.data.checks.all_checks import check_task
from zoo.data.task import Task, load_task
from zoo.errors import DataError, SplitError


@dataclass(frozen=True)
class TriedSplit:
    """What the proposed split gives.

    Attributes:
        name: The split, in a phrase.
        train: The training events before the test part.
        queries: The queries of each part that is held out.
        given_up: Splits that would suit and leave no queries, with the reason.
    """

    name: str
    train: int
    queries: dict[str, int]
    given_up: tuple[str, ...]


@dataclass(frozen=True)
class DataReport:
    """The analysis of data.

    Attributes:
        title: The name of the data.
        guessed: What was guessed about the columns, as sentences.
        unused: The columns of the events that are not used, some with a hint; empty if no columns were guessed.
        size: Users, items and events.
        histories: Lengths of histories, and popularity.
        rhythm: When events happen; None without timestamps.
        sessions: Sessions by idle time; None without times of day.
        turnover: Items that come and go; None without timestamps.
        catalogue: The columns of the items.
        user_columns: The columns of the users of the log; empty without a user table.
        prices: Prices and what sells by price; None without prices.
        cold: What the default splits leave without a past.
        faults: What is wrong, the faults of the data first, then those of the proposed split.
        split: What the proposed split gives; None if none could be used.
        proposal: The proposed experiment file; empty if no split could be used.
    """

    title: str
    guessed: tuple[str, ...]
    unused: tuple[str, ...]
    size: Size
    histories: Histories
    rhythm: Rhythm | None
    sessions: Sessions | None
    turnover: Turnover | None
    catalogue: tuple[Column, ...]
    user_columns: tuple[Column, ...]
    prices: Prices | None
    cold: tuple[Cold, ...]
    faults: tuple[Fault, ...]
    split: TriedSplit | None
    proposal: str

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON."""
        return {**asdict(replace(self, faults=())), "faults": [fault.as_json() for fault in self.faults]}


def analyse(experiment: ResolvedExperiment, title: str, *, guess: bool) -> DataReport:
    """Analyse the data of an experiment and propose an experiment.

    Args:
        experiment: The experiment, of which only `[data]` is used.
        title: The name of the data.
        guess: Whether to guess columns whose names differ.

    Raises:
        DataError: The data cannot be read; the message names file, column, row and value.
    """
    read = read_for_report(
        experiment.source.build(),
        experiment.experiment.data,
        guess=guess,
        origin=experiment.source.origin,
        cleaners=experiment.cleaners,
    )
    data = read.data
    size, cold = measure_size(data), measure_cold(data.log)
    faults = name_cleaners(find_faults(data), experiment.registry.components("cleaner"))
    proposal, tried, of_split = _try_splits(experiment, read, faults)
    return DataReport(
        title=title,
        guessed=read.guessed,
        unused=read.unused,
        size=size,
        histories=measure_histories(data.log),
        rhythm=measure_rhythm(data.log),
        sessions=measure_sessions(data.log),
        turnover=measure_turnover(data.log),
        catalogue=measure_columns(data.catalogue),
        user_columns=() if data.users is None else measure_columns(data.users),
        prices=measure_prices(data),
        cold=cold,
        faults=(*faults, *of_split),
        split=tried,
        proposal="" if proposal is None else proposal.text,
    )


def _try_splits(
    experiment: ResolvedExperiment, read: ReadForReport, faults: Sequence[Fault]
) -> tuple[Proposal | None, TriedSplit | None, list[Fault]]:
    """Return the first proposal whose split leaves queries, what it gives, and what the checks find in it.

    A proposal is made for what the proposed cleaners leave of the log.
    """
    source, given_up = _source(experiment), list[str]()
    predictors = experiment.registry.components("predictor")
    cleaners = propose_cleaners(faults, experiment.registry.components("cleaner"), read.data)
    clean = replace(read, data=replace(read.data, log=cleaners.log))
    splits = propose_splits(
        cleaners.log,
        read.splits,
        usable_units(cleaners.log),
        measure_cold(cleaners.log),
        read.settings.columns,
        anonymous=read.data.notes.get("users are") == "sessions",
        stray=STRAY_TIMES in cleaners.reasons,
    )
    for split in splits:
        if split.published:  # cleaned data have other targets, so that figures would not compare
            proposal = propose(read, source, split, predictors, {})
        else:
            proposal = propose(clean, source, split, predictors, cleaners.reasons)
        resolved = experiment_from(tomllib.loads(proposal.text), registry=experiment.registry).require_recommend()
        try:
            task = _task_of(resolved, read)
        except (DataError, SplitError) as error:
            given_up.append(f"{split.words}: {error}")
            continue
        tried = TriedSplit(
            split.words,
            len(task.training("test")),
            {part: len(task.queries(part)) for part in task.parts.held_out},
            tuple(given_up),
        )
        return proposal, tried, _split_faults(task)
    effect = "Without queries nothing can be compared."
    fault = Fault("no-split", "; ".join(given_up), None, None, (), effect, "use more events, or more events per user")
    return None, None, [fault]


def _task_of(experiment: ResolvedExperiment, read: ReadForReport) -> Task:
    """Return the task of a proposal; its data are read again only if it reads other events than the report did.

    Raises:
        DataError: The data cannot be read in this way.
        SplitError: The split leaves a part without queries.
    """
    settings = experiment.experiment
    others = {"source", "null_ids", "accept"}  # the report left out the rows without ids, or there are none
    given, used = (data.model_dump(exclude=others) for data in (settings.data, read.read_with))
    if experiment.cleaners or given != used:  # cleaners learn from the events before the cut of the split
        return load_task(experiment)
    data = read.data
    return Task.of(
        data.log, settings.split, settings.evaluate, data.catalogue,
        user_ids=data.user_ids, refit=settings.train.refit, notes=data.notes, users=data.users,
    )  # fmt: skip


def _split_faults(task: Task) -> list[Fault]:
    """Return what the checks find in the proposed split, whichever models will run on it."""
    return [
        Fault(f"split: {finding.name}", finding.found, None, None, (), finding.effect, finding.remedy)
        for finding in check_task(task)
    ]


def _source(experiment: ResolvedExperiment) -> Mapping[str, Any]:
    """Return the source with the parameters that differ from their defaults; variables as written in the file."""
    chosen = experiment.source
    params = chosen.params.model_dump(mode="json", exclude_defaults=True, by_alias=True)
    hidden: dict[str, Any] = experiment.variables.hide({"name": chosen.name, **params})
    return hidden
