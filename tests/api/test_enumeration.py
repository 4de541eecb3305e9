"""Neither words nor time tell whether an address exists: measured by the API's own clock, in turns."""

import random
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from statistics import quantiles
from time import perf_counter
from typing import Any

from local.client import Client
from models import User
from tests.accounts import member, new_address, sign_in, sign_up
from tests.factories import PASSWORD, new_network_address
from tests.own import own_studio
from tests.second_factor import second_factor

ROUNDS = 10
"""A difference that is there is there after each of them; noise has so many chances to average out."""
WRONG = "not the password"
Play = Callable[[Client], Awaitable[Any]]


def quickest(seconds: list[float]) -> float:
    """The end of the quickest tenth: whatever disturbs a measurement makes it longer, never shorter."""
    return quantiles(seconds, n=10)[0]


@dataclass
class Timing:
    """How long the API spends in the use-case of a mutation, by kind of caller: times of the network are too uneven."""

    client: Client
    field: str
    seconds: dict[str, list[float]] = field(default_factory=dict)
    _before: float = 0.0

    async def round(self, plays: dict[str, Play], times: int) -> None:
        """Plays the kinds in turns, in another order each time, each by somebody of whom nothing is known."""
        await self._lap()
        for _ in range(times):
            for name in random.sample(sorted(plays), len(plays)):
                self.client.http.headers["X-Forwarded-For"] = new_network_address()
                self.client.http.cookies.clear()
                await plays[name](self.client)
                self.seconds.setdefault(name, []).append(await self._lap())

    def apart(self) -> float:
        """How far the kinds are apart."""
        found = [quickest(each) for each in self.seconds.values()]
        return max(found) - min(found)

    async def _lap(self) -> float:
        """Seconds since it was asked before."""
        figures = (await self.client.http.get(f"{self.client.url}/metrics")).text
        found = re.search(rf'^resolver_seconds_sum\{{field="{self.field}"\}} (\S+)$', figures, re.MULTILINE)
        before, self._before = self._before, float(found[1]) if found else 0.0
        return self._before - before

    def __str__(self) -> str:
        return ", ".join(f"{name} {quickest(each) * 1000:.2f} ms" for name, each in self.seconds.items())


async def account(password_hash: str | None) -> str:
    """The address of a new account: each may be tried a few times only."""
    return (await User.create(name="Grace", email=new_address(), password_hash=password_hash)).email


async def test_signing_in_takes_as_long_whoever_it_is() -> None:
    """What must not be left out for anybody is the hash, which is most of it."""
    async with own_studio("api") as (_, make):
        hashed = (await member()).password_hash

        async def known(client: Client) -> Any:
            return await sign_in(client, await account(hashed), WRONG)

        async def guarded(client: Client) -> Any:
            email = await account(hashed)
            await second_factor(await User.get(email=email))
            return await sign_in(client, email, WRONG)

        async def too_long(client: Client) -> Any:
            return await sign_in(client, await account(hashed), "x" * 300)

        async def elsewhere(client: Client) -> Any:
            return await sign_in(client, await account(None), WRONG)

        async def unknown(client: Client) -> Any:
            return await sign_in(client, new_address(), PASSWORD)

        async def unstorable(client: Client) -> Any:
            return await sign_in(client, f"\x00{new_address()}", PASSWORD)

        plays: dict[str, Play] = {
            play.__name__: play for play in (known, guarded, too_long, elsewhere, unknown, unstorable)
        }
        answers = [await play(make.client()) for play in plays.values()]
        assert answers == answers[:1] * len(plays)
        assert answers[0]["code"] == "UNAUTHENTICATED"
        timing = Timing(make.client(), "signIn")
        for _ in range(ROUNDS):
            await timing.round(plays, 12)
            if timing.apart() < quickest(timing.seconds["known"]) / 4:
                break
        else:
            raise AssertionError(timing)
        await _sees_a_hash_that_is_left_out(make.client(), hashed)


async def _sees_a_hash_that_is_left_out(client: Client, hashed: str | None) -> None:
    """Otherwise the test proves nothing: who is throttled is answered without one."""
    locked = await account(hashed)

    async def known(client: Client) -> Any:
        return await sign_in(client, await account(hashed), WRONG)

    async def throttled(client: Client) -> Any:
        return await sign_in(client, locked, WRONG)

    for _ in range(5):
        await throttled(client)
    timing = Timing(client, "signIn")
    await timing.round({"known": known, "throttled": throttled}, 12)
    assert timing.apart() > quickest(timing.seconds["known"]) / 4, timing


async def test_signing_up_takes_as_long_whoever_it_is() -> None:
    await _require_the_same_time("signUp", sign_up)


async def test_asking_for_a_new_password_takes_as_long_whoever_it_is() -> None:
    async def ask(client: Client, email: str) -> Any:
        return await client.do("RequestPasswordReset", email=email)

    await _require_the_same_time("requestPasswordReset", ask)


async def _require_the_same_time(field: str, ask: Callable[[Client, str], Awaitable[Any]]) -> None:
    """Here nothing is hashed, and so a single query more or less would tell."""
    async with own_studio("api") as (_, make):
        hashed = (await member()).password_hash

        async def known(client: Client) -> Any:
            return await ask(client, await account(hashed))

        async def elsewhere(client: Client) -> Any:
            return await ask(client, await account(None))

        async def unknown(client: Client) -> Any:
            await account(hashed)  # the server is as warm as for the others
            return await ask(client, new_address())

        plays: dict[str, Play] = {play.__name__: play for play in (known, elsewhere, unknown)}
        timing, worth = Timing(make.client(), field), await _seconds_of_a_query()
        for _ in range(ROUNDS):
            await timing.round(plays, 50)
            if timing.apart() < worth / 2:
                return
        raise AssertionError(f"{timing}; a query is worth {worth * 1000:.2f} ms")


async def _seconds_of_a_query() -> float:
    """What it takes to look whether an address is known, at the least."""
    seconds = []
    for _ in range(100):
        began = perf_counter()
        await User.exists(email=new_address())
        seconds.append(perf_counter() - began)
    return quickest(seconds)
