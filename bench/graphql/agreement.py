"""Before anything is measured: every contender must give the same answers, to who may see and to who may not."""

import http.client
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson

from bench.graphql.asking import OPERATIONS, Dialect, Operation
from bench.graphql.contenders import Running
from bench.graphql.load import body_of
from bench.graphql.targets import Target, Targets
from plan import decode_id

SAMPLE = 8
"""Targets of each operation that are compared."""
_NUMBERS = {"durationMs", "startMs"}  # PostGraphile writes bigints as strings


class Disagreement(Exception):
    """Two contenders gave different answers."""


def compare(servers: list[Running], targets: Targets) -> None:
    """Raises Disagreement where an answer differs from that of the first server, in a value or in the order of keys."""
    for name, operation in OPERATIONS.items():
        seen = targets.seen[name]
        chosen = [*seen[:: max(len(seen) // SAMPLE, 1)], *targets.unseen.get(name, [])]
        for target in chosen:
            _compare(servers, operation, target)


def _compare(servers: list[Running], operation: Operation, target: Target) -> None:
    first, *others = [(server.name, _answer(server, operation, target)) for server in servers]
    for name, answer in others:
        # As text: the order of the keys is a part of the answer.
        if orjson.dumps(answer) != orjson.dumps(first[1]):
            raise Disagreement(
                f"{operation.name} for {target.row_id}: {first[0]} and {name} differ.\n{_excerpt(first[1], answer)}"
            )


def _answer(server: Running, operation: Operation, target: Target) -> Any:
    dialect = server.contender.dialect
    data = orjson.loads(ask(server.port, operation.request(dialect, target)))["data"]
    if dialect is Dialect.POSTGRAPHILE:
        data = _as_ours(data)
    return _mended(data, _written if operation.writes else _read)


def ask(port: int, request: bytes) -> bytes:
    """The body of one answer."""
    head, _, body = request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    method, path, _ = first.split(" ")
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request(method, path, body or None, dict(line.split(": ", 1) for line in lines))
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    return body_of(f"HTTP/1.1 {response.status}\r\n\r\n".encode() + answer)


def _as_ours(data: dict[str, Any]) -> dict[str, Any]:
    """PostGraphile's own names, renamed."""
    if (added := data.get("addComment")) and "comment" in added:
        return {"addComment": added["comment"]}
    for video in ((data.get("team") or {}).get("videos") or {}).get("nodes", []):
        video["commentCount"] = video.pop("comments")["totalCount"]
    return data


def _mended(value: Any, mend: Callable[[str, Any], Any]) -> Any:
    if isinstance(value, dict):
        return {key: mend(key, _mended(item, mend)) for key, item in value.items() if key != "endCursor"}
    if isinstance(value, list):
        return [_mended(item, mend) for item in value]
    return value


def _read(key: str, value: Any) -> Any:
    """The same for what means the same: moments, enum members, and whole numbers."""
    if key == "createdAt":
        return datetime.fromisoformat(value)
    if key == "status":
        return value.upper()
    if key in _NUMBERS and isinstance(value, str):
        return int(value)
    return value


def _written(key: str, value: Any) -> Any:
    """What is new each time needs only be of its kind."""
    if key == "id" and decode_id(value)[0] == "Comment":
        return "a comment's"
    if key == "createdAt":
        datetime.fromisoformat(value)
        return "a moment"
    return _read(key, value)


def _excerpt(first: Any, other: Any) -> str:
    texts = [orjson.dumps(each).decode() for each in (first, other)]
    same = next((place for place, pair in enumerate(zip(*texts, strict=False)) if pair[0] != pair[1]), 0)
    begin = max(same - 200, 0)
    return "\n".join(f"  …{text[begin : same + 200]}…" for text in texts)
