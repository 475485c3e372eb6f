"""Summarise the search for defaults: mean ranks, ratios to the best baseline, and each set left out in turn.

    python tests/defaults/summary.py FOLDER/runs.jsonl

Ranks are over the configurations of one model that have finished on all sets shown. A set that is left out is not used to
choose the configuration; its rank of the choice among all configurations, and its ratio, say how the choice carries over.
"""

import json
import sys
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from statistics import mean

METRIC = "ndcg@10"
Values = Mapping[str, Mapping[str, float]]
"""For each configuration its values by set."""


def ranks(values: Values) -> dict[str, dict[str, int]]:
    """Return for each configuration its rank by set, 1 for the best."""
    sets = next(iter(values.values()))
    order = {name: sorted(values, key=lambda c, name=name: -values[c][name]) for name in sets}
    return {c: {name: order[name].index(c) + 1 for name in sets} for c in values}


def choose(values: Values, sets: list[str]) -> str:
    """Return the configuration with the best mean rank over some sets; ties go to the better worst rank."""
    found = ranks({c: {name: by_set[name] for name in sets} for c, by_set in values.items()})
    return min(found, key=lambda c: (mean(found[c].values()), max(found[c].values())))


def read(file: Path) -> tuple[dict[str, float], dict[str, dict[str, dict[str, float]]]]:
    """Return the best baseline of each set, and for each model its values by configuration and set, means of the folds."""
    found = defaultdict(list)
    for line in map(json.loads, file.read_text().splitlines()):
        if METRIC in line:
            found[line["model"], line["config"], line["set"]].append(line[METRIC])
    baselines: dict[str, float] = {}
    models: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for (model, config, name), values in found.items():
        if config == "-":
            baselines[name] = max(baselines.get(name, 0.0), mean(values))
        else:
            models[model][config][name] = mean(values)
    return baselines, models


def main() -> None:
    """Print the tables."""
    baselines, models = read(Path(sys.argv[1]))
    for model, configs in models.items():
        names = [name for name in baselines if any(name in values for values in configs.values())]
        print(f"\n## {model}: ratio to the best of item-knn, transition-graph and ease\n")
        print("| configuration |", " | ".join(names), "|")
        print("| --- |", " | ".join(["---:"] * len(names)), "|")
        for config, values in configs.items():
            cells = [f"{values[name] / baselines[name]:.2f}" if name in values else "" for name in names]
            print(f"| {config} |", " | ".join(cells), "|")
        most = max(len(values) for values in configs.values())
        complete = {c: v for c, v in configs.items() if len(v) == most}
        shared = sorted(set.intersection(*(set(v) for v in complete.values())))
        if len(complete) < 2 or len(shared) < 2:
            continue
        values = {c: {name: v[name] for name in shared} for c, v in complete.items()}
        found = ranks(values)
        print(f"\nMean ranks over {len(shared)} sets:", {c: round(mean(r.values()), 2) for c, r in found.items()})
        for left in shared:
            chosen = choose(values, [name for name in shared if name != left])
            ratio = values[chosen][left] / baselines[left]
            print(f"without {left}: {chosen}, there rank {found[chosen][left]} of {len(values)}, ratio {ratio:.2f}")


if __name__ == "__main__":
    main()
