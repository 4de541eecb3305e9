"""Arithmetic of uploads in parts, within the limits of S3's multipart uploads."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

MIB = 1024**2
LEAST_PART_BYTES = 5 * MIB
"""S3 refuses a smaller part, unless it is the last."""
MOST_PART_BYTES = 5 * 1024 * MIB
MOST_PARTS = 10_000


@dataclass(frozen=True, slots=True)
class Part:
    """A part that has arrived: its number (from 1), its size in bytes and its MD5 in lower-case hexadecimal."""

    number: int
    size: int
    checksum: str


class UploadState(StrEnum):
    """Where an upload stands."""

    OPEN = "open"
    COMPLETED = "completed"
    DISCARDED = "discarded"


class PartFault(StrEnum):
    """What can be wrong with a part."""

    MISSING = "missing"
    UNEXPECTED = "unexpected"
    WRONG_SIZE = "wrong_size"
    WRONG_CHECKSUM = "wrong_checksum"
    UNPROMISED = "unpromised"


@dataclass(frozen=True, slots=True)
class PartFinding:
    """One part and what is wrong with it."""

    number: int
    fault: PartFault


def part_size(size: int, least: int) -> int:
    """The bytes of every part but the last.

    The smallest whole number of MiB that is no less than `least`, and with which `size` bytes fit into 10,000 parts.
    Raises ValueError for a negative size and for one that no part size of S3 can carry.
    """
    if size < 0:
        raise ValueError("A file cannot have a negative size.")
    wanted = max(least, LEAST_PART_BYTES, _divide_up(size, MOST_PARTS))
    rounded = _divide_up(wanted, MIB) * MIB
    if rounded > MOST_PART_BYTES:
        raise ValueError(f"Parts of {rounded} bytes are larger than S3 takes.")
    return rounded


def part_count(size: int, part_bytes: int) -> int:
    """How many parts carry `size` bytes. An empty file is one empty part, since an upload without parts cannot end."""
    return max(1, _divide_up(size, part_bytes))


def part_sizes(size: int, part_bytes: int) -> list[int]:
    """The size in bytes of each part, in order: all the same but the last."""
    count = part_count(size, part_bytes)
    return [part_bytes] * (count - 1) + [size - part_bytes * (count - 1)]


def check_parts(
    expected: Sequence[int], promised: Mapping[int, str] | None, arrived: Iterable[Part]
) -> list[PartFinding]:
    """Compare what has arrived with what was agreed; an empty list means that the upload can be finished.

    `expected` holds the size of part 1, 2, …; `promised` the MD5 (hexadecimal, either case) of every part as the client
    has told it, or is None where only sizes are compared. One finding per part, ordered by its number.
    """
    by_number = {part.number: part for part in arrived}
    numbers = sorted(by_number.keys() | (promised or {}).keys() | set(range(1, len(expected) + 1)))
    faults = ((number, _fault(number, expected, promised, by_number.get(number))) for number in numbers)
    return [PartFinding(number, fault) for number, fault in faults if fault]


def _fault(
    number: int, expected: Sequence[int], promised: Mapping[int, str] | None, part: Part | None
) -> PartFault | None:
    if not 1 <= number <= len(expected):
        return PartFault.UNEXPECTED
    if part is None:
        return PartFault.MISSING
    if part.size != expected[number - 1]:
        return PartFault.WRONG_SIZE
    return None if promised is None else _wrong_promise(promised.get(number), part)


def _wrong_promise(promised: str | None, part: Part) -> PartFault | None:
    if promised is None:
        return PartFault.UNPROMISED
    return None if promised.lower() == part.checksum else PartFault.WRONG_CHECKSUM


def _divide_up(dividend: int, divisor: int) -> int:
    return -(-dividend // divisor)
