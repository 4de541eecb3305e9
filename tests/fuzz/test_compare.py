"""The comparison itself: what it takes for the same, and what it does not."""

from typing import Any

import pytest

from tests.fuzz.compare import differences


def error(*path: Any, message: str = "no", line: int = 1) -> dict[str, Any]:
    return {"message": message, "path": list(path), "locations": [{"line": line, "column": 1}]}


def answer(data: Any, *errors: dict[str, Any]) -> dict[str, Any]:
    return {"data": data, "errors": list(errors)} if errors else {"data": data}


BUBBLED = {"team": None}
FAILED = {"team": {"a": None, "b": None}}
SAME = [
    (answer({"a": 1}), answer({"a": 1})),
    (answer(FAILED, error("team", "a"), error("team", "b")), answer(FAILED, error("team", "b"), error("team", "a"))),
    (answer(BUBBLED, error("team", "a")), answer(BUBBLED, error("team", "b"))),
    (answer(BUBBLED, error("team", "a"), error("team", "b")), answer(BUBBLED, error("team", "b"))),
    (answer(None, error("team", "a")), answer(None, error("video", "b"))),
    ({"errors": [error()]}, {"errors": [error()]}),
]
OTHER = [
    (answer({"a": 1, "b": 2}), answer({"b": 2, "a": 1})),
    (answer({"a": 1}), answer({"a": 1.0})),
    (answer({"a": None}), answer({})),
    (answer({"a": None}, error("a")), answer({"a": None})),
    (answer({"a": None}, error("a")), answer({"a": None}, error("a"), error("a"))),
    (answer({"a": None}, error("a")), answer({"a": None}, error("a", message="other"))),
    (answer({"a": None}, error("a")), answer({"a": None}, error("a", line=2))),
    (answer({"a": None}, error("a")), answer({"a": None}, error("a") | {"extensions": {}})),
    (answer(FAILED, error("team", "a")), answer(FAILED, error("team", "b"))),
    (answer(BUBBLED, error("team")), answer(BUBBLED, error("team", "a"))),
    (answer(BUBBLED, error("team", "a")), answer(BUBBLED, error("team", "a", message="other"))),
    (answer({"a": None, "b": None}, error("a", "x")), answer({"a": None, "b": None}, error("b", "x"))),
    (answer(None), {"errors": [error()]}),
]


@pytest.mark.parametrize(("one", "another"), SAME)
def test_the_same(one: Any, another: Any) -> None:
    assert differences(one, another) == differences(another, one) == []


@pytest.mark.parametrize(("one", "another"), OTHER)
def test_not_the_same(one: Any, another: Any) -> None:
    assert differences(one, another)
    assert differences(another, one)


def test_an_error_where_there_is_a_value_is_a_fault() -> None:
    wrong = answer({"a": 1}, error("a"))
    with pytest.raises(AssertionError, match="where there is a value"):
        differences(wrong, wrong)
