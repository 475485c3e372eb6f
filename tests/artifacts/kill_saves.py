"""Save an artifact again and again, and die at one more system call each time: `kill_saves.py FOLDER ORIGINAL MODE`.

Each save runs in a forked child that sends itself SIGKILL at the N-th call that opens, renames, makes or removes something
below the folder. Then the parent reads the folder, saves once more, and lists what lies beside it. Modes: `first` (nothing is
there before), `replace`, and `renames` (as `replace`, where a file system cannot exchange two folders). Prints a JSON list with
what was found after each kill.
"""

import json
import os
import shutil
import signal
import sys
import warnings
from dataclasses import replace
from pathlib import Path

from zoo import atomic
from zoo.artifacts.folder import Folder
from zoo.artifacts.saving import load_artifact, save_artifact
from zoo.errors import ArtifactError

CALLS = {"open", "os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.chmod", "os.scandir", "ctypes.dlsym"}


def die_at(number, parent):
    """Make this process send itself SIGKILL at a call."""
    calls = 0

    def count(event, args):
        nonlocal calls
        if event in CALLS and (
            event == "ctypes.dlsym" or str(args[0]).startswith(str(parent)) or args[-1] not in (None, -1)
        ):
            calls += 1
            if calls == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(count)


def what_is_there(folder):
    """Return which artifact is in a folder, after checking all its files."""
    try:
        return Folder(folder).manifest.data["which"]
    except ArtifactError as error:
        return "nothing" if "there is no such folder" in str(error) else str(error)


def main(parent, original, mode):
    warnings.simplefilter("ignore")
    artifact = load_artifact(original)
    old, new, third = (replace(artifact, data={"which": which}) for which in ("old", "new", "third"))
    folder, found = parent / "artifact", []
    if mode == "renames":
        atomic.exchange_folders = lambda one, other: False
    while True:
        shutil.rmtree(parent, ignore_errors=True)
        parent.mkdir()
        if mode != "first":
            save_artifact(old, folder)
        child = os.fork()
        if child == 0:
            die_at(len(found) + 1, parent)
            save_artifact(new, folder)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if not os.WIFSIGNALED(status):
            break
        after = what_is_there(folder)
        save_artifact(third, folder)
        found.append([after, what_is_there(folder), sorted(path.name for path in parent.iterdir())])
    print(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
