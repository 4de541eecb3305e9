"""Webhooks that programs make with API keys: they end with the key, and are all that a key may change."""

from typing import Any

import pytest

from domain.permissions import Scope
from local.client import Client
from models import ApiKey, Member, Webhook
from tests.factories import Crew, Factory, Person, gid, uuid_in
from tests.mails import mail_to
from tests.studio import Studio
from tests.waiting import until

NOWHERE = "https://receiver.example/hook"
SECRET_OF_THEIRS = [{"name": "Authorization", "value": "Bearer of-theirs"}]


async def made(client: Client, crew: Crew, **more: Any) -> str:
    """A webhook that leads nowhere; its id."""
    given = {"teamId": crew.id, "url": NOWHERE, "eventTypes": ["payment.failed"], **more}
    return str((await client.do("CreateWebhook", input=given))["webhook"]["id"])


async def tried(client: Client, operation: str, **variables: Any) -> Any:
    """The payload of a mutation, whether it is refused or not."""
    (payload,) = (await client.run(operation, **variables))["data"].values()
    return payload


async def shown(crew: Crew, webhook: str) -> Any:
    return (await crew.owner.client.run("Webhook", id=webhook))["data"]["webhook"]


async def paused_with_the_key(crew: Crew, webhook: str) -> None:
    async def is_paused() -> bool:
        return bool((await shown(crew, webhook))["pauseReason"] == "KEY_ENDED")

    await until(is_paused)


async def kept(webhook: str) -> dict[str, Any]:
    """All that is kept of it, but for what the relay notes."""
    row = dict(await Webhook.get(id=uuid_in(webhook)))
    del row["hears_from"]
    return row


def changes_of(webhook: str) -> list[tuple[str, dict[str, Any]]]:
    return [
        ("UpdateWebhook", {"input": {"id": webhook, "url": "https://elsewhere.example/"}}),
        ("UpdateWebhook", {"input": {"id": webhook, "headers": []}}),
        ("RotateWebhookSecret", {"id": webhook}),
        ("RotateWebhookSecret", {"id": webhook, "expireOthers": True}),
        ("PauseWebhook", {"id": webhook}),
        ("ResumeWebhook", {"input": {"id": webhook, "discard": True}}),
        ("DeleteWebhook", {"id": webhook}),
    ]


async def test_a_webhook_of_a_key_ends_with_the_key(make: Factory) -> None:
    crew = await make.crew()
    key = await make.key(crew.admin, Scope.WEBHOOKS, Scope.READ)
    webhook = await made(key, crew)
    assert (await shown(crew, webhook))["madeByKey"]
    row = await ApiKey.get(user_id=crew.admin.user.id)
    await crew.admin.client.do("RevokeApiKey", id=gid(row))
    await paused_with_the_key(crew, webhook)
    resumed = await crew.owner.client.do("ResumeWebhook", input={"id": webhook})
    assert not resumed["madeByKey"]


async def test_who_has_paused_one_and_resumes_it_does_not_take_it_from_its_program(make: Factory) -> None:
    crew = await make.crew()
    key = await make.key(crew.admin, Scope.WEBHOOKS)
    webhook = await made(key, crew)
    await crew.owner.client.do("PauseWebhook", id=webhook)
    assert (await crew.owner.client.do("ResumeWebhook", input={"id": webhook}))["madeByKey"]
    await key.do("DeleteWebhook", id=webhook)


@pytest.mark.parametrize("end", ["of the key", "of its person's role"])
async def test_who_resumes_one_whose_key_has_ended_meanwhile_takes_it_over(make: Factory, end: str) -> None:
    crew = await make.crew()
    webhook = await made(await make.key(crew.admin, Scope.WEBHOOKS), crew)
    await crew.owner.client.do("PauseWebhook", id=webhook)
    if end == "of the key":
        await crew.admin.client.do("RevokeApiKey", id=gid(await ApiKey.get(user_id=crew.admin.user.id)))
    else:
        member = await Member.get(team_id=crew.team.id, user_id=crew.admin.user.id)
        await crew.owner.client.do("ChangeRole", input={"memberId": gid(member), "role": "EDITOR"})
    assert not (await crew.owner.client.do("ResumeWebhook", input={"id": webhook}))["madeByKey"]


async def test_a_key_without_the_scope_makes_no_webhook(make: Factory) -> None:
    crew = await make.crew()
    key = await make.key(crew.owner, Scope.WRITE)
    given = {"teamId": crew.id, "url": NOWHERE}
    assert (await tried(key, "CreateWebhook", input=given))["code"] == "FORBIDDEN"


@pytest.mark.parametrize("whose", ["a person's own", "another's", "another's key's", "taken over"])
async def test_a_key_changes_nothing_but_what_its_persons_keys_have_made(make: Factory, whose: str) -> None:
    crew = await make.crew()
    key = await make.key(crew.admin, Scope.WEBHOOKS, Scope.READ)
    webhook = {
        "a person's own": lambda: made(crew.admin.client, crew, headers=SECRET_OF_THEIRS),
        "another's": lambda: made(crew.owner.client, crew, headers=SECRET_OF_THEIRS),
        "another's key's": lambda: _of_a_key(make, crew, crew.owner),
        "taken over": lambda: _taken_over(make, crew),
    }[whose]
    hook = await webhook()
    before = await kept(hook)
    for operation, variables in changes_of(hook):
        refused = await tried(key, operation, **variables)
        assert (operation, refused.get("code")) == (operation, "FORBIDDEN")
    assert await kept(hook) == before
    assert (await key.run("Webhook", id=hook))["data"]["webhook"]["url"] == NOWHERE, "it may be looked at"
    # Signed in, they may all of it.
    for operation, variables in changes_of(hook)[1:]:
        assert "code" not in await tried(crew.admin.client, operation, **variables)


async def test_what_one_key_has_made_another_of_the_person_changes(make: Factory) -> None:
    """Keys are replaced now and then: what was made with the former one is still theirs."""
    crew = await make.crew()
    hook = await _of_a_key(make, crew, crew.admin)
    newer = await make.key(crew.admin, Scope.WEBHOOKS)
    for operation, variables in changes_of(hook):
        assert "code" not in await tried(newer, operation, **variables)


async def _of_a_key(make: Factory, crew: Crew, person: Person) -> str:
    return await made(await make.key(person, Scope.WEBHOOKS), crew)


async def _taken_over(make: Factory, crew: Crew) -> str:
    """One that was made with a key of the admin's, and goes on without that since somebody wanted it to."""
    hook = await _of_a_key(make, crew, crew.admin)
    await Webhook.filter(id=uuid_in(hook)).update(state="paused", pause_reason="key_ended")
    await crew.owner.client.do("ResumeWebhook", input={"id": hook})
    return hook


# Headers


@pytest.mark.parametrize(
    "url",
    [
        "https://elsewhere.example/hook",
        "https://receiver.example:8443/hook",
        "https://receiver.example.elsewhere.example/",
    ],
)
async def test_headers_do_not_go_to_another_host_by_themselves(make: Factory, url: str) -> None:
    crew = await make.crew()
    hook = await made(crew.owner.client, crew, headers=SECRET_OF_THEIRS)
    refused = await tried(crew.admin.client, "UpdateWebhook", input={"id": hook, "url": url})
    assert (refused["code"], refused["path"]) == ("INVALID", ["input", "headers"])
    assert (await shown(crew, hook))["url"] == NOWHERE
    given = {"id": hook, "url": url, "headers": [{"name": "X-New", "value": "1"}]}
    changed = await crew.admin.client.do("UpdateWebhook", input=given)
    assert (changed["url"], changed["headerNames"]) == (url, ["X-New"])
    dropped = await crew.admin.client.do("UpdateWebhook", input={"id": hook, "url": NOWHERE, "headers": []})
    assert (dropped["url"], dropped["headerNames"]) == (NOWHERE, [])


async def test_headers_stay_where_the_host_does_and_none_are_asked_for_where_there_are_none(make: Factory) -> None:
    crew = await make.crew()
    hook = await made(crew.owner.client, crew, headers=SECRET_OF_THEIRS)
    same = "https://RECEIVER.example:443/other?way=1"
    changed = await crew.owner.client.do("UpdateWebhook", input={"id": hook, "url": same})
    assert (changed["url"], changed["headerNames"]) == ("https://receiver.example/other?way=1", ["Authorization"])
    plain = await made(crew.owner.client, crew)
    await crew.owner.client.do("UpdateWebhook", input={"id": plain, "url": "https://elsewhere.example/"})


# Makers who are gone


@pytest.mark.parametrize("goes", ["demoted", "removed", "left"])
async def test_owners_hear_of_what_somebody_leaves_behind(make: Factory, studio: Studio, goes: str) -> None:
    crew = await make.crew()
    await made(crew.admin.client, crew)
    of_a_key = await made(await make.key(crew.admin, Scope.WEBHOOKS), crew, url="https://of-a-key.example/")
    member = gid(await Member.get(team_id=crew.team.id, user_id=crew.admin.user.id))
    match goes:
        case "demoted":
            await crew.owner.client.do("ChangeRole", input={"memberId": member, "role": "EDITOR"})
        case "removed":
            await crew.owner.client.do("RemoveMember", memberId=member)
        case _:
            await crew.admin.client.do("LeaveTeam", id=crew.id)
    told = await mail_to(studio, crew.owner.user.email, "Who made webhooks of “Crew” no longer manages them")
    assert "What happens in “Crew” is still sent to receiver.example, or" in told
    await paused_with_the_key(crew, of_a_key)
    paused = await mail_to(studio, crew.owner.user.email, "A webhook of “Crew” is paused")
    assert "of-a-key.example" in paused, "who made it looks after nothing here any more"
