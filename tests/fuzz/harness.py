"""Run the cases of a fuzzer in a child process, within limits of time and memory, and report what must not happen.

A case fails if the process dies, if it takes too long, if it needs more than 512 MiB, or if it raises anything but a `ZooError`
that names the file. Each case is drawn from its seed alone: `--seed S --count 1` repeats one.
"""

import argparse
import faulthandler
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

MEMORY = 2**29
"""Bytes that a case may allocate."""
WARM_UP = 30
"""Cases before the first one, without limits, unless a fuzzer says how many it needs."""
WAITING = 12
"""How many times its limit of processor time a case may last."""
Case = Callable[[random.Random, Path], str]
"""Runs a case in an empty folder and returns its outcome: `accepted` or `refused`. It raises for a failure."""


class TooLongError(BaseException):
    """A case took too long; not an `Exception`, so that no code under test catches it."""


def main(file: str, family: str, case: Case, prepare: Callable[[], None], warm_up: int = WARM_UP) -> None:
    """Run the command line of a fuzzer.

    Args:
        file: The file of the fuzzer, which the child process runs.
        family: Its name, part of every seed.
        case: Runs one case.
        prepare: Imports what the cases need, before memory is limited.
        warm_up: Cases before the first one, without limits.
    """
    parser = argparse.ArgumentParser(description=f"Fuzz {family}.")
    parser.add_argument("--count", type=int, default=10_000, help="number of cases")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first case")
    parser.add_argument("--timeout", type=int, default=5, help="seconds of processor time that a case may take")
    parser.add_argument("--worker", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.worker:
        prepare()
        work(family, case, options.worker, range(options.seed, options.seed + options.count), options.timeout, warm_up)
        return
    sys.exit(_supervise(file, options.seed, options.count, options.timeout))


def work(family: str, case: Case, folder: Path, seeds: range, timeout: int, warm_up: int) -> None:
    """Run cases in this process; print a line for each failure, and the number of each outcome at the end."""
    faulthandler.enable()
    for number in range(warm_up):  # what is imported and started at first use is not the case's
        with tempfile.TemporaryDirectory(dir=folder) as place, suppress(Exception):
            case(random.Random(f"warm up/{number}"), Path(place))
    if sys.platform == "linux":  # elsewhere the limit is not kept
        used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, resource.RLIM_INFINITY))
    signal.signal(signal.SIGPROF, _end_case)
    signal.signal(signal.SIGALRM, _end_case)
    outcomes = Counter[str]()
    for number in seeds:
        (folder / "current").write_text(str(number))
        with tempfile.TemporaryDirectory(dir=folder) as place:
            outcomes[_outcome(family, case, number, Path(place), timeout)] += 1
        (folder / "outcomes").write_text("\n".join(f"{name} {n}" for name, n in outcomes.items()))


def _outcome(family: str, case: Case, number: int, place: Path, timeout: int) -> str:
    """Run one case within its time: processor time, so that other programs do not count, and longer for one that waits."""
    _limit(timeout)
    try:
        return case(random.Random(f"{family}/{number}"), place)
    except TooLongError:
        print(f"--seed {number}: more than {timeout} s", flush=True)
    except BaseException:  # whatever escapes is a failure, SystemExit too
        _limit(0)
        print(f"--seed {number}: {traceback.format_exc(limit=-6)}", flush=True)
    finally:
        _limit(0)
    return "failed"


def _limit(seconds: int) -> None:
    """End the case after so many seconds of processor time; 0 removes the limit."""
    signal.setitimer(signal.ITIMER_PROF, seconds)
    signal.alarm(WAITING * seconds)


def _end_case(number: int, frame: object) -> None:
    raise TooLongError


def _supervise(file: str, seed: int, count: int, timeout: int) -> int:
    """Run a worker, again after each death, and return the exit code."""
    total, end = Counter[str](), seed + count
    while seed < end:
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, file, "--worker", folder, "--seed", str(seed), "--count", str(end - seed)]
            # Allocators that reserve address space in advance would use up the limit.
            env = {**os.environ, "MALLOC_ARENA_MAX": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
            code = subprocess.run([*command, "--timeout", str(timeout)], env=env, check=False).returncode
            outcomes = Path(folder, "outcomes")
            for line in outcomes.read_text().splitlines() if outcomes.exists() else ():
                name, _, number = line.rpartition(" ")
                total[name] += int(number)
            if code == 0:
                break
            current = Path(folder, "current")
            if not current.exists():
                print(f"the worker cannot start (exit code {code})")
                return 1
            print(f"--seed {current.read_text()}: the process ended with exit code {code}", flush=True)
            total["failed"] += 1
            seed = int(current.read_text()) + 1
    print(", ".join(f"{number:,} {name}" for name, number in sorted(total.items())))
    return int(bool(total["failed"]))
