"""What counts as a guess, and what does not."""

import asyncio
from typing import Any

import pytest

from domain.clock import utc_now
from domain.errors import Throttled
from domain.ids import new_id
from domain.viewers import ANONYMOUS
from gateways.throttling import LimitsThrottle
from models import User
from resolvers import passwords
from resolvers.caller import Caller
from resolvers.signing_in import knows_password, trying_code
from tests.plan.conftest import PRESENCE, RULES
from tests.second_factor import KEYS


async def test_a_password_that_was_not_looked_at_does_not_count(models: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Too many wait to be hashed: whoever is sent away has guessed nothing, and may come again."""
    throttle, account = LimitsThrottle("redis://127.0.0.1:1/0", KEYS), f"{new_id()}@example.com"
    outside: Any = {"storage": None, "throttle": throttle, "presence": PRESENCE}
    caller = Caller(viewer=ANONYMOUS, locale="en", clock=utc_now, rules=RULES, **outside)
    with monkeypatch.context() as crowded:
        crowded.setattr(passwords, "MOST_WAITING", 0)
        for _ in range(20):
            with pytest.raises(Throttled):
                await knows_password(caller, None, "a guess", account=account)
    assert [await knows_password(caller, None, "a guess", account=account) for _ in range(5)] == [False] * 5
    with pytest.raises(Throttled):
        await knows_password(caller, None, "a guess", account=account)
    await throttle.close()


async def test_who_gives_up_while_their_code_is_looked_at_has_guessed(models: None) -> None:
    """Otherwise whoever stops a moment before a wrong code is told could guess for ever."""
    throttle = LimitsThrottle("redis://127.0.0.1:1/0", KEYS)
    outside: Any = {"storage": None, "throttle": throttle, "presence": PRESENCE}
    caller = Caller(viewer=ANONYMOUS, locale="en", clock=utc_now, rules=RULES, **outside)
    user = await User.create(name="Ada", email=f"{new_id()}@example.com", password_hash="none")
    for _ in range(5):
        with pytest.raises(asyncio.CancelledError):
            async with trying_code(caller, user):
                raise asyncio.CancelledError
    with pytest.raises(Throttled):
        async with trying_code(caller, user):
            pass
    await throttle.close()
