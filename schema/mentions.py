"""Mentions: whom comments mention, and who may be mentioned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any
from uuid import UUID

import orjson
import strawberry

from domain.comments import CommentVisibility
from domain.errors import DomainError, Invalid
from domain.markdown import Marked, html
from domain.mentions import Mention as Placed
from domain.mentions import placed as placed_in
from domain.mentions import utf16
from domain.text import many_lines
from plan import BadInput, encode_id, node_of, reference
from resolvers import mentions as use_cases
from schema.accounts import User
from schema.context import Context, Info
from schema.ids import uuid_of

LONGEST = 100
"""Characters of a beginning that somebody is looked for by: no name has more."""


@strawberry.type(description="That a text mentions somebody, at a place of it.")
class Mention:
    """A mention in a comment."""

    user_id: strawberry.ID = strawberry.field(description="The person's id.")
    name: str = strawberry.field(description="What they are called now, which may be another name than in the text.")
    start: int = strawberry.field(
        description="Where the @ stands, in UTF-16 code units from the beginning of `body`, as JavaScript counts."
    )
    length: int = strawberry.field(description="How many code units the mention takes, the @ included.")


async def mentions(context: Context, rows: Sequence[Any]) -> list[list[Mention]]:
    """Of each comment of a level whom it mentions of those whom the viewer may see. They are all read at once."""
    placed = [utf16(row["body"], _placed(row)) for row in rows]
    names = await _names(context, placed)
    return [
        [_mention(each, names[each.user_id]) for each in of_comment if each.user_id in names] for of_comment in placed
    ]


async def shown(context: Context, rows: Sequence[Any]) -> list[str]:
    """Of each comment of a level its words as HTML. Who may not be seen is text in it."""
    placed = [_placed(row) for row in rows]
    names = await _names(context, placed)
    return [
        html(row["body"], [_marked(each) for each in of_comment if each.user_id in names])
        for row, of_comment in zip(rows, placed, strict=True)
    ]


def _placed(row: Any) -> Sequence[Placed]:
    kept = row["mentions"]
    return placed_in(orjson.loads(kept)) if kept else ()


def _marked(mention: Placed) -> Marked:
    return Marked(mention.start, mention.length, encode_id("User", mention.user_id))


def _mention(mention: Placed, name: str) -> Mention:
    user_id = strawberry.ID(encode_id("User", mention.user_id))
    return Mention(user_id=user_id, name=name, start=mention.start, length=mention.length)


async def _names(context: Context, placed: Sequence[Sequence[Placed]]) -> dict[UUID, str]:
    """What those are called who are mentioned, as far as the viewer may see them."""
    user_ids = {each.user_id for of_comment in placed for each in of_comment}
    people = context.reader.ones(node_of(User))
    for coming in people.ask(user_ids):
        await coming
    return {person["id"]: person["name"] for person in people.sound(user_ids) if person is not None}


@strawberry.type(description="Somebody who may be mentioned in comments on a video.")
class Mentionable:
    """An entry of `mentionable`."""

    row_id: strawberry.Private[UUID]
    user: User | None = reference(lambda found, _context: found.row_id, description="The person.")
    handle: str = strawberry.field(
        description="Write it behind an @ to mention just this person: the name or, where several go by it, the "
        "address."
    )


async def mentionable(
    info: Info,
    video_id: Annotated[strawberry.ID, strawberry.argument(description="The video whose comments are written.")],
    prefix: Annotated[
        str,
        strawberry.argument(
            description="How the name, a word of it, or the address begins, in any case and script; at most 100 "
            "characters. Empty: everybody."
        ),
    ] = "",
    first: Annotated[int, strawberry.argument(description="At most this many, 1–100.")] = 10,
    visibility: Annotated[
        CommentVisibility,
        strawberry.argument(description="For whom the comment will be: viewers are not offered for a `TEAM` one."),
    ] = CommentVisibility.OPEN,
) -> list[Mentionable] | None:
    """Root field `mentionable`: null for whoever may not comment so. BadInput for arguments that are too large."""
    from schema.videos import Video

    if not 1 <= first <= 100:
        raise BadInput("`first` is 1 to 100.")
    try:
        begins = many_lines(prefix, path=("prefix",), most=LONGEST)
    except Invalid as error:
        raise BadInput(f"`prefix` has at most {LONGEST} characters, of those that a name can have.") from error
    try:
        video_row_id = uuid_of(Video, video_id, "videoId")
        found = await use_cases.offered(
            info.context.caller, video_id=video_row_id, prefix=begins, most=first, visibility=visibility
        )
    except DomainError:
        return None
    return [Mentionable(row_id=each.user_id, handle=each.handle) for each in found]
