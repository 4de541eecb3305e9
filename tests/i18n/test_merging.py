"""What becomes of translations when the English changes, and that real gettext files come of it."""

import gettext
import re
import shutil
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from i18n import LOCALES, catalogs, checking, merging
from i18n.catalogs import FOLDER, catalog, categories, category, forms_of
from i18n.checking import faults_of
from i18n.source import Source, sources

ENGLISH = """\
# Of a file.

# The name of a thing.
title = "Title"
[video]
# How many there are.
count = { one = "{count} video", other = "{count} videos" }
days = { by = "days", one = "{days} day", other = "{days} days" }
# Long.
text = \"\"\"
Hello {name},

two lines
of text
\"\"\"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of catalogs of its own, with that English and German and French beside it."""
    (tmp_path / "messages").mkdir()
    (tmp_path / "locales").mkdir()
    (tmp_path / "messages" / "thing.toml").write_text(ENGLISH, encoding="utf-8")
    monkeypatch.setattr(merging, "FOLDER", tmp_path / "locales")
    monkeypatch.setattr(merging, "LOCALES", ("en", "de", "fr"))
    monkeypatch.setattr(merging, "sources", lambda: sources(tmp_path / "messages"))
    merge(tmp_path)
    return tmp_path


def merge(folder: Path) -> None:
    for name, text in merging.merged().items():
        (folder / "locales" / name).write_text(text, encoding="utf-8")


def change(file: Path, before: str, after: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert before in text
    file.write_text(text.replace(before, after, 1), encoding="utf-8")


def test_english_is_read_with_what_is_told_to_translators(folder):
    title, count, days, text = sources(folder / "messages")
    assert title == Source("thing.title", "Title", comment="The name of a thing.")
    assert count == Source("thing.video.count", "{count} videos", "{count} video", "count", "How many there are.")
    assert (days.by, days.texts, days.comment) == ("days", ("{days} day", "{days} days"), "")
    assert (text.text, text.comment) == ("Hello {name},\n\ntwo lines of text", "Long.")


def test_new_english_is_missing_in_every_language(folder):
    assert merging.unfinished(merging.translated("de")) == (
        ["thing.title", "thing.video.count", "thing.video.days", "thing.video.text"],
        [],
    )
    assert len(merging.strings(merging.translated("fr")["thing.video.count"])) == 3


def test_a_translation_of_changed_english_is_to_be_looked_at(folder):
    german = folder / "locales" / "de.po"
    change(german, 'msgid "Title"\nmsgstr ""', '# Sort of.\nmsgid "Title"\nmsgstr "Titel"')
    change(folder / "messages" / "thing.toml", '"Title"', '"Heading"')
    merge(folder)
    merge(folder)  # once more changes nothing
    title = merging.translated("de")["thing.title"]
    assert (title.id, title.string, title.fuzzy) == ("Heading", "Titel", True)
    assert "Was: Title\n" in german.read_text(encoding="utf-8")
    change(german, "#, fuzzy\n", "")
    merge(folder)
    assert merging.unfinished(merging.translated("de"))[1] == []
    assert "Was: " not in german.read_text(encoding="utf-8")


def test_what_becomes_a_plural_loses_its_translation(folder):
    german = folder / "locales" / "de.po"
    change(german, 'msgid "Title"\nmsgstr ""', 'msgid "Title"\nmsgstr "Titel"')
    change(folder / "messages" / "thing.toml", '"Title"', '{ one = "{count} title", other = "{count} titles" }')
    merge(folder)
    assert "thing.title" in merging.unfinished(merging.translated("de"))[0]


def test_what_is_gone_in_english_is_gone(folder):
    change(folder / "messages" / "thing.toml", 'title = "Title"', "")
    merge(folder)
    assert "thing.title" not in merging.translated("de")


@pytest.mark.parametrize("wrong", ['{ other = "x" }', '{ one = "x", other = "x", two = "x" }', "7"])
def test_english_that_is_neither_a_text_nor_a_plural_is_refused(folder, wrong):
    change(folder / "messages" / "thing.toml", '"Title"', wrong)
    with pytest.raises(ValueError, match="no plural"):
        sources(folder / "messages")


@pytest.mark.parametrize("locale", LOCALES[1:])
def test_gettext_reads_the_same(locale):
    """By Babel, and by Python's own reader of compiled catalogs with the rule for plurals that the file has."""
    with (FOLDER / f"{locale}.po").open("rb") as file:
        messages = read_po(file)
    compiled = BytesIO()
    write_mo(compiled, messages)
    compiled.seek(0)
    theirs, ours = gettext.GNUTranslations(compiled), catalog(locale)
    for message in messages:
        if message.id and not message.fuzzy and all(merging.strings(message)):
            assert forms_of(ours[message.context]) == merging.strings(message)
            if message.pluralizable:
                said = ours[message.context]
                assert isinstance(said, catalogs.Plural)
                for number in (0, 1, 2, 5, 11, 100, 1_000_000, 2_500_000):
                    assert theirs.npgettext(message.context, *message.id, number) == said.of(number)
    assert set(ours) == set(catalog("en"))


@pytest.mark.parametrize("locale", LOCALES)
def test_the_rule_for_plurals_is_cldrs(locale):
    name = "messages.pot" if locale == "en" else f"{locale}.po"
    head = (FOLDER / name).read_text(encoding="utf-8").split("\n\n", 1)[0]
    found = re.search(r"nplurals=(\d); plural=(.*);", head)
    assert found
    rule = gettext.c2py(found[2])
    assert int(found[1]) == len(categories(locale))
    for number in [*range(200), 1000, 999_999, 1_000_000, 1_000_001, 3_000_000]:
        assert categories(locale)[rule(number)] == category(locale, number)


TITLE = Source("thing.title", "The video of {name}")
COUNT = Source("thing.count", "{count} videos", "{count} video", "count")


@pytest.mark.parametrize(
    ("source", "said", "wrong"),
    [
        (TITLE, "Das Video von {name}", None),
        (TITLE, "", "missing"),
        (TITLE, "Das Video", "in braces"),
        (TITLE, "Das Video von {name} und {other}", "in braces"),
        (TITLE, "Das Video von {nome}", "in braces"),
        (TITLE, "Das Video von {name", "not closed"),
        (TITLE, "Das Video von {name!r}", "apart"),
        (TITLE, " Das Video von {name}", "blank"),
        (TITLE, "The video of {name}", "English"),
        (TITLE, "Das Video von <b>{name}</b>", "take for something else"),
        (TITLE, "Das Video von '{name}'", "take for something else"),
        (TITLE, "Der Film von {name}", "glossary"),
        (COUNT, ("Ein Video", "{count} Videos"), None),
        (COUNT, ("{count} Video", ""), "missing"),
        (COUNT, ("{count} Video", "viele Videos"), "in braces"),
    ],
)
def test_what_is_wrong_with_a_translation_is_found(source, said, wrong):
    catalog = merging._with("de", [source], {})
    message = next(message for message in catalog if message.id)
    message.string = said
    found = list(faults_of("de", source, message))
    assert (not found) if wrong is None else any(wrong in fault for fault in found), found


def test_what_is_fuzzy_is_a_fault_however_good_it_is():
    catalog = merging._with("de", [TITLE], {})
    message = next(message for message in catalog if message.id)
    message.string = "Das Video von {name}"
    assert list(faults_of("de", TITLE, message)) == []
    message.flags.add("fuzzy")
    assert any("is fuzzy" in fault for fault in faults_of("de", TITLE, message))


BROKEN = {
    "missing": ('msgstr "Anmelden"', 'msgstr ""'),
    "fuzzy": ('msgctxt "page.send_code"', '#, fuzzy\nmsgctxt "page.send_code"'),
    "lacks a form": ('msgstr[1] "{count} Versionen"\n', ""),
    "has a form too many": (
        'msgstr[1] "{count} Versionen"\n',
        'msgstr[1] "{count} Versionen"\nmsgstr[2] "x {count}"\n',
    ),
    "other parameters": ('msgstr[1] "{count} Versionen"', 'msgstr[1] "{number} Versionen"'),
    "a rule that is not CLDR's": ("nplurals=2; plural=", "nplurals=2; plural=1 + "),
}
"""Something of the German catalog, and what becomes of it."""


@pytest.mark.parametrize("how", BROKEN)
def test_the_command_refuses_a_catalog_that_is(how, tmp_path, monkeypatch, capsys):
    copied = Path(shutil.copytree(FOLDER, tmp_path / "locales"))
    for module in (merging, checking):
        monkeypatch.setattr(module, "FOLDER", copied)
        monkeypatch.setattr(module, "LOCALES", ("en", "de"))
    checking.main()
    change(copied / "de.po", *BROKEN[how])
    with pytest.raises(SystemExit) as ended:
        checking.main()
    assert "faults in the catalogs" in str(ended.value.code)
    assert "de" in capsys.readouterr().out


def test_one_must_be_said_where_it_stands_for_nothing_as_well():
    catalog = merging._with("fr", [COUNT], {})
    message = next(message for message in catalog if message.id)
    message.string = ("Une vidéo", "{count} de vidéos", "{count} vidéos")
    assert any("in braces" in fault for fault in faults_of("fr", COUNT, message))
    message.string = ("{count} vidéo", "{count} de vidéos", "{count} vidéos")
    assert list(faults_of("fr", COUNT, message)) == []
