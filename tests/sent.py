"""Answers as they are sent."""

from collections.abc import Mapping
from typing import Any

import orjson


def sent(answer: Mapping[str, Any]) -> dict[str, Any]:
    """What a client gets of an engine's answer, which may hold JSON that the database wrote."""
    got: dict[str, Any] = orjson.loads(orjson.dumps(answer))
    return got
