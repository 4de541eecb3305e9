"""Text that people type is cleaned, or refused; nothing else."""

import sys
import time
import unicodedata

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from domain.clock import utc_now
from domain.errors import Invalid
from domain.text import MARKS, email_address, many_lines, one_line, searchable, tags
from gateways.mail import Mail
from gateways.mail.base import parse_sender
from gateways.mail.message import compose

PATH = ("input", "field")
anything = st.text(st.characters(exclude_categories=()), max_size=60)
local = st.from_regex(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,20}(\.[A-Za-z0-9_+-]{1,20})?", fullmatch=True)
label = st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9-]{0,20}[A-Za-z0-9])?", fullmatch=True)
addresses = st.builds(lambda name, host, top: f"{name}@{host}.{top}", local, label, label)


def cleaned(clean, value):
    """What `clean` makes of a value, None where it is Invalid with the path that was given."""
    try:
        return clean(value)
    except Invalid as error:
        return None if error.path[:2] == PATH else error


@given(value=anything)
@example(value="\ud800")
@example(value="\x00")
@example(value="\x85\u2028 ")
@example(value="e\u0301")
def test_a_line_is_one_line_or_refused(value):
    line = cleaned(lambda text: one_line(text, path=PATH, most=40), value)
    assume(line is not None)
    assert 1 <= len(line) <= 40
    assert line == line.strip() == unicodedata.normalize("NFC", line)
    assert len(line.splitlines()) == 1
    assert one_line(line, path=PATH, most=40) == line
    line.encode()


@given(value=anything)
@example(value="\x00")
@example(value="\ud800")
def test_many_lines_keep_their_breaks_or_are_refused(value):
    text = cleaned(lambda text: many_lines(text, path=PATH, most=40), value)
    assume(text is not None)
    assert len(text) <= 40
    assert "\0" not in text
    assert text == unicodedata.normalize("NFC", value).strip()
    assert many_lines(text, path=PATH, most=40) == text


@given(values=st.lists(anything, max_size=8))
@example(values=["İ" * 50])
@example(values=["A", "a", " a "])
@example(values=["Σ", "ς", "σ"])
def test_tags_are_lower_case_and_each_there_once(values):
    found = cleaned(lambda texts: tags(texts, path=PATH, most=5), values)
    if found is None:
        return  # most lists hold something that is refused
    assert len(found) == len(set(found)) <= 5
    assert all(1 <= len(tag) <= 50 and tag == tag.lower() for tag in found)
    assert tags(found, path=PATH, most=5) == found


@given(value=anything | addresses | st.builds("{}@{}".format, anything, anything))
def test_an_address_is_one_that_the_mail_gateway_takes(value):
    address = cleaned(lambda text: email_address(text, path=PATH), value)
    assume(address is not None)
    assert address.isascii()
    assert address == address.lower()
    assert len(address) <= 254
    assert email_address(address, path=PATH) == address
    message = compose(Mail(to=address, subject="s", text="t"), parse_sender("a@b.example"), utc_now())
    assert message["To"].addresses[0].addr_spec == address


@given(value=addresses)
def test_what_looks_like_an_address_is_taken(value):
    assert email_address(f" {value}\n", path=PATH) == value.lower()


@pytest.mark.parametrize(
    "value",
    ["", "a", "@", "a@", "@b.example", "a@b", "a@@b.example", "a b@c.example", "a@b..example", ".a@b.example",
     "a.@b.example", "a@-b.example", "a@b-.example", "a\n@b.example", "a@b.example\n\nBcc: c@d.example",
     "<a@b.example>", "a,c@b.example", "é@b.example", "a@bücher.example", "\u212a@b.example", "a@b.example\0",
     "a@[127.0.0.1]", f"{'a' * 65}@b.example", f"a@{'b' * 64}.example", f"a@{'b.' * 130}example", '"a b"@c.example'],
)  # fmt: skip
def test_what_is_no_address_is_refused(value):
    with pytest.raises(Invalid) as refused:
        email_address(value, path=PATH)
    assert refused.value.message == "problem.email"


@pytest.mark.parametrize(
    ("value", "message"),
    [("", "problem.text_missing"), (" \t\n", "problem.text_missing"), ("\u200b\u202e \u2060", "problem.text_missing"),
     ("👩\u200d🚀" * 4, "problem.text_long"), ("a" * 11, "problem.text_long"),
     ("a\0", "problem.text_control"), ("\ud800", "problem.text_control"), ("\x7f", "problem.text_control")],
)  # fmt: skip
def test_a_refusal_says_why(value, message):
    with pytest.raises(Invalid) as refused:
        one_line(value, path=PATH, most=10)
    assert (refused.value.message, refused.value.path) == (message, PATH)


def test_the_length_is_counted_after_the_cleaning():
    assert one_line("  e\u0301" * 3, path=PATH, most=5) == "é é é"
    assert many_lines("\n a\n\nb \n", path=PATH, most=4) == "a\n\nb"
    assert many_lines("", path=PATH, most=4) == ""


def test_languages_that_pile_up_marks_are_taken():
    for text in ("Tiếng Việt", "बहुत ज़्यादा", "בְּרֵאשִׁ֖ית", "བསྒྲུབས", "a" + "\u0301" * MARKS):
        assert one_line(text, path=PATH, most=100) == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize("pile", ["\u0315\u0300", "\u0f73", "\u0345\u0301\u0316", "\u20dd", "\u0903"])
@pytest.mark.parametrize("clean", [one_line, many_lines])
def test_marks_are_not_piled_up(clean, pile):
    for times in (MARKS + 1, 500_000):
        began = time.process_time()
        with pytest.raises(Invalid) as refused:
            clean("a" + pile * times, path=PATH, most=100)
        assert refused.value.message in ("problem.text_marks", "problem.text_long")
        searchable("a" + pile * times)
        assert time.process_time() - began < 0.25  # to compose it takes minutes


def test_whatever_composing_would_put_in_order_is_a_mark():
    parts = ((chr(code), unicodedata.normalize("NFD", chr(code))) for code in range(sys.maxunicode + 1))
    ordered = {one for one, taken_apart in parts if any(map(unicodedata.combining, taken_apart[:1]))}
    assert {unicodedata.category(one)[0] for one in ordered} == {"M"}


def test_a_refused_tag_is_named_by_its_place():
    with pytest.raises(Invalid) as refused:
        tags(["fine", ""], path=("tags",))
    assert refused.value.path == ("tags", "1")
    with pytest.raises(Invalid) as refused:
        tags(map(str, range(31)), path=("tags",))
    assert (refused.value.message, refused.value.params) == ("problem.too_many", {"most": 30})
