"""Every sentence exists in every language, and whoever asks for one gives all that it needs."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import i18n
from domain.jobs import JobFault
from domain.mails import MailKind
from domain.media import Refusal
from domain.uploads import PartFault
from i18n import LOCALES, catalogs, translate
from i18n.catalogs import braces, catalog, forms_of
from i18n.directions import isolated

ROOT = Path(i18n.__file__).parent.parent
ROOMS = ("domain", "edge", "gateways", "live", "models", "resolvers", "schema", "workers")
SECTIONS = ("problem.", "page.", "mail.", "failure.")
REFUSAL_PARAMS = {
    Refusal.UNKNOWN_CODEC: {"codec"},
    Refusal.TOO_MANY_PIXELS: {"width", "height", "limit"},
    Refusal.TOO_MANY_STREAMS: {"streams", "limit"},
    Refusal.TOO_LONG: {"length", "limit"},
    Refusal.TOO_COSTLY: {"resource"},
    Refusal.CHECKSUM_MISMATCH: {"expected", "actual"},
}
"""As `domain/media.py` names them."""
JOB_FAILURES = {
    "INTERNAL": set[str](),
    "WORKER_LOST": {"attempts"},
    "MAIL_REFUSED": set[str](),
    "UPLOAD_LOST": set[str](),
}


def trees() -> Iterator[tuple[str, ast.Module]]:
    for room in ROOMS:
        for file in (ROOT / room).rglob("*.py"):
            yield str(file.relative_to(ROOT)), ast.parse(file.read_text(encoding="utf-8"))


def keys_in_code() -> set[str]:
    found = {
        node.value
        for _, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    return {text for text in found if text.startswith(SECTIONS) and " " not in text and not text.endswith((".", "_"))}


def calls_with_key() -> Iterator[tuple[str, str, set[str]]]:
    """Where a problem is raised or a message asked for by a literal key: the place, the key and the values given."""
    for file, tree in trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                for argument in node.args[:2]:
                    if isinstance(argument, ast.Constant) and str(argument.value).startswith(SECTIONS):
                        given = {keyword.arg for keyword in node.keywords}
                        yield f"{file}:{node.lineno}", str(argument.value), {name for name in given if name}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_language_has_every_key(locale):
    assert catalog(locale).keys() == catalog("en").keys()


def test_every_key_in_the_code_is_in_the_catalogs():
    prefixes = {key for key in keys_in_code() if any(known.startswith(f"{key}.") for known in catalog("en"))}
    assert keys_in_code() - prefixes - catalog("en").keys() == set()


def test_every_message_is_given_all_its_values():
    calls = list(calls_with_key())
    assert len(calls) > 20
    for place, key, values in calls:
        assert braces(key) <= values, f"{place} asks for {key} without {braces(key) - values}"


def test_every_problem_and_page_in_the_catalogs_is_used():
    used = keys_in_code() | {f"problem.part_{fault.value}" for fault in PartFault}
    assert {key for key in catalog("en") if key.startswith(("problem.", "page."))} - used == set()


MAIL_KEYS = {"subject", "heading", "text", "action", "after", "because"}
"""Of which each kind of mail has the first three."""


def mail_keys(locale: str) -> dict[str, set[str]]:
    """What each kind of mail says. Beside them there are words that all have in common."""
    found: dict[str, set[str]] = {}
    for _, kind, *key in (key.split(".") for key in catalog(locale) if key.startswith("mail.")):
        found.setdefault(kind, set()).update(key)
    return {kind: keys for kind, keys in found.items() if keys}


@pytest.mark.parametrize("locale", LOCALES)
def test_every_kind_of_mail_has_its_words_and_no_words_are_of_no_kind(locale):
    found = mail_keys(locale)
    assert found.keys() == set(MailKind)
    for kind, keys in found.items():
        assert {"subject", "heading", "text"} <= keys <= MAIL_KEYS, kind
        heads = [*forms_of(catalog(locale)[f"mail.{kind}.subject"]), *forms_of(catalog(locale)[f"mail.{kind}.heading"])]
        assert "\n" not in "".join(heads)


GIVEN_BY: dict[str, set[str | None]] = {"notify": {"name"}}
"""Values that a function gives by itself."""


def test_every_mail_is_given_all_its_values():
    """Where a mail is composed, sent or enqueued with its kind said at the place."""
    for file, tree in trees():
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            given = {keyword.arg for keyword in call.keywords} | GIVEN_BY.get(ast.unparse(call.func), set())
            for kind in kinds_in(call):
                if None not in given:  # values that are handed on
                    needed = set().union(*(braces(f"mail.{kind}.{key}") for key in mail_keys("en")[kind]))
                    assert needed <= given, f"{file}:{call.lineno} sends {kind} without {needed - given}"


def kinds_in(call: ast.Call) -> set[MailKind]:
    """The kinds of mail among the arguments that stand before the names."""
    named = [node for argument in call.args for node in ast.walk(argument) if isinstance(node, ast.Attribute)]
    names = {node.attr for node in named if isinstance(node.value, ast.Name) and node.value.id == "MailKind"}
    return {MailKind[name] for name in names}


@pytest.mark.parametrize("fault", PartFault)
def test_every_fault_of_a_part_has_a_message(fault):
    assert braces(f"problem.part_{fault.value}") == {"number", "count"}


@pytest.mark.parametrize("code", [*Refusal, *JOB_FAILURES])
def test_every_failure_of_a_job_has_a_message(code):
    params = REFUSAL_PARAMS.get(code, JOB_FAILURES.get(code, set()))
    assert braces(f"failure.{code}") <= params
    for locale in LOCALES:
        assert "{" not in translate(locale, f"failure.{code}", **dict.fromkeys(params, 7))


def test_the_catalogs_know_no_failure_that_no_job_has():
    assert {key for key in catalog("en") if key.startswith("failure.")} == {
        f"failure.{c}" for c in (*Refusal, *JOB_FAILURES)
    }


def test_every_fault_of_a_job_is_written_down_here():
    assert {fault.name for fault in JobFault} == JOB_FAILURES.keys()


@given(value=st.text())
def test_what_people_wrote_is_put_in_as_text(value):
    """Braces in a value mean nothing, and nothing is escaped: that is for whoever makes HTML of it."""
    said = translate("en", "failure.UNKNOWN_CODEC", codec=value)
    assert said == f"The file uses {isolated(value, 'ltr')}, which we cannot read."


@given(
    value=st.text(
        st.sampled_from("aא١ \u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c\n\u2029")
    )
)
def test_what_people_wrote_turns_nothing_around_it(value):
    """Only our own isolate is left, around the whole."""
    for turn in ("ltr", "rtl"):
        text = isolated(value, turn)
        within = text.removeprefix("\u2068").removesuffix("\u2069")
        assert set(within) <= set("aא١ ")
        assert len(text) - len(within) in (0, 2)
        assert isolated(text, turn) == text


def test_a_language_that_we_lack_gets_english():
    assert translate("sv", "problem.forbidden") == translate("en", "problem.forbidden")
    assert translate("../en", "problem.forbidden") == translate("en", "problem.forbidden")


HALF = """\
# German.
msgid ""
msgstr ""

msgctxt "review.version.count"
msgid "{{count}} version"
msgid_plural "{{count}} versions"
msgstr[0] "{one}"
msgstr[1] "{other}"

#, fuzzy
msgctxt "problem.forbidden"
msgid "No"
msgstr "Nein"
"""


@pytest.mark.parametrize(
    ("one", "other", "known"),
    [("{count} Version", "{count} Versionen", {"review.version.count"}), ("", "{count} Versionen", set()),
     ("{count} Version", "", set())],
)  # fmt: skip
def test_half_a_plural_and_what_is_fuzzy_are_said_in_english(tmp_path: Path, one, other, known):
    (tmp_path / "de.po").write_text(HALF.format(one=one, other=other), encoding="utf-8")
    assert dict(catalogs._translated("de", tmp_path / "de.po")).keys() == known


def test_a_key_that_no_catalog_has_is_a_fault_of_ours():
    with pytest.raises(KeyError):
        translate("en", "problem.nonsense")
