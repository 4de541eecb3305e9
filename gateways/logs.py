"""Logs: one JSON object a line for machines, or columns for people; the API and the workers write them alike."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

Entry = MutableMapping[str, Any]

SECRETS = frozenset({"authorization", "cookie", "password", "password_hash", "secret", "secret_key", "token"})
"""Keys whose values never reach a log, at any depth."""
_HIDDEN = "[hidden]"
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
        hide_secrets,
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared[:-1], structlog.stdlib.ExtraAdder(), hide_secrets],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_renderers(people=people)],
        )
    )
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for name, least in _LEVELS_OF_OTHERS.items():
        logging.getLogger(name).setLevel(least)


def hide_secrets(logger: Any, method: str, entry: Entry) -> Entry:
    """A structlog processor: replaces the values of `SECRETS`, in nested objects and lists too."""
    del logger, method
    return {key: _hidden(key, value) for key, value in entry.items()}


def _hidden(key: Any, value: Any) -> Any:
    if isinstance(key, str) and key.lower().replace("-", "_") in SECRETS:
        return _HIDDEN
    if isinstance(value, dict):
        return {inner: _hidden(inner, item) for inner, item in value.items()}
    if isinstance(value, list | tuple):
        return [_hidden(None, item) for item in value]
    return value


def _renderers(*, people: bool) -> list[structlog.types.Processor]:
    if people:
        # Plain tracebacks: the pretty ones show the values of local variables, secrets included.
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(default=str)]
