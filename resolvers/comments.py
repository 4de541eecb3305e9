"""Comments: saying something about a version."""

from typing import Any
from uuid import UUID

from domain.errors import Invalid
from domain.events import CommentCreated
from domain.text import many_lines
from models import Comment, Version, Video
from models.database import transaction
from models.finding import Hold
from resolvers.caller import Caller, find_within, write_and_tell

BODY = 5000


async def add(
    caller: Caller, *, version_id: UUID, body: str, start_ms: int | None = None, parent_id: UUID | None = None
) -> Comment:
    """Opens a thread at `start_ms` of the version, or answers the comment `parent_id` in its thread."""
    text = _body(body)
    async with transaction():
        # Held, the video stays out of the trash until the commit; others may comment on it meanwhile.
        version, video = await find_within(caller, "comment:create", Version, version_id, Video, Hold.THERE)
        said: dict[str, Any] = {"body": text, "start_ms": start_ms, "by": caller.viewer.user_id, "now": caller.now()}
        if parent_id is None:
            comment = Comment.opened(version, **said)
        else:
            comment = (await _answerable(caller, parent_id, version)).answered(**said)
        video.require_live()
        about = {"video_id": video.id, "version_id": version.id, "parent_id": comment.parent_id}
        await write_and_tell(caller, comment, CommentCreated, comment_id=comment.id, **about)
    return comment


async def _answerable(caller: Caller, comment_id: UUID, version: Version) -> Comment:
    comment = await Comment.find(comment_id, caller.viewer)
    if comment.version_id != version.id:
        raise Invalid("problem.comment_elsewhere", path=("parentId",))
    return comment


def _body(text: str) -> str:
    body = many_lines(text, path=("body",), most=BODY)
    if not body:
        raise Invalid("problem.text_missing", path=("body",))
    return body
