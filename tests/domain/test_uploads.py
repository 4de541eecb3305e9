"""The arithmetic of parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.uploads import (
    LEAST_PART_BYTES,
    MIB,
    MOST_PART_BYTES,
    MOST_PARTS,
    Part,
    PartFault,
    PartFinding,
    check_parts,
    part_count,
    part_size,
    part_sizes,
)

TB = 1024**4


@given(size=st.integers(0, 40 * TB), least=st.integers(1, 100 * MIB))
def test_every_size_fits_the_limits(size, least):
    part_bytes = part_size(size, least)
    assert max(least, LEAST_PART_BYTES) <= part_bytes <= MOST_PART_BYTES
    assert part_bytes % MIB == 0
    sizes = part_sizes(size, part_bytes)
    assert sum(sizes) == size
    assert len(sizes) == part_count(size, part_bytes) <= MOST_PARTS
    assert set(sizes[:-1]) <= {part_bytes}
    assert 0 <= sizes[-1] <= part_bytes


def test_part_sizes_at_their_edges():
    assert part_sizes(0, 10) == [0]
    assert part_sizes(10, 10) == [10]
    assert part_sizes(11, 10) == [10, 1]
    assert part_size(16 * MIB * MOST_PARTS, 16 * MIB) == 16 * MIB
    assert part_size(16 * MIB * MOST_PARTS + 1, 16 * MIB) == 17 * MIB
    assert part_size(0, 1) == LEAST_PART_BYTES


@pytest.mark.parametrize("size", [-1, MOST_PARTS * MOST_PART_BYTES + 1])
def test_impossible_sizes_are_refused(size):
    with pytest.raises(ValueError, match=r"size|larger"):
        part_size(size, LEAST_PART_BYTES)


def test_parts_as_agreed_give_no_finding():
    assert check_parts([5, 3], {1: "AA", 2: "bb"}, [Part(2, 3, "bb"), Part(1, 5, "aa")]) == []
    assert check_parts([5, 3], None, [Part(2, 3, "bb"), Part(1, 5, "aa")]) == []


def test_each_fault_is_found():
    arrived = [Part(1, 4, "aa"), Part(3, 5, "cc"), Part(5, 5, "ee"), Part(4, 2, "dd")]
    assert check_parts([5, 5, 5, 2], {1: "aa", 3: "00", 9: "99"}, arrived) == [
        PartFinding(1, PartFault.WRONG_SIZE),
        PartFinding(2, PartFault.MISSING),
        PartFinding(3, PartFault.WRONG_CHECKSUM),
        PartFinding(4, PartFault.UNPROMISED),
        PartFinding(5, PartFault.UNEXPECTED),
        PartFinding(9, PartFault.UNEXPECTED),
    ]
