"""Names from files, data and plugins are shown and command nothing: on a terminal, and in Markdown."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zoo.text_safety import CONTROL, defuse_markdown, escape_markdown, show, show_lines


@given(st.text())
def test_no_control_character_reaches_a_terminal(text):
    shown = show(text)
    assert not any(unicodedata.category(sign) in ("Cc", "Zl", "Zp", "Cs") for sign in shown)
    assert shown == text or CONTROL.search(text)


def test_control_characters_are_written_as_escapes():
    assert show("a\x1b[2Jb\nc\u202ed\x9b") == "a\\x1b[2Jb\\nc\\u202ed\\x9b"
    assert show("größe 5 €, 日本") == "größe 5 €, 日本"
    assert show("abcdef", 3) == "abc..."
    assert show_lines("a\nb\r") == "a\nb\\r"


@pytest.mark.parametrize(
    ("label", "shown"),
    [
        ("als", "als"),
        ("user_item mf, 64 (new)", "user_item mf, 64 (new)"),
        ("a | 1.0000 |", "a \\| 1.0000 \\|"),
        ("a\n| b | 1.0 |", "a\\\\n\\| b \\| 1.0 \\|"),
        ("<img src=x>&", "&lt;img src=x&gt;&amp;"),
        ("[x](y) `z` **w** \\", "\\[x\\](y) \\`z\\` \\*\\*w\\*\\* \\\\"),
    ],
)
def test_a_label_is_no_markup(label, shown):
    assert escape_markdown(label) == shown


@given(st.text(alphabet="a|\\`*[]<>&\n "))
def test_a_label_never_divides_a_cell(label):
    escaped = escape_markdown(label)
    without_pairs = escaped.replace("\\\\", "").replace("\\|", "")
    assert "|" not in without_pairs
    assert not set("\n<>") & set(escaped)


def test_a_sentence_keeps_its_markup_and_loses_html_and_lines():
    text = 'Set `unit = "basket"` (k < 3, p<0.05):\n<script>x</script> <!-- -->'
    assert defuse_markdown(text) == 'Set `unit = "basket"` (k < 3, p<0.05): &lt;script>x&lt;/script> &lt;!-- -->'
