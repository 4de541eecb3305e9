"""The words for clients: what is in a bundle, and which one somebody gets. That clients read it: `tests/clients`."""

from collections.abc import Mapping

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from i18n import LOCALES, bundles
from i18n.bundles import OURS, Bundle, bundle, namespaces, nearest
from i18n.catalogs import Message, Plural, catalog, categories
from i18n.checking import ambiguous
from i18n.pseudo import PSEUDO, plainly
from i18n.source import Source

LEFT = Plural("days", "en", ("{days} day", "{days} days for {name}"))


def made(monkeypatch: pytest.MonkeyPatch, words: Mapping[str, Message], locale: str = "en") -> Bundle:
    """A bundle out of a catalog of our own."""
    monkeypatch.setattr(bundles, "catalog", lambda _locale: words)
    return bundles._bundle.__wrapped__(locale, "thing")


def test_a_text_lies_under_its_key_and_a_plural_under_those_of_both_readers(monkeypatch):
    words = {"thing.title": "Of {name}", "things.no": "no", "other.thing.no": "no", "thing.time.left": LEFT}
    assert list(made(monkeypatch, words).texts.items()) == [
        ("time.left", "{days, plural, one {{days, number} day} other {{days, number} days for {name}}}"),
        ("time.left_one", "{count, number} day"),
        ("time.left_other", "{count, number} days for {name}"),
        ("title", "Of {name}"),
    ]


@pytest.mark.parametrize("locale", ["es", "ja", PSEUDO])
def test_a_plural_that_is_still_in_english_has_the_forms_of_the_language(monkeypatch, locale):
    known = categories("en" if locale == PSEUDO else locale)
    texts = made(monkeypatch, {"thing.left": LEFT}, locale).texts
    assert set(texts) == {"left", *(f"left_{form}" for form in known)}
    assert plainly(texts["left_other"]) == "{count, number} days for {name}"


def test_the_version_changes_with_any_of_the_words_and_with_nothing_else(monkeypatch):
    words = {"thing.a": "A", "thing.left": LEFT}
    found = made(monkeypatch, words)
    assert found.path == f"/i18n/en/thing.{found.version}.json"
    assert found.version == made(monkeypatch, {"other.a": "B", **dict(reversed(words.items()))}).version
    changed = [
        words | {"thing.a": "B"},
        words | {"thing.left": LEFT._replace(by="count")},
        {"thing.left": LEFT},
        {"thing.b": "A", "thing.left": LEFT},
    ]
    assert len({found.version, *(made(monkeypatch, each).version for each in changed)}) == 1 + len(changed)


@pytest.mark.parametrize("locale", [*LOCALES, PSEUDO])
def test_every_message_for_clients_is_in_a_bundle_once(locale):
    forms = len(categories("en" if locale == PSEUDO else locale))
    for namespace in namespaces():
        found = bundle(locale, namespace)
        assert found is not None
        ours = {key: said for key, said in catalog("en").items() if key.startswith(f"{namespace}.")}
        assert {key.removeprefix(f"{namespace}.") for key in ours} <= set(found.texts)
        assert len(found.texts) == len(ours) + forms * sum(isinstance(said, Plural) for said in ours.values())
        assert orjson.loads(found.body) == found.texts


def test_nothing_is_kept_of_names_that_nobody_knows():
    before = bundles._bundle.cache_info().currsize
    for name in [*OURS, "", "nonsense", "../review", "review.json", "\0", "\ud800", "Review", "x" * 100_000]:
        assert bundle("en", name) is None
    for name in ["", "sv", "EN", "de-AT", "en-xa", "zh", "../en"]:
        assert bundle(name, "review") is None
    assert bundles._bundle.cache_info().currsize == before


@given(asked=st.text())
@example(asked="x-" * 5_000)
@example(asked="de" + "-x" * 5_000)
@example(asked="\ud800")
@example(asked="../../en")
def test_whatever_is_asked_for_one_of_our_languages_is_nearest(asked):
    assert nearest(asked) in LOCALES


@pytest.mark.parametrize(
    ("asked", "given"),
    [("de", "de"), ("DE-at", "de"), ("pt-BR", "pt"), ("zh-CN", "zh-CN"), ("sv", "en"), ("", "en"), ("*", "en"),
     ("en-XA", PSEUDO), ("en-xa", "en"), ("en-XA-x", "en")],
)  # fmt: skip
def test_the_pseudo_locale_is_for_who_spells_it_exactly(asked, given):
    assert nearest(asked) == given


def test_keys_that_would_be_forms_of_a_plural_are_found():
    plural = Source("thing.left", "{count} left", "{count} left", "count")
    others = [Source(f"thing.{name}", "x") for name in ("left_other", "left_over", "right_one", "left")]
    assert list(ambiguous([plural, *others])) == ["thing.left_other"]
