"""What goes out on a connection, and in how many pieces."""

import asyncio
from collections.abc import Iterable

from edge.wire import Together

HEAD, BODY = b"HTTP/1.1 200 OK\r\n\r\n", b"body"


class Plain:
    """A transport that remembers."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        assert not self.closed
        self.sent.append(data)

    def writelines(self, data: Iterable[bytes]) -> None:
        self.write(b"".join(data))

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def get_write_buffer_size(self) -> int:
        return 0


def pair() -> tuple[Plain, Together]:
    plain = Plain()
    return plain, Together(plain, asyncio.get_running_loop())  # type: ignore[arg-type]


async def test_head_and_body_go_together() -> None:
    plain, together = pair()
    together.write(HEAD)
    together.write(BODY)
    together.write(b"more")
    assert plain.sent == [HEAD + BODY, b"more"]
    await asyncio.sleep(0)
    assert plain.sent == [HEAD + BODY, b"more"]


async def test_a_head_does_not_wait_for_a_body_that_is_slow() -> None:
    plain, together = pair()
    together.write(HEAD)
    await asyncio.sleep(0)
    assert plain.sent == [HEAD]


async def test_nothing_is_kept_back_at_the_end() -> None:
    plain, together = pair()
    together.write(HEAD)
    together.close()
    assert plain.sent == [HEAD]
    assert together.is_closing()


async def test_answers_to_requests_sent_at_once_come_in_order() -> None:
    plain, together = pair()
    for _ in range(2):
        together.write(HEAD)
        together.write(BODY)
    assert b"".join(plain.sent) == 2 * (HEAD + BODY)


async def test_two_heads_without_a_body_both_go_out() -> None:
    plain, together = pair()
    together.write(HEAD)
    together.write(HEAD)
    await asyncio.sleep(0)
    assert b"".join(plain.sent) == 2 * HEAD
