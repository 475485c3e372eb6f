"""Names of folders as long as a file system allows, and longer; seeds of any size."""

import pytest

EXPERIMENT = """
references = false
[data]
source = { name = "synthetic-shop", customers = 60, items = 40, events = 900 }
[split]
policy = "leave-last-out"
[evaluate]
metrics = ["ndcg@5"]
[[model]]
predictor = "popular"
"""


@pytest.fixture
def experiment(tmp_path):
    file = tmp_path / "shop.toml"
    file.write_text(EXPERIMENT)
    return file


def test_a_benchmark_in_a_folder_with_a_long_name(zoo, experiment, tmp_path):
    out = tmp_path / ("n" * 250)
    zoo("bench", experiment, "--out", out)
    zoo("report", out)
    assert (out / "report.md").exists()
    out = tmp_path / ("n" * 256)
    stderr = zoo("bench", experiment, "--out", out, code=2).stderr
    assert stderr.splitlines()[-1].startswith(f"zoo: {out} cannot be written: File name too long.")


@pytest.mark.parametrize(("length", "code"), [(240, 0), (250, 2)])
def test_a_fit_into_a_folder_with_a_long_name(zoo, experiment, tmp_path, length, code):
    """Checkpoints are beside the artifact, in a folder whose name is longer."""
    out = tmp_path / ("n" * length)
    stderr = zoo("fit", experiment, "--out", out, code=code).stderr
    assert out.exists() == (code == 0)
    assert code == 0 or "cannot be written: File name too long." in stderr.splitlines()[-1]


@pytest.mark.parametrize(("seed", "code"), [(2**63, 2), (2**63 - 1, 0), (-1, 2)])
def test_a_seed_of_64_bits_or_more_or_below_zero(zoo, experiment, tmp_path, seed, code):
    stderr = zoo("fit", experiment, "--out", tmp_path / "out", f"--seed={seed}", code=code).stderr
    least = "a number of at least 0" if seed < 0 else "a whole number between -2^63 and 2^63 - 1"
    expected = f"zoo: seed: expected {least}, found {seed}."
    assert (stderr.splitlines()[-1] == expected) == (code == 2)
