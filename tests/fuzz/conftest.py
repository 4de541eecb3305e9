"""The world that the differential suite reads, in a database of its own."""

import gc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
from graphql import GraphQLEnumType, GraphQLField
from strawberry.utils.str_converters import to_camel_case
from tortoise.context import TortoiseContext

from domain.ids import new_id
from gateways.storage.local import LocalStorage
from gateways.storage.signing import Signer
from models import Comment, Upload, Version, Video
from models.database import configuration
from plan import encode_id
from plan.declarations import FirstOf, ListOf, ToMany, ToOne
from plan.nodes import NODES
from plan.requests import Request
from tests import services
from tests.conftest import fresh_database
from tests.fuzz.arguments import is_connection
from tests.fuzz.stages import Seen, Stage, Twins, Visible, open_stage, refusing
from tests.fuzz.values import Pools
from tests.fuzz.world import NOW, World, an_id

KEPT = 12
"""Cursors of each connection."""


@pytest.fixture(autouse=True)
def nothing_is_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """What was given up is cleared away here, not in somebody else's test: see `GIVEN_UP`."""
    yield
    if "world" in request.fixturenames:  # it takes half a second, and who reads no world runs nothing that gives up
        gc.collect()


@pytest.fixture(scope="session")
def storage(tmp_path_factory: pytest.TempPathFactory) -> LocalStorage:
    folder = tmp_path_factory.mktemp("fuzz")
    return LocalStorage(folder, public_url="http://localhost", signer=Signer("s" * 32, lambda: NOW))


@pytest.fixture(scope="session")
async def world(models: None) -> World:
    """Rows can be made only of models that are bound: before, they know no columns of their references."""
    return World()


@pytest.fixture(scope="session")
async def world_name(number: int, world: World, storage: LocalStorage) -> str:
    """The database that has the world in it; copies of it are asked."""
    name = f"fuzz{number}"
    context = TortoiseContext()
    with context:
        await context.init(config=configuration(await fresh_database(name), connections=1))
        await world.store(storage)
        await context.close_connections()
    return name


@pytest.fixture(scope="session")
async def stage(world_name: str, world: World, storage: LocalStorage) -> AsyncIterator[Stage]:
    """Nothing is written here."""
    url = await _copied(world_name, f"{world_name}_read")
    async with open_stage(url, storage, world.viewers()) as opened:
        yield opened


@pytest.fixture
async def broken(world_name: str, world: World, storage: LocalStorage, stage: Stage) -> AsyncIterator[Stage]:
    """Where rows of the crew belong to what only strangers may see."""
    url = await _copied(world_name, f"{world_name}_broken")
    async with open_stage(url, storage, world.viewers()) as opened:
        theirs, ours = world.rows[Version][-1], next(row for row in world.rows[Version] if row.number == 2)
        with opened.database:
            await Comment.filter(team_id=world.crew.id, start_ms=0).update(video_id=theirs.video_id)
            await Comment.filter(team_id=world.crew.id, start_ms=1500).update(version_id=theirs.id)
            await Upload.filter(team_id=world.crew.id).update(video_id=theirs.video_id)
            await Version.filter(id=ours.id).update(video_id=world.rows[Video][-1].id)
        yield opened
    stage.complaints.clear()  # it has heard of these, too


@pytest.fixture
async def twins(
    world_name: str, world: World, storage: LocalStorage, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Twins]:
    """The world twice, to write the same into both."""
    names = [f"{world_name}_{new_id().hex}" for _ in range(2)]
    urls = [await _copied(world_name, name) for name in names]
    async with open_stage(urls[0], storage, world.viewers()) as one, open_stage(urls[1], storage, one.viewers) as other:
        yield Twins(one, other, monkeypatch)


@pytest.fixture(scope="session")
async def visible(stage: Stage) -> Visible:
    return await stage.visible()


@pytest.fixture(scope="session")
async def pools(stage: Stage, world: World, visible: Visible) -> dict[str, Pools]:
    """For each viewer by name."""
    rows = {model.__name__: rows for model, rows in world.rows.items()}
    ids = {name: [encode_id(name, row.id) for row in rows[name]] for name in NODES}
    cursors = {
        f"{kind}.{field}": await _cursors(stage, kind, field, ids[kind], _orders(found))
        for kind in NODES
        for field, found in stage.engine.schema.type_map[kind].fields.items()
        if is_connection(found)
    }
    absent = {name: encode_id(name, an_id("absent", name)) for name in NODES}

    def pool(viewer: str, found: Seen) -> Pools:
        seen = {name: [encode_id(name, row.id) for row in rows[name] if row.id in found[name]] for name in found}
        known, none = ({name: of[name] for name in found} for of in (ids, absent))
        return Pools(known, seen, cursors, none, frozenset(_leading_to(refusing(stage.viewers[viewer]))))

    return {viewer: pool(viewer, found) for viewer, found in visible.items()}


def _leading_to(types: set[str]) -> Iterator[str]:
    """The fields, as `Type.field`, that ask for rows of one of these types."""
    for node in NODES.values():
        for name, found in node.fields.items():
            relation = getattr(found.declaration, "field", name)  # a count or an aggregate is over another field
            related = isinstance(node.fields[relation].declaration, ToOne | FirstOf | ToMany | ListOf)
            if related and node.target(relation).name in types:
                yield f"{node.name}.{to_camel_case(name)}"


def _orders(found: GraphQLField) -> list[str]:
    """The arguments that choose another order than the usual one."""
    enums = {name: argument.type for name, argument in found.args.items() if isinstance(argument.type, GraphQLEnumType)}
    return [f", {name}: {value}" for name, enum in enums.items() for value in enum.values]


async def _cursors(stage: Stage, kind: str, field: str, parents: list[str], orders: list[str]) -> list[str]:
    """Out of the answers of the connection `field`, to somebody who is in two teams."""
    pages = [f"p{n}: {field}(first: 3{order}) {{ edges {{ cursor }} }}" for n, order in enumerate(["", *orders])]
    asked = f"... on {kind} {{ {' '.join(pages)} }}"
    found: list[str] = []
    for parent in parents:
        answer: Any = await stage.answer("both", Request(f'{{ node(id: "{parent}") {{ {asked} }} }}'))
        shown = (answer["data"]["node"] or {}).values()
        found += [edge["cursor"] for page in shown for edge in page["edges"]]
        if len(found) >= KEPT * len(pages):
            break
    assert found, f"{kind}.{field} has no rows in the world"
    return found


async def _copied(template: str, name: str) -> str:
    """A copy of a database that nobody uses; its address."""
    maintenance = services.where()["postgres"]
    connection = await asyncpg.connect(maintenance)
    await connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
    await connection.close()
    return maintenance.replace("/postgres?", f"/{name}?")
