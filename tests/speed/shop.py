"""How fast the built-in shop is made, and how much memory it takes. Prints a JSON line a size.

    python tests/speed/shop.py [EVENTS ...]      100,000 and 20,000,000 by default

A customer for each 100 events, an item for each 1,000 (at least 1,000). Each size is measured in a fresh process, whose
peak is what the kernel says it was; importing is not timed.
"""

import json
import resource
import subprocess
import sys
import time


def measure(events: int) -> dict[str, float]:
    """Make a shop of about so many events."""
    from zoo.data.dataset_params import SyntheticShopParams
    from zoo.data.synthetic import SyntheticShop

    params = SyntheticShopParams(events=events, customers=max(events // 100, 50), items=max(events // 1000, 1000))
    start = time.perf_counter()
    made = SyntheticShop(params).read().interactions.num_rows
    seconds = time.perf_counter() - start
    unit = 2**30 if sys.platform == "darwin" else 2**20
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    return {
        "events": made,
        "seconds": round(seconds, 2),
        "events_per_second": round(made / seconds),
        "peak_gib": round(peak, 2),
    }


def main() -> None:
    """Measure each size in its own process."""
    if sys.argv[1:2] == ["--one"]:
        print(json.dumps(measure(int(sys.argv[2]))))
        return
    for size in sys.argv[1:] or ["100000", "20000000"]:
        subprocess.run([sys.executable, __file__, "--one", size], check=True)


if __name__ == "__main__":
    main()
