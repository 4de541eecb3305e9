"""Nothing is sent to an address that is not public, whatever a name leads to: nobody so much as connects there."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, closing
from dataclasses import dataclass, field
from ipaddress import ip_address

import pytest

from domain.webhooks.faults import Fault
from domain.webhooks.networks import Address, is_public
from gateways.outbound import Answer, Outgoing, Rules, Sender, open_sender
from gateways.outbound.base import Judge
from gateways.outbound.notes import Notes, begin
from gateways.outbound.resolving import MOST_ADDRESSES, AddressRefused, CheckedResolver, SystemResolver
from tests.gateways.receivers import NAME, RECEIVER, Receivers, Trap, receiving

SECONDS = 30


@pytest.fixture(scope="module")
def receivers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Receivers]:
    """They listen at `RECEIVER` alone, and whoever calls the same ports of 127.0.0.1 steps into a trap."""
    with receiving(tmp_path_factory.mktemp("receivers"), RECEIVER) as found:
        yield found


@pytest.fixture(scope="module")
def trap(receivers: Receivers) -> Iterator[Trap]:
    with closing(Trap("127.0.0.1", receivers.ports["good"])) as found:
        yield found


def seems_public(address: Address) -> bool:
    """A judge to whom the receiver, which is on this machine, is public, and nothing else of this machine."""
    return str(address) == RECEIVER or is_public(address)


@dataclass
class Names:
    """Answers what it was told to, in turn, and the last of it for ever."""

    answers: list[Sequence[str]]
    asked: list[str] = field(default_factory=list)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]


@asynccontextmanager
async def sending(receivers: Receivers, names: Names, allowed: Judge = seems_public) -> AsyncIterator[Sender]:
    rules = Rules(ports=frozenset({receivers.ports["good"]}), seconds=SECONDS, ca_file=receivers.ca_file)
    async with open_sender(rules, names, allowed=allowed) as sender:
        yield sender


async def ask(sender: Sender, receivers: Receivers, path: str = "ok", host: str = NAME) -> Answer:
    return await sender.send(Outgoing(receivers.url(path, "good", host), b"{}", {}))


async def test_a_name_that_changes_its_mind_is_asked_for_each_connection(receivers: Receivers, trap: Trap) -> None:
    """The attack by rebinding: public when the URL is looked at, and this machine itself when it is used."""
    names = Names([[RECEIVER], ["127.0.0.1"]])
    async with sending(receivers, names) as sender:
        first = await ask(sender, receivers, "closes_in_body")
        second = await ask(sender, receivers)
    assert (first.status, first.fault, first.address) == (200, None, RECEIVER)
    assert (second.status, second.fault, second.address) == (None, Fault.ADDRESS_REFUSED, None)
    assert names.asked == [NAME, NAME]
    assert trap.is_untouched()


async def test_a_kept_connection_leads_to_where_it_was_made(receivers: Receivers, trap: Trap) -> None:
    names = Names([[RECEIVER], ["127.0.0.1"]])
    async with sending(receivers, names) as sender:
        answers = [await ask(sender, receivers, "asked") for _ in range(3)]
    assert [(answer.excerpt, answer.address) for answer in answers] == [(str(n), RECEIVER) for n in (1, 2, 3)]
    assert names.asked == [NAME]
    assert trap.is_untouched()


async def test_a_kept_connection_that_is_lost_is_no_way_in(receivers: Receivers, trap: Trap) -> None:
    """It is made anew, and that is when the name leads elsewhere."""
    async with sending(receivers, Names([[RECEIVER], ["127.0.0.1"]])) as sender:
        assert (await ask(sender, receivers, "last_answer")).excerpt == "first"
        assert (await ask(sender, receivers, "last_answer")).fault is Fault.ADDRESS_REFUSED
    assert trap.is_untouched()


@pytest.mark.parametrize(
    "answer",
    [
        [RECEIVER, "127.0.0.1"],
        ["127.0.0.1", RECEIVER],
        [RECEIVER] * 30 + ["10.0.0.1"],
        ["::ffff:127.0.0.1"],
        ["::127.0.0.1"],
        ["::1"],
        ["::"],
        ["0.0.0.0"],
        ["64:ff9b::7f00:1"],
        ["64:ff9b:1::7f00:1"],
        ["2002:7f00:1::"],
        ["2001:0:7f00:1::"],
        ["2606:4700::5efe:7f00:1"],
        ["fe80::1%lo"],
        ["169.254.169.254"],
        ["fd00:ec2::254"],
        ["100.100.100.200"],
        ["not an address"],
        ["127.1"],
    ],
)
async def test_one_address_that_is_not_public_refuses_them_all(
    receivers: Receivers, trap: Trap, answer: list[str]
) -> None:
    names = Names([answer])
    async with sending(receivers, names) as sender:
        assert (await ask(sender, receivers)).fault is Fault.ADDRESS_REFUSED
    assert names.asked == [NAME]
    assert trap.is_untouched()


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "localhost", "10.0.0.1"])
async def test_an_address_in_the_url_is_looked_at_as_well(receivers: Receivers, trap: Trap, host: str) -> None:
    """aiohttp asks no resolver for it."""
    names = Names([[RECEIVER]])
    async with sending(receivers, names) as sender:
        assert (await ask(sender, receivers, host=host)).fault is Fault.ADDRESS_REFUSED
    assert names.asked == []
    assert trap.is_untouched()


@pytest.mark.parametrize(
    "host", ["0x7f.1", "2130706433", "0177.0.0.1", "127.1", "a@127.0.0.1", "%6c", "receiver.example#"]
)
async def test_a_url_that_says_it_oddly_is_not_sent_to(receivers: Receivers, trap: Trap, host: str) -> None:
    async with sending(receivers, Names([[RECEIVER]])) as sender:
        assert (await ask(sender, receivers, host=host)).fault is Fault.REQUEST_IMPOSSIBLE
    assert trap.is_untouched()


async def test_only_the_allowed_ports_are_sent_to(receivers: Receivers) -> None:
    names = Names([[RECEIVER]])
    async with sending(receivers, names) as sender:
        request = Outgoing(receivers.url("ok", "expired", NAME), b"{}", {})
        assert (await sender.send(request)).fault is Fault.REQUEST_IMPOSSIBLE
        plain = Outgoing(request.url.replace("https:", "http:"), b"{}", {})
        assert (await sender.send(plain)).fault is Fault.REQUEST_IMPOSSIBLE
    assert names.asked == []


async def test_the_socket_is_the_last_look(trap: Trap) -> None:
    """Whatever aiohttp may do with what was resolved: a socket to elsewhere is not made."""
    resolver = CheckedResolver(Names([["127.0.0.1"]]), is_public)
    begin(Notes())
    with pytest.raises(AddressRefused):
        resolver.socket((2, 1, 6, "", ("127.0.0.1", trap.port)))
    assert trap.is_untouched()


async def test_another_address_of_a_name_is_tried_when_the_first_does_not_answer(receivers: Receivers) -> None:
    def allowed(address: Address) -> bool:
        return address in (ip_address("127.0.0.3"), ip_address(RECEIVER))

    async with sending(receivers, Names([["127.0.0.3", RECEIVER]]), allowed) as sender:
        answer = await ask(sender, receivers)
    assert (answer.status, answer.address) == (200, RECEIVER)


async def test_of_many_addresses_only_some_are_tried() -> None:
    begin(Notes())
    many = [f"1.1.1.{number}" for number in range(50)]
    found = await CheckedResolver(Names([many]), is_public).resolve("many.example", 443)
    assert [each["host"] for each in found] == many[:MOST_ADDRESSES]


@pytest.mark.parametrize(
    ("host", "answer"),
    [("localhost", ["10.0.0.1"]), ("localhost", ["127.0.0.1", "1.1.1.1"]), ("a.localhost", ["1.1.1.1"])],
)
async def test_a_name_of_this_machine_leads_to_it_alone(receivers: Receivers, host: str, answer: list[str]) -> None:
    async with open_sender(Rules(loopback=True, seconds=SECONDS), Names([answer])) as sender:
        asked = Outgoing(receivers.url("ok", host=host), b"{}", {})
        assert (await sender.send(asked)).fault is Fault.ADDRESS_REFUSED


async def test_another_name_does_not_lead_to_this_machine_in_development_either(
    receivers: Receivers, trap: Trap
) -> None:
    rules = Rules(loopback=True, ports=frozenset({receivers.ports["good"]}), seconds=SECONDS)
    async with open_sender(rules, Names([["127.0.0.1"]])) as sender:
        assert (await ask(sender, receivers)).fault is Fault.ADDRESS_REFUSED
    assert trap.is_untouched()


async def test_a_name_without_addresses() -> None:
    async with open_sender(Rules(seconds=SECONDS), Names([[]])) as sender:
        answer = await sender.send(Outgoing("https://nobody.example", b"{}", {}))
    assert answer.fault is Fault.NAME_UNKNOWN


async def test_the_system_knows_its_own_name_and_none_that_cannot_be() -> None:
    with ExitStack() as opened:
        system = opened.enter_context(closing(SystemResolver(1)))
        assert set(await system("localhost", 80)) <= {"127.0.0.1", "::1"}
        both = await asyncio.gather(*(system("nothing.invalid", 80) for _ in range(2)), return_exceptions=True)
    assert [isinstance(each, OSError) for each in both] == [True, True]


async def test_names_whose_servers_are_silent_keep_none_from_another(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long the system waits for these: each attempt has a thread, and so has the one before it."""
    over = threading.Event()

    def looked_up(host: str, *_: object, **__: object) -> list[tuple[object, ...]]:
        if host != "good.example":
            over.wait()
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", (RECEIVER, 443))]

    monkeypatch.setattr("gateways.outbound.resolving.socket.getaddrinfo", looked_up)
    attempts = 100
    with closing(SystemResolver(attempts)) as system:
        waiting = [asyncio.ensure_future(system(f"{number}.evil.example", 443)) for number in range(2 * attempts - 1)]
        assert await asyncio.wait_for(system("good.example", 443), 10) == [RECEIVER]
        over.set()
        assert await asyncio.gather(*waiting) == [[RECEIVER]] * len(waiting)
