"""Names from files, data and plugins are shown and command nothing: on a terminal, and in Markdown."""

import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

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
        ("__init__ ~~y~~ $x$", "\\_\\_init\\_\\_ \\~\\~y\\~\\~ \\$x\\$"),
        ("see https://a.b or WWW.a.b", "see https\\://a.b or WWW\\.a.b"),
        ("![x](y)", "!\\[x\\](y)"),
        (" # x", "\\# x"),
        ("- x", "\\- x"),
        ("---", "\\---"),
        ("--- x", "\\--- x"),
        ("===", "\\==="),
        ("-5 --", "-5 --"),
        ("a@b.com or mailto:x@y.zz", "a\\@b.com or mailto:x\\@y.zz"),
        ("mf, ndcg@10", "mf, ndcg@10"),
        ("10. -5", "10\\. -5"),
        ("a | 1.0000 |", "a \\| 1.0000 \\|"),
        ("a\n| b | 1.0 |", "a\\\\n\\| b \\| 1.0 \\|"),
        ("<img src=x>&", "&lt;img src=x&gt;&amp;"),
        ("> x", "&gt; x"),
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


SIGNS = st.text(alphabet="ab1 .)(|\\`*_~[]<>&!#+-=:/$w@\n;lt")
"""Texts of the signs that Markdown reads."""
WHOLE = st.lists(
    st.sampled_from(["__x__", "~~y~~", "![i](u)", "[a](b)", "<b>", "<!--", "&lt;", "`", "``", "https://a.b/c", " "])
).map("".join)
"""Texts of whole pieces of markup."""
CONTAINERS = {
    "{}": {"p"},
    "- **{}**: x": {"ul", "li", "p", "strong"},
    "| a | b |\n| --- | --- |\n| {} | *{}* |": {"table", "thead", "tbody", "tr", "th", "td", "em"},
}  # fmt: skip


def render(text):
    """Return the tags and the text that tables, strikethrough and the rest of Markdown make of a text."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    tokens = [each for token in parser.parse(text) for each in (token, *(token.children or []))]
    shown = "".join(
        token.content for token in tokens if token.type in ("text", "code_inline", "html_inline", "html_block")
    )
    return {token.tag for token in tokens if token.tag} | {t.type for t in tokens if t.type.startswith("html")}, shown


@pytest.mark.parametrize("container", CONTAINERS)
@given(text=SIGNS | WHOLE)
def test_a_label_is_shown_as_it_is(container, text):
    tags, shown = render(container.format(*[f"q{escape_markdown(text)}q"] * 2))
    assert tags <= CONTAINERS[container]
    literal = f"q{show(text).strip(' ')}q"
    assert shown.count(literal) >= container.count("{}")
    assert render(escape_markdown(text))[0] <= {"p"}


@given(SIGNS | WHOLE)
def test_a_sentence_is_shown_as_it_is_but_for_code(text):
    tags, shown = render(defuse_markdown(text))
    assert tags <= {"p", "code"}
    assert shown.replace("`", "").split() == show(text.replace("\n", " ")).replace("`", "").split()


@given(SIGNS | WHOLE)
def test_no_address_becomes_a_link(text):
    assert "://" not in escape_markdown(text).replace("\\://", "")
    assert "://" not in re.sub("`[^`]+`", "", defuse_markdown(text))


def test_a_sentence_keeps_its_code_and_loses_other_markup_and_lines():
    text = 'Set `unit = "basket"` in [data] (k < 3, p<0.05):\n<script>x</script> <!-- --> **b** ![x](https://y) a_b `'
    assert defuse_markdown(text) == (
        'Set `unit = "basket"` in [data] (k < 3, p<0.05): &#60;script>x&#60;/script> &#60;!-- --> &#42;&#42;b&#42;&#42; '
        "![x&#93;(https&#58;//y) a_b &#96;"
    )
    assert defuse_markdown("`<b> | *`") == "`<b> | *`"
    assert defuse_markdown("--- ndcg@10. mailto:x@y.zz") == "&#45;-- ndcg@10. mailto:x&#64;y.zz"
