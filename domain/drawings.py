"""What people draw on the picture: vectors over the frame as it is shown, checked and brought into one form.

A drawing is `{"version": 1, "items": [...]}`. The items lie over each other in their order, each with a `kind`:

- `stroke`: a line by hand, by its `points`, at least one: a dot;
- `line`, `arrow`, `rectangle`, `ellipse`: from the point `from` to the point `to` (an arrow's tip; opposite corners);
- `text`: words on one line, `text`, which begin at the point `at` and are as high as `size`.

A point is `[x, y]`, each from 0 to 1: of the picture's width from its left, of its height from its top. `color` is
`#rrggbb`. `width` (of lines) and `size` are shares of the picture's height, more than 0. Nothing else is taken, and
what one item lacks is a fault: whoever shows a drawing need not look whether it is sound.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from domain.errors import Invalid
from domain.quantities import Bytes
from domain.text import one_line

VERSION = 1
ITEMS, POINTS = 200, 3000
"""The most items, and the most points of all strokes together."""
TEXT = 200
"""Characters of a text on the picture."""
BYTES = 50_000
"""Of the whole, as JSON in UTF-8."""
WIDEST, TALLEST = 0.1, 0.5
"""The greatest width of a line and height of a text, as shares of the picture's height."""
_DECIMALS = 4
"""A ten-thousandth of a picture in 4K is less than half a pixel."""
_COLOR = re.compile(r"#[0-9a-f]{6}", re.ASCII)

Path = tuple[str, ...]
Member = Callable[[Any, Path], Any]
"""Takes a value and where it stands; answers it as it is kept, or raises Invalid."""


def drawing(given: object, *, path: Path = ("drawing",)) -> dict[str, Any]:
    """`given` as it is kept; Invalid, with the path of what is wrong, for anything that is no drawing.

    How much there is, is looked at before what it is: a million strokes are refused as quickly as none.
    """
    whole = _members(given, {"version", "items"}, path)
    if whole["version"] != VERSION or isinstance(whole["version"], bool):
        raise _unknown(path, "version")
    items = _list(whole["items"], ITEMS, (*path, "items"))
    points = sum(len(item["points"]) for item in items if isinstance(item, Mapping) and _has_points(item))
    if points > POINTS:
        raise Invalid("problem.too_many", path=(*path, "items"), most=POINTS)
    kept = {"version": VERSION, "items": [_item(item, (*path, "items", str(n))) for n, item in enumerate(items)]}
    if len(json.dumps(kept, ensure_ascii=False, separators=(",", ":")).encode()) > BYTES:
        raise Invalid("problem.drawing_bytes", path=path, most=Bytes(BYTES))
    return kept


def _has_points(item: Mapping[str, Any]) -> bool:
    return isinstance(item.get("points"), list)


def _item(given: object, path: Path) -> dict[str, Any]:
    kind = given.get("kind") if isinstance(given, Mapping) else None
    if not isinstance(kind, str) or kind not in _KINDS:
        raise _unknown(path, "kind")
    wanted = _KINDS[kind]
    item = _members(given, {"kind", *wanted}, path)
    return {"kind": kind, **{name: member(item[name], (*path, name)) for name, member in wanted.items()}}


def _members(given: object, names: set[str], path: Path) -> Mapping[str, Any]:
    """An object that has these members and no others."""
    if not isinstance(given, Mapping):
        raise _unknown(path)
    if wrong := sorted(given.keys() ^ names):
        raise _unknown(path, wrong[0][:50])
    return given


def _list(given: object, most: int, path: Path) -> list[Any]:
    if not isinstance(given, list) or not given:
        raise _unknown(path)
    if len(given) > most:
        raise Invalid("problem.too_many", path=path, most=most)
    return given


def _points(given: Any, path: Path) -> list[list[float]]:
    return [_point(point, (*path, str(n))) for n, point in enumerate(_list(given, POINTS, path))]


def _point(given: Any, path: Path) -> list[float]:
    if not isinstance(given, list) or len(given) != 2:
        raise _unknown(path)
    return [_share(part, (*path, str(n)), 0, 1) for n, part in enumerate(given)]


def _share(given: Any, path: Path, least: float, most: float) -> float:
    """A number from `least` to `most`; what is not a number at all, such as NaN, lies nowhere."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not least <= given <= most:
        raise Invalid("problem.drawing_share", path=path, least=_told(least), most=_told(most))
    return round(float(given), _DECIMALS)


def _told(share: float) -> str:
    return f"{share:g}"


def _width(given: Any, path: Path) -> float:
    return _share(given, path, 10**-_DECIMALS, WIDEST)


def _size(given: Any, path: Path) -> float:
    return _share(given, path, 10**-_DECIMALS, TALLEST)


def _color(given: Any, path: Path) -> str:
    if not isinstance(given, str) or len(given) > 7 or not _COLOR.fullmatch(given.lower()):
        raise _unknown(path)
    return given.lower()


def _text(given: Any, path: Path) -> str:
    if not isinstance(given, str):
        raise _unknown(path)
    return one_line(given, path=path, most=TEXT)


def _unknown(path: Path, *part: str) -> Invalid:
    return Invalid("problem.drawing", path=(*path, *part))


_LINE: dict[str, Member] = {"color": _color, "width": _width}
_SPAN: dict[str, Member] = {"from": _point, "to": _point, **_LINE}
_KINDS: dict[str, dict[str, Member]] = {
    "stroke": {"points": _points, **_LINE},
    "line": _SPAN,
    "arrow": _SPAN,
    "rectangle": _SPAN,
    "ellipse": _SPAN,
    "text": {"at": _point, "text": _text, "color": _color, "size": _size},
}
