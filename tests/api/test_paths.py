"""Every mutation names what is wrong with its input by the path at which it was sent.

Generated from the operations: each text, id, number and list that a mutation takes is made wrong in several ways, by
itself. Whatever the answer calls `INVALID` must be just that one.
"""

from collections.abc import Iterator
from typing import Any

import pytest
from graphql import OperationType

import schema.root  # noqa: F401 - declares the types of which there is something
from domain.ids import new_id
from local.client import Client, operation_names
from models import Member
from tests.factories import PASSWORD, Factory
from tests.furnished import Furnished, furnished
from tests.operations import ASKED_BY, HOOK, kind_of
from tests.studio import Studio

Path = tuple[str, ...]
WRONG: tuple[Any, ...] = ("", "nonsense", "a\x00b", "x" * 20_000, -7, 2**40, [], ["x" * 20_000], "9999-12-31T00:00:00Z")
"""One of them is wrong for nearly everything. What is not even of the type never comes to the mutation."""
NEVER_INVALID = {
    ("AcceptInvitation", ("input", "token")): "a link that is over is a Conflict, whatever stood in it",
    ("AcceptInvitation", ("input", "newPerson", "locale")): "of what is not spoken here, the nearest that is",
    ("ConfirmEmailChange", ("token",)): "as with an invitation's",
    ("ConfirmSignUp", ("token",)): "the same",
    ("DeclineInvitation", ("token",)): "the same",
    ("ResetPassword", ("input", "token")): "the same",
    ("SignIn", ("input", "email")): "it and the password are wrong together, and nobody is told which",
    ("SignIn", ("input", "password")): "the same",
    ("SignInWithCode", ("input", "challenge")): "one that is over is Unauthenticated",
    ("ChangeRole", ("input", "role")): "of an enum: what is none never comes to the mutation",
    ("AddReaction", ("input", "kind")): "the same",
    ("RemoveReaction", ("input", "kind")): "the same",
    ("CreateApiKey", ("input", "scopes", "0")): "the same",
    ("InviteMember", ("input", "role")): "the same",
    ("CreateWebhook", ("input", "headers")): "of objects: a list of anything else never comes to the mutation",
    ("UpdateWebhook", ("input", "headers")): "the same",
    ("UpdatePresence", ("input", "activity")): "the same",
    ("SetCommentVisibility", ("input", "visibility")): "the same",
}
COARSER = {("input", "parts", "0", "number"), ("input", "parts", "0", "checksum")}
"""A part is wrong as a whole: number and checksum belong together."""
LEFT_OUT: dict[str, dict[str, Any]] = {
    "CreateVideo": {"description": "", "tags": ["one"]},
    "EditVideo": {"title": "New", "description": ""},
    "StartUpload": {"sha256": "0" * 64, "changeDescription": ""},
    "CreateWebhook": {"description": "", "headers": [{"name": "X-One", "value": "1"}]},
    "UpdateWebhook": {"url": HOOK, "eventTypes": ["video.created"], "headers": [{"name": "X-One", "value": "1"}]},
    "SignUp": {"teamName": "Team"},
    "AcceptInvitation": {"newPerson": {"name": "Eve", "password": PASSWORD, "locale": "en"}},
}
"""What the operations need not be given, and may be."""


def leaves(value: Any, path: Path = ()) -> Iterator[Path]:
    """The paths of all that can be wrong by itself, and the lists around it."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from leaves(item, (*path, name))
    elif isinstance(value, list):
        yield path
        for index, item in enumerate(value):
            yield from leaves(item, (*path, str(index)))
    elif not isinstance(value, bool) and value is not None:
        yield path


def replaced(value: Any, path: Path, by: Any) -> Any:
    """A copy with `by` at the path."""
    if not path:
        return by
    name, *rest = path
    if isinstance(value, list):
        return [replaced(item, tuple(rest), by) if str(i) == name else item for i, item in enumerate(value)]
    return {key: replaced(item, tuple(rest), by) if key == name else item for key, item in value.items()}


def whole(operation: str, variables: dict[str, Any]) -> dict[str, Any]:
    """The variables, with what may be left out."""
    more = LEFT_OUT.get(operation)
    return variables if more is None else {"input": more | variables["input"]}


@pytest.fixture
async def there(make: Factory) -> Furnished:
    return await furnished(make)


async def asker(make: Factory, there: Furnished, operation: str) -> Client:
    """Who may do it; a stranger whose address has no account, for what makes one."""
    if operation == "AcceptInvitation":
        return make.client()
    person = there.crew.owner
    if operation in ASKED_BY:
        person = there.crew.everybody()[ASKED_BY[operation]]
        await Member.update_or_create(
            team_id=there.crew.team.id, user_id=person.user.id, defaults={"role": ASKED_BY[operation]}
        )
    return (await make.session(person)).client


async def invalid(client: Client, operation: str, variables: dict[str, Any]) -> Path | None:
    """The path of the problem, if the mutation calls its input invalid; empty where it has none."""
    answer = await client.run(operation, **variables)
    if "data" not in answer:
        return None  # not of the type
    told = next(iter((answer["data"] or {}).values()), None) or {}
    return tuple(told["path"] or ()) if told.get("code") == "INVALID" else None


def is_at_fault(found: Path, made_wrong: Path) -> bool:
    """The very one, or an item of the list that it is."""
    if made_wrong in COARSER:
        return found == made_wrong[:-1]
    return found == made_wrong or (found[:-1] == made_wrong and found[-1].isdigit())


async def test_what_is_invalid_is_named_by_its_path(make: Factory, there: Furnished, studio: Studio) -> None:
    newcomer = (await make.invitation(await make.crew(), f"{new_id()}@example.com"))[1]
    there.variables["AcceptInvitation"]["input"]["token"] = newcomer
    named, unnamed, elsewhere = set[tuple[str, Path]](), set[tuple[str, Path]](), list[Any]()
    for operation in operation_names():
        if kind_of(operation) is not OperationType.MUTATION:
            continue
        variables = whole(operation, there.variables[operation])
        for path in leaves(variables):
            unnamed.add((operation, path))
            for wrong in WRONG:
                await studio.forget_tries()
                client = await asker(make, there, operation)
                found = await invalid(client, operation, replaced(variables, path, wrong))
                if found is None:
                    continue
                if not is_at_fault(found, path):
                    elsewhere.append((operation, path, wrong, found))
                named.add((operation, path))
                break
    assert elsewhere == []
    assert unnamed - named == NEVER_INVALID.keys()
    assert len(named) > 60
