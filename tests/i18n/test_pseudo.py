"""English in disguise, and out of it again."""

import re
from string import Formatter

from hypothesis import given
from hypothesis import strategies as st

from i18n.catalogs import Message, Plural, catalog, forms_of
from i18n.pseudo import BEGIN, END, plainly, pretended

ACCENT = "\u030d"
VALUE = re.compile(r"\{\w+\}")
ENGLISH = catalog("en")


def shown(text: str) -> int:
    """How wide a text is, without the values, in characters."""
    return len(VALUE.sub("", text).replace(ACCENT, ""))


def test_it_looks_like_this():
    assert pretended("Sign {name} in") == "⟦Si̍gn {name} i̍n ⸱⸱⸱⸱⟧"
    assert pretended("{name}") == "⟦{name} ⸱⟧"
    assert pretended("One\n\ntwo") == "⟦O̍ne̍ ⸱⸱⟧\n\n⟦two̍ ⸱⸱⟧"
    plural = Plural("days", "en", ("{days} day", "{days} days"))
    assert pretended(plural) == Plural("days", "en", ("⟦{days} da̍y̍ ⸱⸱⟧", "⟦{days} da̍y̍s ⸱⸱⟧"))


def test_every_message_is_disguised_and_is_english_again_afterwards():
    for message in ENGLISH.values():
        for before, after in zip(forms_of(message), forms_of(pretended(message)), strict=True):
            assert plainly(after) == before
            assert names(after) == names(before)
            for paragraph, disguised in zip(before.split("\n\n"), after.split("\n\n"), strict=True):
                assert disguised.startswith(BEGIN)
                assert disguised.endswith(END)
                assert shown(disguised) >= 1.4 * shown(paragraph)
                assert not re.search(rf"[aeiouyAEIOUY](?!{ACCENT})", VALUE.sub("", disguised))


def names(text: str) -> list[str]:
    return [name for _, name, _, _ in Formatter().parse(text) if name is not None]


@given(text=st.text(st.characters(exclude_characters=f"{BEGIN}{END}{ACCENT}⸱")))
def test_whatever_is_said_is_english_again_afterwards(text):
    said: Message = pretended(text)
    assert isinstance(said, str)
    assert plainly(said) == text
