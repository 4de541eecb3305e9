"""Rounds of requests: each begins with a team of its own, since those who ask everything also destroy everything."""

import itertools
import json
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import httpx
from graphql import OperationType
from hypothesis import strategies as st

from tests.factories import Factory
from tests.fuzz.api import sockets, wire
from tests.fuzz.api.crowd import Crowd
from tests.fuzz.api.documents import ROOTS, SCHEMA, Asked, Contract
from tests.fuzz.api.given import Given, Root
from tests.fuzz.api.logs import Logs
from tests.fuzz.api.shape import Shape
from tests.fuzz.api.tally import Tally, outcome
from tests.fuzz.api.typed import Response, faults_of
from tests.fuzz.explore import SEED, tried
from tests.studio import Studio

QUERY, MUTATION, SUBSCRIPTION = OperationType.QUERY, OperationType.MUTATION, OperationType.SUBSCRIPTION
ACCEPTED = ("application/json", "application/graphql-response+json", "*/*")
KEYS = (None,) * 6 + ("the-same-one-each-time", "x" * 300)
FORMS = st.tuples(st.sampled_from(ACCEPTED), st.sampled_from(KEYS))
RESUMED = st.sampled_from(sockets.RESUMED)
NOT_KEPT = httpx.Limits(max_keepalive_connections=0)
"""The server closes a line that rests for seconds, perhaps just when it is used again."""
AT_ONCE = 10
"""From the eleventh case on hypothesis would try likenesses of each."""
Check = Callable[[Any], Awaitable[None]]


@dataclass(frozen=True)
class Amount:
    """How much there is in a round: of whole parts, and of each root field."""

    requests: int
    pages: int
    talks: int
    query: int
    subscription: int
    others: int


FEW, MANY = Amount(20, 5, 5, 1, 1, 1), Amount(150, 50, 60, 4, 6, 20)


class Rounds:
    """Asks one running product, and looks into the logs of its processes `names`."""

    def __init__(self, studio: Studio, tally: Tally, amount: Amount, *names: str) -> None:
        self._studio = studio
        self._tally = tally
        self._amount = amount
        self._given = Given()
        self._calls = Contract(self._given).calls
        self._crowd: Crowd
        self._http: httpx.AsyncClient
        self._sent: dict[str, str] = {}
        self._logs = Logs(studio, *names)
        self._of = ""

    async def run(self, minutes: float) -> None:
        """As many rounds as there is time for."""
        began = time.monotonic()
        for number in itertools.count():
            await self.round(number)
            took = (time.monotonic() - began) / 60
            self._tally.tell(f"seed {SEED}, {number + 1} rounds in {took:.1f} minutes")
            if took >= minutes:
                return

    async def round(self, number: int) -> None:
        """One of them, on a team of its own; `number` chooses what is asked."""
        self._of, make = f"{SEED} {number}", Factory(self._studio.url)
        await self._studio.forget_tries()
        self._crowd = await Crowd.gathered(make)
        self._given.fill(self._crowd.there)
        self._sent.clear()
        async with httpx.AsyncClient(timeout=60, limits=NOT_KEPT) as self._http:
            await self._ask_everything(number)
        await make.close()
        self._look_at_logs()

    async def _ask_everything(self, number: int) -> None:
        """What destroys things comes last. Every other time it is in an order in which all of it can be done."""
        order, amount = Random(f"{SEED} {number}"), self._amount
        await self._try(wire.raw_requests(), self._raw, amount.requests, "raw requests")
        await self._try(wire.page_requests(), self._page, amount.pages, "page requests")
        await self._try(sockets.talks(), self._talk, amount.talks, "raw messages")
        await self._call([root for root in ROOTS if root[0] is QUERY], FORMS, self._query, amount.query)
        await self._call(
            [root for root in ROOTS if root[0] is SUBSCRIPTION], RESUMED, self._socket, amount.subscription
        )
        mutations = [root for root in self._given.arguments if root[0] is MUTATION]
        if number % 2:
            order.shuffle(mutations)
        await self._call(mutations, FORMS, self._mutation, 2)
        await self._call(order.sample(ROOTS, amount.others), RESUMED, self._socket, 1)

    async def _call(self, roots: Iterable[Root], how: st.SearchStrategy[Any], check: Check, times: int) -> None:
        for root in roots:
            drawn = st.tuples(self._calls[root], how)
            await self._try(drawn, check, times, f"{check.__name__} {root[0].value} {root[1]}")

    async def _try(self, drawn: st.SearchStrategy[Any], check: Check, times: int, what: str) -> None:
        for begun in range(0, times, AT_ONCE):
            left = min(AT_ONCE, times - begun)
            await tried(drawn, check, times=left, of=f"{self._of} {what} {begun}")

    async def _query(self, drawn: tuple[Asked, Any]) -> None:
        """By three people: what one of them may see is null to another."""
        asked, forms = drawn
        for caller in dict.fromkeys((asked.caller, "anonymous", "reading key")):
            await self._ask("queries", replace(asked, caller=caller), *forms)

    async def _mutation(self, drawn: tuple[Asked, Any]) -> None:
        asked, forms = drawn
        if await self._ask("mutations", asked, *forms) == "Unauthenticated":
            await self._crowd.sign_in_again(asked.caller)

    async def _ask(self, part: str, asked: Asked, accept: str, key: str | None) -> str:
        client, label = self._crowd.client(asked.caller), f"fuzz-{len(self._sent):06}"
        case = f"{asked}\naccepting {accept}, with Idempotency-Key {key}"
        self._sent[label] = case
        headers = {**client.http.headers, **client.headers(), "X-Request-ID": label}
        headers |= {"accept": accept, "Content-Type": "application/json"} | ({"Idempotency-Key": key} if key else {})
        body = json.dumps({"query": asked.text, "variables": asked.variables})
        got = await self._http.post(f"{client.url}/graphql", content=body, headers=headers)
        faults = [*faults_of(Response(got.status_code, got.headers, got.content))]
        if not faults:
            answer = got.json()
            faults += _shape_faults(asked, answer)
            what, how = outcome(answer)
            self._tally.reach(asked.root, how)
            self._tally.count(part, what)
        for fault in faults:
            self._tally.fault(f"{asked.root[1]}: {fault}", f"{case}\n{got.status_code} {got.text[:1500]}")
        return what if not faults else "fault"

    async def _raw(self, request: wire.Raw) -> None:
        response = await self._sent_raw("raw requests", request)
        if response is None or request.method == "HEAD" or (request.method == "OPTIONS" and response.status == 200):
            return
        for fault in faults_of(response):
            self._tally.fault(f"raw: {fault}", f"{request}\n{response}")

    async def _page(self, request: wire.Raw) -> None:
        """Pages are for people: their statuses are all that is typed."""
        response = await self._sent_raw("page requests", request)
        if response is not None and response.status >= 500:
            self._tally.fault(f"page: status {response.status}", f"{request}\n{response}")

    async def _sent_raw(self, part: str, request: wire.Raw) -> Response | None:
        try:
            response = await wire.sent(self._studio.url, request)
        except (wire.Unsound, TimeoutError) as error:
            self._tally.fault(f"on the line: {error!r}", str(request))
            return None
        self._tally.count(part, str(response.status) if response else "closed")
        if response is None and request.whole:
            self._tally.fault("a whole request, and no answer", str(request))
        return response

    async def _socket(self, drawn: tuple[Asked, dict[str, Any]]) -> None:
        asked, extensions = drawn
        client = self._crowd.client(asked.caller)
        what, how, faults = await sockets.answered(self._studio.url, asked, client.token, extensions)
        self._tally.count("operations over sockets", what)
        self._tally.reach(asked.root, how)
        for fault in faults:
            self._tally.fault(f"{asked.root[1]} over a socket: {fault}", f"{asked}\n{extensions}")
        if what.startswith("closed"):
            await self._crowd.sign_in_again(asked.caller)

    async def _talk(self, talk: sockets.Talk) -> None:
        how, faults = await sockets.listened(self._studio.url, talk)
        self._tally.count("raw messages", how)
        for fault in faults:
            self._tally.fault(f"raw messages: {fault}", str(talk))

    def _look_at_logs(self) -> None:
        """No process has met what it did not expect."""
        for gist, line in self._logs.surprises():
            self._tally.fault(gist, f"round {self._of}\n{line}\n{self._case_of(line)}")

    def _case_of(self, line: str) -> str:
        return next((case for label, case in self._sent.items() if label in line), "")


def _shape_faults(asked: Asked, answer: dict[str, Any]) -> Iterator[str]:
    if answer.get("data") is not None:
        yield from Shape(SCHEMA, asked.text).faults(answer["data"])
