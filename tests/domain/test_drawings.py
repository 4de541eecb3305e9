"""A drawing is taken as it is described, and nothing else: what is wrong is named by its path."""

import contextlib
import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.drawings import BYTES, ITEMS, POINTS, drawing
from domain.errors import Invalid

LINE = {"color": "#ff0000", "width": 0.01}
STROKE = {"kind": "stroke", "points": [[0, 0], [1, 0.5]], **LINE}
ARROW = {"kind": "arrow", "from": [0.1, 0.2], "to": [0.3, 0.4], **LINE}
WORDS = {"kind": "text", "at": [0.5, 0.5], "text": "Brighter", "color": "#ffffff", "size": 0.05}


def of(*items: Any, **more: Any) -> dict[str, Any]:
    return {"version": 1, "items": list(items), **more}


def path_of(given: Any) -> tuple[str, ...]:
    with pytest.raises(Invalid) as refused:
        drawing(given)
    return refused.value.path


def test_each_kind_is_taken():
    shapes = [{**ARROW, "kind": kind} for kind in ("line", "arrow", "rectangle", "ellipse")]
    assert drawing(of(STROKE, *shapes, WORDS)) == of(STROKE, *shapes, WORDS)


def test_it_is_brought_into_one_form():
    kept = drawing(of({**STROKE, "color": "#FF00aB", "points": [[1 / 3, True + 0.0]]}, {**WORDS, "text": "  a \n b "}))
    assert kept["items"][0]["points"] == [[0.3333, 1.0]]
    assert kept["items"][0]["color"] == "#ff00ab"
    assert kept["items"][1]["text"] == "a b"
    assert drawing(kept) == kept


@pytest.mark.parametrize(
    ("given", "path"),
    [
        (None, ()),
        ([], ()),
        ({}, ("items",)),
        ({"version": 2, "items": [STROKE]}, ("version",)),
        ({"version": True, "items": [STROKE]}, ("version",)),
        (of(), ("items",)),
        (of(STROKE, more=1), ("more",)),
        (of(7), ("items", "0", "kind")),
        (of(STROKE, {**STROKE, "kind": "spray"}), ("items", "1", "kind")),
        (of({**STROKE, "kind": []}), ("items", "0", "kind")),
        (of({**STROKE, "href": "javascript:"}), ("items", "0", "href")),
        (of({name: value for name, value in STROKE.items() if name != "width"}), ("items", "0", "width")),
        (of({**STROKE, "points": []}), ("items", "0", "points")),
        (of({**STROKE, "points": "[[0, 0]]"}), ("items", "0", "points")),
        (of({**STROKE, "points": [[0, 0], [0]]}), ("items", "0", "points", "1")),
        (of({**STROKE, "points": [[0, 1.01]]}), ("items", "0", "points", "0", "1")),
        (of({**STROKE, "points": [[-0.1, 0]]}), ("items", "0", "points", "0", "0")),
        (of({**STROKE, "points": [[float("nan"), 0]]}), ("items", "0", "points", "0", "0")),
        (of({**STROKE, "points": [[float("inf"), 0]]}), ("items", "0", "points", "0", "0")),
        (of({**STROKE, "points": [["0", 0]]}), ("items", "0", "points", "0", "0")),
        (of({**STROKE, "points": [[True, 0]]}), ("items", "0", "points", "0", "0")),
        (of({**STROKE, "color": "red"}), ("items", "0", "color")),
        (of({**STROKE, "color": "#12345٣"}), ("items", "0", "color")),
        (of({**STROKE, "width": 0}), ("items", "0", "width")),
        (of({**STROKE, "width": 0.2}), ("items", "0", "width")),
        (of({**WORDS, "text": ""}), ("items", "0", "text")),
        (of({**WORDS, "text": "x" * 201}), ("items", "0", "text")),
        (of({**WORDS, "text": "a\0"}), ("items", "0", "text")),
        (of({**WORDS, "size": 1}), ("items", "0", "size")),
        (of(*[STROKE] * (ITEMS + 1)), ("items",)),
        (of({**STROKE, "points": [[0, 0]] * (POINTS + 1)}), ("items",)),
        (of(*[{**STROKE, "points": [[0, 0]] * (POINTS // 2)}] * 3), ("items",)),
        (of(*[{**WORDS, "text": "映" * 200}] * ITEMS), ()),
    ],
    ids=lambda value: str(value)[:60] if isinstance(value, tuple) else "",
)
def test_what_is_none_is_refused_by_its_path(given, path):
    assert path_of(given) == ("drawing", *path)


anything = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)
members = st.sampled_from(["kind", "points", "from", "to", "at", "text", "color", "width", "size"])


@given(anything | st.builds(of, st.dictionaries(members, anything, max_size=9)))
def test_whatever_comes_is_taken_or_refused(given):
    """Nothing else is raised, and what is taken is taken again as it is."""
    with contextlib.suppress(Invalid):
        kept = drawing(given)
        assert drawing(kept) == kept
        assert len(json.dumps(kept)) <= BYTES


def test_the_most_there_may_be_is_taken():
    full = of(*[{**STROKE, "points": [[0.1234, 0.9876]] * (POINTS // ITEMS)}] * (ITEMS // 2))
    assert drawing(full) == full


@pytest.mark.parametrize(
    "bomb",
    [
        of(*[STROKE] * 10**6),
        of({**STROKE, "points": [[0, 0]] * 10**6}),
        of({**STROKE, "points": [[[[[]]]]] * 10**6}),
        of({**WORDS, "text": "x" * 10**7}),
        of(*[{**STROKE, "color": "#" * 10**6}]),
        {"version": 1, **{str(n): n for n in range(10**5)}},
    ],
    ids=["strokes", "points", "nested", "text", "color", "members"],
)
def test_a_bomb_is_refused_at_once(bomb):
    began = time.process_time()
    assert path_of(bomb)[0] == "drawing"
    assert time.process_time() - began < 0.5
