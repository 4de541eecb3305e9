"""Nobody is served what they may not see: the plan's predicates choose the very rows that the models' do."""

import contextlib
from uuid import UUID

import pytest
from tortoise.expressions import Q

from domain.comments import CommentVisibility
from domain.ids import new_id
from domain.permissions import Role
from domain.viewers import ANONYMOUS, AnyViewer, ScopeViewer, Viewer
from models import Session
from models.database import raw_connection
from plan import encode_id
from plan.declarations import FirstOf, ListOf, ToMany
from plan.nodes import NODES, NodeDefinition
from plan.reader import Reader
from plan.statements import PlainStatements, Window, seen_below
from plan.writing import Writing
from tests.factories import Factory
from tests.plan.conftest import Desk
from tests.plan.world import (
    World,
    a_world,
    identity,
    invitation,
    job,
    key,
    notification,
    upload,
    user,
    version,
    webhook,
)

KINDS = ("owner", "viewer", "stranger", "anonymous", *(f"scope:{role.value}" for role in Role))
OF_ONE_PERSON = {"Notification", "Session"}
"""Of which a whole role has none."""
FOR_ADMINS = ("Invitation", "AuditEntry", "Webhook", "WebhookDelivery", "WebhookAttempt")
HIDDEN = {name: {"viewer", "scope:editor", "scope:viewer"} for name in FOR_ADMINS}
"""What members of some roles do not see."""
NEWEST = Window(("id",), 100)
OUTSIDE = {"viewer", "scope:viewer"}
"""Who sees nothing that is team-only."""
HAVE_SUCH = {"Comment", "CommentEdit", "Upload", "Job", "Notification"}


@pytest.fixture(scope="session")
async def crew(models: None):
    """A team with one member of each role and one of everything else."""
    factory = Factory("http://unused")
    crew = await factory.crew()
    video = await factory.video(crew)
    made = await version(video, 1)
    for visibility in CommentVisibility:
        said = await factory.comment(made, visibility=visibility)
        await factory.edit(said)
        await upload(video, await job(video, visibility=visibility), visibility=visibility, comment_id=said.id)
    await job(video, team_id=None)
    for person in (crew.owner, crew.viewer):
        await key(person.user)
        await identity(person.user)
        for visibility in CommentVisibility:
            await notification(video, person.user.id, visibility=visibility, about_id=new_id())
    await invitation(crew.team, crew.owner.user)
    await factory.entry(crew)
    await webhook(crew.team, crew.owner.user, 1)
    yield crew
    await factory.close()


@pytest.fixture(scope="session")
async def theirs(desk: Desk) -> World:
    return await a_world(2)


@pytest.fixture(scope="session")
async def viewers(crew) -> dict[str, AnyViewer]:
    people = {"owner": crew.owner.user.id, "viewer": crew.viewer.user.id, "stranger": (await user()).id}
    scopes: dict[str, AnyViewer] = {f"scope:{role.value}": ScopeViewer(crew.team.id, role) for role in Role}
    sessions = {session.user_id: session.id for session in await Session.filter(user_id__in=list(people.values()))}
    asking = {name: Viewer(row_id, sessions.get(row_id, new_id())) for name, row_id in people.items()}
    return asking | scopes | {"anonymous": ANONYMOUS}


async def ids_by_the_plan(node: NodeDefinition, viewer: AnyViewer, *, alone: bool) -> set[UUID]:
    writing = Writing()
    seen = node.visibility.written(viewer, "x", writing, alone=alone)
    statement = writing.statement(f'SELECT x.id FROM "{node.table._meta.db_table}" x WHERE {seen}', viewer)
    async with raw_connection() as connection:
        return {row["id"] for row in await connection.fetch(statement.text, *statement.values)}


@pytest.mark.parametrize("alone", [False, True])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", sorted(NODES))
async def test_the_plan_and_the_model_choose_the_same_rows(viewers, theirs, name, kind, alone):
    node, viewer, visible = NODES[name], viewers[kind], None
    with contextlib.suppress(TypeError):  # a type of one person's own refuses a whole role
        visible = node.visible(viewer)
    if visible is None:
        assert isinstance(viewer, ScopeViewer)
        return
    found = await ids_by_the_plan(node, viewer, alone=alone)
    assert found == set(await node.table.filter(visible).values_list("id", flat=True))
    assert not found & set(theirs.ids[name]), "somebody sees what belongs to a team that they are not in"
    of_another = name in OF_ONE_PERSON and isinstance(viewer, ScopeViewer)
    if name in HAVE_SUCH and found:
        shown = {row.visibility for row in await node.table.filter(id__in=found)}
        assert shown == ({CommentVisibility.OPEN} if kind in OUTSIDE else set(CommentVisibility))
    if kind == "anonymous" or of_another or kind in HIDDEN.get(name, ()):
        assert found == set()
    elif kind == "stranger":
        assert found == ({viewer.user_id} if name == "User" else set())
    else:
        assert found, f"{kind} sees no {name}: the test's team must have one"


@pytest.mark.parametrize("name", sorted(NODES))
async def test_a_reader_reads_for_its_own_viewer_only(desk, theirs, viewers, name):
    node, ids = NODES[name], theirs.ids[name]
    owner = Reader(theirs.viewer, desk.asker(theirs.viewer).fetch)
    assert all([await owner.one(node, row_id) for row_id in ids])
    for viewer in (viewers["stranger"], viewers["owner"], ANONYMOUS):
        other = owner.for_viewer(viewer)
        assert other.viewer is viewer
        assert [await other.one(node, row_id) for row_id in ids] == [None] * len(ids)
    assert await owner.fresh().one(node, ids[0]) is not None


RELATIONS = [
    (node.name, name)
    for node in NODES.values()
    for name, field in node.fields.items()
    if isinstance(field.declaration, ToMany)
]


@pytest.mark.parametrize(("name", "field"), RELATIONS)
async def test_a_reader_neither_lists_nor_counts_for_another_viewer(desk, theirs, viewers, name, field):
    target, key = NODES[name].target(field), NODES[name].fields[field].declaration.key
    owner, parent = desk.asker(theirs.viewer).reader(), theirs.ids[name][0]
    rows = await owner.windows(target, key, Q(), NEWEST).load(parent)
    assert len(rows) == await owner.counts(target, key, Q()).load(parent) > 0
    for viewer in (viewers["stranger"], viewers["owner"], ANONYMOUS):
        other = owner.for_viewer(viewer)
        assert await other.windows(target, key, Q(), NEWEST).load(parent) == []
        assert await other.counts(target, key, Q()).load(parent) == 0


async def test_conditions_that_differ_do_not_share_rows(desk, theirs):
    """A negated condition has the same filters as the plain one."""
    reader, team = desk.asker(theirs.viewer).reader(), theirs.ids["Team"][0]
    condition = Q(title="Cut")
    for asked, found in ((condition, 2), (~condition, 0)):
        assert len(await reader.windows(NODES["Video"], "team_id", asked, NEWEST).load(team)) == found
        assert await reader.counts(NODES["Video"], "team_id", asked).load(team) == found


async def test_every_kind_of_thing_is_null_for_whoever_may_not_see_it(desk, theirs, viewers):
    asked = " ".join(f'{name}: node(id: "{encode_id(name, theirs.ids[name][0])}") {{ id }}' for name in NODES)
    assert all((await desk.asker(theirs.viewer).data(f"{{ {asked} }}")).values())
    for kind in ("owner", "stranger", "anonymous"):
        data = await desk.asker(viewers[kind]).data(f"{{ {asked} }}")
        assert data == dict.fromkeys(NODES)


def relations() -> set[tuple[str, str]]:
    """The types that there are many of below something, each with the column by which they are."""
    fields = [(above, name, field.declaration) for above in NODES.values() for name, field in above.fields.items()]
    many = [each for each in fields if isinstance(each[2], FirstOf | ListOf | ToMany)]
    return {(above.target(name).name, declaration.key) for above, name, declaration in many}


@pytest.mark.parametrize("kind", KINDS)
async def test_below_something_the_plan_chooses_the_same_rows(viewers, theirs, kind):
    compared = 0
    for name, column in relations():
        with contextlib.suppress(TypeError):  # a type of one person's own refuses a whole role
            visible = NODES[name].visible(viewers[kind])
            there = NODES[name].table.filter(visible, **{f"{column}__isnull": False})
            found = await ids_below(NODES[name], column, viewers[kind])
            assert found == set(await there.values_list("id", flat=True)), f"{name} by {column}"
            compared += bool(found)
    assert compared or kind in ("anonymous", "stranger")


async def ids_below(node: NodeDefinition, key: str, viewer: AnyViewer) -> set[UUID]:
    writing, table = Writing(), f'"{node.table._meta.db_table}"'
    seen = seen_below(node, viewer, "x", key, "parent.key", writing)
    rows = f'SELECT x.id FROM {table} x WHERE x."{key}" = parent.key AND {seen}'
    body = f'SELECT p.id FROM (SELECT DISTINCT "{key}" FROM {table}) parent(key), LATERAL ({rows}) p'
    statement = writing.statement(body, viewer)
    async with raw_connection() as connection:
        return {row["id"] for row in await connection.fetch(statement.text, *statement.values)}


@pytest.mark.parametrize(("kind", "is_read"), [("owner", True), ("viewer", False), ("stranger", False)])
async def test_who_may_read_nothing_below_something_has_none_of_it_looked_at(viewers, crew, kind, is_read):
    window = Window(("-created_at", "-id"), 51)
    asked = PlainStatements(viewers[kind]).windows_by(NODES["AuditEntry"], "team_id", [crew.team.id], Q(), window)
    async with raw_connection() as connection:
        explained = await connection.fetch(f"EXPLAIN (ANALYZE) {asked.text}", *asked.values)
    scans = [row[0] for row in explained if " on audit_entries " in row[0]]
    assert scans
    assert ["never executed" not in scan for scan in scans] == [is_read] * len(scans)
