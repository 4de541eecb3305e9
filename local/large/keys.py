"""Ids and moments of the large library, computed from a row's place among its kind: it takes no database."""

from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import TypeAlias

import numpy as np
from asyncpg.pgproto.pgproto import UUID  # ten times as quick to make as the standard library's
from numpy.random import Generator
from numpy.typing import NDArray

Numbers: TypeAlias = NDArray[np.int64]

BEGIN = datetime(2024, 10, 1, tzinfo=UTC)
SPAN_MS = 2 * 365 * 86_400_000
"""Everything was made within this time after `BEGIN`."""
LASTING = datetime(2100, 1, 1, tzinfo=UTC)
"""What would perish ends here, so that no sweeper of a running product eats the data away."""
_SEED = 20_261_001
_SPREAD = 0x9E3779B97F4A7C15
"""The golden ratio in 64 bits, odd: multiplying by it reaches every number once, in what looks like no order."""


class Kind(IntEnum):
    """What an id is of, and whose random numbers are drawn."""

    USER = 1
    TEAM = 2
    MEMBER = 3
    SESSION = 4
    SIGN_UP = 5
    VIDEO = 6
    VERSION = 7
    COMMENT = 8
    JOB = 9
    UPLOAD = 10
    EVENT = 11
    API_KEY = 12


def generator(kind: Kind) -> Generator:
    """The random numbers of a kind: the same in every run, whatever the other kinds draw."""
    return np.random.default_rng([_SEED, kind])


def ids(kind: Kind, moments: Numbers) -> list[UUID]:
    """A UUIDv7 (RFC 9562, section 5.7) for each row: its milliseconds, its kind, its place put out of order."""
    since_1970 = moments.astype(np.uint64) + np.uint64(int(BEGIN.timestamp() * 1000))
    places = np.arange(1, len(moments) + 1, dtype=np.uint64) * np.uint64(_SPREAD)
    halves = np.empty((len(moments), 2), dtype=">u8")
    halves[:, 0] = (since_1970 << np.uint64(16)) | np.uint64(0x7000 | kind)
    halves[:, 1] = (places & np.uint64(2**62 - 1)) | np.uint64(2**63)
    raw = halves.tobytes()
    return [UUID(raw[place : place + 16]) for place in range(0, len(raw), 16)]


def moment(milliseconds: int) -> datetime:
    """The moment so many milliseconds after `BEGIN`."""
    return BEGIN + timedelta(milliseconds=milliseconds)


def evenly(count: int) -> Numbers:
    """So many moments at equal distances."""
    return np.linspace(0, SPAN_MS, count, endpoint=False).astype(np.int64)


def after(random: Generator, begins: Numbers) -> Numbers:
    """For each moment a later one, sooner rather than much later, within the span."""
    waits = random.random(len(begins)) ** 2 * (SPAN_MS - begins)
    later: Numbers = begins + waits.astype(np.int64)
    return later
