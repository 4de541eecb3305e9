"""Mails as they are composed: harmless whatever people call themselves, readable in each language and way."""

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.mails import MailKind
from i18n import LOCALES
from local.programs import ROOT
from workers.mails import compose, layout
from workers.mails.composing import Mail
from workers.mails.previews import FOLDER, SAMPLES, previews, sample, values_of
from workers.mails.values import harmless

LINK = "https://studio.example/welcome?token=abc&x=1"
VOID = {"meta", "br", "img", "link"}


class Page(HTMLParser):
    """What a browser would find: tags with their attributes, and text; balanced, or an error."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += "" if self.open and self.open[-1] == "style" else data

    def links(self) -> set[str | None]:
        return {attrs["href"] for tag, attrs in self.tags if tag == "a"}


def welcome(name: str = "Ada", locale: str = "en") -> Mail:
    return compose(MailKind.WELCOME, "ada@example.org", locale, link=LINK, name=name, team="Engines", hours=24)


def test_a_mail_says_the_same_in_text_and_in_html():
    mail = welcome()
    page = Page(mail.html)
    assert mail.subject == "Welcome to Video Creator"
    paragraphs = [each for each in mail.text.split("\n\n") if not each.startswith(("Open my team", "-- "))]
    assert paragraphs[0] == "Welcome, Ada!"
    assert all(paragraph.strip() in page.text for paragraph in paragraphs)
    assert f"\n{LINK}\n" in mail.text
    assert page.links() == {LINK, "https://studio.example"}
    assert mail.text.rstrip().endswith("\nhttps://studio.example")
    assert (mail.unsubscribe, mail.reference) == (None, None)


@pytest.mark.parametrize("locale", LOCALES)
@pytest.mark.parametrize("kind", MailKind)
def test_every_mail_loads_nothing_and_runs_nothing(kind, locale):
    mail = sample(kind, locale)
    page = Page(mail.html)
    assert {tag for tag, _ in page.tags} & {"img", "script", "link", "iframe", "object", "form", "svg", "base"} == set()
    assert all(not name.startswith("on") and name != "src" for _, attrs in page.tags for name in attrs)
    addresses = set(re.findall(r"https?://[^\s\"'<>)]+", mail.html)) - {"http://www.w3.org/1999/xhtml"}
    assert all(address.startswith("https://studio.example") for address in addresses)
    assert not re.search(r"url\(|@import", mail.html)
    assert "{" not in page.text


def test_language_and_direction_are_said(monkeypatch):
    page = Page(welcome(locale="de").html)
    assert page.tags[0] == ("html", page.tags[0][1] | {"lang": "de", "dir": "ltr"})
    assert "Willkommen, Ada!" in page.text
    assert Page(welcome(locale="nowhere").html).tags[0][1]["lang"] == "en"
    monkeypatch.setattr("workers.mails.composing.LOCALES", ("en", "ar"))
    arabic = welcome(locale="ar").html
    assert Page(arabic).tags[0] == ("html", Page(arabic).tags[0][1] | {"lang": "ar", "dir": "rtl"})
    assert "text-align:right" in arabic
    assert "direction:ltr" not in arabic


@pytest.mark.parametrize(
    "name",
    [
        "<b>bold</b>",
        "{{ 7*7 }}",
        "{% raw %}",
        "<mj-text>x</mj-text>",
        '" onclick="x',
        "</title><script>",
        "{link}",
        "&lt;",
    ],
)
def test_a_name_is_nothing_but_text(name):
    plain = welcome()
    mail = welcome(name)
    page = Page(mail.html)
    assert [tag for tag, _ in page.tags] == [tag for tag, _ in Page(plain.html).tags]
    assert f"Welcome, {name}!" in page.text
    assert f"Welcome, {name}!" in mail.text


@given(st.text())
def test_no_name_adds_a_tag_a_line_or_a_direction(name):
    mail = welcome(name)
    assert [tag for tag, _ in Page(mail.html).tags] == [tag for tag, _ in Page(welcome().html).tags]
    assert len(mail.text.splitlines()) == len(welcome().text.splitlines())
    assert not set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u200e\u200f\u061c") & set(mail.text)


@pytest.mark.parametrize(
    "name",
    [
        "http://evil.example",
        "HTTPS://EVIL",
        "http://127.0.0.1/pay",
        "evil.example",
        "www.evil.example/pay",
        "1.evil.example",
        "a.b.c.d",
        "evil。example",
        "evil．example",
        "eve@evil.example",
        "mailto:eve",
        "https:evil",
        "tel:+4900",
    ],
)
def test_no_link_can_be_made_of_a_name(name):
    """Whatever a mail program takes for an address ends at a space."""
    text = harmless(name, "ltr")
    assert not re.search(r"\w+:/*[^\s\d]|[^\s\d][.。．@]\w|\w[.。．@][^\s\d]|://", text)
    assert text.replace("\u200a", "") == name


@pytest.mark.parametrize(
    "value", ["Ada", "Dr. Ada Lovelace", "10:30", "1.5", "203.0.113.7", "Ada, Countess", "Node", 24]
)
def test_ordinary_values_stay_as_they_are(value):
    assert harmless(value, "ltr") == str(value)


def test_what_turns_the_direction_is_dropped_and_what_is_written_in_the_other_is_isolated():
    assert harmless("ab\u202egpj.exe", "ltr") == "abgpj.\u200aexe"
    assert harmless("a\u200bb\ufeffc\x00d\r\ne\u2028f", "ltr") == "abcd e f"
    assert harmless("שלום", "ltr") == "\u2068שלום\u2069"
    assert harmless("שלום", "rtl") == "שלום"
    assert harmless("Ada", "rtl") == "\u2068Ada\u2069"
    assert harmless("👩\u200d🚀", "ltr") == "👩\u200d🚀"


def test_a_button_leads_to_the_web_or_there_is_none():
    for link in ("javascript:alert(1)", "https://x y", 'https://x"y', "https://x\n", None):
        with pytest.raises(ValueError, match=r"link|button"):
            compose(MailKind.WELCOME, "a@b.example", "en", link=link, name="", team="", hours=1)


def test_a_missing_value_is_a_fault_of_ours():
    with pytest.raises(KeyError, match="team"):
        compose(MailKind.WELCOME, "a@b.example", "en", link=LINK, name="Ada", hours=1)


def test_a_mail_that_can_be_ended_says_so_at_its_foot():
    leave = "https://studio.example/unsubscribe?token=abc"
    mail = compose(
        MailKind.WELCOME, "a@b.example", "en", link=LINK, unsubscribe=leave, name="", team="", hours=1,
        public_url="https://files.example",
    )  # fmt: skip
    assert mail.unsubscribe == leave
    assert Page(mail.html).links() == {LINK, leave, "https://files.example"}
    assert mail.text.endswith(f"\nhttps://files.example\n\nUnsubscribe from these mails:\n{leave}\n")


def test_the_layout_is_compiled_once(monkeypatch):
    welcome()
    before = layout._template.cache_info().misses
    welcome()
    assert layout._template.cache_info().misses == before


def test_what_lies_in_docs_is_what_is_sent():
    """`make mails` writes it."""
    assert {path.name: path.read_text(encoding="utf-8") for path in FOLDER.iterdir()} == previews()


def test_there_is_a_sample_for_each_value():
    assert set().union(*map(values_of, MailKind)) <= SAMPLES.keys()
    assert replace(sample(MailKind.WELCOME, "en")) == sample(MailKind.WELCOME, "en")


def test_the_api_knows_nothing_of_templates_and_servers():
    code = "import sys, app; print({'mjml', 'jinja2', 'aiosmtplib', 'workers'} & set(sys.modules))"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert said == "set()\n"
