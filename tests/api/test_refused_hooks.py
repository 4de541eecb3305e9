"""REST hooks that nobody gets: for want of a key, a right, or sense."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import orjson
import pytest

from domain.clock import utc_now
from domain.permissions import Role, Scope
from domain.tokens import token_hash
from domain.webhooks.replaced import MOST_SECRETS
from models import ApiKey, Member, Webhook
from models.webhooks import MOST_WEBHOOKS
from tests.factories import Crew, Factory, gid, uuid_in
from tests.hooks import NOWHERE, Program, program, refusal
from tests.studio import Studio
from tests.waiting import until


@pytest.fixture
async def http(studio: Studio) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=studio.url, timeout=30) as client:
        yield client


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


@pytest.fixture
async def zapier(http: httpx.AsyncClient, make: Factory, crew: Crew) -> Program:
    """With a key of the crew's admin that is good for webhooks alone."""
    return await program(http, make, crew.admin)


@pytest.mark.parametrize(
    ("wish", "refused"),
    [
        ({"targetUrl": "http://example.com/hook"}, (422, "INVALID", ["targetUrl"])),
        ({"targetUrl": None, "hookUrl": "https://10.0.0.1/"}, (422, "INVALID", ["hookUrl"])),
        ({"targetUrl": "https://example.com:22/"}, (422, "INVALID", ["targetUrl"])),
        ({"targetUrl": ""}, (422, "INVALID", ["targetUrl"])),
        ({"eventType": "video.invented"}, (422, "INVALID", ["eventType"])),
        ({"eventType": None, "eventTypes": ["video.created", "session.opened"]}, (422, "INVALID", ["eventTypes", "1"])),
        ({"description": "x" * 201}, (422, "INVALID", ["description"])),
        ({"teamId": "nonsense"}, (422, "INVALID", ["teamId"])),
        ({"videoId": "nonsense"}, (422, "INVALID", ["videoId"])),
        ({"targetUrl": None}, (400, "BAD_REQUEST", [])),
        ({"hookUrl": NOWHERE}, (400, "BAD_REQUEST", [])),
        ({"eventType": None}, (400, "BAD_REQUEST", [])),
        ({"eventTypes": ["video.created"]}, (400, "BAD_REQUEST", [])),
        ({"targetUrl": 5}, (400, "BAD_REQUEST", [])),
        ({"eventType": ["video.created"]}, (400, "BAD_REQUEST", [])),
        ({"eventType": None, "eventTypes": "video.created"}, (400, "BAD_REQUEST", [])),
        ({"eventType": None, "eventTypes": [["video.created"]]}, (400, "BAD_REQUEST", [])),
        ({"teamId": 5}, (400, "BAD_REQUEST", [])),
        ({"description": {}}, (400, "BAD_REQUEST", [])),
    ],
)
async def test_what_is_no_hook_is_refused(
    crew: Crew, zapier: Program, wish: dict[str, Any], refused: tuple[int, str, list[str]]
) -> None:
    assert refusal(await zapier.subscribe(**wish)) == refused
    assert not await Webhook.filter(team_id=crew.team.id).exists()


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"[]", {}, 400),
        (b"null", {}, 400),
        (b"\xff", {}, 400),
        (b"[" * 10_000, {}, 400),
        (b" " * 20_000, {}, 413),
        (b"targetUrl=x", {"Content-Type": "application/x-www-form-urlencoded"}, 415),
        (b"{}", {"Content-Type": "application/json; charset=latin-1"}, 415),
        (b"{}", {"Content-Encoding": "gzip"}, 415),
    ],
)
async def test_what_is_no_json_is_refused(
    zapier: Program, content: bytes, headers: dict[str, str], status: int
) -> None:
    response = await zapier.ask(
        "POST", "/hooks", content=content, headers={"Content-Type": "application/json", **headers}
    )
    assert refusal(response)[0] == status
    assert response.headers["content-language"] == "en"


async def test_only_an_api_key_lets_anybody_in(http: httpx.AsyncClient, make: Factory, crew: Crew) -> None:
    """A cookie is not looked at: a page of another site would have it sent along."""
    key, session = (await make.key(crew.owner, Scope.WEBHOOKS)).token, crew.owner.client.token
    let_in: list[dict[str, str]] = [
        {"Authorization": f"Bearer {key}"},
        {"X-API-Key": f"{key}"},
        {"Authorization": "Basic eDp5", "X-API-Key": f"{key}"},
    ]
    kept_out: list[dict[str, str]] = [
        {},
        {"Authorization": f"Bearer {session}"},
        {"X-API-Key": f"{session}"},
        {"Cookie": f"session={session}"},
        {"Cookie": f"session={key}"},
        {"Authorization": f"Basic {key}"},
        {"Authorization": f"Bearer {key}x"},
        {"Authorization": "Bearer vc_"},
    ]
    nobody = Program(http, None)
    requests: list[tuple[str, str, dict[str, Any]]] = [
        ("GET", "/hooks/me", {}),
        ("GET", "/hooks/samples/video.created", {}),
        ("POST", "/hooks", {"json": {"targetUrl": NOWHERE, "eventType": "video.created"}}),
    ]
    for method, path, more in requests:
        for headers in let_in:
            assert (await nobody.ask(method, path, headers=headers, **more)).status_code in (200, 201)
        for headers in kept_out:
            response = await nobody.ask(method, path, headers=headers, **more)
            assert refusal(response) == (401, "UNAUTHENTICATED", [])
            assert response.headers["www-authenticate"] == "Bearer"
    hook = gid(await Webhook.get(Webhook.kept(), team_id=crew.team.id))
    for headers in kept_out:
        assert (await nobody.ask("DELETE", f"/hooks/{hook}", headers=headers)).status_code == 401
    assert (await nobody.ask("DELETE", f"/hooks/{hook}", headers=let_in[1])).status_code == 204


@pytest.mark.parametrize("end", ["revoked_at", "expires_at"])
async def test_a_key_that_has_ended_is_nobodys(zapier: Program, end: str) -> None:
    made = await zapier.hook()
    await ApiKey.filter(token_hash=token_hash(zapier.key or "")).update(**{end: utc_now()})
    assert refusal(await zapier.subscribe()) == (401, "UNAUTHENTICATED", [])
    assert refusal(await zapier.ask("GET", "/hooks/me")) == (401, "UNAUTHENTICATED", [])
    assert refusal(await zapier.ask("DELETE", f"/hooks/{made['id']}")) == (401, "UNAUTHENTICATED", [])


async def test_a_key_needs_the_scope_and_its_person_the_role(
    http: httpx.AsyncClient, make: Factory, crew: Crew, zapier: Program
) -> None:
    hook = (await zapier.hook())["id"]
    without = await program(http, make, crew.owner, Scope.READ, Scope.WRITE)
    editors, viewers = await program(http, make, crew.editor), await program(http, make, crew.viewer)
    for each, may_know_itself in ((without, False), (editors, True), (viewers, True)):
        assert (await each.ask("GET", "/hooks/me")).is_success is may_know_itself
        for team in (None, crew.id):
            assert refusal(await each.subscribe(teamId=team)) == (403, "FORBIDDEN", [])
            params = {} if team is None else {"teamId": team}
            samples = await each.ask("GET", "/hooks/samples/video.created", params=params)
            assert refusal(samples) == (403, "FORBIDDEN", [])
    # Who may not know of a hook is not told that there is one: only a key's scope is said first.
    assert refusal(await without.ask("DELETE", f"/hooks/{hook}")) == (403, "FORBIDDEN", [])
    assert refusal(await editors.ask("DELETE", f"/hooks/{hook}")) == (404, "NOT_FOUND", [])
    assert await Webhook.filter(Webhook.kept(), team_id=crew.team.id).count() == 1


async def test_other_teams_hooks_are_not_there(
    http: httpx.AsyncClient, make: Factory, crew: Crew, zapier: Program
) -> None:
    hook, stranger = (await zapier.hook())["id"], await program(http, make, (await make.crew()).owner)
    assert refusal(await stranger.ask("DELETE", f"/hooks/{hook}")) == (404, "NOT_FOUND", [])
    assert refusal(await stranger.subscribe(teamId=crew.id)) == (404, "NOT_FOUND", [])
    assert (await zapier.ask("DELETE", f"/hooks/{hook}")).status_code == 204


@pytest.mark.parametrize("hook", ["gone", "video", "nonsense", "me", "%00", "x" * 5000])
async def test_there_is_nothing_to_delete(make: Factory, crew: Crew, zapier: Program, hook: str) -> None:
    if hook == "gone":
        hook = (await zapier.hook())["id"]
        await zapier.ask("DELETE", f"/hooks/{hook}")
    if hook == "video":
        hook = gid(await make.video(crew))
    assert refusal(await zapier.ask("DELETE", f"/hooks/{hook}"))[:2] == (404, "NOT_FOUND")


@pytest.mark.parametrize("event_type", ["session.opened", "nonsense", "video.created.v1", "%0a"])
async def test_there_are_no_samples_of_what_is_not_offered(zapier: Program, event_type: str) -> None:
    assert refusal(await zapier.ask("GET", f"/hooks/samples/{event_type}")) == (404, "NOT_FOUND", [])


async def test_a_team_has_only_so_many(crew: Crew, zapier: Program) -> None:
    about = {"team_id": crew.team.id, "created_by_id": crew.owner.user.id, "edition": 1, "sealed_secret": "x"}
    await Webhook.bulk_create([Webhook(url=f"https://example.com/{n}", **about) for n in range(MOST_WEBHOOKS - 1)])
    made = await zapier.hook()
    assert refusal(await zapier.subscribe(f"{NOWHERE}/more")) == (409, "CONFLICT", [])
    assert (await zapier.hook())["id"] == made["id"]


async def test_a_hook_that_is_asked_for_again_and_again_keeps_the_secrets_that_it_has(zapier: Program) -> None:
    """Each was told to somebody: none ends before its day is over for one more."""
    made = await zapier.hook()
    for _ in range(MOST_SECRETS - 1):
        await zapier.hook()
    before = await Webhook.get(id=uuid_in(made["id"]))
    assert refusal(await zapier.subscribe()) == (409, "CONFLICT", [])
    after = await Webhook.get(id=uuid_in(made["id"]))
    assert (after.sealed_secret, after.older_secrets) == (before.sealed_secret, before.older_secrets)
    assert (await zapier.ask("DELETE", f"/hooks/{made['id']}")).status_code == 204
    assert (await zapier.subscribe()).status_code == 201, "who wants to begin anew ends it first"


async def test_who_asks_for_many_has_to_wait(zapier: Program) -> None:
    for number in range(60):
        assert (await zapier.subscribe(f"{NOWHERE}/{number % 5}")).is_success
    response = await zapier.subscribe()
    assert refusal(response) == (429, "THROTTLED", [])
    seconds = response.json()["errors"][0]["extensions"]["retryAfterSeconds"]
    assert 0 < seconds <= 60
    assert response.headers["retry-after"] == str(seconds)
    assert '"hook-person-60";r=0' in response.headers["ratelimit"]


async def test_a_team_that_waits_for_its_deletion_takes_none(crew: Crew, zapier: Program) -> None:
    crew.team.deletion_at = utc_now()
    await crew.team.save()
    assert refusal(await zapier.subscribe(teamId=crew.id)) == (409, "CONFLICT", [])
    assert refusal(await zapier.subscribe()) == (403, "FORBIDDEN", [])


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/hooks", {"POST"}),
        ("OPTIONS", "/hooks", {"POST"}),
        ("PATCH", "/hooks/abc", {"DELETE"}),
        ("POST", "/hooks/me", {"GET", "HEAD"}),
        ("POST", "/hooks/samples/video.created", {"GET", "HEAD"}),
    ],
)
async def test_other_methods_are_refused(zapier: Program, method: str, path: str, allowed: set[str]) -> None:
    response = await zapier.ask(method, path, headers={"Origin": "https://app.example"})
    assert refusal(response) == (405, "METHOD_NOT_ALLOWED", [])
    assert set(response.headers["allow"].split(", ")) == allowed
    assert "access-control-allow-origin" not in response.headers


async def test_refusals_are_in_the_language_of_who_asks(make: Factory, crew: Crew, zapier: Program) -> None:
    german, other = {"Accept-Language": "de"}, await make.crew()
    await Member.create(team_id=other.team.id, user_id=crew.admin.user.id, role=Role.ADMIN)
    crew.admin.user.locale = "de"  # they are known by their key, and what they have chosen goes before
    await crew.admin.user.save()
    response = await zapier.ask("GET", "/hooks/samples/video.created", headers={"Accept-Language": "ja"})
    message = "Wähle das Team: Du kümmerst dich um die Webhooks von mehreren."
    assert response.json()["errors"][0]["message"] == message
    assert (response.headers["content-language"], response.headers["vary"]) == ("de", "Accept-Language")
    response = await Program(zapier.http, None).ask("GET", "/hooks/me", headers=german)
    assert response.json()["errors"][0]["message"] == "Dafür braucht es einen gültigen API-Schlüssel."


async def test_what_is_answered_is_kept_by_nobody_and_found_in_the_log(zapier: Program, studio: Studio) -> None:
    response = await zapier.ask("GET", "/hooks/me", headers={"X-Request-ID": "hooks-under-test"})
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["x-request-id"] == "hooks-under-test"
    await until(lambda: "hooks-under-test" in studio.log("api"))
    line = next(orjson.loads(each) for each in studio.log("api").splitlines() if "hooks-under-test" in each)
    assert (line["route"], line["status"]) == ("/hooks/me", 200)
    assert str(zapier.key) not in studio.log("api")
