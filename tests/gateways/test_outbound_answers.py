"""What is kept of an answer, how long it asks to wait, and which fault an error is."""

import errno
import ssl
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import ClientConnectorError
from aiohttp.client_reqrep import ConnectionKey

from domain.webhooks.faults import Fault
from gateways.outbound.answers import LONGEST_WAIT, excerpt, fault_of, retry_after
from gateways.outbound.resolving import AddressRefused

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "wait"),
    [
        ("0", timedelta(0)),
        (" 120 ", timedelta(minutes=2)),
        ("999999999", LONGEST_WAIT),
        ("Sun, 29 Nov 2026 12:05:00 GMT", timedelta(minutes=5)),
        ("Sunday, 29-Nov-26 12:05:00 GMT", timedelta(minutes=5)),
        ("Sun Nov 29 12:05:00 2026", timedelta(minutes=5)),
        ("Sun, 29 Nov 2026 11:05:00 GMT", timedelta(0)),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_WAIT),
        ("Fri, 31 Dec 9999 23:59:59 -1200", LONGEST_WAIT),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("١٢", None),
        ("soon", None),
        ("9" * 400, None),
        ("Fri, 99 Dec 9999 99:99:99 GMT", None),
    ],
)
def test_how_long_a_receiver_asks_to_wait(said: str, wait: timedelta | None) -> None:
    assert retry_after({"Retry-After": said}, NOW) == wait


def test_an_excerpt_can_be_stored_and_shown() -> None:
    text = excerpt(bytes(range(256)) * 10)
    assert len(text) <= 1024
    assert text.encode()
    assert not {chr(code) for code in (*range(9), 11, 12, *range(14, 32), *range(127, 160))} & set(text)
    assert "\t" in text


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (OSError(errno.ENETUNREACH, "no way"), Fault.UNREACHABLE),
        (OSError(errno.EHOSTUNREACH, "no way"), Fault.UNREACHABLE),
        (OSError("several of several kinds"), Fault.UNREACHABLE),
        (OSError(errno.ECONNREFUSED, "no"), Fault.CONNECTION_REFUSED),
        (OSError(errno.ECONNRESET, "no"), Fault.CONNECTION_LOST),
        (ssl.SSLError(1, "no TLS"), Fault.TLS_FAILED),
        (AddressRefused("10.0.0.1"), Fault.ADDRESS_REFUSED),
    ],
)
def test_which_fault_it_is_that_nobody_was_reached(error: OSError, fault: Fault) -> None:
    key = ConnectionKey(
        "receiver.example", 443, is_ssl=True, ssl=True, proxy=None, proxy_auth=None, proxy_headers_hash=None
    )
    assert fault_of(ClientConnectorError(key, error)) is fault
