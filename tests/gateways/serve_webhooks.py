"""A receiver of webhooks that does whatever the path says, over sockets: `python serve_webhooks.py '{"3": "", …}'`.

Its argument is a JSON object of listening file descriptors, each with the certificate that it shows, or with none.
"""

import contextlib
import gzip
import itertools
import json
import re
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

OK = b"HTTP/1.1 200 OK\r\n"
SENT_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
BOMB = gzip.compress(bytes(20 * 1024 * 1024))


class Caller:
    """Somebody who has connected, and what they have asked for so far over this connection."""

    open = 0
    hung_up = 0
    lock = threading.Lock()

    def __init__(self, line: socket.socket) -> None:
        self.line = line
        self.asked = 0
        self.head = b""
        self.body = b""
        self._unread = b""

    def requests(self) -> Iterator[str]:
        """The path of each request, once all of it has come."""
        while (end := self._unread.find(b"\r\n\r\n")) >= 0 or self._more():
            if end < 0:
                continue
            self.head, length = self._unread[:end], SENT_LENGTH.search(self._unread[:end])
            missing = end + 4 + (int(length[1]) if length else 0)
            while len(self._unread) < missing and self._more():
                pass
            self.body, self._unread = self._unread[end + 4 : missing], self._unread[missing:]
            self.asked += 1
            yield self.head.split(b" ")[1].decode().lstrip("/").partition("?")[0]

    def _more(self) -> bool:
        part = self.line.recv(65536)
        self._unread += part
        if self._unread.startswith(b"\x16\x03"):  # somebody speaks TLS, where there is none
            self.answer(b"", b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n")
            self.line.close()
        return bool(part)

    def say(self, data: bytes) -> None:
        self.line.sendall(data)

    def answer(self, body: bytes = b"", head: bytes = OK) -> None:
        self.say(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    def until_hung_up(self) -> None:
        with contextlib.suppress(OSError):
            while self.line.recv(65536):
                pass
        with Caller.lock:
            Caller.hung_up += 1


Way = Callable[[Caller], None]
WAYS: dict[str, Way] = {}


def way(answer: Way) -> Way:
    WAYS[answer.__name__] = answer
    return answer


def goes_on(line: Callable[[int], bytes], pause: float = 0) -> Callable[[Caller], None]:
    """Says one after the other, until nobody listens; `pause` seconds after each."""

    def say_on(caller: Caller) -> None:
        for number in itertools.count():
            caller.say(line(number))
            if pause:
                threading.Event().wait(pause)

    return say_on


def says(data: bytes, then: Way | None = None) -> Way:
    """Says it, goes on as `then`, and hangs up."""

    def say(caller: Caller) -> None:
        caller.say(data)
        (then or hang_up)(caller)

    return say


def hang_up(caller: Caller) -> None:
    caller.line.close()


def wait(caller: Caller) -> None:
    caller.until_hung_up()


def reset(caller: Caller) -> None:
    caller.line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    caller.line.close()


@way
def echo(caller: Caller) -> None:
    caller.answer(json.dumps({"head": caller.head.decode("latin-1"), "body": caller.body.decode()}).encode())


@way
def ok(caller: Caller) -> None:
    caller.answer(b"ok")


@way
def asked(caller: Caller) -> None:
    """How often over this connection."""
    caller.answer(b"%d" % caller.asked)


@way
def opened(caller: Caller) -> None:
    """How many connections there are."""
    caller.answer(b"%d" % Caller.open)


@way
def hung_up(caller: Caller) -> None:
    """How many of those who waited for an answer have gone without."""
    caller.answer(b"%d" % Caller.hung_up)


@way
def cookies(caller: Caller) -> None:
    caller.answer(b"", OK + b"Set-Cookie: kept=yes; Path=/\r\n")


@way
def last_answer(caller: Caller) -> None:
    """Promises to take more over this connection; the next time it hangs up instead."""
    if caller.asked == 1:
        caller.answer(b"first")
    else:
        reset(caller)


@way
def unasked(caller: Caller) -> None:
    """Answers, and says more that nobody has asked for."""
    caller.say(OK + b"Content-Length: 5\r\n\r\nasked" + b"HTTP/1.1 500 No\r\nContent-Length: 3\r\n\r\nnot")


WAYS |= {
    "silent": wait,
    "closes": hang_up,
    "resets": reset,
    "closes_in_head": says(OK + b"Content-Le"),
    "closes_in_body": says(OK + b"Content-Length: 100\r\n\r\nbegun"),
    "slow_head": says(OK, goes_on(lambda n: b"X-%d: slow\r\n" % n, 0.05)),
    "slow_body": says(OK + b"Content-Length: 100000\r\n\r\n", goes_on(lambda n: b"drip", 0.05)),
    "stuck_body": says(OK + b"Content-Length: 100\r\n\r\nbegun", wait),
    "endless_body": says(OK + b"\r\n", goes_on(lambda n: b"x" * 65536)),
    "endless_chunks": says(
        OK + b"Transfer-Encoding: chunked\r\n\r\n", goes_on(lambda n: b"4000\r\n%s\r\n" % (b"y" * 16384))
    ),
    "endless_chunk_head": says(OK + b"Transfer-Encoding: chunked\r\n\r\n", goes_on(lambda n: b"1;" + b"e" * 65536)),
    "endless_trailers": says(
        OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", goes_on(lambda n: b"X-%d: %s\r\n" % (n, b"t" * 1000))
    ),
    "endless_headers": says(OK, goes_on(lambda n: b"X-%d: %s\r\n" % (n, b"h" * 4000))),
    "many_headers": says(OK, goes_on(lambda n: b"A:\r\n")),
    "huge_header": says(OK + b"X-Huge: ", goes_on(lambda n: b"h" * 65536)),
    "huge_name": says(OK, goes_on(lambda n: b"h" * 65536)),
    "huge_line": says(b"HTTP/1.1 200 ", goes_on(lambda n: b"h" * 65536)),
    "endless_hints": goes_on(lambda n: b"HTTP/1.1 103 Early Hints\r\nLink: </%d>\r\n\r\n" % n),
    "hints": says(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No\r\n\r\n"),
    "go_on": says(b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 4\r\n\r\nwent"),
    "switching": says(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n", wait),
    "http_1_0": says(b"HTTP/1.0 200 OK\r\n\r\nfrom long ago"),
    "http_0_9": says(b"<html>from longer ago"),
    "ssh": says(b"SSH-2.0-OpenSSH_9.9\r\n", wait),
    "garbage": says(bytes(range(256)) * 4, wait),
    "endless_garbage": goes_on(lambda n: bytes(range(256)) * 256),
    "http_2": says(bytes.fromhex("000012040000000000") + bytes(18), wait),
    "chunk_lies": says(OK + b"Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\nzz\r\n", wait),
    "short_length": says(OK + b"Content-Length: 2\r\n\r\nok, and more", wait),
    "two_lengths": says(OK + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n123456", wait),
    "minus_length": says(OK + b"Content-Length: -1\r\n\r\n123456", wait),
    "vast_length": says(OK + b"Content-Length: 99999999999999999999999\r\n\r\n1", wait),
    "both_lengths": says(OK + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", wait),
    "bomb": says(OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s" % (len(BOMB), BOMB)),
    "bomb_unsized": says(OK + b"Content-Encoding: br, gzip, deflate, zstd\r\n\r\n" + BOMB),
    "odd_body": says(OK + b"Content-Length: 10\r\n\r\na\0b\x1b\xff\r\n\tc\x9f"),
    "long_body": says(OK + b"Content-Length: 3000\r\n\r\n" + "é".encode() * 1500, wait),
    "wait_a_while": says(b"HTTP/1.1 429 Busy\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n"),
}


def status(caller: Caller, code: str) -> None:
    caller.answer(b"so be it", f"HTTP/1.1 {code} So\r\n".encode())


def literally(caller: Caller, said: str) -> None:
    caller.say(bytes.fromhex(said))
    caller.line.close()


def redirect(caller: Caller, port: str) -> None:
    caller.answer(b"", f"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:{port}/\r\nRetry-After: 5\r\n".encode())


VALUED: dict[str, Callable[[Caller, str], None]] = {"status": status, "literally": literally, "redirect": redirect}


def serve(line: socket.socket, context: ssl.SSLContext | None) -> None:
    """One connection, to its end."""
    with Caller.lock:
        Caller.open += 1
    with contextlib.suppress(OSError), line, in_tls(line, context) as plain:
        for path in (caller := Caller(plain)).requests():
            name, _, value = path.partition("/")
            VALUED[name](caller, value) if value else WAYS[name](caller)
    with Caller.lock:
        Caller.open -= 1


def in_tls(line: socket.socket, context: ssl.SSLContext | None) -> socket.socket:
    return line if context is None else context.wrap_socket(line, server_side=True)


def listen(listener: socket.socket, certificate: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) if certificate else None
    if context is not None:
        context.load_cert_chain(Path(certificate))
    while True:
        line, _ = listener.accept()
        threading.Thread(target=serve, args=(line, context), daemon=True).start()


def main() -> None:
    listeners = [(socket.socket(fileno=int(each)), shown) for each, shown in json.loads(sys.argv[1]).items()]
    for pair in listeners:
        threading.Thread(target=listen, args=pair, daemon=True).start()
    sys.stdin.read()  # until whoever started it is gone


if __name__ == "__main__":
    main()
