"""When two answers are the same.

`data` must be the same bytes, the order of keys included. Errors may come in any order; each is compared whole:
message, path, locations, extensions. One freedom is left, because GraphQL leaves it: where a null has gone up from a
field that may not be null to something above it, several fields below may have failed, and whichever failed first
tells. So, for every null in `data` below which errors happened, and not at it itself, the two answers' errors below it
are compared thus: either both tell of some or neither does, and what both tell of one path is the same.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

Answer = Mapping[str, Any]
Path = tuple[str | int, ...]


def differences(one: Answer, other: Answer) -> list[str]:
    """What is not the same, in words: nothing for answers that are the same."""
    if one.keys() != other.keys():
        return [f"{sorted(one)} and {sorted(other)}"]
    unlike = [f"other {name}" for name in one if name != "errors" and _bytes(one[name]) != _bytes(other[name])]
    return unlike or list(_of_errors(one, other))


def _of_errors(one: Answer, other: Answer) -> Iterator[str]:
    groups = [_by_null(answer) for answer in (one, other)]
    for place in groups[0].keys() | groups[1].keys():
        first, second = (group.get(place, Counter()) for group in groups)
        if not _agree(place, first, second):
            yield f"other errors at {list(place)}"


def _agree(null: Path, first: Counter[bytes], second: Counter[bytes]) -> bool:
    if first == second:
        return True
    if not first or not second:
        return False
    paths = [{_path(orjson.loads(error)) for error in errors} for errors in (first, second)]
    if null in paths[0] | paths[1]:
        return False  # it failed itself
    both = paths[0] & paths[1]
    shared = [{e: n for e, n in errors.items() if _path(orjson.loads(e)) in both} for errors in (first, second)]
    return shared[0] == shared[1]


def _by_null(answer: Answer) -> dict[Path, Counter[bytes]]:
    """The errors by the null that each has made of something in `data`."""
    groups: dict[Path, Counter[bytes]] = {}
    for error in answer.get("errors", ()):
        null = null_above(answer.get("data"), _path(error))
        groups.setdefault(null, Counter())[_bytes(error, orjson.OPT_SORT_KEYS)] += 1
    return groups


def null_above(data: Any, path: Path) -> Path:
    """As much of `path` as leads to a null; an error that leads to none is a fault whoever tells it."""
    for length, step in enumerate(path):
        if data is None:
            return path[:length]
        data = data[step]
    assert data is None, f"an error at {list(path)}, where there is a value"
    return path


def _path(error: Mapping[str, Any]) -> Path:
    return tuple(error.get("path") or ())


def _bytes(value: Any, option: int = 0) -> bytes:
    return orjson.dumps(value, option=option)
