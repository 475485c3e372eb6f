"""A search that is killed continues: the same trials, the same best, the same table as undisturbed, and no trial twice."""

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("optuna", reason="optuna is not installed")

PROGRAM = Path(__file__).with_name("kill_search.py")


@pytest.mark.parametrize(("points", "pruned"), [
    pytest.param(6, False, marks=pytest.mark.robust), pytest.param(20, False, marks=pytest.mark.slow),
    pytest.param(3, True, marks=pytest.mark.robust), pytest.param(12, True, marks=pytest.mark.slow),
])  # fmt: skip
def test_at_system_calls(tmp_path, points, pruned):
    arguments, total = [str(tmp_path), str(points), *(["pruned"] if pruned else [])], 10 if pruned else 30
    done = subprocess.run([sys.executable, str(PROGRAM), *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    whole = found["whole"]
    assert len(whole["trials"]) == total
    assert ("pruned" in {trial[2] for trial in whole["trials"]}) == pruned
    assert whole["left"] == []
    labels = {trial[-1]: trial[0] for trial in whole["trials"]}
    assert len(found["killed"]) == points
    for killed in found["killed"]:
        assert killed["signal"] == signal.SIGKILL
        assert killed["after"] == whole
        ran = [tuple(each) for each in killed["ran"]]
        assert len(set(ran)) == len(ran)
        done = {(labels[key], number) for key, count in killed["finished"].items() for number in range(count)}
        assert not done & set(ran)
        assert any(killed["finished"].values()) or killed is found["killed"][0] or len(ran) == total
    finished = {sum(killed["finished"].values()) for killed in found["killed"]}
    assert any(0 < each < total for each in finished)
    assert finished >= ({0} if pruned else {0, total})
