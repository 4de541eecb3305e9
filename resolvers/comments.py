"""Comments: saying something about a version, and changing, deleting, resolving it and reacting to it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.comments import BODY, CommentVisibility, ReactionKind
from domain.drawings import drawing as drawn
from domain.errors import Conflict, Forbidden, Invalid
from domain.events import (
    CommentCreated,
    CommentDeleted,
    CommentEdited,
    CommentReacted,
    CommentResolved,
    CommentRestored,
    CommentUnresolved,
    CommentVisibilityChanged,
    Event,
)
from domain.moments import Moments
from domain.permissions import allows
from domain.text import is_blank, many_lines
from domain.throttling import CHANGE_OF_PERSON, EDIT_OF_PERSON, REACTION_OF_PERSON, comments_of_person
from models import Comment, CommentEdit, Member, Mention, Reaction, Upload, Version, Video, threads
from models.comments import Span
from models.database import transaction
from models.finding import Hold
from resolvers import mentions
from resolvers.caller import (
    STAYS,
    Caller,
    Following,
    find_within,
    find_within_as,
    follow,
    lock_within,
    origin,
    require_may_show_to,
    require_somebody,
    tell,
    write_and_tell,
)

_UNSAID = (STAYS, None)
_WAYS: Mapping[str, Callable[..., int]] = {"Frame": Moments.ms_of_frame, "Timecode": Moments.ms_of_timecode}
"""How a moment may be said but in milliseconds."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a comment stands, as somebody asks for it: each end in one of three ways. STAYS for what is not asked."""

    start_ms: Any = STAYS
    end_ms: Any = STAYS
    start_frame: Any = STAYS
    end_frame: Any = STAYS
    start_timecode: Any = STAYS
    end_timecode: Any = STAYS

    async def span(self, version: Version, before: Span) -> Span:
        """The span that is meant on `version`, what is not asked for being as `before`."""
        start = await self._moment("start", version)
        end = await self._moment("end", version)
        return Span(
            before.start_ms if start is STAYS else start or 0,
            before.end_ms if end is STAYS else end,
        )

    @property
    def is_given(self) -> bool:
        """Whether anything is asked for."""
        return any(getattr(self, name) is not STAYS for name in self.__slots__)

    async def _moment(self, end: str, version: Version) -> Any:
        """One end in milliseconds."""
        moment = getattr(self, f"{end}_ms")
        said = [(way, value) for way in _WAYS if (value := getattr(self, f"{end}_{way.lower()}")) not in _UNSAID]
        if not said:
            return moment
        way, value = said[-1]
        path = (f"{end}{way}",)
        if len(said) > 1 or moment not in _UNSAID:
            raise Invalid("problem.moment_twice", path=path)
        return _WAYS[way](await version.moments(), value, path=path)


async def add(
    caller: Caller,
    *,
    version_id: UUID,
    body: str,
    place: Place | None = None,
    drawing: object | None = None,
    parent_id: UUID | None = None,
    visibility: CommentVisibility | None = None,
) -> Comment:
    """Opens a thread at a place of the version, or answers the comment `parent_id` in its thread.

    `visibility` says for whom; None is for everybody in the team or, in an answer, for whom the thread is.
    """
    place = place or Place()
    said: dict[str, Any] = {"body": _body(body), "drawing": None if drawing is None else drawn(drawing)}
    await _pace(caller)
    async with transaction():
        # Held, the video stays out of the trash until the commit; others may comment on it meanwhile.
        version, video, role = await find_within_as(caller, "comment:create", Version, version_id, Video, Hold.THERE)
        said |= {"by": caller.viewer.user_id, "now": caller.now()}
        said["mentions"] = await mentions.found(video.team_id, said["body"])
        if parent_id is None:
            said["visibility"] = visibility or CommentVisibility.OPEN
            require_may_show_to(role, said["visibility"])
            comment = Comment.opened(version, await place.span(version, Span(0)), **said)
        else:
            comment = (await _thread(caller, parent_id, version, place, visibility)).answered(**said)
        video.require_live()
        about: dict[str, Any] = {"video_id": video.id, "version_id": version.id, "parent_id": comment.parent_id}
        about["visibility"] = comment.visibility.value
        await write_and_tell(caller, comment, CommentCreated, comment_id=comment.id, **about)
        if comment.mentions:
            await Mention.follow(comment, caller.now())
    return comment


async def _pace(caller: Caller) -> None:
    """Throttled for who says more than people do."""
    author, most = str(require_somebody(caller)), caller.rules.comments_per_minute
    if most:
        await caller.throttle.hit(comments_of_person(most), author)


async def _thread(
    caller: Caller, comment_id: UUID, version: Version, place: Place, visibility: CommentVisibility | None
) -> Comment:
    """The comment that opens the thread of what is answered. Held, it is not deleted before the answer is in.

    It alone is held: whoever deletes an answer holds the thread first, and would wait for who holds them the other way.
    """
    comment = await Comment.find(comment_id, caller.viewer)
    if comment.version_id != version.id:
        raise Invalid("problem.comment_elsewhere", path=("parentId",))
    thread = await Comment.pin(comment.thread_id, caller.viewer)
    standing = Span(thread.start_ms, thread.end_ms)
    if place.is_given and await place.span(version, standing) != standing:
        raise Invalid("problem.moment_of_thread", path=("startMs",))
    if visibility not in (None, thread.visibility):
        raise Invalid("problem.visibility_of_thread", path=("visibility",))
    return thread


async def edit(caller: Caller, *, comment_id: UUID, body: str | None, place: Place, drawing: object = STAYS) -> Comment:
    """Gives one's own comment other words, or another place; an answer stands where its thread stands."""
    text = None if body is None else _body(body)
    picture = drawn(drawing) if drawing not in (STAYS, None) else drawing
    await caller.throttle.hit(EDIT_OF_PERSON, str(require_somebody(caller)))
    async with transaction():
        comment, video = await lock_within(caller, "comment:edit", Comment, comment_id, Video)
        video.require_live()
        comment.require_there()
        given: dict[str, Any] = {"body": comment.body if text is None else text, **await _moved(comment, place)}
        given |= {} if picture is STAYS else {"drawing": picture}
        changed = {name: value for name, value in given.items() if value != getattr(comment, name)}
        if "body" in changed:
            changed["mentions"] = await mentions.found(comment.team_id, changed["body"], before=comment)
        if changed:
            await _change(caller, comment, changed)
    return comment


async def _change(caller: Caller, comment: Comment, changed: Mapping[str, Any]) -> None:
    before = comment.edit(changed, caller.now())
    await before.save()
    await comment.save(update_fields=[*changed, "edited_at"])
    if before.mentions or comment.mentions:
        await Mention.follow(comment, caller.now())
    parts = {_PARTS.get(name, name) for name in changed}
    if "range" in parts:
        await Comment.filter(parent_id=comment.id).update(start_ms=comment.start_ms, end_ms=comment.end_ms)
    await _tell(caller, CommentEdited, comment, changed=sorted(parts), parent_id=comment.parent_id)


_PARTS = {"start_ms": "range", "end_ms": "range", "mentions": "body"}
"""What columns are together called, where that is another name."""


async def _moved(comment: Comment, place: Place) -> Mapping[str, int | None]:
    if not place.is_given:
        return {}
    version, before = await Version.get(id=comment.version_id), Span(comment.start_ms, comment.end_ms)
    span = await place.span(version, before)
    if comment.parent_id is not None and span != before:
        raise Invalid("problem.moment_of_thread", path=("startMs",))
    span.require_within(version)
    return {"start_ms": span.start_ms, "end_ms": span.end_ms}


async def delete(caller: Caller, *, comment_id: UUID) -> Comment:
    """Takes a comment's words. One with answers stays in its place without them, any other leaves all lists."""
    await caller.throttle.hit(CHANGE_OF_PERSON, str(require_somebody(caller)))
    async with transaction():
        comment, thread = await _with_thread(caller, comment_id)
        now = caller.now()
        before = comment.delete_softly(answered=await comment.is_answered(), by=caller.viewer.user_id, now=now)
        await CommentEdit.withdraw(comment, now)
        await before.save()
        await comment.save()
        if before.mentions:
            await Mention.follow(comment, now)
        if thread is not None and thread.deleted_at is not None and not await thread.is_answered():
            thread.gone_at = now
            await thread.save(update_fields=["gone_at"])
        await _tell(caller, CommentDeleted, comment, parent_id=comment.parent_id)
    return comment


async def restore(caller: Caller, *, comment_id: UUID) -> Comment:
    """Brings a deleted comment back, within an hour. What somebody else has deleted, its author cannot."""
    await caller.throttle.hit(CHANGE_OF_PERSON, str(require_somebody(caller)))
    async with transaction():
        comment, thread = await _with_thread(caller, comment_id)
        await _require_may_restore(caller, comment)
        comment.bring_back(await CommentEdit.give_back(comment), caller.now())
        await comment.save()
        if comment.mentions:
            await Mention.follow(comment, caller.now())
        if thread is not None and thread.gone_at is not None:
            thread.gone_at = None
            await thread.save(update_fields=["gone_at"])
        await _tell(caller, CommentRestored, comment, parent_id=comment.parent_id)
    return comment


async def remove_image(caller: Caller, *, comment_id: UUID) -> Comment:
    """Takes the image from one's own comment, and gives up one that is being made; Conflict where there is neither."""
    now = caller.now()
    async with transaction():
        await Video.pin((await Comment.find(comment_id, caller.viewer)).video_id, caller.viewer)
        withdrawn = await Upload.withdraw_images(comment_id, now, by=require_somebody(caller), **origin(caller))
        comment, video = await lock_within(caller, "comment:edit", Comment, comment_id, Video)
        video.require_live()
        comment.require_there()
        if await comment.drop_image(now):
            await _tell(caller, CommentEdited, comment, changed=["image"], parent_id=comment.parent_id)
        elif not withdrawn:
            raise Conflict("problem.no_image")
    return comment


async def image_urls(caller: Caller, rows: Sequence[Any]) -> list[str | None]:
    """Signed links to the images (WebP) of comments, None for one that has none, or is deleted."""
    valid = int(caller.rules.link.total_seconds())
    keys = [None if row["deleted_at"] else row["image_key"] for row in rows]
    return [key and await caller.storage.read_url(key, expires_in=valid, content_type="image/webp") for key in keys]


async def resolve(caller: Caller, *, comment_id: UUID) -> Comment:
    """Says that a thread is dealt with."""
    await caller.throttle.hit(CHANGE_OF_PERSON, str(require_somebody(caller)))
    async with transaction():
        comment, video = await lock_within(caller, "comment:resolve", Comment, comment_id, Video)
        video.require_live()
        comment.resolve(caller.viewer.user_id, caller.now())
        await comment.save(update_fields=["resolved_at", "resolved_by_id"])
        await _tell(caller, CommentResolved, comment)
    return comment


async def unresolve(caller: Caller, *, comment_id: UUID) -> Comment:
    """Opens a resolved thread again."""
    await caller.throttle.hit(CHANGE_OF_PERSON, str(require_somebody(caller)))
    async with transaction():
        comment, video = await lock_within(caller, "comment:resolve", Comment, comment_id, Video)
        video.require_live()
        comment.unresolve()
        await comment.save(update_fields=["resolved_at", "resolved_by_id"])
        await _tell(caller, CommentUnresolved, comment)
    return comment


async def set_visibility(caller: Caller, *, comment_id: UUID, visibility: CommentVisibility) -> Comment:
    """Has a thread, with all that hangs on it, be for those from now on; what is so already changes nothing."""
    await caller.throttle.hit(CHANGE_OF_PERSON, str(require_somebody(caller)))
    async with transaction():
        await Video.pin((await Comment.find(comment_id, caller.viewer)).video_id, caller.viewer)
        await threads.hold_images(comment_id)
        comment, video = await lock_within(caller, "comment:set_visibility", Comment, comment_id, Video)
        video.require_live()
        if comment.show_to(visibility):
            await threads.show(comment)
            await _tell(caller, CommentVisibilityChanged, comment, became=visibility.value)
    return comment


async def react(caller: Caller, *, comment_id: UUID, kind: ReactionKind, wanted: bool) -> Comment:
    """Reacts to a comment, or takes that back; what is so already stays so, and nothing is told of it."""
    await caller.throttle.hit(REACTION_OF_PERSON, str(require_somebody(caller)))
    async with transaction():
        comment, video = await find_within(
            caller, "comment:create", Comment, comment_id, Video, Hold.THERE, own=Hold.THERE
        )
        video.require_live()
        comment.require_there()
        made = Reaction.by(caller.viewer.user_id, comment, kind, caller.now())
        if await (made.add() if wanted else made.take_back()):
            about = {"kind": kind.value, "added": wanted, "parent_id": comment.parent_id}
            await _tell(caller, CommentReacted, comment, **about)
    return comment


async def watch(caller: Caller, *, video_id: UUID) -> Following:
    """Where it is told what happens to a video's comments, among all else about the video."""
    return await follow(caller, "video:view", Video, video_id, "video")


async def _with_thread(caller: Caller, comment_id: UUID) -> tuple[Comment, Comment | None]:
    """The comment that is to be deleted or brought back and, of an answer, its thread: both held, the thread first."""
    known = await Comment.find(comment_id, caller.viewer)
    thread = None if known.parent_id is None else await Comment.lock(known.parent_id, caller.viewer)
    comment, video = await lock_within(caller, "comment:delete", Comment, comment_id, Video)
    video.require_live()
    return comment, thread


async def _require_may_restore(caller: Caller, comment: Comment) -> None:
    """Forbidden to an author who may delete no others' comments, where somebody else has deleted theirs."""
    member = await Member.get(user_id=caller.viewer.user_id, team_id=comment.team_id)
    if not allows(member.role, "comment:delete") and comment.deleted_by_id not in (None, caller.viewer.user_id):
        raise Forbidden


async def _tell(caller: Caller, event: type[Event], comment: Comment, **about: Any) -> None:
    about |= {"video_id": comment.video_id, "version_id": comment.version_id, "comment_id": comment.id}
    if event is not CommentVisibilityChanged:
        about["visibility"] = comment.visibility.value
    await tell(caller, event, comment.team_id, **about)


def _body(text: str) -> str:
    body = many_lines(text, path=("body",), most=BODY)
    if is_blank(body):
        raise Invalid("problem.text_missing", path=("body",))
    return body
