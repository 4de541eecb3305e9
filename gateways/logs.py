"""Logs: one JSON object a line for machines, or columns for people; the API and the workers write them alike."""

import json
import logging
import re
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Any, TextIO

import orjson
import structlog

from domain.traces import current
from gateways.privacy import HIDDEN, clean, told

Entry = MutableMapping[str, Any]

SECRETS = frozenset({"authorization", "cookie", "password", "password_hash", "secret", "secret_key", "token"})
"""Keys whose values never reach a log, at any depth."""
_PLAIN = {int, float, bool, datetime}
_LATER = {"exc_info", "_record"}
"""What becomes text, and is gone over, when the line is written."""
_SERVER = ("uvicorn.error", "uvicorn.access")
_LINE = re.compile(r"(?:\S+:\d+|None)")
"""A client's network address and port, as the server writes them before what was asked for."""
_OURS = (
    "app",
    "domain",
    "edge",
    "gateways",
    "live",
    "local",
    "media",
    "models",
    "plan",
    "resolvers",
    "schema",
    "workers",
)
_LEVELS_OF_OTHERS = {
    "arq": logging.WARNING,
    "botocore": logging.WARNING,
    "httpcore2": logging.WARNING,
    "httpx2": logging.WARNING,
    "opentelemetry": logging.CRITICAL,
    "tortoise": logging.WARNING,
}
"""OpenTelemetry says of each batch that it could not be sent; we say once that it cannot (`gateways.recording`)."""


def configure(level: str, *, people: bool) -> None:
    """Sets logging up for this process: structlog and the standard library write the same lines, to standard error.

    `level` is the name of the least level shown. What is bound in structlog's contextvars (the request id) is in
    every line.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        name_the_trace,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder(), hide_secrets],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(people=people)],
        )
    )
    # What others write below INFO are the messages themselves that they take and send, tokens and all.
    least = max(logging.INFO, logging.getLevelNamesMapping()[level])
    logging.basicConfig(handlers=[handler], level=least, force=True)
    sys.excepthook = _last_words
    for name in _OURS:
        logging.getLogger(name).setLevel(level)
    for name, higher in _LEVELS_OF_OTHERS.items():
        logging.getLogger(name).setLevel(max(higher, least))
    for name in _SERVER:
        logging.getLogger(name).addFilter(_without_addresses)
        logging.getLogger(name).setLevel(least)
    logging.getLogger("uvicorn").handlers.clear()  # which write lines of its own form
    logging.getLogger("uvicorn").propagate = True
    Plainly.straight = not people and logging.getLevelNamesMapping()[level] <= logging.INFO
    if people:
        _through_the_standard_library([*shared, hide_secrets])
    else:
        _straight_out(level, [*shared[:-1], _stamp, hide_secrets, _TELL, _line])


class Plainly:
    """A logger for the lines that every request writes: a sixth of what structlog takes for one.

    Their fields are ours, and hold no secret. Who says which `request_id` it is has bound nothing else in contextvars,
    where to look takes as long as to write the line.
    """

    straight = False
    """Whether lines go straight out: into logs for machines, where these are not too fine."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._log = structlog.get_logger(name)

    def info(self, event: str, **fields: Any) -> None:
        """Writes a line, as structlog would."""
        if not self.straight:
            self._log.info(event, **fields)
            return
        bound = {} if "request_id" in fields else structlog.contextvars.get_contextvars()
        said: Entry = {**bound, "event": event, **fields}
        name_the_trace(None, "info", said)
        said.update(level="info", logger=self._name, timestamp=datetime.now(UTC))
        sys.stderr.buffer.write(_line(None, "info", said) + b"\n")
        sys.stderr.buffer.flush()


def _last_words(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """What ends a process goes the way of all else: Python would write it down whole."""
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
    else:
        logging.getLogger("process").critical("the process has failed", exc_info=error)


def _without_addresses(record: logging.LogRecord) -> bool:
    """Cuts the addresses in a server's line where their query begins: whoever asks wrongly may show a secret there.

    Nor does it say who asks.
    """
    record.__dict__.pop("color_message", None)  # the same once more, for a terminal
    if isinstance(record.args, tuple):
        record.args = tuple(_cut(part) if isinstance(part, str) else part for part in record.args)
    return True


def _cut(part: str) -> str:
    return "client" if _LINE.fullmatch(part) else part.partition("?")[0]


def _through_the_standard_library(processors: list[structlog.types.Processor]) -> None:
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def _straight_out(level: str, processors: list[structlog.types.Processor]) -> None:
    """Every request writes a line: the way through the standard library takes five times as long."""
    structlog.configure(
        processors=processors,
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        wrapper_class=structlog.make_filtering_bound_logger(level),
        cache_logger_on_first_use=True,
    )


def _stamp(_logger: Any, _method: str, entry: Entry) -> Entry:
    """The time as orjson will write it, which is how structlog's own stamp looks."""
    entry["timestamp"] = datetime.now(UTC)
    return entry


def name_the_trace(_logger: Any, _method: str, entry: Entry) -> Entry:
    """A structlog processor: what is written where something is traced says in which trace."""
    span = current()
    if span is not None:
        entry["trace_id"] = span.trace_id
    return entry


def hide_secrets(logger: Any, method: str, entry: Entry) -> Entry:
    """A structlog processor: replaces the values of `SECRETS`, in nested objects and lists too, and all like them."""
    del logger, method
    return {
        key: value if key in _LATER or (value.__class__ in _PLAIN and not _names_a_secret(key)) else _hidden(key, value)
        for key, value in entry.items()
    }


def _hidden(key: Any, value: Any) -> Any:
    if isinstance(key, str) and _names_a_secret(key):
        return HIDDEN
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, BaseException):
        return clean(str(value))
    if isinstance(value, dict):
        return {inner: _hidden(inner, item) for inner, item in value.items()}
    if isinstance(value, list):
        return [_hidden(None, item) for item in value]
    if isinstance(value, tuple):  # and stays one: what the standard library says of an exception is a tuple
        return tuple(_hidden(None, item) for item in value)
    return value


@lru_cache(maxsize=1000)
def _names_a_secret(key: str) -> bool:
    return key.lower().replace("-", "_") in SECRETS


def _renderers(*, people: bool) -> list[structlog.types.Processor]:
    if people:
        # Plain tracebacks: the pretty ones show the values of local variables, secrets included.
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_tell_people)]
    return [_TELL, structlog.processors.JSONRenderer(_json)]


def _tell_people(out: TextIO, exc_info: Any) -> None:
    out.write("\n" + told(exc_info))


_TELL = structlog.processors.ExceptionRenderer(told)


def _json(entry: Entry, **_: Any) -> str:
    return _line(None, "", entry).decode()


def _line(_logger: Any, _method: str, entry: Entry) -> bytes:
    try:
        return orjson.dumps(entry, default=_shown, option=orjson.OPT_UTC_Z)
    except TypeError:  # half a character, or a number beyond 64 bits: rare, and a line must never fail
        return json.dumps(entry, default=_shown).encode()


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else clean(str(value))
