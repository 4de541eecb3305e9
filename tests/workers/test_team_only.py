"""Team-only comments in the workers: whom nobody tells of them, and what mails leave out."""

from datetime import timedelta
from pathlib import Path

import pytest
from arq.connections import ArqRedis

from domain.clock import utc_now
from domain.comments import CommentVisibility
from domain.permissions import Role
from models import Comment, Member, Mention, Notification, User, threads
from models.database import transaction
from models.remarks import remarks
from tests.factories import Crew, Factory
from tests.workers.test_news import mails, send, text
from tests.workers.test_notifications import COMMENT, MENTION, REPLY, Room, ids
from workers.attempts import Attempts
from workers.consumers import Tools

OPEN, TEAM = CommentVisibility.OPEN, CommentVisibility.TEAM


@pytest.fixture
async def make(models: None) -> Factory:
    return Factory("http://test")


@pytest.fixture
async def crew(make: Factory) -> Crew:
    return await make.crew()


@pytest.fixture
async def room(make: Factory, crew: Crew, redis: ArqRedis) -> Room:
    return Room(crew, await make.version(await make.video(crew)), Tools(redis, utc_now), make)


async def become(crew: Crew, person: User, role: Role) -> None:
    await Member.filter(team_id=crew.team.id, user_id=person.id).update(role=role)


async def keep_back(comment: Comment, visibility: CommentVisibility = TEAM) -> None:
    """What `setCommentVisibility` does."""
    async with transaction():
        thread = await Comment.filter(id=comment.id).select_for_update().get()
        thread.show_to(visibility)
        await threads.show(thread)


async def test_viewers_are_not_told_whatever_they_have_to_do_with_it(room: Room) -> None:
    """They have made the video, have talked in the thread, and are mentioned."""
    owner, editor, viewer = room.crew.owner.user, room.crew.editor.user, room.crew.viewer.user
    thread, began = await room.say(viewer)
    await room.tell(began)
    await room.say(editor, thread)
    await keep_back(thread)
    answer, event = await room.say(editor, thread)
    await Comment.filter(id=answer.id).update(visibility=TEAM, mentions=[[0, 1, str(viewer.id)]])
    await Mention.create(comment_id=answer.id, user_id=viewer.id, team_id=answer.team_id, created_by_id=editor.id)
    await become(room.crew, owner, Role.VIEWER)
    before = await room.told(owner)
    await room.tell(event)
    assert await room.told(viewer) == []
    assert await room.told(owner) == before
    assert (await Mention.get(comment_id=answer.id)).told_at is None, "they are told once the thread is open"


async def test_what_is_team_only_is_gathered_by_itself(room: Room) -> None:
    owner, editor = room.crew.owner.user, room.crew.editor.user
    await room.comment(editor)
    hidden = [(await room.say(editor)) for _ in range(2)]
    await Comment.filter(id__in=[said.id for said, _ in hidden]).update(visibility=TEAM)
    await room.tell(*(event for _, event in hidden))
    await room.comment(editor)
    assert await room.told(owner, visibility=OPEN) == [(COMMENT, 2, ids(editor))]
    assert await room.told(owner, visibility=TEAM) == [(COMMENT, 1, ids(editor))] * 2
    about = {each.about_id for each in await Notification.filter(user_id=owner.id, visibility=TEAM)}
    assert about == {said.id for said, _ in hidden}, "thread by thread, so that one can be opened alone"


async def test_what_was_told_of_an_open_thread_goes_with_it_and_comes_back(room: Room) -> None:
    owner, editor, viewer = room.crew.owner.user, room.crew.editor.user, room.crew.viewer.user
    thread = await room.comment(viewer)
    await room.comment(editor, thread)
    assert await room.told(viewer, visibility=OPEN) == [(REPLY, 1, ids(editor))]
    alone = await room.comment(editor)
    for visibility in (TEAM, OPEN):
        for said in (thread, alone):
            await keep_back(said, visibility)
        assert await room.told(viewer, visibility=visibility) == [(REPLY, 1, ids(editor))]
        # What was gathered of several threads cannot be told apart: it shows none of their words.
        assert await room.told(owner, visibility=OPEN) == [(COMMENT, 3, ids(editor, viewer))]


async def test_what_tells_of_one_comment_alone_is_set_apart(room: Room) -> None:
    owner, editor = room.crew.owner.user, room.crew.editor.user
    said = await room.comment(editor)
    for _ in range(2):
        await keep_back(said)
        assert await room.told(owner, visibility=TEAM) == [(COMMENT, 1, ids(editor))]
        await keep_back(said, OPEN)
        assert await room.told(owner, visibility=OPEN) == [(COMMENT, 1, ids(editor))]
    await room.comment(editor)
    assert await room.told(owner, visibility=OPEN) == [(COMMENT, 1, ids(editor))] * 2
    # One of the thread is there already, which whatever else tells of it would have been gathered into.
    about = await Notification.filter(user_id=owner.id).order_by("id").first()
    assert about is not None
    await Notification.filter(user_id=owner.id).exclude(id=about.id).update(comment_id=said.id)
    await keep_back(said)
    assert await room.told(owner) == [(COMMENT, 1, ids(editor))]


async def test_remarks_are_within_their_own_team(room: Room) -> None:
    """Somebody who edits elsewhere is a viewer here."""
    other = await room.make.crew()
    owner, editor = room.crew.owner.user, room.crew.editor.user
    await Member.create(team_id=other.team.id, user_id=owner.id, role=Role.EDITOR)
    await become(room.crew, owner, Role.VIEWER)
    elsewhere = await room.make.comment(
        await room.make.version(await room.make.video(other)), visibility=TEAM, created_by_id=other.editor.user.id
    )
    here, _ = await room.say(editor)
    await Comment.filter(id=here.id).update(visibility=TEAM)
    found = {each.comment_id: each.maker_id for each in await remarks([here.id, elsewhere.id])}
    assert found == {here.id: None, elsewhere.id: other.owner.user.id}


async def test_who_has_become_a_viewer_is_not_mailed_what_was_for_editors(
    make: Factory,
    crew: Crew,
    attempts: Attempts,
    folder: Path,
) -> None:
    version = await make.version(await make.video(crew))
    hidden = await make.comment(version, body="Between us", visibility=TEAM, created_by_id=crew.admin.user.id)
    shown = await make.comment(version, body="To all", created_by_id=crew.admin.user.id)
    for comment, visibility in ((hidden, TEAM), (shown, OPEN)):
        later = utc_now() + timedelta(seconds=visibility is OPEN)
        values = {"kind": MENTION, "about_id": comment.id, "visibility": visibility, "latest_at": later}
        await make.notification(comment, crew.editor, **values)
        await make.notification(comment, crew.admin, **values)
    await become(crew, crew.editor.user, Role.VIEWER)
    for person in (crew.editor, crew.admin):
        await send(attempts, person)
    to_viewer, to_admin = map(text, mails(folder))
    assert ("Between us" in to_viewer, "To all" in to_viewer) == (False, True)
    assert to_viewer.count("mentioned you") < to_admin.count("mentioned you")
    assert "Between us" in to_admin
    assert not await Notification.filter(user_id=crew.editor.user.id, visibility=TEAM, mailed_position__gt=0).exists()


async def test_a_mail_does_not_quote_what_was_hidden_since_it_was_told(
    make: Factory,
    crew: Crew,
    attempts: Attempts,
    folder: Path,
) -> None:
    version = await make.version(await make.video(crew))
    said = await make.comment(version, body="Oh no", created_by_id=crew.editor.user.id)
    await make.notification(said, crew.viewer, kind=MENTION, about_id=version.video_id)
    await keep_back(said)
    await send(attempts, crew.viewer)
    assert mails(folder) == [], "it told of nothing else"
    more = await make.comment(version, body="Oh yes", created_by_id=crew.editor.user.id)
    await make.notification(more, crew.viewer, kind=COMMENT, about_id=version.video_id, count=2)
    await keep_back(more)
    await send(attempts, crew.viewer)
    (mail,) = mails(folder)
    assert "Oh yes" not in text(mail)
