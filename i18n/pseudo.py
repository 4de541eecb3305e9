"""English that shows what is not translated: `⟦S̍i̍gn i̍n ⸱⸱⸱⟧`, for clients that are being built, and for tests.

Each vowel has an accent, the text is 40 % longer, as other languages may be, and stands in brackets, so that what is
cut off or put together from pieces is seen. `plainly` gives the English back.
"""

import re
from math import ceil

from i18n.catalogs import Message, Plural

PSEUDO = "en-XA"
"""As CLDR calls it."""
BEGIN, END, _FILLING, _ACCENT = "⟦", "⟧", "⸱", "\u030d"
_MARKS = re.compile(f"[{BEGIN}{END}{_ACCENT}]| ?{_FILLING}+")
_VOWEL = re.compile(r"[aeiouyAEIOUY](?![^{]*\})")
_VALUE = re.compile(r"\{\w+\}")
_LONGER = 0.4


def pretended(said: Message) -> Message:
    """The English of a message in its disguise; the values in its braces stay as they are."""
    if isinstance(said, Plural):
        return said._replace(texts=tuple(map(_disguised, said.texts)))
    return _disguised(said)


def plainly(text: str) -> str:
    """A text without any disguise."""
    return _MARKS.sub("", text)


def _disguised(text: str) -> str:
    """Each paragraph by itself."""
    return "\n\n".join(map(_of_paragraph, text.split("\n\n")))


def _of_paragraph(text: str) -> str:
    filling = _FILLING * max(1, ceil(_LONGER * len(_VALUE.sub("", text))))
    return f"{BEGIN}{_VOWEL.sub(lambda vowel: vowel[0] + _ACCENT, text)} {filling}{END}"
