"""What happens in a team: the audit log is for those who answer for it, this for everybody who works in it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import strawberry
from strawberry.utils.str_converters import to_snake_case

from domain.activity import TOLD
from live.message import Message
from plan import Depends, encode_id, reference
from plan.nodes import NODES
from resolvers import activity
from resolvers.caller import Following
from schema.accounts import User
from schema.comments import Comment
from schema.context import Context
from schema.fields import subscription
from schema.ids import uuid_of
from schema.invitations import Invitation
from schema.jobs import Job
from schema.teams import Member, Team
from schema.uploads import Upload
from schema.versions import Version
from schema.videos import Video


def _referred(noun: str, description: str) -> Any:
    """The row whose id the event names under `noun`."""

    def row_id(told: TeamActivity, _context: Context) -> UUID | None:
        named = told.named.get(f"{noun}_id")
        return UUID(named) if named else None

    return reference(row_id, depends=Depends.NOTHING, description=description)


@strawberry.type(
    description="Something that happened in a team. What is below it is read at the time of telling, and null where it "
    "is about nothing of the kind, or where you may not see it now."
)
class TeamActivity:
    """Event of `teamActivity`. `named` are the ids that the event has: nothing else of it is told."""

    named: strawberry.Private[dict[str, Any]]
    type: str = strawberry.field(description="What happened, for example `version.created` or `member.joined`.")
    occurred_at: datetime = strawberry.field(description="When it happened.")
    subject_id: strawberry.ID = strawberry.field(
        description="The global id of what it is about, also of what is gone: a comment of `comment.created`, a member "
        "of `member.left`."
    )
    actor: User | None = _referred("actor", "Who did it; null if no person did, or if they have left the team.")
    user: User | None = _referred("user", "Whom it concerns: who joined, for example; null if they have left the team.")
    member: Member | None = _referred("member", "Their place in the team.")
    video: Video | None = _referred("video", "The video.")
    version: Version | None = _referred("version", "The version.")
    comment: Comment | None = _referred("comment", "The comment.")
    upload: Upload | None = _referred("upload", "The upload.")
    job: Job | None = _referred("job", "The job.")
    invitation: Invitation | None = _referred("invitation", "The invitation.")
    team: Team | None = _referred("team", "The team.")


def _subject(type_: str, named: dict[str, Any]) -> strawberry.ID:
    noun = TOLD[type_].noun
    (name,) = (each for each in NODES if to_snake_case(each) == noun)
    return strawberry.ID(encode_id(name, UUID(named[f"{noun}_id"])))


_TeamId = Annotated[strawberry.ID, strawberry.argument(description="In which team.")]
_Types = Annotated[
    list[str] | None,
    strawberry.argument(description="Only these, for example `video.created`; null or none: all that you may hear of."),
]


async def _watch(context: Context, team_id: str, types: list[str] | None = None) -> Following:
    return await activity.watch(context.caller, team_id=uuid_of(Team, team_id, "teamId"), types=types or ())


@strawberry.type
class TeamActivitySubscriptions:
    """The subscriptions of a team's activity."""

    @subscription(
        "team:view",
        topics=_watch,
        depends=Depends.NOTHING,
        description="Tells of what happens in a team to its videos, versions, comments, uploads and members; who may "
        "invite is told of invitations, too. Resumable, as `videoChanged` is.",
    )
    def team_activity(self, root: Message, team_id: _TeamId, types: _Types = None) -> TeamActivity:
        del team_id, types  # what they select has been done by the topics
        happened = root.body
        named = {**happened["payload"], "team_id": happened["team_id"], "actor_id": happened["actor_id"]}
        return TeamActivity(
            named={name: value for name, value in named.items() if name.endswith("_id")},
            type=happened["type"],
            occurred_at=datetime.fromisoformat(happened["created_at"]),
            subject_id=_subject(happened["type"], named),
        )
