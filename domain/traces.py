"""Traces: what was done for one request, in whatever process, as a tree of spans.

Here is what takes part in a trace, whoever keeps it (`gateways.traces`): where nothing is traced there is no span, and
to ask for a part of it costs a look. The text that goes from process to process is the `traceparent` of W3C Trace
Context.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from contextvars import ContextVar, Token
from enum import Enum
from typing import NamedTuple, Protocol

Attributes = Mapping[str, str | int | float | bool]
"""By the names of OpenTelemetry's semantic conventions. Never a value of a client's, a secret or an address."""

LONGEST = 55
"""Characters of a `traceparent`."""
_TRACEPARENT = re.compile(r"([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?", re.ASCII)


class Kind(Enum):
    """On which side of a call a span is."""

    INTERNAL = "internal"
    SERVER = "server"
    CLIENT = "client"
    CONSUMER = "consumer"


class Span(Protocol):
    """Something that is done, from its beginning to its end, and belongs to a trace."""

    @property
    def trace_id(self) -> str:
        """The trace's, in hex: by it log lines are found."""

    @property
    def traceparent(self) -> str:
        """What goes on from here elsewhere is told this."""

    def part(self, name: str, kind: Kind, attributes: Attributes) -> Span:
        """Begins a part of it."""

    def rename(self, name: str) -> None:
        """Calls it what it has turned out to be; one of few names, like all of them."""

    def note(self, attributes: Attributes) -> None:
        """Adds attributes."""

    def fail(self, error: str) -> None:
        """It has gone wrong; `error` is a kind of error. What errors say may hold what no trace shall."""

    def end(self) -> None:
        """It is over."""


class Tracer(Protocol):
    """Begins traces, and goes on with those that were begun elsewhere."""

    def begin(
        self, name: str, kind: Kind, attributes: Attributes, *, parent: object = None, stranger: bool = False
    ) -> Span | None:
        """A span that is the child of nothing here; None where it shall not be recorded.

        It goes on from `parent`, a `traceparent` or nothing. `stranger`s may choose anything, and get no more traced
        than others.
        """


class Untraced:
    """The tracer where nothing is traced."""

    def begin(
        self, name: str, kind: Kind, attributes: Attributes, *, parent: object = None, stranger: bool = False
    ) -> Span | None:
        """See `Tracer`."""
        del name, kind, attributes, parent, stranger
        return None


class Parent(NamedTuple):
    """Where a trace goes on from."""

    trace_id: int
    span_id: int
    sampled: bool

    @classmethod
    def parse(cls, text: object) -> Parent | None:
        """Out of a `traceparent`; None for whatever is none. Newer versions may have more behind."""
        match = _TRACEPARENT.fullmatch(text.strip()) if isinstance(text, str) and len(text) < 4 * LONGEST else None
        if match is None or match[1] == "ff" or (match[1] == "00" and match[5]):
            return None
        trace_id, span_id = int(match[2], 16), int(match[3], 16)
        return cls(trace_id, span_id, bool(int(match[4], 16) & 1)) if trace_id and span_id else None


_current: ContextVar[Span | None] = ContextVar("span", default=None)
_NOTHING: AbstractContextManager[None] = nullcontext()


def current() -> Span | None:
    """What is being done here, if that is traced."""
    return _current.get()


def traceparent() -> str | None:
    """Where to go on from, for what is done elsewhere."""
    span = _current.get()
    return None if span is None else span.traceparent


def within(span: Span | None) -> AbstractContextManager[Span | None]:
    """The span is the current one inside, and ends with the block; it has failed if that raises an Exception.

    Without one nothing is traced inside, whatever is around: what is served may have been begun in somebody else's
    context.
    """
    return _NOTHING if span is None and _current.get() is None else _Within(span)


def part(name: str, kind: Kind, attributes: Attributes) -> AbstractContextManager[Span | None]:
    """A part of what is being done here, where that is traced."""
    span = _current.get()
    return _NOTHING if span is None else _Within(span.part(name, kind, attributes))


class _Within:
    __slots__ = ("_span", "_token")

    def __init__(self, span: Span | None) -> None:
        self._span = span
        self._token: Token[Span | None]

    def __enter__(self) -> Span | None:
        self._token = _current.set(self._span)
        return self._span

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        _current.reset(self._token)
        if self._span is None:
            return
        if kind is not None and issubclass(kind, Exception):  # who has gone, and is cancelled, is at fault for nothing
            self._span.fail(kind.__qualname__)
        self._span.end()
