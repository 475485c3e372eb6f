"""Running a bare loop in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path


def call(*command):
    """Return what `python -m bare` prints for a command."""
    arguments = [sys.executable, "-m", "bare", *map(str, command)]
    done = subprocess.run(arguments, cwd=Path(__file__).parents[1], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"python -m bare {' '.join(map(str, command))}: {done.stderr.strip() or done.returncode}")
    return json.loads(done.stdout.splitlines()[-1])
