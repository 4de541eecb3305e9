"""Presence: who looks at a video right now, and where they are in it."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Annotated, Any
from uuid import UUID

import strawberry

from domain.errors import Unavailable
from domain.presence import PresenceActivity
from live.message import Message
from plan import Depends, encode_id, reference
from plan.scalars import SafeInt
from resolvers import presence
from resolvers.caller import Following
from schema.accounts import User
from schema.context import Context, Info
from schema.fields import mutation, subscription
from schema.ids import uuid_of
from schema.versions import Version
from schema.videos import Video


@strawberry.type(description="Somebody who is in the room of a video. Open in several places, they are one entry.")
class PersonPresent:
    """An entry of `Presence.people`; what a person last said counts, wherever they said it."""

    row_id: strawberry.Private[UUID]
    version_row_id: strawberry.Private[UUID | None]
    user_id: strawberry.ID = strawberry.field(description="The id of the person, also where `user` is null.")
    user: User | None = reference(
        lambda present, _context: present.row_id,
        depends=Depends.NOTHING,
        description="Who it is; null if they have left the team.",
    )
    version: Version | None = reference(
        lambda present, _context: present.version_row_id,
        depends=Depends.NOTHING,
        description="The version that they look at; null if they have not said.",
    )
    version_id: strawberry.ID | None = strawberry.field(description="Its id.")
    playhead_ms: SafeInt | None = strawberry.field(
        description="Where they are in it, in milliseconds from its beginning; null if they have not said."
    )
    activity: PresenceActivity = strawberry.field(description="What they do there.")

    @classmethod
    def of(cls, member: str, said: Mapping[str, Any] | None) -> PersonPresent:
        """As the room tells it."""
        version_id = UUID(said["version"]) if said else None
        return cls(
            row_id=UUID(member),
            version_row_id=version_id,
            user_id=strawberry.ID(encode_id("User", UUID(member))),
            version_id=strawberry.ID(encode_id("Version", version_id)) if version_id else None,
            playhead_ms=said["ms"] if said else None,
            activity=PresenceActivity(said["activity"]) if said else PresenceActivity.VIEWING,
        )


@strawberry.type(description="Who is in the room of a video: all of it, each time.")
class Presence:
    """Event of `presence`."""

    count: int = strawberry.field(description="How many people are there.")
    people: list[PersonPresent] = strawberry.field(
        description="Those who came first, at most 100, in the order in which they came.", metadata={"items": 50}
    )

    @classmethod
    def of(cls, room: Mapping[str, Any]) -> Presence:
        """As `live.presence` tells it."""
        return cls(count=room["count"], people=[PersonPresent.of(*entry) for entry in room["people"]])


@strawberry.type(description="Where you are has been taken, and is told to those in the room.")
class PresenceUpdate:
    """Answer of `updatePresence`."""

    interval_ms: int = strawberry.field(
        description="In how many milliseconds the next would be told: of what you send meanwhile, the last counts."
    )


@strawberry.input(description="Where you are in a video.")
class UpdatePresenceInput:
    """Input of `updatePresence`."""

    version_id: strawberry.ID = strawberry.field(description="The version that you look at.")
    playhead_ms: SafeInt = strawberry.field(
        description="Where you are in it, in milliseconds from its beginning: at most its length."
    )
    activity: PresenceActivity = strawberry.field(
        default=PresenceActivity.VIEWING, description="What you do there, until you say otherwise."
    )


_VideoId = Annotated[strawberry.ID, strawberry.argument(description="Whose room.")]
_WatchOnly = Annotated[
    bool, strawberry.argument(description="True: you see who is there, and are not there yourself. So with an API key.")
]


@strawberry.type
class PresenceMutations:
    """The mutations of presence."""

    @mutation(
        "presence:update",
        answers=PresenceUpdate,
        fails=(Unavailable,),
        keyless="it tells of a moment, and the next one tells more",
        description="Tells those in a video's room where you are; follow `presence` to be in it. Send it as often as "
        "you like: they hear of it a few times a second. Over the same socket it costs least. `UNAVAILABLE` says that "
        "nobody hears of it for now.",
    )
    async def update_presence(self, info: Info, input: UpdatePresenceInput) -> PresenceUpdate:
        seconds = await presence.update(
            info.context.caller,
            version_id=uuid_of(Version, input.version_id, "versionId"),
            playhead_ms=input.playhead_ms,
            activity=input.activity,
        )
        return PresenceUpdate(interval_ms=round(seconds * 1000))


def _video(video_id: str) -> UUID:
    return uuid_of(Video, video_id, "videoId")


async def _watch(context: Context, video_id: str, *, watch_only: bool = False) -> Following:
    del watch_only
    return await presence.watch(context.caller, video_id=_video(video_id))


async def _look(context: Context, video_id: str, *, watch_only: bool = False) -> Message:
    del watch_only
    room = await presence.look(context.caller, video_id=_video(video_id))
    return Message(room, order=room["order"])


def _attend(context: Context, video_id: str, *, watch_only: bool = False) -> AbstractContextManager[None]:
    return presence.attend(context.caller, video_id=_video(video_id), watch_only=watch_only)


@strawberry.type
class PresenceSubscriptions:
    """The subscriptions of presence."""

    @subscription(
        "video:view",
        topics=_watch,
        state_first=True,
        state=_look,
        attending=_attend,
        depends=Depends.NOTHING,
        description="Tells who is in the room of a video, where they are, and who is typing or drawing; while you "
        "follow it, you are there, too. Begins with all of it, and tells all of it again when something has changed, "
        "at most 4 times a second (once, with more than 50 people). Who completes it has left; who vanishes, within "
        "10 seconds.",
    )
    def presence(self, root: Message, video_id: _VideoId, *, watch_only: _WatchOnly = False) -> Presence:
        del video_id, watch_only  # they count while this is followed
        return Presence.of(root.body)
