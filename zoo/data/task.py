"""A task: the data, split into a training log and queries; the same for every model of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from zoo.config.chosen import Chosen
from zoo.config.experiment import DataSettings, EvaluateSettings, Part
from zoo.config.resolved import ResolvedExperiment
from zoo.config.split_settings import LeaveLastOut, Split, StrongGeneralisation, Targets, identify_split
from zoo.data.catalogue import Catalogue
from zoo.data.dataset import Dataset, Notes, read_tables
from zoo.data.event_types import event_codes
from zoo.data.fingerprint import fingerprint
from zoo.data.interactions import Interactions, tied_with_previous
from zoo.data.item_values import items_with_values
from zoo.data.loaded import LoadedLog
from zoo.data.parts import NO_PART, Parts
from zoo.data.prepared.prepare import open_data
from zoo.data.queries import Queries
from zoo.data.split import cold_items, period, split
from zoo.data.targets import DRAWN_FROM, TargetRules, build_queries, draw_queries
from zoo.data.units import Units, find_units
from zoo.data.user_table import UserTable
from zoo.errors import SplitError


@dataclass(frozen=True, eq=False)
class Task:
    """The task of a comparison: a training log, and queries whose targets models never see.

    Attributes:
        log: All events; those of a moment or a basket are ordered by item number.
        catalogue: The items.
        user_ids: The user ids as in the data, in the order of the log's rows, `[U]`.
        split: The split policy.
        evaluate: The rules for targets and for recommendable items.
        refit: Whether models are refitted on all events before the test part; decides which test targets are cold.
        units: The events that the split keeps together.
        parts: The part of each event.
        eligible: The items that may be recommended, `[I]`; padding is not eligible.
        notes: Counts of excluded events, and other remarks for reports.
        users: The columns of the users; None without a user table.
    """

    log: Interactions
    catalogue: Catalogue
    user_ids: pa.Array
    split: Split
    evaluate: EvaluateSettings
    refit: bool
    units: Units
    parts: Parts
    eligible: NDArray[np.bool_]
    notes: Notes
    _queries: dict[Part, Queries] = field(default_factory=dict)
    users: UserTable | None = None

    @classmethod
    def of(
        cls,
        log: Interactions,
        split_settings: Split,
        evaluate: EvaluateSettings | None = None,
        catalogue: Catalogue | None = None,
        *,
        user_ids: pa.Array | None = None,
        refit: bool = True,
        notes: Notes | None = None,
        moments: Sequence[int] = (),
        users: UserTable | None = None,
    ) -> Task:
        """Split a log into a task.

        Args:
            log: All events. The task has them in the order of their units.
            split_settings: The policy, e.g. `LeaveLastOut()`.
            evaluate: The rules for targets; the defaults of an experiment file by default.
            catalogue: The items; a catalogue without columns by default.
            user_ids: The user ids as in the data, `[U]`; the user numbers by default.
            refit: Whether models are refitted on all events before the test part.
            notes: Notes from reading the log.
            moments: The cuts of a temporal split, UTC milliseconds; found in the log by default.
            users: The columns of the users; none by default.

        Raises:
            SplitError: The split leaves no training events, or a part without queries, or lacks a column.
            DataError: The settings name an event or an item column that does not exist.
        """
        evaluate = evaluate or EvaluateSettings()
        catalogue = catalogue or Catalogue.bare(log.n_items)
        cold = cold_items(catalogue.ids, split_settings)
        units = find_units(log, split_settings.unit)
        parts = split(units, split_settings, cold, moments)
        task = cls(
            units.log,
            catalogue,
            pa.array(map(str, range(1, log.n_users + 1)), pa.string()) if user_ids is None else user_ids,
            split_settings,
            evaluate,
            refit,
            units,
            parts,
            items_with_values(catalogue, evaluate.eligible, "evaluate.eligible"),
            {**(notes or {}), **units.notes, **parts.notes},
            users=users,
        )
        if cold is not None:
            task.notes["items held out as cold"] = int(np.count_nonzero(cold))
            task.notes["their events before the test, left out"] = int(np.count_nonzero(task.parts.codes == NO_PART))
        for part in task.parts.held_out:
            task.build_part(part)
        return task

    @property
    def exclude_seen(self) -> bool | list[str]:
        """Return whether seen items are excluded from the lists, or the event types that mark an item as seen."""
        return self.evaluate.exclude_seen

    def training(self, before: Part) -> Interactions:
        """Return the training events for a part, from which no later event can be read.

        All users keep their row, even without events.
        """
        return self.log.extract(self.parts.before(before))

    def queries(self, part: Part) -> Queries:
        """Return the queries of a part with their targets.

        Raises:
            SplitError: The split has no such part.
        """
        if part not in self._queries:
            raise SplitError(
                f"no {part!r} queries: split.policy {self.split.policy!r} has the parts train, "
                f"{', '.join(self.parts.held_out)}. Change the split."
            )
        return self._queries[part]

    @cached_property
    def fingerprint(self) -> str:
        """Return a hash of the data: the log, and the columns of items and users."""
        return fingerprint(self.log, self.catalogue, self.user_ids, self.users)

    @cached_property
    def _parts_hash(self) -> str:
        """Return a hash of the parts, because a `given` split reads a column that the hash of the data does not cover."""
        return blake2b(self.parts.codes.data, digest_size=8).hexdigest()

    def description(self) -> dict[str, Any]:
        """Return the identity of the task as JSON. Results are comparable if their descriptions are equal."""
        rules = self.evaluate.model_dump(
            mode="json", include={"exclude_seen", "target_events", "eligible", "new_users", "fallback"}
        )
        if of := self.notes.get(f"test: {DRAWN_FROM}"):  # absent if all queries are asked
            rules["queries"] = {"drawn": len(self.queries("test")), "of": of}
        tied = self.log.ties == "together" and bool(tied_with_previous(self.log).any())
        ties = (
            {"ties": "together"} if tied else {}
        )  # absent without ties, so that the hash does not depend on the setting
        return {
            "data": self.fingerprint,
            "events": len(self.log),
            "users": self.log.n_users,
            "items": self.log.n_items,
            "split": {**identify_split(self.split), "parts": self._parts_hash, **ties},
            "evaluate": rules,
        }

    @cached_property
    def _in_parts(self) -> tuple[Interactions, NDArray[np.int64], Parts]:
        """Return the events that belong to a part, which of them are targets of the same query, and their parts."""
        kept = self.parts.codes != NO_PART
        groups = self.units.steps if self._targets == "each" else self.units.numbers
        if kept.all():
            return self.log, groups, self.parts
        return self.log.where(kept), groups[kept], replace(self.parts, codes=self.parts.codes[kept])

    @property
    def _targets(self) -> Targets:
        """Return how the events of a part become targets."""
        if isinstance(self.split, StrongGeneralisation):
            return "all"
        if isinstance(self.split, LeaveLastOut) and self.split.targets == "all":
            return "first"  # the events of a part are one unit, and the query has its time
        return self.split.targets

    def build_part(self, part: Part) -> None:
        """Build the queries of a part, and note its counts.

        Raises:
            SplitError: The part has no queries.
        """
        fitted_before: Part = part if part != "test" or self.refit else "validate"
        trained = np.bincount(self.log.items[self.parts.before(fitted_before)], minlength=self.log.n_items + 1) > 0
        queries, counts = build_queries(*self._in_parts, part, self._rules(), trained=trained)
        if not len(queries):
            noted = {**self.units.notes, **self.parts.notes, **counts}
            reasons = ", ".join(f"{name}: {count:,}" for name, count in noted.items() if count)
            raise SplitError(
                f"the split leaves no {part} queries (policy {self.split.policy!r}; events: {self.parts.counts()}"
                f"{'; ' if reasons else ''}{reasons}{period(self.log, self.split)}). Hold out more, or relax the rules of [evaluate]."
            )
        most = self.evaluate.queries
        if part == "test" and most is not None and len(queries) > most:
            queries, drawn = draw_queries(queries, most)
            counts |= drawn
        if queries.targets is not None and self.catalogue.has_numbers("price"):
            prices = self.catalogue.numbers("price")[queries.targets.items]
            counts["targets without a price"] = int(np.count_nonzero(np.isnan(prices)))
        self._queries[part] = queries
        self.notes.update({f"{part}: {name}": count for name, count in counts.items() if count})

    def _rules(self) -> TargetRules:
        """Return the target rules, with event types as codes."""
        names, e = self.log.event_names, self.evaluate
        seen: list[int] | None = None
        if isinstance(e.exclude_seen, list):
            seen = event_codes(e.exclude_seen, names, "evaluate.exclude_seen")
        elif not e.exclude_seen:
            seen = []
        wanted = None if e.target_events is None else event_codes(e.target_events, names, "evaluate.target_events")
        within_sessions = (
            self.split.unit == "session" and self._targets == "each"
        )  # nothing precedes their first events
        return TargetRules(self._targets, self.eligible, wanted, seen, e.new_users and not within_sessions)


def load_task(experiment: ResolvedExperiment) -> Task:
    """Read the data of an experiment and split them into a task.

    Raises:
        DataError: The data are missing or invalid; the message names file, column, row and value.
        SplitError: The split leaves a part without queries, or needs a clock that the data do not have.
    """
    settings = experiment.experiment
    return read_task(
        experiment.source.build(),
        settings.data,
        settings.split,
        settings.evaluate,
        refit=settings.train.refit,
        origin=experiment.source.origin,
        cleaners=experiment.cleaners,
    )


def read_task(
    dataset: Dataset[Any],
    data: DataSettings,
    split_settings: Split,
    evaluate: EvaluateSettings,
    *,
    refit: bool = True,
    origin: str = "",
    cleaners: Sequence[Chosen] | None = None,
) -> Task:
    """Read a dataset component and split it into a task; a log that was read already is not read again.

    `origin` names the component in messages; `cleaners` are those of `[data]`, by default looked up among the installed plugins.
    """
    if isinstance(dataset, LoadedLog):
        read = dataset.data
    else:
        anonymous = split_settings.unit == "session"
        tables = read_tables(dataset, origin)
        read = open_data(tables, data, sessions_as_users=anonymous, cleaners=cleaners, split=split_settings)
    return Task.of(
        read.log, split_settings, evaluate, read.catalogue,
        user_ids=read.user_ids, refit=refit, notes=read.notes, moments=read.moments, users=read.users,
    )  # fmt: skip
