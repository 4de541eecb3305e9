"""Use-cases find the very rows that the predicates choose, by statements that are written once."""

import asyncio
from contextvars import copy_context

import pytest

from domain.clock import utc_now
from domain.errors import Forbidden, NotFound, Unauthenticated
from domain.events import VideoCreated
from domain.ids import new_id
from domain.permissions import Role
from domain.viewers import ANONYMOUS, AnyViewer, ScopeViewer, Viewer
from models import Comment, EventRecord, Member, Session, User, Version, Video
from models.database import transaction
from models.events import record
from models.finding import Hold, Sought, find
from models.teams import permitted
from tests.factories import Crew, Factory


@pytest.fixture
async def made(models: None):
    factory = Factory("http://unused")
    crew = await factory.crew()
    comment = await factory.comment(await factory.version(await factory.video(crew)))
    yield crew, comment, await factory.crew()
    await factory.close()


Made = tuple[Crew, Comment, Crew]


def viewer_of(user: User) -> Viewer:
    return Viewer(user.id, new_id())


@pytest.mark.parametrize("hold", Hold)
@pytest.mark.parametrize("model", [Comment, Version, Video, User, Member, Session])
async def test_what_is_found_is_what_the_predicate_chooses(made: Made, model, hold: Hold) -> None:
    crew, _, others = made
    viewers: list[AnyViewer] = [viewer_of(crew.owner.user), viewer_of(others.owner.user), ANONYMOUS]
    if model is not Session:
        viewers += [ScopeViewer(crew.team.id, Role.VIEWER), ScopeViewer(others.team.id, Role.OWNER)]
    for viewer in viewers:
        seen = await model.filter(model.visible_to(viewer)).values_list("id", flat=True)
        async with transaction():
            for row in await model.all().order_by("-id").limit(20):
                found = await find(Sought(model, hold), row.id, viewer)
                assert (found is not None) == (row.id in seen)
                assert found is None or dict(found.row) == dict(row)


async def test_the_role_decides_as_it_does_by_itself(made: Made) -> None:
    crew, comment, others = made
    sought = Sought(Video)
    assert (await permitted(viewer_of(crew.editor.user), "video:edit", sought, comment.video_id)).also == Role.EDITOR
    for viewer, problem in [
        (viewer_of(crew.viewer.user), Forbidden),
        (viewer_of(others.owner.user), NotFound),
        (ANONYMOUS, Unauthenticated),
    ]:
        with pytest.raises(problem):
            await permitted(viewer, "video:edit", sought, comment.video_id)


async def test_a_row_comes_with_the_one_that_it_belongs_to(made: Made) -> None:
    crew, comment, _ = made
    sought = Sought(Version, within=Video, within_hold=Hold.ALONE)
    async with transaction():
        found = await permitted(viewer_of(crew.viewer.user), "comment:create", sought, comment.version_id)
    assert dict(found.row) == dict(await Version.get(id=comment.version_id))
    assert dict(found.within) == dict(await Video.get(id=comment.video_id))


@pytest.mark.parametrize(("hold", "waits"), [(Hold.NOT, False), (Hold.THERE, True), (Hold.ALONE, True)])
async def test_what_is_held_cannot_be_locked_meanwhile(made: Made, hold: Hold, *, waits: bool) -> None:
    crew, comment, _ = made
    viewer, locked, outside = viewer_of(crew.owner.user), asyncio.Event(), copy_context()

    async def lock() -> None:
        async with transaction():
            await Video.lock(comment.video_id, viewer)
            locked.set()

    async with transaction():
        await find(Sought(Version, within=Video, within_hold=hold), comment.version_id, viewer)
        locking = outside.run(asyncio.create_task, lock())
        if waits:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(locked.wait(), 0.2)
        else:
            await locked.wait()
    await locking


async def test_a_new_row_goes_along_with_its_event_or_not_at_all(made: Made) -> None:
    crew, _, _ = made
    given = {"team_id": crew.team.id, "created_by_id": crew.owner.user.id, "title": "New", "tags": ["a"]}
    video = Video(id=new_id(), **given)
    told = VideoCreated(team_id=crew.team.id, actor_id=None, video_id=video.id, title=video.title)
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - after what was written
        async with transaction():
            await record(told, utc_now(), of=video)
            raise ZeroDivisionError
    assert not await Video.exists(id=video.id)
    async with transaction():
        event_id = await record(told, utc_now(), of=video)
    assert dict(await Video.get(id=video.id)) == dict(video)
    assert await EventRecord.exists(id=event_id)
    video.title = "Newer"
    await video.save()  # changes the row that is there
    assert (await Video.get(id=video.id)).title == "Newer"
