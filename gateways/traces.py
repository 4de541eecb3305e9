"""Traces for who collects them: OpenTelemetry, where an operator names an endpoint of OTLP over HTTP.

Without one none of its packages is imported, and no span is made.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from domain.traces import Tracer, Untraced

LAST_SECONDS = 2
"""How long the end of a process waits for its last spans."""


@contextmanager
def open_traces(endpoint: str | None, *, process: str, ratio: float) -> Iterator[Tracer]:
    """The tracer of a process (`api`, `relay` …), which records `ratio` (0–1) of all that is begun.

    `endpoint` is OTLP's base address, `http://collector:4318`. What else OpenTelemetry has variables for (headers,
    certificates, attributes of the resource) it reads itself.
    """
    if endpoint is None:
        yield Untraced()
        return
    from gateways.recording import Recording, provider_for

    provider = provider_for(endpoint, process)
    try:
        yield Recording(provider, ratio)
    finally:
        # It waits for half a minute by itself; the thread goes with the process.
        last = threading.Thread(target=provider.shutdown, daemon=True)
        last.start()
        last.join(LAST_SECONDS)
