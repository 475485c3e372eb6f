"""Measure by simulation what intervals and verdicts promise, and print the figures that docs/explanation/evaluation.md states.

    make simulate                                            # some minutes on one core
    python tests/evaluation/simulate_statistics.py --tables 100 --samples 500

The simulated values are those of kept lists of `ease` and `sasrec` (tests/fixtures/target_ranks); see `simulation.py`.
"""

import argparse
from collections.abc import Collection

import numpy as np
from simulation import FILES, MEAN_PRICE, Kept, Search, Simulation, coverage, hit, mrr, ndcg, revenue

from zoo.evaluation.intervals import mean_interval
from zoo.evaluation.significance import compare_models

MODELS = 8
RESAMPLES = 1000
LONGER = {"amazon-beauty": [(0.0589, 0.0106), (0.0589, 0.02)]}
"""Mean ndcg@10 and deviation between seeds of networks trained to the end (docs/results), where the kept ones were not. The three
kept runs `sasrec-ids` of amazon-beauty with refit have 0.0584, 0.0586 and 0.0596, a deviation of 1.06 %."""


SEARCHES = {"ml-1m": Search(shared=0.2, own=0.2)}
"""On ml-1m the difference between two settings of `als` (`ease`) has a correlation of .07 (.04) only, and in this simulation of .08."""


def print_intervals(kept: Kept, samples: int) -> None:
    """Print the coverage of each interval by the number of queries."""
    print("| metric | mean | queries | covered | too few hits |\n| --- | ---: | ---: | ---: | ---: |")
    metrics = {"hit@10": hit, "ndcg@10": ndcg, "mrr@10": mrr, "hit@1": lambda ranks: hit(ranks, 1)}
    for name, metric in metrics.items():
        for ranks in (kept.sasrec[0], kept.ease) if name == "ndcg@10" else (kept.sasrec[0],):
            values = metric(ranks)
            for n in (50, 200, 600, 2000):
                found = coverage(mean_interval, lambda rng, v=values, n=n: rng.choice(v, n), values.mean(), samples)
                print(f"| {name} | {values.mean():.4f} | {n:,} | {found[0]:.3f} | {found[1]:.3f} |", flush=True)
    truth = hit(kept.sasrec[0]).mean() * MEAN_PRICE
    for n in (200, 1000, 5000):
        found = coverage(mean_interval, lambda rng, n=n: revenue(rng.choice(kept.sasrec[0], n), rng), truth, samples)
        print(f"| revenue@10 | {truth:.4f} | {n:,} | {found[0]:.3f} | {found[1]:.3f} |", flush=True)


def false_differences(
    simulation: Simulation,
    n_queries: int,
    seeds: list[int],
    tables: int,
    tuned: Collection[int] = (),
    search: Search | None = None,
) -> float:
    """Return the share of tables of equal models, some tuned, in which any is called worse."""
    rng = np.random.default_rng(0)
    drawn = (simulation.table(rng, n_queries, [0.0] * len(seeds), seeds, tuned, search) for _ in range(tables))
    return float(np.mean(["worse" in compare_models(*t, resamples=RESAMPLES).verdicts.values() for t in drawn]))


def power(
    simulation: Simulation,
    n_queries: int,
    seeds: list[int],
    lift: float,
    tables: int,
    tuned: Collection[int] = (),
    search: Search | None = None,
) -> tuple[float, float]:
    """Return the share of the other models that are called worse than one with a lift, and the median detectable difference."""
    rng = np.random.default_rng(1)
    found, detectable = [], []
    for _ in range(tables):
        table = simulation.table(rng, n_queries, [lift] + [0.0] * (len(seeds) - 1), seeds, tuned, search)
        result = compare_models(*table, resamples=RESAMPLES)
        verdicts = list(result.verdicts.values())
        found.append(verdicts.count("worse") / (len(seeds) - 1) if verdicts[0] == "best" else 0.0)
        detectable.append(result.detectable_share)
    return float(np.mean(found)), float(np.median(detectable))


def print_verdicts(kept: Kept, tables: int) -> None:
    """Print false differences and power."""
    print("| models | seeds vary | queries | false differences |\n| --- | ---: | ---: | ---: |")
    mixes = {
        "8 with 3 seeds": [3] * 8,
        "4 with 3 seeds, 4 without": [3] * 4 + [0] * 4,
        "2 with 3 seeds": [3] * 2,
    }
    for name, seeds in mixes.items():
        for factor in (1.0, 4.0):
            simulation = Simulation(kept, kept.seed_deviation * factor)
            for n in (20_000, 2_000):
                share = false_differences(simulation, n, seeds, tables)
                print(f"| {name} | {100 * simulation.seed_deviation:.2f} % | {n:,} | {share:.3f} |", flush=True)
    print(
        "\n| mean ndcg@10 | seeds vary | queries | lift | found | stated as detectable |\n| ---: | ---: | ---: | ---: | ---: | ---: |"
    )
    for mean, deviation in [(None, None), *LONGER.get(kept.name, [])]:
        simulation = Simulation(kept, deviation, mean)
        for n in (20_000, 5_000):
            for lift in (0.20, 0.10, 0.05):
                found, detectable = power(simulation, n, [3] * MODELS, lift, max(tables // 2, 1))
                spread = f"{simulation.mean:.4f} | {100 * simulation.seed_deviation:.2f} %"
                print(f"| {spread} | {n:,} | {100 * lift:.0f} % | {found:.2f} | {100 * detectable:.1f} % |", flush=True)


def print_tuned(kept: Kept, tables: int) -> None:
    """Print false differences and power in tables with tuned models, each with three seeds."""
    print("| 3 seeds each | mean ndcg@10 | queries | false differences | a lift of 10 % is found |")
    print("| --- | ---: | ---: | ---: | ---: |")
    search = SEARCHES.get(kept.name)
    mixes = {"8 tuned": range(8), "4 tuned, 4 not": range(4), "1 tuned, 7 not": range(1)}
    for mean, deviation in [(None, None), *LONGER.get(kept.name, [])[:1]]:
        simulation = Simulation(kept, deviation, mean)
        for name, tuned in mixes.items():
            for n in (20_000, 2_000):
                share = false_differences(simulation, n, [3] * MODELS, tables, tuned, search)
                found, _ = power(simulation, n, [3] * MODELS, 0.1, max(tables // 4, 1), tuned, search)
                print(f"| {name} | {simulation.mean:.4f} | {n:,} | {share:.3f} | {found:.2f} |", flush=True)


def main() -> None:
    """Run the simulations on each data set with kept ranks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", type=int, default=400, help="simulated tables for each figure of verdicts")
    parser.add_argument("--samples", type=int, default=4000, help="samples of queries for each interval")
    parser.add_argument("--data", nargs="*", default=sorted(f.stem for f in FILES.glob("*.parquet")))
    parser.add_argument("--tuned", action="store_true", help="print only the figures of tables with tuned models")
    options = parser.parse_args()
    for name in options.data:
        kept = Kept.read(name)
        print(
            f"\n## {name}\n\nndcg@10: sasrec {kept.values.mean():.4f}, ease {ndcg(kept.ease).mean():.4f}. Correlation over queries: "
            f"two seeds {kept.seed_correlation:.3f}, two models {kept.model_correlation:.3f}. Deviation between seeds: "
            f"{100 * kept.seed_deviation:.2f} % of the mean.\n"
        )
        if not options.tuned:
            print_intervals(kept, options.samples)
            print()
            print_verdicts(kept, options.tables)
            print()
        print_tuned(kept, options.tables)


if __name__ == "__main__":
    main()
