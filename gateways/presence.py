"""Who is in a room right now, as all API processes know it together: `live.presence` is it."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any, Protocol


class Presence(Protocol):
    """Rooms by the topics on which they are told. Nothing here waits for who is told, nor fails where Redis is away."""

    def attending(self, topic: str, member: str) -> AbstractContextManager[None]:
        """The member is in the room while this is open."""
        ...

    def watching(self, topic: str) -> AbstractContextManager[None]:
        """Somebody is told of the room while this is open, and is not in it."""
        ...

    def is_here(self, topic: str, member: str) -> bool:
        """Whether the member is in the room by this very process."""
        ...

    def say(self, topic: str, member: str, state: Any) -> float | None:
        """Has the room told the last `state` of a member who is in it.

        Answers in how many seconds the next would be told; None where nobody hears of it for now.
        """
        ...

    async def look(self, topic: str) -> Mapping[str, Any]:
        """`count`, and `people`: a member, and what they last said or None, in the order in which they came.

        Of two states the later has the higher `order`, which is 0 of one that is perhaps not whole.
        """
        ...
