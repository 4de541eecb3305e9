"""Tables of frames that were used lately are kept, within a bound of bytes."""

from domain.frame_tables import Listed, packed
from domain.ids import new_id
from models.frames import Lately


def test_what_was_used_last_is_kept_and_no_more_bytes_than_agreed() -> None:
    listed = Listed(packed(range(100)))
    lately = Lately(2 * listed.bytes + 1)
    first, second, third = [new_id() for _ in range(3)]
    for table_id in (first, second):
        assert lately.put(table_id, listed) is listed
        assert lately.put(table_id, listed) is listed
    assert (lately.bytes, lately.find(first)) == (2 * listed.bytes, listed)
    lately.put(third, listed)
    assert lately.bytes == 2 * listed.bytes
    assert [lately.find(each) for each in (first, second, third)] == [listed, None, listed]


def test_one_that_is_larger_than_all_of_it_is_answered_and_not_kept() -> None:
    listed, table_id = Listed(packed(range(100))), new_id()
    lately = Lately(listed.bytes - 1)
    assert lately.put(table_id, listed) is listed
    assert (lately.find(table_id), lately.bytes) == (None, 0)
