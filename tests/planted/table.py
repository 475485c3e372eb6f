"""Plant every kind of defect at three strengths and print the table: `python tests/planted/table.py`.

The data of the second set are those of `ZOO_DATA`, by default the folder `shared/data` beside the project; without them the table has the built-in shop only.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from pathlib import Path

from defects.find import Findings
from defects.measure import BAR, KINDS, Quality, measure
from defects.shop import built_in_shop, online_retail

STRENGTHS = ("weak", "middle", "strong")


def shops() -> Iterator[Findings]:
    """Yield the two sets without planted defects."""
    yield Findings(built_in_shop())
    folder = Path(os.environ.get("ZOO_DATA") or Path(__file__).parents[3] / "shared" / "data")
    if folder.is_dir():
        yield Findings(online_retail(folder))


def lines(before: Findings, wanted: str) -> Iterator[str]:
    """Yield the lines of the table of a set."""
    name, at_bar, n_kinds = before.shop.name, [], 0
    known = ", ".join(f"`{finding}`" for finding in sorted(before.names)) or "none"
    yield f"## {name[0].upper()}{name[1:]}\n\nFindings without planted defects: {known}.\n"
    yield "| planted | at the middle strength | found by | recall, precision: weak | middle | strong |"
    yield "|---|---|---|---|---|---|"
    for kind in KINDS:
        if name in kind.without or wanted not in kind.name:
            continue
        n_kinds += 1
        measured = [measure(kind, strength, before) for strength in range(len(STRENGTHS))]
        at_bar += [kind.name] * all(quality.reaches_bar for quality in measured[1].values())
        for finder in kind.finders:
            cells = [_format(each[finder]) for each in measured]
            what = kind.what.format(kind.strengths[1])
            yield f"| {kind.name} | {what} | `{finder}` | {' | '.join(cells)} |"
    yield f"\n{len(at_bar)} of {n_kinds} kinds reach recall and precision {BAR} at the middle strength.\n"


def _format(quality: Quality) -> str:
    """Return recall and precision, and how many were planted."""
    return f"{quality.recall:.2f}, {quality.precision:.2f} ({quality.planted:,})"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kind", default="", help="only kinds whose name contains this")
    wanted = parser.parse_args().kind
    for before in shops():
        for line in lines(before, wanted):
            print(line, flush=True)


if __name__ == "__main__":
    main()
