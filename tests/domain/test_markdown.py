"""What people write becomes HTML of a few tags, whatever it is, and soon."""

import time
from html import unescape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.comments import BODY
from domain.markdown import html

ALLOWED = {"p", "br", "ul", "ol", "li", "strong", "em", "code", "a"}
REL = "noopener noreferrer nofollow ugc"


class Reading(HTMLParser):
    """Takes HTML apart as a browser would, as far as tags go."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []
        self.addresses: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        assert tag in ALLOWED
        if tag == "a":
            given = dict(attrs)
            self.addresses.append(given.pop("href"))
            assert given == {"target": "_blank", "rel": REL}
        else:
            assert attrs == []
        if tag != "br":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)

    handle_decl = handle_pi = unknown_decl = handle_comment


def link(address: str, words: str | None = None) -> str:
    return f'<a href="{address}" target="_blank" rel="{REL}">{words or address}</a>'


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("", ""),
        ("Nice", "<p>Nice</p>"),
        ("Nice\ncut", "<p>Nice<br>cut</p>"),
        ("One\n\nTwo", "<p>One</p><p>Two</p>"),
        ("**bold** and *slanted* and _too_", "<p><strong>bold</strong> and <em>slanted</em> and <em>too</em></p>"),
        ("**a *b* c**", "<p><strong>a <em>b</em> c</strong></p>"),
        ("**a *b** c*", "<p><strong>a *b</strong> c*</p>"),
        ("2 * 3 * 4, snake_case_name, __, **", "<p>2 * 3 * 4, snake_case_name, __, **</p>"),
        ("`a *b* <c>`", "<p><code>a *b* &lt;c&gt;</code></p>"),
        ("- one\n- two", "<ul><li>one</li><li>two</li></ul>"),
        ("Do:\n1. *this*\n2. that\nNow", "<p>Do:</p><ol><li><em>this</em></li><li>that</li></ol><p>Now</p>"),
        ("[words](https://e.com/?a=1&b=2)", f"<p>{link('https://e.com/?a=1&amp;b=2', 'words')}</p>"),
        ("see https://e.com/a_b_c.", f"<p>see {link('https://e.com/a_b_c')}.</p>"),
        ("[write](mailto:a@b.com)", f"<p>{link('mailto:a@b.com', 'write')}</p>"),
        ("コメント **強調** 🎬", "<p>コメント <strong>強調</strong> 🎬</p>"),
    ],
)
def test_what_is_written_is_shown(written, shown):
    assert html(written) == shown


@pytest.mark.parametrize(
    "written",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html,<script>)",
        "[x](vbscript:x)",
        "[x](//evil.example)",
        '[x](https://e.com/"onmouseover="alert(1))',
        "[<b>x</b>](https://e.com)",
        "`</code><script>`",
        "&lt;script&gt;",
        "<!-- x --><![CDATA[x]]><?x?>",
    ],
)
def test_nothing_of_it_runs(written):
    read = Reading(html(written))
    assert all(address == "https://e.com" or address.startswith("https://e.com/") for address in read.addresses)


pieces = st.sampled_from(
    ["*", "**", "_", "`", "[", "](", "](https://a.b", ")", "<", ">", "&", '"', "'", "\n", "\n\n", "- ", "1. ", " ", "a",
     "https://x", "mailto:", "javascript:", "\\", "é", "🎬", "\u202e"]
)  # fmt: skip


@given(st.lists(pieces, max_size=60).map("".join))
def test_whatever_is_written_is_sound(written):
    read = Reading(html(written))
    assert all(address.lower().startswith(("https://", "http://", "mailto:")) for address in read.addresses)
    letters = {"a", "é", "🎬"}
    for letter in letters & set(written):
        assert letter in "".join([*read.words, *read.addresses]), "nothing that was said is lost"


@pytest.mark.parametrize(
    "piece",
    ["*", "**", "*a ", "_a ", "`", "[", "[a](", "[a](https://", "https://", "- ", "\n- ", "<", "**a*", "a_", "'"],
)
def test_whatever_is_written_is_shown_soon(piece):
    written = (piece * BODY)[:BODY]
    began = time.process_time()
    shown = html(written)
    assert time.process_time() - began < 0.25
    assert len(shown) < 40 * BODY
    assert unescape(shown)
