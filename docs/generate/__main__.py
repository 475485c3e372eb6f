"""The command `python docs/generate`."""

import sys
from pathlib import Path

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))  # as in the tests, the modules are imported from `docs`
    from generate.pages import main

    main()
