"""What people wrote, made harmless before it stands in a mail of ours.

It is text, so that it is escaped where HTML is made of it. But mail programs make links of text by themselves: a person
who calls themselves `evil.example` would have us send that link in our name.
"""

import re
import unicodedata
from typing import Literal

Direction = Literal["ltr", "rtl"]

# The full stops of other scripts too: addresses may have them.
_JOINT = re.compile(r"(?<=[^\s\d])([.。．｡:：@＠])(?=[^\s])|(?<=[^\s])([.。．｡:：@＠])(?=[^\s\d])")
_GAP = "\u200a"
"""A hair space: hardly seen, and nothing that an address may hold. A character without width would be, since browsers
drop it from addresses."""
_KEPT = {"\u200c", "\u200d"}
"""Joiners, which emoji and several scripts are written with."""
_ISOLATE, _END = "\u2068", "\u2069"
_OTHER: dict[Direction, frozenset[str]] = {"ltr": frozenset({"R", "AL", "AN"}), "rtl": frozenset({"L"})}


def harmless(value: object, direction: Direction) -> str:
    """`value` on one line, without what is not seen, and with no link to be made of it.

    What is written in the other direction than the text around it is isolated: it cannot reorder its neighbours.
    """
    seen = "".join(character for character in _one_line(str(value)) if _is_seen(character))
    text = _JOINT.sub(lambda joint: joint[0] + _GAP, seen)
    turned = any(unicodedata.bidirectional(character) in _OTHER[direction] for character in text)
    return f"{_ISOLATE}{text}{_END}" if turned else text


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _is_seen(character: str) -> bool:
    # Cc: control, Cf: format (turning the direction among them), Cs: halves, Zl and Zp: separators.
    return character in _KEPT or unicodedata.category(character) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}
