"""What several subscribers share is the same for each of them: whatever may differ is known as personal.

The whole schema is walked: every field that an event leads to, by every relation.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from graphql import GraphQLNonNull, GraphQLObjectType, get_named_type, is_leaf_type

from domain.comments import CommentVisibility, ReactionKind
from domain.events import CommentCreated
from domain.permissions import Role
from domain.viewers import ScopeViewer, Viewer
from live.message import Message
from models import Member, Reaction, Team
from plan import Depends, decode_id, encode_id
from plan.requests import Request
from schema.context import Context
from tests.factories import Crew, Factory, gid
from tests.plan.conftest import Asker, Desk
from tests.plan.world import invitation, job, notification, session, upload, user, version
from tests.sent import sent

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Stage:
    """A team in which somebody is of each role and one more, who is in another team too, with one who has left."""

    crew: Crew
    video: str
    message: Message
    inside: set[str]
    people: list[tuple[Role, Viewer]]
    """Two of each role: one of them is in the other team, too, with whoever has left."""


@pytest.fixture(scope="module")
async def stage(desk: Desk) -> Any:
    factory = Factory("http://unused")
    crew = await factory.crew()
    other = await Team.create(name="The others")
    left = await user("Left")
    await Member.create(team_id=other.id, user_id=left.id, role=Role.OWNER)
    people = [(role, person.user) for role, person in crew.everybody().items()]
    for role in Role:
        double = await user(f"Double {role.value}")
        people.append((role, double))
        await Member.create(team_id=crew.team.id, user_id=double.id, role=role)
        await Member.create(team_id=other.id, user_id=double.id, role=Role.OWNER)
    video = await factory.video(crew)
    made = await version(video, 1)
    said = await factory.comment(made)
    answer = said.answered(body="Yes", by=left.id, now=NOW)
    await answer.save(force_create=True)
    kept_back = await factory.comment(made, visibility=CommentVisibility.TEAM)
    await factory.edit(kept_back)
    await factory.edit(said)
    for person in (left, crew.viewer.user):
        about = {"comment_id": said.id, "team_id": crew.team.id, "created_by_id": person.id}
        await Reaction.create(kind=ReactionKind.THUMBS_UP, **about)
    await type(said).filter(id=said.id).update(created_by_id=left.id, resolved_by_id=left.id, resolved_at=NOW)
    work = await job(video, created_by_id=left.id)
    await upload(video, work)
    hidden = {"visibility": CommentVisibility.TEAM}
    await upload(video, await job(video, created_by_id=left.id, **hidden), comment_id=kept_back.id, **hidden)
    await invitation(crew.team, left)
    await factory.entry(crew)
    await notification(video, crew.viewer.user.id)
    ids = {"video": video.id, "version": made.id, "comment": said.id, "job": work.id}
    body = {
        "type": CommentCreated.type,
        "payload": {f"{noun}_id": str(row_id) for noun, row_id in ids.items()},
        "actor_id": str(left.id),
        "created_at": NOW.isoformat(),
    }
    inside = {encode_id("User", person.id) for _, person in people}
    viewers = [(role, Viewer(person.id, (await session(person)).id)) for role, person in people]
    yield Stage(crew, gid(video), Message(body, 1, "e"), inside, viewers)
    await factory.close()


def relations(kind: GraphQLObjectType) -> Iterator[tuple[str, str, str, GraphQLObjectType]]:
    """Of each field that leads to objects: its name, what opens and closes what is selected there, and their type."""
    for name, field in kind.fields.items():
        target = get_named_type(field.type)
        if not isinstance(target, GraphQLObjectType):
            continue
        if target.name.endswith("Connection"):
            yield name, f"{name}(first: 9) {{ nodes {{", "}}", get_named_type(target.fields["nodes"].type)
        else:
            yield name, f"{name} {{", "}", target


def leaves(kind: GraphQLObjectType) -> list[str]:
    """The fields that say something by themselves."""
    return [
        name
        for name, field in kind.fields.items()
        if is_leaf_type(get_named_type(field.type))
        and not any(isinstance(argument.type, GraphQLNonNull) for argument in field.args.values())
    ]


def selections(root: GraphQLObjectType) -> dict[str, str]:
    """For each field of each type that is reached from `root`: a selection with it, by the shortest way."""
    found, seen, waiting = dict[str, str](), set[str](), [(root, "", "")]
    while waiting:
        kind, opening, closing = waiting.pop(0)
        if kind.name in seen:
            continue
        seen.add(kind.name)
        known = "id " if "id" in kind.fields else ""
        for name in leaves(kind):
            found[f"{kind.name}.{name}"] = f"{opening} {known}{name} {closing}"
        for name, begin, end, target in relations(kind):
            inside = "id" if "id" in target.fields else " ".join(leaves(target))
            count = ""
            if begin.endswith("nodes {"):
                count = f"counted: {name} {{ totalCount }}"
            found[f"{kind.name}.{name}"] = f"{opening} {known}{count} {begin} {inside} {end} {closing}"
            waiting.append((target, f"{opening} {known}{begin}", f"{end} {closing}"))
    return found


async def told(asker: Asker, query: str, stage: Stage) -> Any:
    context = Context(asker.caller, asker.reader(), asker.fetch, "request-7", lambda *_: None)
    operation = asker.engine.operation(Request(query, None, {"id": stage.video}))
    return sent(await asker.engine.run(operation, context, stage.message, plain=asker.plain))


def depends(desk: Desk, query: str, **variables: Any) -> Depends:
    return desk.engine.depends(desk.engine.operation(Request(query, None, variables)))


def as_the_team_sees(answer: Any, inside: set[str]) -> Any:
    """The answer without the people who are not in the team."""
    if isinstance(answer, list):
        return [as_the_team_sees(each, inside) for each in answer]
    if not isinstance(answer, dict):
        return answer
    shown = answer.get("id")
    if shown is not None and decode_id(shown)[0] == "User" and shown not in inside:
        return None
    return {name: as_the_team_sees(value, inside) for name, value in answer.items()}


def of(selection: str) -> str:
    return f"subscription ($id: ID!) {{ videoChanged(id: $id) {{ {selection} }} }}"


async def test_nothing_is_shared_that_differs(desk: Desk, stage: Stage) -> None:
    """Who has left is seen by some of the members, who share another team with them, and shown to none of them."""
    walked = selections(desk.engine.schema.type_map["VideoChange"])
    shared = {
        name: of(each) for name, each in walked.items() if depends(desk, of(each), id=stage.video) < Depends.PERSON
    }
    for field, query in shared.items():
        for plain in (False, True):
            together = {}
            for role in Role:
                asker = desk.asker(ScopeViewer(stage.crew.team.id, role), plain=plain)
                together[role] = await told(asker, query, stage)
                assert "errors" not in together[role], (field, together[role])
            for role, viewer in stage.people:
                alone = await told(desk.asker(viewer, plain=plain), query, stage)
                assert together[role] == as_the_team_sees(alone, stage.inside), (field, role, query)
    assert shared.keys() >= {"VideoChange.actor", "Comment.author", "Comment.body", "Version.comments", "Job.failure"}


MINE = "comments(filter: {mine: true}) { totalCount }"


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("type", Depends.NOTHING),
        ("video { comments { totalCount nodes { body } } }", Depends.ROLE),
        ("video { comments(filter: {state: OPEN}) { totalCount } }", Depends.ROLE),
        (f"video {{ {MINE} }}", Depends.PERSON),
        ("comment { reactions { kind count } }", Depends.ROLE),
        ("comment { reactions { kind viewerReacted } }", Depends.PERSON),
        ("comment { viewerCan }", Depends.PERSON),
        ("video { viewerCan team { invitations { totalCount } auditLog { totalCount } } }", Depends.ROLE),
        ("video { team { members { nodes { user { name } } } } }", Depends.ROLE),
        ("video { team { members { nodes { user { memberships { totalCount } } } } } }", Depends.PERSON),
        ("actor { name avatarUrl }", Depends.ROLE),
        ("actor { timeZone }", Depends.PERSON),
    ],
)
async def test_the_narrowest_of_what_is_selected_counts(desk: Desk, selection: str, expected: Depends) -> None:
    assert depends(desk, of(selection), id="x") is expected


@pytest.mark.parametrize(("mine", "expected"), [(True, Depends.PERSON), (False, Depends.ROLE), (None, Depends.ROLE)])
async def test_a_filter_counts_as_its_variables_have_it(desk: Desk, mine: bool | None, expected: Depends) -> None:
    selection = "videoChanged(id: $id) { video { comments(filter: $f) { totalCount } } }"
    query = f"subscription ($id: ID!, $f: CommentFilter) {{ {selection} }}"
    assert depends(desk, query, id="x", f={"mine": mine}) is expected
