"""A request under a key whose day ends while it runs."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from domain.clock import utc_now
from domain.idempotency import KEPT
from domain.ids import new_id
from domain.viewers import Viewer
from gateways.throttling import LimitsThrottle
from models import IdempotencyKey
from models.idempotency import Kept
from resolvers.caller import Caller
from resolvers.idempotency import Once
from tests.plan.conftest import PRESENCE, RULES
from tests.second_factor import KEYS

BEFORE = Kept(b"request", "TeamLeft", values={"left": True})


def told(values: dict[str, Any]) -> tuple[None, dict[str, Any]]:
    return None, values


@pytest.fixture
def caller() -> Caller:
    throttle = LimitsThrottle("redis://127.0.0.1:1/0", KEYS)
    somebody = Viewer(new_id(), new_id())
    outside: Any = {"storage": None, "throttle": throttle, "presence": PRESENCE}
    return Caller(viewer=somebody, locale="en", clock=utc_now, rules=RULES, **outside)


def going_on(began: datetime) -> Callable[[], datetime]:
    """A clock by which a minute goes by between each look and the next."""
    looks = iter(range(60))
    return lambda: began + timedelta(minutes=next(looks))


@pytest.mark.parametrize("age", [KEPT - timedelta(seconds=1), KEPT + timedelta(seconds=1)])
async def test_a_day_that_ends_meanwhile_ends_before_or_after(models: None, caller: Caller, age: timedelta) -> None:
    """What was kept counts all the while, or for nothing; it never stands in the way without being an answer."""
    began, user_id = utc_now(), caller.viewer.user_id
    await IdempotencyKey.keep(user_id, "key", BEFORE, began - age)
    once, present = Once("key", BEFORE.request), caller._replace(clock=going_on(began))

    async def anew() -> dict[str, bool]:
        return {"left": False}

    answered = await once.done(present, BEFORE.type, anew, told)
    assert answered == (BEFORE if age < KEPT else {"left": False})
    assert once.replayed == (age < KEPT)
