"""The report of a benchmark: tables, main finding, and protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from zoo.benchmark.library_versions import mixed_versions
from zoo.benchmark.tables.better_references import format_better_references, has_too_few_seeds
from zoo.benchmark.tables.check_report import findings_section
from zoo.benchmark.tables.comparison_tables import (
    BY_DATA,
    ComparisonTable,
    by_label,
    candidate_table,
    cold_table,
    interval_table,
    main_table,
    ranker_table,
    training_table,
)
from zoo.benchmark.tables.missing_values import format_missing_values
from zoo.benchmark.tables.report_text import ReportStore
from zoo.benchmark.tables.tested_settings import tested_experiment
from zoo.benchmark.tuning import report as tuning_report
from zoo.benchmark.tuning.settings import format_mixed_settings
from zoo.config.formatting import (
    format_component,
    format_model,
    format_own_train,
    format_ranker_train,
    format_train,
    has_own_loss,
)
from zoo.config.protocol import ProtocolFacts
from zoo.config.tasks import DEFAULT_TASK, find_task

if TYPE_CHECKING:
    from zoo.benchmark.results_folder.row import Row
    from zoo.benchmark.results_folder.store import Store

TRAINING = (
    "`epochs`: the epoch of the best weights, of all epochs trained. `stopped by`: what ended training: `patience`, "
    "`max_epochs`, `time_limit` or a plugin's `callback`. `s to best`: seconds of training until the best weights, "
    "without validation."
)

CHOSEN = f" `{BY_DATA}`: the dropout rates and settings that were not set, as the data chose them."

CANDIDATES = (
    "The mean share of a query's targets that are among the candidates: the upper bound of what the rankers can reach."
)


INTERVALS = (
    "The interval is one of the value beside it, over the queries. With several seeds, the value of a query is its mean over the seeds; a "
    "value of all lists together, such as coverage, then has only the range over the seeds. No interval includes the variation "
    "between seeds."
)


def markdown(store: Store) -> str:
    """Return the report of a benchmark as markdown."""
    store = ReportStore(store.folder)
    manifest, rows, table = store.manifest(), store.rows(), main_table(store)
    cold, training, tuning = cold_table(store), training_table(store), tuning_report.tuning_table(store)
    rankers, candidates = ranker_table(store), candidate_table(store)
    failed = [f"- **{r.label}**{'' if r.seed is None else f' (seed {r.seed})'}: {r.error}" for r in rows if r.error]
    missing = len(manifest.runs) - len(rows)
    tuned = {r.label for r in rows if r.tuning}
    models = [
        f"- **{model['label']}**{' (tuned)' if model['label'] in tuned else ''}: {format_model(model)}"
        for model in tested_experiment(store)["model"]
    ]
    models += [f"- *{r.label}* (reference): {format_model(r.model)}" for r in rows if r.reference]
    models += [f"- **{r.label}** (external): {format_external(r)}" for r in rows if r.external]
    parts = [
        "# Benchmark",
        findings_section(manifest),
        f"Data: {format_component(manifest.experiment['data']['source'])}",
        f"Task `{manifest.task}`: {protocol(store)}",
        settings(store),
        f"{missing} of {len(manifest.runs)} runs are not finished yet: run the same command again." if missing else "",
        finding(store, table),
        format_mixed_settings(by_label(rows)),
        table.markdown,
        "\n".join(f"- {line}" for line in format_missing_values(store)),
        legend(store, table, best="**bold**"),
        tied_lists(rows),
        filled_slots(rows),
        _notes(rows),
        "## Failed runs\n\n" + "\n".join(failed) if failed else "",
        "## Models\n\n" + "\n".join(models),
        f"## Training\n\n{TRAINING}{CHOSEN if BY_DATA in training.headers else ''}\n\n{training.markdown}"
        if training
        else "",
        f"## Tuning\n\n{tuning_report.ABOUT}\n\n{tuning.markdown}" if tuning else "",
        "## Data\n\n" + "\n".join(f"- {name}: {value}" for name, value in manifest.notes.items()),
        f"## Rankers\n\n{rankers.markdown}" if rankers else "",
        f"## Candidates\n\n{CANDIDATES}\n\n{candidates.markdown}" if candidates else "",
        f"## Cold items\n\n{_cold_sentence(rows)}\n\n{cold.markdown}" if cold else "",
        f"## Intervals\n\n{INTERVALS}\n\n{interval_table(store).markdown}",
        "## Machine\n\n" + _machine(rows),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def protocol(store: Store) -> str:
    """Return the evaluation protocol in one sentence."""
    manifest = store.manifest()
    queries = max((r.queries for r in store.rows()), default=0)
    facts = ProtocolFacts(manifest.experiment, manifest.description, manifest.starts, queries)
    return find_task(manifest.experiment.get("task", DEFAULT_TASK)).format_protocol(facts)


def settings(store: Store) -> str:
    """Return the training settings in one sentence: `[train]` without defaults, and the overrides of each model."""
    experiment = tested_experiment(store)
    own = []
    for model in experiment["model"]:
        label = model["label"]
        own += [f"{label} with {values}" for values in [format_own_train(model, experiment["train"])] if values]
        own += [f"rankers of {label} with {values}" for values in [format_ranker_train(model)] if values]
        own += [f"{label} by its own loss"] if has_own_loss(model) else []
    return "; ".join([f"Trained with {format_train(experiment['train'])}", *own]) + "."


def finding(store: Store, table: ComparisonTable) -> str:
    """Return the main finding for the first metric with a best model, and remarks on it; an empty string if there is none."""
    column = next((at for at, name in enumerate(table.headers) if _best(table, at)), None)
    better = format_better_references(store, table.headers if column is None else [table.headers[column]])
    references = [f"{clause[0].upper()}{clause[1:]}." for clause in better]
    if column is not None and {"same", "worse"} & {row[column].verdict for row in table.rows}:
        found = [_main_finding(store, table, column, better)]
    elif column is not None:
        found = [_only_tested(table, column), *references]
    else:
        untested = any(cell.verdict == "not tested" for row in table.rows for cell in row)
        found = [
            "No model is tested: each depends on a seed and ran with fewer than three." if untested else "",
            *references,
        ]
    return " ".join(filter(None, [*found, _cut_off(store.rows()), _untried(store)]))


def _only_tested(table: ComparisonTable, column: int) -> str:
    """Return which model alone is tested; an empty string if there is one model only."""
    n_untested = [row[column].verdict for row in table.rows].count("not tested")
    return (
        f"On {table.headers[column]}, {_best(table, column)} is the only tested model; {n_untested} not tested."
        if n_untested
        else ""
    )


def _main_finding(store: Store, table: ComparisonTable, column: int, better: list[str]) -> str:
    """Return which model is the best of a column, after the references that are better."""
    metric = table.headers[column]
    found = [row[column].verdict for row in table.rows]
    n_untested = found.count("not tested")
    title = "the best of the tested models" if n_untested else "the best of the models" if better else "best"
    parts = [*better, f"{_best(table, column)} is {title}"]
    parts[0] = f"On {metric}, {parts[0]}"
    queries = f"on {max(row.queries for row in store.rows()):,} queries"
    if same := found.count("same"):
        parts.append(f"{'one other is' if same == 1 else f'{same} others are'} not significantly different {queries}")
    elif "worse" in found:
        parts.append(f"all other tested models are significantly worse {queries}")
    if n_untested:
        parts.append(f"{n_untested} not tested")
    text = "; ".join(parts) + "."
    if metric in table.detectable:
        text += f" A difference of {_percent(table.detectable[metric])} of the best value would be found with a probability of 80 %."
    return text


def _cut_off(rows: list[Row]) -> str:
    """Return which networks stopped before their validation metric had stopped improving; empty if none did."""
    ended = {r.label: r.training.get("stopped") for r in rows if r.training.get("history") and not r.error}
    cut = [f"{label} (`{reason}`)" for label, reason in ended.items() if reason in ("max_epochs", "time_limit")]
    if not cut:
        return ""
    return f"Training was cut off before early stopping ended it: {', '.join(cut)}. Raise the limit to see what more training gives."


def _untried(store: Store) -> str:
    """Return what usually helps on data like these, and no model has; empty if there is nothing."""
    hints = store.manifest().hints
    return f"Not tried: {'; '.join(hints)}." if hints else ""


def legend(store: Store, table: ComparisonTable, *, best: str) -> str:
    """Return the legend of a table."""
    text = (
        f"{best}: the best of the tested models in its column. `=`: not significantly different from it (one test of all pairs "
        "of models over queries and seeds, 5 %). `?`: not tested, a model that depends on a seed needs three seeds or more"
    )
    single = [label for label, rows in by_label(store.rows()).items() if _is_untested(rows)]
    if single and len(table.rows) > 1:
        text += f"; set [train] seeds = [0, 1, 2] to test {', '.join(single)}"
    if table.detectable:
        shares = ", ".join(f"{metric} {_percent(share)}" for metric, share in table.detectable.items())
        text += f". Differences from the best that would be found with a probability of 80 %: {shares}"
    return text + "."


def _is_untested(rows: list[Row]) -> bool:
    """Return whether a model of the experiment depends on a seed and ran with too few."""
    return not rows[0].error and not rows[0].reference and has_too_few_seeds(rows)


def _percent(share: float) -> str:
    """Format a share in percent with two significant digits."""
    return f"{100 * share:.2g} %" if share < 0.995 else f"{100 * share:.0f} %"


def _best(table: ComparisonTable, column: int) -> str:
    """Return the label of the best model of a column; an empty string if there is none."""
    return next((row[0].text for row in table.rows if row[column].verdict == "best"), "")


def format_external(row: Row) -> str:
    """Return what the lists of another program are."""
    seed = "" if row.seed is None else f" (seed {row.seed})"
    return f"{row.external['lists']:,} lists of {row.external['file']}{seed}; no time was measured"


def tied_lists(rows: list[Row]) -> str:
    """Return the share of lists with a tie at the cutoff, for each model that has such lists."""
    shares = {label: np.mean([r.tied_edges for r in runs]) for label, runs in by_label(rows).items()}
    listed = ", ".join(f"{label} {100 * share:.1f} %" for label, share in shares.items() if share > 0)
    return f"Lists with a tie at the cutoff: {listed}." if listed else ""


def filled_slots(rows: list[Row]) -> str:
    """Return the share of slots that the fallback filled, for each model that has such slots."""
    shares = {label: np.mean([r.filled for r in runs]) for label, runs in by_label(rows).items()}
    listed = ", ".join(f"{label} {100 * share:.1f} %" for label, share in shares.items() if share > 0)
    return f"Slots filled by popularity, because the model had nothing to say: {listed}." if listed else ""


def _notes(rows: list[Row]) -> str:
    """Return the notes on each row."""
    named = [(r.label if r.seed is None else f"{r.label} (seed {r.seed})", r.notes) for r in rows]
    lines = [f"- **{name}**: {note}" for name, notes in named for note in notes]
    return "## Notes on the rows\n\n" + "\n".join(lines) if lines else ""


def _cold_sentence(rows: list[Row]) -> str:
    """Return the introduction of the table on cold items."""
    cold = next(r.slices["cold"] for r in rows if "cold" in r.slices)
    return (
        f"{cold['queries']:,} queries have targets among the {cold['items']:,} items that do not occur in training; only "
        "those items are candidates here. A dash marks a model that cannot score them."
    )


def _machine(rows: list[Row]) -> str:
    """Return the machines that the rows were measured on, one line each."""
    lines = {
        f"- {m['processor']}, {m['cores']} cores, {m['memory_mib']:,} MiB, {m['threads']} threads, GPU: {m['gpu'] or 'none'}; {m['system']}"
        for m in (r.machine for r in rows)
    }
    mixed = mixed_versions(rows)
    return "\n".join(sorted(lines)) + (f"\n\n{mixed}" if mixed else "")
