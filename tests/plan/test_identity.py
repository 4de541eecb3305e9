"""Who asks, and in which language they are answered, is found out on the way: never by a statement more."""

from datetime import timedelta
from typing import Any

import pytest

from domain.clock import utc_now
from domain.ids import new_id
from domain.jobs import JobKind, JobState, Queue
from domain.viewers import ANONYMOUS
from i18n import translate
from models import Job, Session, User
from plan import encode_id
from plan.identity import Identity
from plan.requests import Request
from schema.context import Context
from tests.plan.conftest import Desk
from tests.sent import sent

QUERY = "query($id: ID!) {job(id: $id) {failure {message}}}"


async def a_failure(locale: str) -> tuple[str, str]:
    """A job of one's own that has failed; its global id, and the hash of the token of its person."""
    hashed, now = str(new_id()), utc_now()
    user = await User.create(name="Ada", email=f"{hashed}@example.com", password_hash="none", locale=locale)
    await Session.create(user_id=user.id, token_hash=hashed, expires_at=now + timedelta(hours=1))
    ended: dict[str, Any] = {"state": JobState.FAILED, "failure_code": "EMPTY", "available_at": now, "ended_at": now}
    job = await Job.create(kind=JobKind.AVATAR, queue=Queue.IO, created_by_id=user.id, **ended)
    return encode_id("Job", job.id), hashed


@pytest.mark.parametrize(("plain", "statements"), [(False, 1), (True, 2)])
@pytest.mark.parametrize(("chosen", "spoken"), [("de", "de"), ("it", "en")])
async def test_what_somebody_has_chosen_is_known_when_their_rows_are(
    desk: Desk, plain: bool, statements: int, chosen: str, spoken: str
) -> None:
    job, hashed = await a_failure(chosen)
    asker = desk.asker(ANONYMOUS, plain=plain)
    context = Context(asker.caller, asker.reader(), asker.fetch, "request-7", lambda *_: None)
    context.identity = Identity(Session.HOLDER, (hashed, utc_now()), ANONYMOUS, ("locale",))
    operation = desk.engine.operation(Request(QUERY, None, {"id": job}))
    answer = sent(await desk.engine.run(operation, context, plain=plain))
    assert answer["data"] == {"job": {"failure": {"message": translate(spoken, "failure.EMPTY")}}}
    assert asker.statements.total() == statements
