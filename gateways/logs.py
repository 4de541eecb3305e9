"""Logs: one JSON object a line for machines, or columns for people; the API and the workers write them alike."""

import json
import logging
import sys
from collections.abc import MutableMapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson
import structlog

Entry = MutableMapping[str, Any]

SECRETS = frozenset({"authorization", "cookie", "password", "password_hash", "secret", "secret_key", "token"})
"""Keys whose values never reach a log, at any depth."""
_HIDDEN = "[hidden]"
_PLAIN = {str, int, float, bool, datetime}
_TELLING_ADDRESSES = ("uvicorn.error", "uvicorn.access")
_LEVELS_OF_OTHERS = {"arq": logging.WARNING, "botocore": logging.WARNING, "tortoise": logging.WARNING}


def configure(level: str, *, people: bool) -> None:
    """Sets logging up for this process: structlog and the standard library write the same lines, to standard error.

    `level` is the name of the least level shown. What is bound in structlog's contextvars (the request id) is in
    every line.
    """
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
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
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name, least in _LEVELS_OF_OTHERS.items():
        logging.getLogger(name).setLevel(least)
    for name in _TELLING_ADDRESSES:
        logging.getLogger(name).addFilter(_without_queries)
    if people:
        _through_the_standard_library([*shared, hide_secrets])
    else:
        _straight_out(level, [*shared[:-1], _stamp, hide_secrets, structlog.processors.format_exc_info, _line])


def _without_queries(record: logging.LogRecord) -> bool:
    """Cuts the addresses in a server's line where their query begins: whoever asks wrongly may show a secret there."""
    if isinstance(record.args, tuple):
        record.args = tuple(part.partition("?")[0] if isinstance(part, str) else part for part in record.args)
    return True


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


def hide_secrets(logger: Any, method: str, entry: Entry) -> Entry:
    """A structlog processor: replaces the values of `SECRETS`, in nested objects and lists too."""
    del logger, method
    return {
        key: value if value.__class__ in _PLAIN and not _names_a_secret(key) else _hidden(key, value)
        for key, value in entry.items()
    }


def _hidden(key: Any, value: Any) -> Any:
    if isinstance(key, str) and _names_a_secret(key):
        return _HIDDEN
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
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(_json)]


def _json(entry: Entry, **_: Any) -> str:
    return _line(None, "", entry).decode()


def _line(_logger: Any, _method: str, entry: Entry) -> bytes:
    try:
        return orjson.dumps(entry, default=str, option=orjson.OPT_UTC_Z)
    except TypeError:  # half a character, or a number beyond 64 bits: rare, and a line must never fail
        return json.dumps(entry, default=_shown).encode()


def _shown(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
