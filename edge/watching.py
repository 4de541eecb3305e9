"""Each operation as it runs: a span of its trace, and a line in the log where it was slow."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import Token
from time import monotonic, perf_counter
from types import TracebackType
from typing import Any, Self

import structlog
from graphql import GraphQLSchema, OperationType

from domain.tally import Tally, counted
from domain.traces import Kind, current, part
from edge.redaction import redacted
from plan.codes import RequestCode
from plan.manifest import hash_of
from plan.requests import Operation

log = structlog.get_logger("edge.watching")
Observe = Callable[[OperationType, str], None]
LONGEST_NAME = 100
LINES, LINES_SECONDS = 10, 10.0
"""Most slow operations that are written down, and in which time: when all is slow, no log shall make it slower."""
_FAULTS: frozenset[str] = frozenset({RequestCode.INTERNAL, RequestCode.TIMEOUT})


class Stopwatch:
    """Watches the operations of one process. `slow_ms` is from when on one is slow; 0: none is."""

    def __init__(self, schema: GraphQLSchema, slow_ms: int) -> None:
        self._schema = schema
        self._slow_seconds = slow_ms / 1000
        self._began = monotonic()
        self._lines = self._unwritten = 0

    def over(self, operation: Operation) -> AbstractContextManager[Watched | None]:
        """To be held while the operation runs."""
        if not self._slow_seconds and current() is None:
            return _NOTHING
        return Watched(self, operation)

    def noted(self, operation: Operation, seconds: float, tally: Tally) -> None:
        """The operation has taken so long."""
        if 0 < self._slow_seconds <= seconds and self._may_write():
            self._write(operation, seconds, tally)

    def _may_write(self) -> bool:
        now = monotonic()
        if now - self._began >= LINES_SECONDS:
            self._began, self._lines = now, 0
        self._lines += 1
        if self._lines > LINES:
            self._unwritten += 1
        return self._lines <= LINES

    def _write(self, operation: Operation, seconds: float, tally: Tally) -> None:
        more = {"unwritten": self._unwritten} if self._unwritten else {}
        self._unwritten = 0
        log.warning(
            "operation.slow",
            operation=_name(operation),
            kind=operation.kind.value,
            document=hash_of(operation.request.query),
            ms=_ms(seconds),
            database_ms=_ms(tally.seconds),
            statements=tally.statements,
            way=tally.way,
            variables=redacted(self._schema, operation),
            **more,
        )


class Watched:
    """One operation while it runs."""

    __slots__ = ("_began", "_operation", "_span", "_tally", "_token", "_watch")

    def __init__(self, watch: Stopwatch, operation: Operation) -> None:
        self._watch = watch
        self._operation = operation
        self._tally = Tally()
        self._token: Token[Tally | None]

    def __enter__(self) -> Self:
        self._span = _NOTHING if current() is None else _part(self._operation)
        self._span.__enter__()
        self._token = counted.set(self._tally)
        self._began = perf_counter()
        return self

    def answered(self, answer: Mapping[str, Any]) -> None:
        """What it came to: faults of ours are told, whatever a client has got wrong is not."""
        span = current()
        if span is not None:
            codes = {error.get("extensions", {}).get("code") for error in answer.get("errors", ())}
            if faults := sorted(codes & _FAULTS):
                span.fail(faults[0])

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        seconds = perf_counter() - self._began
        counted.reset(self._token)
        if (span := current()) is not None and self._tally.way:
            span.note({"graphql.way": self._tally.way})
        self._span.__exit__(kind, error, trace)
        self._watch.noted(self._operation, seconds, self._tally)


_NOTHING: AbstractContextManager[Any] = nullcontext()


def telling(observe: Observe) -> Observe:
    """Has the operation that runs know by which way it was answered, beside whoever is told of all."""

    def told(kind: OperationType, way: str) -> None:
        observe(kind, way)
        if (tally := counted.get()) is not None:
            tally.way = way

    return told


def _part(operation: Operation) -> AbstractContextManager[Any]:
    told = {"graphql.operation.type": operation.kind.value}
    if name := _name(operation):
        told["graphql.operation.name"] = name
    return part(operation.kind.value, Kind.INTERNAL, told)


def _name(operation: Operation) -> str:
    return operation.node.name.value[:LONGEST_NAME] if operation.node.name else ""


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 1)
