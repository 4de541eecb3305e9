"""What the product asks of whoever carries webhooks out of the house."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from domain.webhooks.addresses import DEFAULT_PORTS
from domain.webhooks.faults import Fault
from domain.webhooks.networks import Address

VERSION = "0.1.0"
"""Of the product, as `pyproject.toml` has it: what receivers see us by."""

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""Answers all addresses of a host's name, for a port. Raises OSError where there are none."""
Judge = Callable[[Address], bool]
"""Whether something may be sent to an address."""


@dataclass(frozen=True, slots=True)
class Rules:
    """Where it may be sent, and what an attempt may cost."""

    ports: frozenset[int] = DEFAULT_PORTS
    loopback: bool = False
    """Whether this machine itself may be sent to, by its own name or address, at any port, without TLS, too."""
    seconds: float = 10
    """How long an attempt may take, from the name to the answer. Waiting for a connection to be free does not count."""
    connections: int = 100
    """How many are open at the same time, those included that rest."""
    ca_file: Path | None = None
    """Who signs receivers' certificates (PEM), instead of those whom the system trusts."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A delivery: `body` is JSON, and goes by POST."""

    url: str
    body: bytes
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of an attempt. It has succeeded if there is no `fault`: the status is then 2xx.

    `excerpt` is the beginning of the answer's body, at most 1 KiB, as text that PostgreSQL stores. `retry_after` is how
    long the receiver asks us to wait, whatever the status. `address` is where it was sent, if it came to that.
    """

    status: int | None
    fault: Fault | None
    excerpt: str
    duration_ms: int
    retry_after: timedelta | None
    address: str | None


class Sender(Protocol):
    """Carries deliveries."""

    async def send(self, request: Outgoing) -> Answer:
        """Try once. Whatever the receiver does, it ends as an Answer; cancelling it ends the connection."""
        ...
