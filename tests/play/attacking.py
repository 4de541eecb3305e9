"""A hostile client: `python -m tests.play.attacking URL KIND TOKEN` attacks until it is ended."""

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import count
from threading import Thread

from tests.play.bad_bodies import JSON, VARIABLES
from tests.play.bad_documents import DEEP, LEXED, WIDE
from tests.play.bad_heads import HEADERS, WIRE
from tests.play.floods import HANDSHAKE, INIT, completed, subscribed
from tests.play.judging import line
from tests.play.sending import Attacks, from_address

REQUESTS: Mapping[str, Attacks] = {
    "documents": {**LEXED, **DEEP, **WIDE},
    "bodies": {**JSON, **VARIABLES},
    "heads": {**HEADERS, **WIRE},
}
AT_ONCE = 2
ADDRESS = "203.0.113.66"


def attack(url: str, requests: Iterator[bytes]) -> None:
    """One after the other, each on a connection of its own: some are cut off."""
    for request in requests:
        with suppress(OSError), line(url) as opened:
            opened.ask(from_address(request, ADDRESS))


def endless(attacks: Attacks, begin: int) -> Iterator[bytes]:
    for number in count(begin, AT_ONCE):
        yield from (each.made(number) for each in attacks.values())


def flood(url: str) -> None:
    """As many operations, begun and ended at once, as a socket may have, again and again."""
    operations = b"".join(subscribed(number) + completed(number) for number in range(400))
    while True:
        with suppress(OSError), line(url) as opened:
            opened.socket.sendall(from_address(HANDSHAKE, ADDRESS) + INIT)
            opened.file.readline()
            opened.socket.sendall(operations + subscribed(0) + subscribed(0))  # twice the same is the end
            opened.file.read()


def main(url: str, kind: str) -> None:
    """Begins, says so, and goes on."""
    work: list[Callable[[], None]]
    if kind == "sockets":
        work = [lambda: flood(url)] * AT_ONCE
    else:
        work = [lambda begin=begin: attack(url, endless(REQUESTS[kind], begin)) for begin in range(AT_ONCE)]
    for each in work:
        Thread(target=each, daemon=True).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:3])
