"""A hostile client that has got hold of a secret, or acts in the very moment in which a right is lost.

Every secret that the product hands out is shown at every door, in the URL too, and after its end; every mutation of a
team is caught in the middle. What there is to guess, to repeat and to measure is in `tests/api`: test_sign_in.py,
test_two_factor.py, test_enumeration.py, test_team_races.py.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

import httpx
import pytest
from graphql import OperationType
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from domain.clock import utc_now
from domain.ids import new_id
from domain.links import LinkKind
from domain.permissions import PERMISSIONS, Audience, Role
from domain.proofs import GOOD_FOR, ProofKind, prove
from domain.tokens import token_hash
from local.client import operation_names
from models import ApiKey, Invitation, MailedLink, Member, Session, SignUp, Team
from models.database import transaction
from tests.accounts import confirm, new_address, sign_in, sign_in_with_code, wish
from tests.api.test_invitations import NEW, accept
from tests.api.test_sockets import ACK, Socket, opened
from tests.api.test_team_races import waits_for
from tests.api.test_teams import kind, told
from tests.factories import Factory, Person, gid
from tests.furnished import furnished
from tests.operations import kind_of, root_field_of
from tests.plan.conftest import the_schema
from tests.second_factor import KEYS, challenge_for, code_of, second_factor
from tests.studio import Studio
from tests.waiting import until

SECRETS = ("session", "key", "device", "challenge", "sign_up", "reset", "change", "invitation")
WRONG = "not the password"
NEWER = "a password that is newer"
URL_NAMES = ("token", "access_token", "session", "authorization", "key", "api_key", "device", "challenge")
NO_LONGER = timedelta(seconds=1)


@dataclass
class Victim:
    """Somebody with two-factor, and one secret of each kind that are good: whoever has one has got it from them."""

    make: Factory
    studio: Studio
    person: Person
    app: str
    """The secret of their second factor."""
    rows: dict[str, Any] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)

    @cached_property
    def code(self) -> str:
        """What their app showed when it was first looked at: what it shows half a minute later is a new proof."""
        return code_of(self.app)


async def a_victim(make: Factory, studio: Studio) -> Victim:
    person = await make.secured(await make.person())
    user, crew = person.user, await make.crew()
    key = await make.key(person)
    invitation, invited = await make.invitation(crew)
    secrets = {
        "session": str(person.client.token),
        "key": str(key.token),
        "device": prove(ProofKind.DEVICE, KEYS, user.id, user.password_hash, utc_now()),
        "challenge": challenge_for(user),
        "sign_up": await wish(new_address()),
        "reset": await make.link(LinkKind.PASSWORD_RESET, user),
        "change": await make.link(LinkKind.EMAIL_CHANGE_OLD, user, subject_id=new_id()),
        "invitation": invited,
    }
    rows = {"crew": crew, "invitation": invitation}
    return Victim(make, studio, person, await second_factor(user), rows, secrets)


# The doors: each says whether a secret opens it.


async def viewer_of(victim: Victim, **request: Any) -> bool:
    """Whether such a request is somebody's."""
    http = victim.make.client().http
    answer = await http.post(f"{victim.studio.url}/graphql", json={"query": "{viewer {id}}"}, **request)
    return answer.json()["data"]["viewer"] is not None


async def bearer(victim: Victim, secret: str) -> bool:
    return await viewer_of(victim, headers={"Authorization": f"Bearer {secret}"})


async def cookie(victim: Victim, secret: str) -> bool:
    return await viewer_of(victim, headers={"Cookie": f"session={secret}; device={secret}"})


async def socket(victim: Victim, secret: str) -> bool:
    async with opened(victim.studio) as connection:
        await connection.send(type="connection_init", payload={"token": secret})
        try:
            return (await connection.told())["type"] == "connection_ack"
        except ConnectionClosed:
            return False


async def sign_up_link(victim: Victim, secret: str) -> bool:
    return (await confirm(victim.make.client(), secret))["__typename"] == "SignedIn"


async def reset_link(victim: Victim, secret: str) -> bool:
    given = {"token": secret, "password": NEWER}
    return await kind(victim.make.client(), "ResetPassword", input=given) == "PasswordReset"


async def change_link(victim: Victim, secret: str) -> bool:
    return await kind(victim.make.client(), "ConfirmEmailChange", token=secret) == "EmailConfirmed"


async def preview(victim: Victim, secret: str) -> bool:
    return await victim.make.client().do("InvitationPreview", token=secret) is not None


async def invitation_link(victim: Victim, secret: str) -> bool:
    return (await accept(victim.make.client(), secret, **NEW))["__typename"] == "InvitationAccepted"


async def code(victim: Victim, secret: str) -> bool:
    answer = await sign_in_with_code(victim.make.client(), secret, victim.code)
    return answer["__typename"] == "SignedIn"


async def locked_account(victim: Victim, secret: str) -> bool:
    """A device that is known may go on where others have guessed too often."""
    email = victim.person.user.email
    for _ in range(6):
        answer = await sign_in(victim.make.client(), email, WRONG)
    assert answer["__typename"] == "Throttled"
    return (await sign_in(victim.make.client(), email, deviceToken=secret))["__typename"] != "Throttled"


Door = Callable[[Victim, str], Awaitable[bool]]
DOORS: dict[Door, set[str]] = {
    bearer: {"session", "key"},
    cookie: {"session"},
    socket: {"session", "key"},
    preview: {"invitation"},
    code: {"challenge"},
    locked_account: {"device"},
    sign_up_link: {"sign_up"},
    change_link: {"change"},
    invitation_link: {"invitation"},
    reset_link: {"reset"},
}
"""What opens each, and nothing else does."""
ONCE = {code, sign_up_link, change_link, invitation_link, reset_link}
PAGES = {"sign_up": "/welcome", "reset": "/reset-password", "change": "/confirm-email", "invitation": "/invitation"}


@pytest.mark.parametrize("door", DOORS, ids=lambda door: door.__name__)
async def test_each_secret_opens_its_own_door_and_no_other(make: Factory, studio: Studio, door: Door) -> None:
    victim = await a_victim(make, studio)
    assert victim.secrets.keys() == set(SECRETS)
    for name in sorted(set(SECRETS) - DOORS[door]):
        assert not await door(victim, victim.secrets[name]), name
    for name in DOORS[door]:
        assert await door(victim, victim.secrets[name]), name
        assert await door(victim, victim.secrets[name]) is (door not in ONCE), f"{name}, once more"


async def test_no_secret_counts_in_a_url(make: Factory, studio: Studio) -> None:
    """Neither over HTTP nor over a websocket: URLs are kept by proxies, histories and logs."""
    victim = await a_victim(make, studio)
    for secret in victim.secrets.values():
        for value in (secret, f"Bearer {secret}"):
            query = dict.fromkeys(URL_NAMES, value)
            assert not await viewer_of(victim, params=query)
            address = str(httpx.URL(studio.url.replace("http", "ws", 1) + "/graphql", params=query))
            spoken: Any = ["graphql-transport-ws"]
            async with connect(address, subprotocols=spoken, proxy=None) as connection:
                assert await Socket(connection).init() == ACK
                assert await Socket(connection).viewer() is None
    assert not [name for name, secret in victim.secrets.items() if secret in studio.log("api")]


async def test_to_look_at_the_page_of_a_link_uses_nothing_up(make: Factory, studio: Studio) -> None:
    """Scanners of mails follow links, and browsers tell no other site where they have come from."""
    victim = await a_victim(make, studio)
    async with httpx.AsyncClient(base_url=studio.url) as browser:
        for name, path in PAGES.items():
            for _ in range(2):
                page = await browser.get(path, params={"token": victim.secrets[name]})
                assert (page.status_code, "set-cookie" in page.headers) == (200, False)
                assert (page.headers["referrer-policy"], page.headers["cache-control"]) == ("same-origin", "no-store")
            posted = await browser.post(path, params={"token": victim.secrets[name]}, data={"password": NEWER})
            assert (posted.status_code, "set-cookie" in posted.headers) == (409, False), "it counts in the form alone"
    for door in (sign_up_link, change_link, invitation_link, reset_link):
        (name,) = DOORS[door]
        assert await door(victim, victim.secrets[name]), name


# The ends: what each secret can come to.


async def expires(victim: Victim, name: str) -> None:
    """Its time has come."""
    user, late = victim.person.user, utc_now() - NO_LONGER
    match name:
        case "device" | "challenge":
            proof = ProofKind.DEVICE if name == "device" else ProofKind.PASSWORD
            victim.secrets[name] = prove(proof, KEYS, user.id, user.password_hash, utc_now() - GOOD_FOR[proof])
        case _:
            table: Any = {"session": Session, "key": ApiKey, "sign_up": SignUp}.get(name, MailedLink)
            assert await table.filter(token_hash=token_hash(victim.secrets[name])).update(expires_at=late) == 1


async def resets_the_password(victim: Victim, _name: str) -> None:
    """Who was robbed helps themselves."""
    assert await reset_link(victim, await victim.make.link(LinkKind.PASSWORD_RESET, victim.person.user))


async def signs_out(victim: Victim, _name: str) -> None:
    await victim.person.client.do("SignOut")


async def signs_out_everywhere(victim: Victim, _name: str) -> None:
    await (await victim.make.session(victim.person)).client.do("SignOutEverywhere", keepCurrent=True)


async def revokes_the_session(victim: Victim, _name: str) -> None:
    session = await Session.get(token_hash=token_hash(victim.secrets["session"]))
    await (await victim.make.session(victim.person)).client.do("RevokeSession", id=gid(session))


async def revokes_the_key(victim: Victim, _name: str) -> None:
    key = await ApiKey.get(token_hash=token_hash(victim.secrets["key"]))
    await victim.person.client.do("RevokeApiKey", id=gid(key))


async def revokes_the_invitation(victim: Victim, _name: str) -> None:
    await victim.rows["crew"].admin.client.do("RevokeInvitation", id=gid(victim.rows["invitation"]))


async def invites_again(victim: Victim, _name: str) -> None:
    """The newer mail's link takes the place of the older one."""
    await victim.rows["crew"].admin.client.do("ResendInvitation", id=gid(victim.rows["invitation"]))

    async def is_mailed() -> bool:
        links = MailedLink.filter(subject_id=victim.rows["invitation"].id, token_hash__isnull=False)
        return await links.count() == 2

    await until(is_mailed)


async def deletes_the_team(victim: Victim, _name: str) -> None:
    await victim.rows["crew"].owner.client.do("DeleteTeam", id=victim.rows["crew"].id)


async def is_used(victim: Victim, name: str) -> None:
    (door,) = [door for door in ONCE if DOORS[door] == {name}]
    assert await door(victim, victim.secrets[name])


End = Callable[[Victim, str], Awaitable[None]]
ENDS: dict[str, list[End]] = {
    "session": [expires, signs_out, signs_out_everywhere, revokes_the_session, resets_the_password],
    "key": [expires, revokes_the_key],
    "device": [expires, resets_the_password],
    "challenge": [expires, resets_the_password, is_used],
    "sign_up": [expires, is_used],
    "reset": [expires, is_used, resets_the_password],
    "change": [expires, is_used, resets_the_password],
    "invitation": [expires, is_used, revokes_the_invitation, invites_again, deletes_the_team],
}


@pytest.mark.parametrize(
    ("name", "end"),
    [pytest.param(name, end, id=f"{name}-{end.__name__}") for name, ends in ENDS.items() for end in ends],
)
async def test_what_has_ended_opens_no_door(make: Factory, studio: Studio, name: str, end: End) -> None:
    victim = await a_victim(make, studio)
    await end(victim, name)
    secret = victim.secrets[name]
    for door, opened_by in DOORS.items():
        if name in opened_by:
            assert not await door(victim, secret), door.__name__
    if path := PAGES.get(name):
        form = {"token": secret, "password": NEWER, "name": "Eve"}
        async with httpx.AsyncClient(base_url=studio.url) as browser:
            page = await browser.post(path, data=form, headers={"Sec-Fetch-Site": "same-origin"})
        assert (page.status_code, "set-cookie" in page.headers) == (409, False)


def test_there_is_no_secret_whose_end_is_not_played() -> None:
    assert ENDS.keys() == set(SECRETS)
    assert set().union(*DOORS.values()) == set(SECRETS)


@pytest.mark.parametrize("former", [Role.OWNER, Role.ADMIN, Role.EDITOR])
async def test_no_mutation_of_a_team_outlives_the_right_that_it_began_with(make: Factory, former: Role) -> None:
    """A change that commits first catches each in the middle: it is judged by the role that is left, or by none."""
    there = await furnished(make)
    crew, person = there.crew, there.crew.everybody()[former]
    member = Member.filter(team_id=crew.team.id, user_id=person.user.id)
    row = await member.get()
    caught = 0
    for operation, action in _mutations_of_a_team():
        holders = PERMISSIONS[action].holders
        if former not in holders:
            continue
        has_made_it = former is Role.OWNER and PERMISSIONS[action].own  # whom no role is needed for what is their own
        for left in (Role.VIEWER, None):
            if left in holders or (left and has_made_it):
                continue
            async with transaction():
                await Team.filter(id=crew.team.id).select_for_update().get()
                asked = asyncio.create_task(told(person.client, operation, **there.variables[operation]))
                await until(lambda: waits_for("team"))
                await (member.update(role=left) if left else member.delete())
            code = (await asked).get("code")
            assert code == ("FORBIDDEN" if left else "NOT_FOUND"), (operation, left)
            caught += 1
            await Member.filter(id=row.id).delete()
            row = await Member.create(id=row.id, team_id=crew.team.id, user_id=person.user.id, role=former)
    assert caught >= (20 if former is not Role.EDITOR else 10)
    assert await Invitation.filter(team_id=crew.team.id, revoked_at__isnull=True).count() == 1


def _mutations_of_a_team() -> list[tuple[str, str]]:
    """Each operation that changes something in a team, and what it asks to do."""
    fields = the_schema()._schema.mutation_type.fields  # type: ignore[union-attr]
    mutations = [name for name in operation_names() if kind_of(name) is OperationType.MUTATION]
    actions = {name: fields[root_field_of(name)].extensions["strawberry-definition"].action for name in mutations}
    return [
        (name, action)
        for name, action in actions.items()
        if not isinstance(PERMISSIONS[action].holders, Audience) and action != "presence:update"  # which writes nothing
    ]
