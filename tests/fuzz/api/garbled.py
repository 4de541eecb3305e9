"""Bytes and JSON that are hardly what they ought to be."""

import json
from functools import cache
from typing import Any

from hypothesis import strategies as st

from local.client import document, operation_names

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=30)
"""Lone surrogates, too."""
NUMBERS = st.integers(-(2**70), 2**70) | st.floats() | st.sampled_from([0, -0.0, 2**53, 2**63, 2**64, 1e308, -1])
ANY_JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | NUMBERS | ANY_TEXT,
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(ANY_TEXT, inside, max_size=4),
    max_leaves=8,
)
PIECES = (
    "{", "}", "(", ")", "[", "]", ":", "!", "...", "$", "@", "=", "|", "&", '"', '"""', "#", "\\", ",", "\r", "\0",
    "\ufeff", "on", "fragment F on Query {viewer {id}}", "...F", "query", "mutation", "subscription", "__typename",
    "__schema {types {name}}", "@skip(if: $x)", "@include(if: 5)", "@defer", "@stream", "1e999", "-0", "0xZ",
    "\\u{110000}", '"\\ud800"', "null", "🎬", "$x: Int = ",
)  # fmt: skip
"""Of documents."""
BITS = (
    b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xc3\x28", b"\\ud800", b"\\u0000", b"NaN", b"-", b"1e999", b"9" * 400, b'"',
    b"{", b"]", b":", b",", b" ", b"\n", b"null", b"[" * 3000, b'{"a":' * 1500, b"//", b"'",
)  # fmt: skip
"""Of JSON."""
OPERATION_NAMES = st.sampled_from(["Viewer", "Video", "", "Nope"])
HUGE = "{viewer" * 400
DEEP = ("{" * 2000, "[" * 2000, "{a(b:" + "[" * 1500, HUGE, "{viewer{id " + "a:id " * 3000 + "}}", "#" * 20_000)


@st.composite
def edited(draw: st.DrawFn, of: st.SearchStrategy[Any], pieces: tuple[Any, ...], most: int = 4) -> Any:
    """Text or bytes with some of it gone, doubled, or other pieces in between."""
    whole = draw(of)
    for _ in range(draw(st.integers(0, most))):
        begin = draw(st.integers(0, len(whole)))
        end = min(len(whole), begin + draw(st.integers(0, 12)))
        match draw(st.integers(0, 3)):
            case 0:
                whole = whole[:begin] + draw(st.sampled_from(pieces)) + whole[begin:]
            case 1:
                whole = whole[:begin] + whole[end:]
            case 2:
                whole = whole[:begin] + whole[begin:end] * draw(st.integers(1, 50)) + whole[end:]
            case _:
                whole = whole[:begin] if draw(st.integers(0, 3)) == 0 else whole[begin:]
    return whole


@cache
def documents() -> st.SearchStrategy[str]:
    """Of GraphQL, mostly with something wrong."""
    sound = st.sampled_from(["{viewer {id}}", "{__typename}", *map(document, operation_names())])
    pieces = st.lists(st.sampled_from(PIECES), max_size=12).map(" ".join)
    return edited(sound, PIECES) | pieces | st.sampled_from(DEEP) | ANY_TEXT


@cache
def requests() -> st.SearchStrategy[dict[str, Any]]:
    """The members of a GraphQL request, each of which may be of any type."""
    members = {"operationName": OPERATION_NAMES | ANY_JSON, "variables": _variables() | ANY_JSON, "id": ANY_JSON}
    members["extensions"] = _extensions() | ANY_JSON
    query = {"query": documents() | ANY_JSON}
    return st.fixed_dictionaries({}, optional=query | members) | formed_requests()


@cache
def formed_requests() -> st.SearchStrategy[dict[str, Any]]:
    """Such as have members of the right types, with anything in them."""
    members = {"operationName": OPERATION_NAMES | ANY_TEXT, "variables": _variables(), "extensions": _extensions()}
    return st.fixed_dictionaries({"query": documents()}, optional=members)


def _variables() -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from(["id", "input", "first", "x"]), ANY_JSON, max_size=3)


def _extensions() -> st.SearchStrategy[dict[str, Any]]:
    hashed = st.fixed_dictionaries({}, optional={"version": st.just(1) | ANY_JSON, "sha256Hash": ANY_JSON})
    others = dict.fromkeys(("position", "lastEventId", "idempotencyKey"), st.just(0) | ANY_JSON)
    return st.fixed_dictionaries({}, optional={"persistedQuery": hashed | ANY_JSON, **others})


def as_json(value: Any) -> bytes:
    """As careless programs write it: with NaN, and with surrogates in escapes."""
    return json.dumps(value).encode()


@cache
def bodies() -> st.SearchStrategy[bytes]:
    """Of POST: bytes, what looks like JSON, JSON of other shapes, sound requests with garbled documents."""
    sound = requests().map(as_json)
    encodings = st.sampled_from(["utf-16", "utf-32", "latin-1", "utf-7", "utf-8-sig"])
    others = st.tuples(st.just('{"query": "{viewer {id}}", "operationName": "ä"}'), encodings)
    return st.one_of(
        sound,
        edited(sound, BITS),
        ANY_JSON.map(as_json),
        st.binary(max_size=60),
        others.map(lambda drawn: drawn[0].encode(drawn[1])),
        st.sampled_from([b"", b"null", b"1", b"[" * 50_000, b'{"query":' * 9000, b'"' + b"\\u0000" * 900]),
    )
