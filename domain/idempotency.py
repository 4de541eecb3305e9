"""Idempotency keys: by which a request that is sent again is told from a new one."""

import re
from datetime import timedelta

KEPT = timedelta(hours=24)
"""For so long a key stands for the request that it came with."""
LONGEST = 255
_KEY = re.compile(rf"[\x21-\x7e]{{1,{LONGEST}}}")


class KeyReused(Exception):
    """The key came with another request before: it stands for that one."""


def key_in(text: str) -> str | None:
    """The key as it was sent; None for what is none: a key is 1 to 255 visible ASCII characters.

    The quotes in which the IETF's draft has it written are not part of it.
    """
    inside = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    return inside if _KEY.fullmatch(inside) else None
