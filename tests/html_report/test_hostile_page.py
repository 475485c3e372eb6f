"""Labels, titles, notes and ids from data and plugins are text on the page, and nothing else."""

import json
import re
from html.parser import HTMLParser

import zoo


class Elements(HTMLParser):
    """The elements and attributes of a page, and the content of its scripts."""

    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.names, self.attributes, self.scripts, self.comments = set(), set(), [], 0

    def handle_starttag(self, tag, attrs):
        self.names.add(tag)
        self.attributes |= {name for name, _ in attrs}
        if tag == "script":
            self.scripts.append("")

    def handle_data(self, data):
        if self.cdata_elem == "script":
            self.scripts[-1] += data

    def handle_comment(self, data):
        self.comments += 1


def test_nothing_from_a_folder_is_markup(hostile, page):
    text = zoo.report(hostile).read_text(encoding="utf-8")
    found, usual = Elements(), Elements()
    found.feed(text)
    usual.feed(page.read_text(encoding="utf-8"))
    assert found.names <= usual.names | {"code"}
    assert not [name for name in found.attributes if name.startswith("on")]
    assert len(found.scripts) == 2
    assert found.comments == usual.comments
    assert found.scripts[-1] == usual.scripts[-1]  # the page's own script
    assert json.loads(found.scripts[0])["users"][0]["targets"] == [0]
    assert "505521" not in text
    assert not re.search("[\x00-\x08\x0b-\x1f\u202a-\u202e]", text)


def test_the_data_of_the_script_do_not_end_it(hostile):
    text = zoo.report(hostile).read_text(encoding="utf-8")
    start = text.index('id="b1-users-data">') + len('id="b1-users-data">')
    data = text[start : text.index("</script>", start)]
    assert "<" not in data
    assert "alert(1)" in json.loads(data)["items"][0][1]
