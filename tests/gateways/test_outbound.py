"""Whatever a receiver does, an attempt ends as it is documented, soon, and without filling the memory."""

import asyncio
import json
import time
import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest
import structlog

from domain.webhooks.faults import Fault
from gateways.outbound import Answer, Outgoing, Rules, Sender, open_sender
from gateways.outbound.base import VERSION
from gateways.outbound.sending import HttpSender
from local.programs import ROOT
from tests.gateways.receivers import Receivers, Trap, black_hole, closed_port, receiving
from tests.waiting import until

BODY = b'{"type": "video.published"}'
LONG, SHORT = 30, 1
"""Seconds that an attempt may take which has an end of its own, and one which has none."""


@pytest.fixture(scope="module")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receivers]:
    with receiving(tmp_path_factory.mktemp("receivers")) as found:
        yield found


async def sent(url: str, *, headers: dict[str, str] | None = None, rules: Rules | None = None) -> Answer:
    """What becomes of one delivery."""
    async with open_sender(rules or Rules(loopback=True, seconds=LONG)) as sender:
        return await ask(sender, url, headers)


async def ask(sender: Sender, url: str, headers: dict[str, str] | None = None) -> Answer:
    return await sender.send(Outgoing(url, BODY, headers or {}))


@pytest.mark.parametrize(
    ("path", "status", "said"),
    [
        ("ok", 200, "ok"),
        ("status/204", 204, ""),
        ("status/299", 299, "so be it"),
        ("go_on", 200, "went"),
        ("hints", 204, ""),
        ("http_1_0", 200, "from long ago"),
        ("closes_in_body", 200, "begun"),
        ("stuck_body", 200, "begun"),
        ("slow_body", 200, "drip"),
        ("chunk_lies", 200, ""),
        ("short_length", 200, "ok"),
        ("endless_body", 200, "x" * 1024),
        ("endless_chunks", 200, "y" * 1024),
        ("long_body", 200, "é" * 512),
        ("odd_body", 200, "a�b��\r\n\tc�"),
        ("endless_chunk_head", 200, ""),
        ("endless_trailers", 200, ""),
    ],
)
async def test_a_status_of_success_is_success_whatever_comes_behind_it(
    receivers: Receivers, path: str, status: int, said: str
) -> None:
    answer = await sent(receivers.url(path))
    assert (answer.status, answer.fault, answer.address) == (status, None, "127.0.0.1")
    assert answer.excerpt.startswith(said)
    assert len(answer.excerpt) <= 1024
    assert answer.duration_ms < LONG * 1000


@pytest.mark.parametrize(
    ("path", "status", "fault"),
    [
        ("status/301", 301, Fault.REDIRECTED),
        ("status/304", 304, Fault.REDIRECTED),
        ("status/400", 400, Fault.BAD_STATUS),
        ("status/404", 404, Fault.BAD_STATUS),
        ("status/410", 410, Fault.GONE),
        ("status/500", 500, Fault.BAD_STATUS),
        ("status/599", 599, Fault.BAD_STATUS),
        ("switching", 101, Fault.BAD_STATUS),
        ("wait_a_while", 429, Fault.BAD_STATUS),
        ("closes", None, Fault.CONNECTION_LOST),
        ("resets", None, Fault.CONNECTION_LOST),
        ("closes_in_head", None, Fault.CONNECTION_LOST),
        ("http_0_9", None, Fault.ANSWER_MALFORMED),
        ("ssh", None, Fault.ANSWER_MALFORMED),
        ("garbage", None, Fault.ANSWER_MALFORMED),
        ("endless_garbage", None, Fault.ANSWER_MALFORMED),
        ("http_2", None, Fault.ANSWER_MALFORMED),
        ("two_lengths", None, Fault.ANSWER_MALFORMED),
        ("minus_length", None, Fault.ANSWER_MALFORMED),
        ("vast_length", None, Fault.ANSWER_MALFORMED),
        ("both_lengths", None, Fault.ANSWER_MALFORMED),
        ("endless_headers", None, Fault.HEADERS_TOO_LARGE),
        ("many_headers", None, Fault.HEADERS_TOO_LARGE),
        ("huge_header", None, Fault.HEADERS_TOO_LARGE),
        ("huge_name", None, Fault.HEADERS_TOO_LARGE),
        ("huge_line", None, Fault.HEADERS_TOO_LARGE),
        ("endless_hints", None, Fault.HEADERS_TOO_LARGE),
    ],
)
async def test_everything_else_is_a_fault(receivers: Receivers, path: str, status: int | None, fault: Fault) -> None:
    answer = await sent(receivers.url(path))
    assert (answer.status, answer.fault) == (status, fault)
    assert answer.duration_ms < LONG * 1000


@pytest.mark.parametrize("path", ["silent", "slow_head"])
async def test_who_does_not_answer_in_time_is_not_waited_for(receivers: Receivers, path: str) -> None:
    answer = await sent(receivers.url(path), rules=Rules(loopback=True, seconds=SHORT))
    assert (answer.status, answer.fault) == (None, Fault.TIMEOUT)
    assert answer.duration_ms >= SHORT * 1000


async def test_who_cannot_be_reached() -> None:
    assert (await sent(f"http://127.0.0.1:{closed_port()}")).fault is Fault.CONNECTION_REFUSED
    with black_hole() as port:
        answer = await sent(f"http://127.0.0.1:{port}", rules=Rules(loopback=True, seconds=SHORT))
    assert answer.fault is Fault.TIMEOUT


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("good", None),
        ("self_signed", Fault.CERTIFICATE_REFUSED),
        ("wrong_name", Fault.CERTIFICATE_REFUSED),
        ("expired", Fault.CERTIFICATE_REFUSED),
    ],
)
async def test_a_certificate_is_for_the_host_and_from_somebody_trusted(
    receivers: Receivers, kind: str, fault: Fault | None
) -> None:
    rules = Rules(loopback=True, seconds=LONG, ca_file=receivers.ca_file)
    assert (await sent(receivers.url("ok", kind), rules=rules)).fault is fault
    assert (await sent(receivers.url("ok", kind))).fault is Fault.CERTIFICATE_REFUSED


async def test_a_port_without_tls_is_no_receiver(receivers: Receivers) -> None:
    assert (await sent(receivers.url("ok").replace("http:", "https:"))).fault is Fault.TLS_FAILED


def test_a_file_without_certificates_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.pem").touch()
    for name in ("empty.pem", "none.pem"):
        with pytest.raises(ValueError, match="WEBHOOK_CA_FILE has no certificates that can be read: "):
            asyncio.run(sent("https://nowhere.example", rules=Rules(ca_file=tmp_path / name)))


async def test_what_is_sent(receivers: Receivers) -> None:
    """With the headers of ours, and none that nobody asked for."""
    answer = await sent(receivers.url("echo?key=ü%20x"), headers={"X-Own": "ä", "webhook-id": "evt_1"})
    seen = json.loads(answer.excerpt)
    line, *lines = seen["head"].split("\r\n")
    assert line == "POST /echo?key=%C3%BC%20x HTTP/1.1"
    assert seen["body"] == BODY.decode()
    headers = dict(each.split(": ", 1) for each in lines)
    assert headers.pop("X-Own").encode("latin-1") == "ä".encode()
    assert headers == {
        "Host": f"localhost:{receivers.ports['plain']}",
        "User-Agent": f"VideoCreator-Webhooks/{VERSION}",
        "Content-Type": "application/json; charset=utf-8",
        "Content-Length": str(len(BODY)),
        "Accept": "*/*",
        "Accept-Encoding": "identity",
        "webhook-id": "evt_1",
    }


def test_receivers_see_the_version_of_the_product() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\rb", "a\r\n\r\nPOST / HTTP/1.1", "a\0b"])
async def test_a_header_is_never_two(receivers: Receivers, value: str) -> None:
    for headers in ({"X-Own": value}, {value: "x"}):
        answer = await sent(receivers.url("echo"), headers=headers)
        assert (answer.status, answer.fault) == (None, Fault.REQUEST_IMPOSSIBLE)


async def test_nothing_is_unpacked(receivers: Receivers) -> None:
    """What is packed is shown as it came: the beginning of 20 MiB of zeros, packed."""
    for path in ("bomb", "bomb_unsized"):
        answer = await sent(receivers.url(path))
        assert answer.status == 200
        assert answer.excerpt.startswith("�\x08".replace("\x08", "�")[:1])
        assert "\0" not in answer.excerpt


async def test_nobody_is_followed(receivers: Receivers) -> None:
    trap = Trap()
    answer = await sent(receivers.url(f"redirect/{trap.port}"))
    assert (answer.status, answer.fault, answer.retry_after) == (302, Fault.REDIRECTED, timedelta(seconds=5))
    assert trap.is_untouched()
    trap.close()


async def test_nothing_is_kept_of_cookies(receivers: Receivers) -> None:
    async with open_sender(Rules(loopback=True, seconds=LONG)) as sender:
        assert (await ask(sender, receivers.url("cookies"))).status == 200
        answer = await ask(sender, receivers.url("echo"))
    assert "Host" in answer.excerpt
    assert "Cookie" not in answer.excerpt


async def test_the_environment_sends_nothing_elsewhere(receivers: Receivers, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = Trap()
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{trap.port}")
    assert (await sent(receivers.url("ok"))).status == 200
    assert trap.is_untouched()
    trap.close()


async def test_a_connection_is_kept_for_the_next(receivers: Receivers) -> None:
    async with open_sender(Rules(loopback=True, seconds=LONG)) as sender:
        assert [(await ask(sender, receivers.url("asked"))).excerpt for _ in range(3)] == ["1", "2", "3"]


@pytest.mark.parametrize("path", ["endless_body", "stuck_body", "short_length", "unasked", "closes_in_body"])
async def test_a_connection_is_not_kept_after_something_odd(receivers: Receivers, path: str) -> None:
    async with open_sender(Rules(loopback=True, seconds=LONG)) as sender:
        assert (await ask(sender, receivers.url(path))).status == 200
        assert (await ask(sender, receivers.url("asked"))).excerpt == "1"


async def test_a_kept_connection_that_was_closed_meanwhile_is_replaced(receivers: Receivers) -> None:
    async with open_sender(Rules(loopback=True, seconds=LONG)) as sender:
        answers = [await ask(sender, receivers.url("last_answer")) for _ in range(4)]
    assert [answer.excerpt for answer in answers] == ["first"] * 4


async def test_so_many_connections_are_open_and_no_more(receivers: Receivers) -> None:
    hosts = ("localhost", "127.0.0.1", "a.localhost", "b.localhost", "c.localhost")

    async def lookup(host: str, port: int) -> list[str]:
        return ["127.0.0.1"]

    async def few_are_open() -> bool:
        return int((await ask(sender, receivers.url("opened"))).excerpt) <= 2

    async with open_sender(Rules(loopback=True, seconds=LONG, connections=2), lookup) as sender:
        answers = await asyncio.gather(*(ask(sender, receivers.url("ok", host=host)) for host in hosts * 4))
        assert {answer.status for answer in answers} == {200}
        await until(few_are_open)


async def test_waiting_for_a_free_connection_is_not_the_receivers_fault(receivers: Receivers) -> None:
    async with open_sender(Rules(loopback=True, seconds=SHORT, connections=1)) as sender:
        silent, ok = await asyncio.gather(ask(sender, receivers.url("silent")), ask(sender, receivers.url("ok")))
    assert (silent.fault, ok.fault) == (Fault.TIMEOUT, None)


async def test_who_is_cancelled_hangs_up_and_makes_room(receivers: Receivers) -> None:
    async with open_sender(Rules(loopback=True, seconds=LONG, connections=1)) as sender:
        before = int((await ask(sender, receivers.url("hung_up"))).excerpt)
        for _ in range(3):
            waiting = asyncio.create_task(ask(sender, receivers.url("silent")))
            await asyncio.wait([waiting], timeout=0.2)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

        async def all_hung_up() -> bool:
            return int((await ask(sender, receivers.url("hung_up"))).excerpt) == before + 3

        await until(all_hung_up)


async def test_whenever_it_is_cancelled_nothing_stays_behind(receivers: Receivers) -> None:
    most = 5
    async with open_sender(Rules(loopback=True, seconds=LONG, connections=most)) as sender:
        for number in range(60):
            path = ("ok", "silent", "slow_body", "closes_in_head", "endless_body", "status/500")[number % 6]
            sends = [asyncio.create_task(ask(sender, receivers.url(path))) for _ in range(2 * most)]
            for _ in range(number):  # as far as it comes in so many turns of the loop
                await asyncio.sleep(0)
            for each in sends:
                each.cancel()
            ended = await asyncio.gather(*sends, return_exceptions=True)
            assert all(isinstance(each, Answer | asyncio.CancelledError) for each in ended)
        answers = await asyncio.gather(*(ask(sender, receivers.url("ok")) for _ in range(4 * most)))
    assert [answer.status for answer in answers] == [200] * 4 * most


FRAGMENTS = (
    *(b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 ", b"HTTP/9.9 999 \r\n", b"HTTP/1.1 -1 x\r\n", b"HTTP/1.1 101 Go\r\n"),
    *(b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n", b"\r\n", b"\r\n\r\n", b"\n\n", b"\0", b"\xff\xfe"),
    *(b"Content-Length: 5\r\n", b"Content-Length: 00\r\n", b"Content-Length: x\r\n", b": no name\r\n", b" folded\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Connection: upgrade\r\n"),
    *(b"Upgrade: websocket\r\n", b"Set-Cookie: a=b; Expires=never\r\n", b"Retry-After: 1e9\r\n", b"Location: //\r\n"),
    *(b"5\r\nhello\r\n", b"0\r\n\r\n", b"ffffffffffffffff\r\n"),
)


async def test_whatever_is_said_is_an_answer(receivers: Receivers) -> None:
    """Answers put together of what answers are made of, in any order."""
    drawn = Random(20261129)
    async with open_sender(Rules(loopback=True, seconds=LONG)) as sender:
        with structlog.testing.capture_logs() as told:
            for _ in range(300):
                said = b"".join(drawn.choices(FRAGMENTS, k=drawn.randrange(1, 9)))
                start = drawn.choice((b"", FRAGMENTS[0], FRAGMENTS[0]))
                answer = await ask(sender, receivers.url(f"literally/{(start + said).hex()}"))
                assert (answer.status is None) <= (answer.fault is not None), said
    assert told == []


async def test_memory_stays_flat(receivers: Receivers) -> None:
    """Ten at once, of each of those who say more than anybody wants to hear."""
    endless = [path for path in HUGE for _ in range(10)]
    async with open_sender(Rules(loopback=True, seconds=LONG, connections=200)) as sender:
        await asyncio.gather(*(ask(sender, receivers.url(path)) for path in endless))
        before = resident("VmRSS")
        Path("/proc/self/clear_refs").write_text("5")  # noqa: ASYNC240 - the peak counts from here
        answers = await asyncio.gather(*(ask(sender, receivers.url(path)) for path in endless))
    grown = resident("VmHWM") - before
    assert {answer.fault for answer in answers} <= {None, Fault.HEADERS_TOO_LARGE, Fault.ANSWER_MALFORMED}
    assert grown < 30, f"{grown:.1f} MiB more"


HUGE = (
    *("endless_body", "endless_chunks", "endless_chunk_head", "endless_trailers", "endless_headers", "many_headers"),
    *("huge_header", "huge_name", "huge_line", "endless_hints", "endless_garbage", "bomb", "bomb_unsized"),
)


def resident(field: str) -> float:
    """`VmRSS` or `VmHWM` of this process, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(field))


async def test_it_costs_little(receivers: Receivers) -> None:
    """Of a core that does nothing else: at least 600 deliveries a second."""
    count = 300
    async with open_sender(Rules(loopback=True, seconds=LONG)) as sender:
        await ask(sender, receivers.url("ok"))
        began = time.process_time()
        for _ in range(count):
            assert (await ask(sender, receivers.url("ok"))).status == 200
        spent = time.process_time() - began
    assert spent < count / 600, f"{1000 * spent / count:.2f} ms of a core for each"


async def test_what_nobody_has_thought_of_is_an_answer_and_is_told_to_the_operator(
    receivers: Receivers, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        raise RuntimeError("never seen before")

    monkeypatch.setattr(HttpSender, "_post", break_down)
    with structlog.testing.capture_logs() as told:
        assert (await sent(receivers.url("ok"))).fault is Fault.ANSWER_MALFORMED
    assert [line["event"] for line in told] == ["webhook.unexpected"]
