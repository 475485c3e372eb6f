"""What an interrupted command says of what its folder keeps."""

import pytest

from zoo.cli.interruption import say_what_is_kept


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "interrupted"),
        ({"tuning/a1/trials.jsonl": "", "tuning/a1/journal.log": "{}"}, "interrupted"),
        (
            {"tuning/a1/trials.jsonl": "{}"},
            "interrupted: finished trials are kept; run the same command again to resume",
        ),
        (
            {"tuning/a1/trials.jsonl": "{}", "runs/b2.json": "{}"},
            "interrupted: finished runs are kept; run the same command again to resume",
        ),
        (
            {"training/b2/epoch.checkpoint.safetensors": ""},
            "interrupted: run the same command again to resume from the last saved epoch",
        ),
    ],
)
def test_an_interruption_says_what_is_kept(tmp_path, files, message):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    with pytest.raises(KeyboardInterrupt) as ended, say_what_is_kept(tmp_path, tmp_path):
        raise KeyboardInterrupt("interrupted")
    assert str(ended.value) == message
