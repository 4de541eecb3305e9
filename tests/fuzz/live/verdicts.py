"""What is wrong with what everybody in a room knows, by the tables and by what a query answers them."""

from collections.abc import AsyncIterator, Sequence
from uuid import UUID

from domain.comments import CommentHappening
from models import Comment, CommentEdit, EventRecord
from plan import encode_id
from tests.fuzz.live.casts import Cast
from tests.fuzz.live.guests import Guest
from tests.fuzz.live.judging import beyond, missed, unlike, unseen
from tests.fuzz.live.scripts import Who
from tests.fuzz.live.stories import Heard
from tests.waiting import until

PATIENCE = 40


async def truth_of(cast: Cast) -> list[Heard]:
    """What has happened to the comments of the room, in the order of the positions, once all have one."""
    about = EventRecord.filter(team_id=cast.crew.team.id)

    async def all_have_one() -> bool:
        return not await about.filter(position__isnull=True).exists()

    await until(all_have_one, PATIENCE)
    events = await about.filter(type__startswith="comment.").order_by("position")
    return [
        Heard(event.position or 0, CommentHappening(event.type).name, _comment_id(event.payload["comment_id"]))
        for event in events
    ]


async def faults(cast: Cast, truth: Sequence[Heard]) -> AsyncIterator[str]:
    """Everything, of everybody."""
    for fault in await _of_table(cast, truth):
        yield f"the table: {fault}"
    for who, guest in cast.guests.items():
        found = [*guest.faults, *await _of_tokens(cast, who, guest)]
        if who is Who.REMOVED and cast.is_removed:
            found += await _of_removed(cast, guest, truth)
        else:
            found += [*missed(guest.story, truth, truth[-1].position), *unseen(guest.story)]
            found += await _of_state(cast, who, guest)
        for fault in found:
            yield f"{who}: {fault}"


async def _of_table(cast: Cast, truth: Sequence[Heard]) -> list[str]:
    """What was told to be done was done, and once, however often it was asked for under its key."""
    about = {"team_id": cast.crew.team.id}
    said = await Comment.filter(**about).values_list("id", "body")
    said += await CommentEdit.filter(**about).values_list("comment_id", "body")
    by_word: dict[str, set[UUID]] = {}
    for comment_id, body in said:
        by_word.setdefault(body.split(" ")[0], set()).add(comment_id)
    found = [f"{word} was said {len(ids)} times" for word, ids in by_word.items() if word and len(ids) > 1]
    if lost := cast.written - {event.comment_id for event in truth if event.kind == CommentHappening.ADDED.name}:
        found.append(f"nothing tells of {lost}, which were made")
    return found


async def _of_removed(cast: Cast, guest: Guest, truth: Sequence[Heard]) -> list[str]:
    """They have heard all up to some moment before the removal and nothing since, and are not let in again."""
    loss = await EventRecord.get(type="member.removed", team_id=cast.crew.team.id)
    found = [*beyond(guest.story, loss.position or 0), *missed(guest.story, truth, guest.story.last)]
    found += [f"was sent {word}" for word in cast.secrets if any(word in frame for frame in guest.frames)]
    if guest.refused is None:
        found.append("was put out of the team, and still follows")
    if (await guest.look())[1] is not None:
        found.append("was put out of the team, and still sees the room")
    return found


async def _of_tokens(cast: Cast, who: Who, guest: Guest) -> list[str]:
    """Nobody has heard of anything, by a session, that happened after its end."""
    about = EventRecord.filter(type="session.ended", actor_id=cast.people[who].user.id, position__isnull=False)
    ended = await about.order_by("position")
    tokens = cast.signed_out[who]
    if len(ended) != len(tokens):
        return [f"{len(tokens)} of their sessions have ended, and {len(ended)} events tell of it"]
    return [
        f"heard of {guest.heard_with[token]} by a session that had ended at {event.position}"
        for token, event in zip(tokens, ended, strict=True)
        if guest.heard_with.get(token, 0) > (event.position or 0)
    ] + ([] if guest.refused or guest.is_up_to_date else ["still is on a line that another session opened, or on none"])


async def _of_state(cast: Cast, who: Who, guest: Guest) -> list[str]:
    """What they know by events is what they are answered now."""
    _, comments, threads = await guest.look()
    if comments is None:
        return ["may not see the room any more"]
    found = [*unlike(guest.story, comments, await _role_changed_at(cast, who))]
    if guest.story.threads() != threads:
        found.append(f"shows {guest.story.threads()}, and it is {threads}")
    return found


async def _role_changed_at(cast: Cast, who: Who) -> int:
    user = str(cast.people[who].user.id)
    changes = EventRecord.filter(type="member.role_changed", team_id=cast.crew.team.id)
    return max((event.position or 0 for event in await changes if event.payload["user_id"] == user), default=0)


def _comment_id(row: str) -> str:
    return encode_id("Comment", UUID(row))
