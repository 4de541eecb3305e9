"""What is kept of an answer, and which fault an error is."""

import re
import socket
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from aiohttp import (
    ClientConnectionResetError,
    ClientConnectorCertificateError,
    ClientConnectorDNSError,
    ClientConnectorError,
    ClientPayloadError,
    ClientResponseError,
    ServerDisconnectedError,
)
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong

from domain.webhooks.faults import Fault
from gateways.outbound.connecting import AnswerTooLong
from gateways.outbound.resolving import AddressRefused

EXCERPT_BYTES = 1024
LONGEST_WAIT = timedelta(days=1)
"""Whoever asks for more is understood to ask for this."""

_UNSEEN = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_SECONDS = re.compile(r"[0-9]{1,9}")


def excerpt(body: bytes) -> str:
    """The beginning of a body, as text for people and for PostgreSQL: what cannot be written becomes U+FFFD."""
    return _UNSEEN.sub("\ufffd", body[:EXCERPT_BYTES].decode(errors="replace"))


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long a receiver asks to wait (RFC 9110, 10.2.3: seconds, or a date), 0 to a day; None if it does not."""
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return min(timedelta(seconds=int(text)), LONGEST_WAIT)
    try:
        until = parsedate_to_datetime(text)
        wait = (until if until.tzinfo else until.replace(tzinfo=UTC)) - now
    except (ValueError, OverflowError, TypeError):
        return None
    return max(timedelta(0), min(wait, LONGEST_WAIT))


def fault_of_status(status: int) -> Fault | None:
    """What is wrong with a status; None for success."""
    if 200 <= status < 300:
        return None
    if status == 410:
        return Fault.GONE
    return Fault.REDIRECTED if 300 <= status < 400 else Fault.BAD_STATUS


def fault_of(error: Exception) -> Fault:
    """Which fault it was that aiohttp, or the system below it, tells of by an error."""
    if isinstance(error, ClientConnectorError) and isinstance(error.os_error, AddressRefused):
        return Fault.ADDRESS_REFUSED
    for kinds, fault in _FAULTS:
        if isinstance(error, kinds):
            return fault
    if isinstance(error, ClientConnectorError):
        return _fault_of_connecting(error.os_error)
    if isinstance(error, ClientResponseError):
        return _fault_of_answer(error.__cause__)
    return Fault.CONNECTION_LOST if isinstance(error, OSError) else Fault.ANSWER_MALFORMED


_FAULTS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], Fault], ...] = (
    (TimeoutError, Fault.TIMEOUT),
    (AnswerTooLong, Fault.HEADERS_TOO_LARGE),
    (ClientConnectorCertificateError, Fault.CERTIFICATE_REFUSED),
    ((ClientConnectorDNSError, socket.gaierror), Fault.NAME_UNKNOWN),
    ((ServerDisconnectedError, ClientConnectionResetError, ClientPayloadError), Fault.CONNECTION_LOST),
)


def _fault_of_connecting(error: OSError) -> Fault:
    if isinstance(error, ssl.SSLError):
        return Fault.TLS_FAILED
    if isinstance(error, ConnectionRefusedError):
        return Fault.CONNECTION_REFUSED
    return Fault.CONNECTION_LOST if isinstance(error, ConnectionResetError) else Fault.UNREACHABLE


def _fault_of_answer(error: BaseException | None) -> Fault:
    """What the parser did not like; aiohttp tells it by the error below the error."""
    while error is not None:
        if isinstance(error, LineTooLong) or (
            isinstance(error, BadHttpMessage) and "Too many headers" in error.message
        ):
            return Fault.HEADERS_TOO_LARGE
        error = error.__cause__
    return Fault.ANSWER_MALFORMED
