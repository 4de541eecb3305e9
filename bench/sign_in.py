"""What signing in costs an API process, and checking a bearer token: `python -m bench.sign_in`.

Starts a product of its own on fresh services and asks it over HTTP, one request after the other. CPU is the API
process's own, all its threads, from `/proc/PID/stat`; the database's is not in it. What a token costs a query is the
difference between the same query with one and without, in turns.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from statistics import median

from nacl.pwhash import argon2id

from domain.clock import utc_now
from domain.tokens import token_hash
from local.client import Client
from models import RecoveryCode, Session, User, Video
from models.reading import Readings
from plan import encode_id
from resolvers.accounts import viewer_of
from resolvers.codes import as_typed, new_recovery_codes
from tests import services
from tests.accounts import member, sign_in, sign_in_with_code
from tests.factories import PASSWORD, Factory, new_network_address
from tests.own import own_studio
from tests.second_factor import challenge_for, second_factor

ROUNDS, SIGN_INS, QUERIES = 5, 40, 1500
TICK = os.sysconf("SC_CLK_TCK")
NODE = "query Any($id: ID!) { node(id: $id) { id } }"
Ask = Callable[[], Awaitable[object]]


def spent(pid: int) -> float:
    """CPU of a process so far, in ms."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / TICK


async def cost(pid: int, ask: Ask, times: int) -> float:
    """CPU of one request, in ms."""
    before = spent(pid)
    for _ in range(times):
        await ask()
    return (spent(pid) - before) / times


async def signing_in(make: Factory, pid: int) -> None:
    """Prints what each way of signing in costs, and each refusal."""
    user, guarded, client = await member(), await member(), make.client()
    await second_factor(guarded)
    await sign_in(client, user.email)

    async def right() -> None:
        client.http.cookies.clear()
        assert (await sign_in(client, user.email))["__typename"] == "SignedIn"

    async def wrong() -> None:
        client.http.headers["X-Forwarded-For"] = new_network_address()
        answer = await sign_in(client, f"{new_network_address()}@example.com", "not the password")
        assert answer["__typename"] == "Unauthenticated"

    async def throttled() -> None:
        await sign_in(client, "locked@example.com", "not the password")

    client.token = None
    show("the hash by itself", [_hashing(user) for _ in range(ROUNDS)])
    for name, ask in (("right password", right), ("unknown address", wrong), ("throttled", throttled)):
        show(f"signIn, {name}", [await cost(pid, ask, SIGN_INS) for _ in range(ROUNDS)])
    show("signInWithCode", [await _with_codes(client, guarded, pid) for _ in range(ROUNDS)])


def _hashing(user: User) -> float:
    """CPU of one comparison in this process: what signing in cannot do without."""
    stored, before = (user.password_hash or "").encode(), time.process_time()
    for _ in range(SIGN_INS):
        argon2id.verify(stored, PASSWORD.encode())
    return (time.process_time() - before) * 1000 / SIGN_INS


async def _with_codes(client: Client, user: User, pid: int) -> float:
    codes = [code for _ in range(SIGN_INS // 10) for code in new_recovery_codes()]
    await RecoveryCode.replace(user.id, map(as_typed, codes), utc_now())
    left = iter(codes)

    async def ask() -> None:
        answer = await sign_in_with_code(client, challenge_for(user), next(left))
        assert answer["__typename"] == "SignedIn", answer

    return await cost(pid, ask, SIGN_INS)


async def checking(make: Factory, pid: int, url: str) -> None:
    """Prints what a bearer token costs a query, over HTTP, and what looking it up alone costs."""
    crew = await make.crew()
    video: Video = await make.video(crew)
    variables = {"id": encode_id("Video", video.id)}
    nobody, somebody = make.client(), crew.owner.client

    async def without() -> None:
        assert (await nobody.ask(NODE, "Any", variables))["data"]["node"] is None

    async def with_token() -> None:
        assert (await somebody.ask(NODE, "Any", variables))["data"]["node"]

    await cost(pid, with_token, 200)
    pairs = [(await cost(pid, without, QUERIES), await cost(pid, with_token, QUERIES)) for _ in range(ROUNDS)]
    show("query without a token", [plain for plain, _ in pairs])
    show("query with a token", [asked for _, asked in pairs])
    show("the token's share", [asked - plain for plain, asked in pairs])
    show("looking a token up by itself (mutations, sockets)", await _looking_up(somebody.token, url))


async def _looking_up(token: str | None, url: str) -> list[float]:
    assert await Session.exists(token_hash=token_hash(token or ""))
    found = []
    async with Readings(url, connections=1) as readings:
        for _ in range(ROUNDS):
            before = time.process_time()
            for _ in range(QUERIES):
                viewer, *_ = await viewer_of(readings.fetch, token, utc_now())
                assert viewer.signed_in
            found.append((time.process_time() - before) * 1000 / QUERIES)
    return found


def show(what: str, found: list[float]) -> None:
    """One line: median and range, in ms of CPU."""
    print(f"{what:50} {median(found):7.3f} ms ({min(found):.3f}–{max(found):.3f})", flush=True)


async def main() -> None:
    """The measurement."""
    async with own_studio("api") as (studio, make):
        pid = studio.processes["api"].pid
        await signing_in(make, pid)
        await checking(make, pid, studio.database_url)


if __name__ == "__main__":
    started = services.Services()
    try:
        started.start()
        asyncio.run(main())
    finally:
        started.stop()
