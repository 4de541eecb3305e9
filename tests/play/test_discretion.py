"""What the logs of all processes keep to themselves, also when things go wrong, and at the finest level.

Real faults of the database are provoked: it tells of a row that it refuses by all of its values.
"""

import re
from typing import Any

import pytest

from domain.ids import new_id
from local.client import Client
from models.database import raw_connection
from tests.accounts import confirm, sign_in, sign_up
from tests.api.test_sockets import opened
from tests.factories import Factory, Person
from tests.mails import mail_to, token_in
from tests.own import own_studio
from tests.studio import SECRET_KEY, WORKERS, Studio
from tests.waiting import until

PASSWORD, WRONG = "correct horse unspeakable staple", "wrong horse unspeakable staple"
UNSPEAKABLE = re.compile("unspeakable|un-speakable", re.IGNORECASE)
"""Stands in every address and every password."""
REFUSING = {
    "sign_ups": "false",
    "sessions": "false",
    "invitations": "false",
    "audit_entries": "false",  # the relay writes these
    "mailed_links": "token_hash IS NULL",  # the io worker makes the token when it sends the mail
}
"""Tables, and all that they still take."""


def new_address() -> str:
    return f"unspeakable-{new_id()}@un-speakable.example"


async def join(studio: Studio, client: Client, email: str, secrets: list[str]) -> None:
    """Somebody joins, signs in and out, and makes mistakes."""
    await sign_up(client, email)
    link = token_in(await mail_to(studio, email, "Welcome to Video Creator"), studio, "/welcome")
    secrets.append(link)
    assert (await confirm(client, link, PASSWORD))["__typename"] == "SignedIn"
    await sign_in(client, email, WRONG)
    assert (await sign_in(client, email, PASSWORD))["__typename"] == "SignedIn"
    secrets.append(str(client.token))
    await client.do("RequestEmailChange", input={"newEmail": new_address(), "password": PASSWORD})
    await client.do("RequestPasswordReset", email=email)


async def blunder(studio: Studio, client: Client, email: str) -> None:
    """Secrets where they do not belong: in addresses, in values of the wrong type, in requests that are none."""
    document = "mutation($in: SignInInput!) {signIn(input: $in) {__typename}}"
    for given in (
        {"email": {"a": email}, "password": PASSWORD},
        {"email": f"{email}\0", "password": PASSWORD},
        [email],
    ):
        await client.http.post(f"{studio.url}/graphql", json={"query": document, "variables": {"in": given}})
    literal = f'mutation {{signIn(input: {{email: "{email}", password: "{PASSWORD}", more: 1}}) {{__typename}}}}'
    await client.http.post(f"{studio.url}/graphql", json={"query": literal})
    for path in ("/welcome", "/reset-password", "/graphql", "/nowhere"):
        await client.http.get(studio.url + path, params={"token": str(client.token), "email": email})
    await client.http.post(f"{studio.url}/welcome", data={"token": "x", "password": PASSWORD, "email": email})
    async with opened(studio) as socket:
        assert (await socket.init({"token": client.token}))["type"] == "connection_ack"
        await socket.ask(document, **{"in": {"email": email, "password": WRONG}})
    await client.http.post(
        f"{studio.url}/graphql", content=f"{email} {PASSWORD}", headers={"Content-Type": "application/json"}
    )


async def provoke(studio: Studio, make: Factory, person: Person, email: str) -> None:
    """Each process meets rows that the database refuses."""
    crew = await make.crew()
    async with raw_connection() as connection:
        for table, taken in REFUSING.items():
            await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT refuses CHECK ({taken}) NOT VALID")
    await fails(make.client(), "SignUp", input={"email": new_address(), "name": "Ada"})
    await fails(make.client(), "SignIn", input={"email": email, "password": PASSWORD})
    invited = {"teamId": crew.id, "email": new_address(), "role": "EDITOR"}
    await fails(crew.owner.client, "InviteMember", input=invited)
    await make.client().do("RequestPasswordReset", email=person.user.email)
    await crew.owner.client.do("RenameTeam", input={"id": crew.id, "name": "Unspeakable"})
    for process, event in (("io", "job.went_wrong"), ("relay", "relay.consumer_failed")):
        await until(lambda event=event, process=process: event in studio.log(process), 30)


async def fails(client: Client, operation: str, **variables: Any) -> None:
    (error,) = (await client.run(operation, **variables))["errors"]
    assert error["extensions"]["code"] == "INTERNAL"


@pytest.mark.parametrize("environment", ["production", "development"])
async def test_no_log_holds_addresses_passwords_or_tokens(environment: str) -> None:
    settings = {"LOG_LEVEL": "DEBUG", "ENVIRONMENT": environment, "SLOW_OPERATION_MS": "1"}
    async with own_studio("api", *WORKERS, **settings) as (studio, make):
        email, client = new_address(), make.client()
        secrets = [SECRET_KEY, studio.environment["DATABASE_URL"]]
        await join(studio, client, email, secrets)
        await blunder(studio, client, email)
        person = await make.person()
        secrets += [str(person.client.token), str((await make.key(person)).token), person.user.email]
        await make.client(secrets[-2]).do("Viewer")
        await provoke(studio, make, person, email)
        logs = {process: studio.log(process) for process in ("api", *WORKERS)}
    for process in ("api", "io", "relay"):
        assert "CheckViolationError" in logs[process], "the faults are told"
        assert "DETAIL:  [hidden]" in logs[process], "and what they are about is not"
    for process, log in logs.items():
        told = [line for line in log.splitlines() if UNSPEAKABLE.search(line) or any(each in line for each in secrets)]
        assert told == [], process
