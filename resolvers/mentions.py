"""Mentions: whom what is written mentions, and who may be."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from domain.comments import CommentVisibility
from domain.mentions import handle, handles, kept, mentions_in, sought
from domain.permissions import INSIDERS, Role
from domain.text import searchable
from models import Comment, Video, mentions
from resolvers.caller import Caller, find_as, require_may_show_to, require_somebody


@dataclass(frozen=True, slots=True)
class Mentionable:
    """Somebody who may be mentioned, by writing `handle` behind an @."""

    user_id: UUID
    handle: str


async def offered(
    caller: Caller,
    *,
    video_id: UUID,
    prefix: str,
    most: int,
    visibility: CommentVisibility = CommentVisibility.OPEN,
) -> list[Mentionable]:
    """Who may be mentioned in comments on the video that are for so many: see `models.mentions.mentionable`.

    The caller is left out. Forbidden to who makes no such comments.
    """
    video, role = await find_as(caller, "comment:create", Video, video_id)
    video.require_live()
    require_may_show_to(role, visibility)
    asked: dict[str, Any] = {
        "besides": require_somebody(caller),
        "roles": tuple(Role) if visibility is CommentVisibility.OPEN else INSIDERS,
        "seen": tuple(CommentVisibility) if role in INSIDERS else (CommentVisibility.OPEN,),
    }
    begins = searchable(prefix).lstrip("@＠")
    found = await mentions.mentionable(video.team_id, video.id, begins, most=most, **asked)
    return [Mentionable(who.user_id, handle(who, is_namesake=is_namesake)) for who, is_namesake in found]


async def found(team_id: UUID, body: str, *, before: Comment | None = None) -> list[Any] | None:
    """Whom `body` mentions of the team's members, and where, as a comment keeps it. Invalid for too many.

    `before` is the comment that is to say this from now on.
    """
    asked, said = sought(body), before.mentioned() if before else []
    if not asked.is_anything:
        return None
    people = await mentions.people(team_id, asked, {each.user_id for each in said})
    there = {person.user_id for person in people}
    known = handles(before.body, [each for each in said if each.user_id in there]) if before else {}
    return kept(mentions_in(body, people, before=known))
