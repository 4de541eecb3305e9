"""What people wrote, made harmless before it stands in a mail of ours.

It is text, so that it is escaped where HTML is made of it. But mail programs make links of text by themselves: a person
who calls themselves `evil.example` would have us send that link in our name.
"""

import re

from i18n.directions import Direction, isolated, seen

# The full stops of other scripts too: addresses may have them.
_JOINT = re.compile(r"(?<=[^\s\d])([.。．｡:：@＠])(?=[^\s])|(?<=[^\s])([.。．｡:：@＠])(?=[^\s\d])")
_GAP = "\u200a"
"""A hair space: hardly seen, and nothing that an address may hold. A character without width would be, since browsers
drop it from addresses."""


def harmless(value: object, direction: Direction) -> str:
    """`value` on one line, without what is not seen, and with no link to be made of it.

    What is written in the other direction than the text around it is isolated: it cannot reorder its neighbours.
    """
    text = seen(_one_line(str(value)))
    return isolated(_JOINT.sub(lambda joint: joint[0] + _GAP, text), direction)


def _one_line(text: str) -> str:
    return " ".join(text.split())
