"""Run the convergence tests over seeds, threads and instruction sets, and print the worst that each of them measures.

    python tests/portable.py                                   # five seeds, one and two threads, what the CPU has
    python tests/portable.py --seeds 0 1 --jobs 4 tests/nn     # part of it, four runs side by side

Each combination is a pytest process of its own. A margin is how far a value is from the bound that it is held to.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path

import torch

ROOT = Path(__file__).parents[1]
LEVELS = ("default", "avx2", "avx512")


def find_capabilities():
    """Return the instruction sets of this CPU between which torch can choose, the plainest first."""
    best = torch.backends.cpu.get_cpu_capability().lower()
    return LEVELS[: LEVELS.index(best) + 1] if best in LEVELS else LEVELS[:1]


MARKED = [sys.executable, "-m", "pytest", "-m", "convergence and not slow"]


def find_files(paths):
    """Return the files with convergence tests, so that each combination collects no others."""
    done = subprocess.run([*MARKED, "--collect-only", *paths], cwd=ROOT, capture_output=True, text=True, check=False)
    files = sorted({line.partition("::")[0] for line in done.stdout.splitlines() if "::" in line})
    if done.returncode or not files:
        sys.exit(f"pytest collects no convergence tests (exit code {done.returncode}):\n{done.stdout}{done.stderr}")
    return files


def run_tests(combination, folder, paths):
    """Run the convergence tests in one combination; return the process and the records of what it measured."""
    seed, threads, capability = combination
    records = folder / f"{seed}-{threads}-{capability}.jsonl"
    env = {
        "ZOO_TEST_SEED": str(seed),
        "ZOO_TEST_THREADS": str(threads),
        "ATEN_CPU_CAPABILITY": capability,
        "ZOO_RECORD": str(records),
    }
    command = [*MARKED, "--tb=short", *paths]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | env, capture_output=True, text=True, check=False)
    lines = records.read_text(encoding="utf-8").splitlines() if records.exists() else []
    return done, [json.loads(line) for line in lines]


def describe(combination):
    seed, threads, capability = combination
    return f"seed {seed}, {threads} thread{'s' * (threads > 1)}, {capability}"


def print_summary(measured):
    """Print a line for each measured value: the smallest margin of all combinations, and the value that has it."""
    print(f"\n{'margin':>8}  {'worst':>8}  {'runs':>4}  test")
    for name, found in sorted(measured.items(), key=lambda entry: min(margin for margin, *_ in entry[1])):
        margin, value, combination = min(found)
        print(f"{margin:8.4f}  {value:8.4f}  {len(found):4}  {name}  ({describe(combination)})")


def main():
    parser = argparse.ArgumentParser(description="Run the convergence tests over seeds, threads and instruction sets.")
    parser.add_argument("--seeds", type=int, nargs="+", default=range(5))
    parser.add_argument("--threads", type=int, nargs="+", default=(1, 2))
    parser.add_argument("--capabilities", nargs="+", default=find_capabilities(), choices=LEVELS)
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 1) // 2), help="runs side by side")
    parser.add_argument("paths", nargs="*", help="tests to run; all by default")
    chosen = parser.parse_args()

    grid = list(product(chosen.seeds, chosen.threads, chosen.capabilities))
    measured, failed = defaultdict(list), []
    files = find_files(chosen.paths)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(chosen.jobs) as pool:
        runs = pool.map(lambda combination: run_tests(combination, Path(folder), files), grid)
        for combination, (done, records) in zip(grid, runs, strict=True):
            print(f"{describe(combination)}: {'passed' if done.returncode == 0 else 'FAILED'}", flush=True)
            if done.returncode:
                failed.append(combination)
                print(done.stdout + done.stderr)
            for found in records:
                name = " ".join(filter(None, (found["test"], found["of"])))
                measured[name].append((found["margin"], found["value"], combination))
    print_summary(measured)
    print(f"\n{len(grid) - len(failed)} of {len(grid)} combinations passed")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
