"""What a use-case may touch, and the steps that all of them share."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple, TypeVar, cast
from uuid import UUID

from domain.clock import Clock
from domain.comments import CommentVisibility
from domain.errors import Forbidden, NotFound, Unauthenticated
from domain.events import Event
from domain.permissions import INSIDERS, Role, Scope, covers, good_for
from domain.sealing import Keys
from domain.viewers import ANONYMOUS, NOBODY, Viewer
from domain.webhooks.addresses import DEFAULT_PORTS
from gateways.presence import Presence
from gateways.storage import Storage
from gateways.throttling import Throttle
from models import ApiKey, Session, User, teams
from models.base import Row, TeamRow
from models.events import record
from models.finding import Found, Hold, Sought

STAYS = object()
"""In the place of what is not to be changed, where None takes it away."""
R = TypeVar("R", bound=Row)
Outer = TypeVar("Outer", bound=Row)


class Elsewhere(NamedTuple):
    """Where people may sign in instead: `key` names it in addresses, `name` on a button, `url` is where to go."""

    key: str
    name: str
    url: str


@dataclass(frozen=True, slots=True)
class Rules:
    """The operator's figures that use-cases keep to, and the keys made of the operator's secret."""

    session: timedelta
    link: timedelta
    upload_time: timedelta
    upload_max_bytes: int
    upload_part_bytes: int
    keys: Keys
    app_url: str = "http://localhost"
    """Where people use the product."""
    api_url: str = "http://localhost"
    """Where programs do."""
    webhook_ports: frozenset[int] = DEFAULT_PORTS
    """At which receivers of webhooks may listen."""
    webhook_loopback: bool = False
    """Whether they may be on this machine."""
    comments_per_minute: int = 0
    """That one person may make; 0 for no end."""
    elsewhere: Sequence[Elsewhere] = ()


class Caller(NamedTuple):
    """Who asks, in which language, and the gateways and figures that the answer may need."""

    viewer: Viewer
    locale: str
    """In which they are answered: what they have chosen, if they are known, else `asked_locale`."""
    clock: Clock
    storage: Storage
    throttle: Throttle
    presence: Presence
    rules: Rules
    device: str = ""
    """The program that they ask with, as it calls itself."""
    address: str = ""
    """The network address that they ask from; empty where there is none."""
    device_token: str | None = None
    """What their browser keeps to show that they have signed in with it before; it may be anything."""
    scopes: Collection[Scope] | None = None
    """What their API key is good for; None for somebody who has signed in."""
    api_key_id: UUID | None = None
    """The key that they show; None for somebody who has signed in."""
    written: int = 0
    """How far the database's log was when their session last wrote."""
    expires_at: datetime | None = None
    """When what they have shown is no longer good; None for nobody."""
    action: str | None = None
    """What the field that is being run has declared to do; None outside of one."""
    asked_locale: str = "en"
    """The language that they ask in."""

    def now(self) -> datetime:
        """The present moment, in UTC."""
        return self.clock()

    def turned_out(self, viewer: Viewer, locale: str) -> "Caller":
        """The same, who has turned out to be `viewer`, by a session and not by a key."""
        if self.scopes is None and self.api_key_id is None:
            return Caller(viewer, locale, *self[2:])  # in a third of the time that `_replace` takes
        return self._replace(viewer=viewer, locale=locale, scopes=None, api_key_id=None)

    @property
    def credential_id(self) -> UUID | None:
        """Of the session or the key by which they are known; None for nobody."""
        return self.api_key_id or (self.viewer.session_id if self.viewer.session_id != NOBODY else None)


class Holder(NamedTuple):
    """Who holds a token, and what a `Caller` knows by it; nobody holds one that is not good."""

    viewer: Viewer = ANONYMOUS
    written: int = 0
    expires_at: datetime | None = None
    scopes: Collection[Scope] | None = None
    api_key_id: UUID | None = None
    locale: str | None = None
    """What they have chosen to read."""


@dataclass(frozen=True, slots=True)
class Following:
    """The topics that a subscription follows, and the team in which the right to do so is held, if it is in one.

    Where all that have the same `role` there may follow the same, it is that. `only` are the types of the events that
    the caller may, and wants to, hear of; None for all of them. What is followed may be hidden while all else of the
    video `video_id` is seen: the event that says so names the video.
    """

    topics: Sequence[str]
    team_id: UUID | None
    role: Role | None = None
    only: Collection[str] | None = None
    video_id: UUID | None = None

    @property
    def inside(self) -> bool:
        """Whether what is team-only is told, too. What is followed in no team is the caller's own."""
        return self.team_id is None or self.role in INSIDERS


def require_scope(caller: Caller, action: str) -> None:
    """Forbidden where the caller's API key is not good for `action`."""
    if not covers(caller.scopes, action):
        raise Forbidden("problem.scope")


def require_reading(caller: Caller) -> None:
    """Forbidden where the caller's API key is not good for reading."""
    if not good_for(caller.scopes, Scope.READ):
        raise Forbidden("problem.scope")


def require_somebody(caller: Caller) -> UUID:
    """The id of the person who asks; Unauthenticated for nobody."""
    if not caller.viewer.signed_in:
        raise Unauthenticated
    return caller.viewer.user_id


async def hold_asker(caller: Caller) -> User:
    """The person who asks, held until the transaction ends; refuses as `User.hold` and `require_still_in` do.

    Every mutation that changes an account, or gives it something, begins so: what has to end with a session ends while
    the person is held, and a request that was let in before that waits here.
    """
    user = await User.hold(require_somebody(caller))
    await require_still_in(caller)
    return user


async def require_still_in(caller: Caller) -> None:
    """Unauthenticated where the caller's session or key has ended since they were let in. Hold the person first.

    It is a statement of its own: the one that has waited sees as of before its wait whatever it has not waited for.
    """
    if caller.api_key_id is not None:
        is_good = ApiKey.filter(ApiKey.usable(caller.now()), id=caller.api_key_id).exists()
    else:
        is_good = Session.filter(Session.still_open(), id=caller.viewer.session_id).exists()
    if not await is_good:
        raise Unauthenticated


async def require(caller: Caller, action: str, team_id: UUID) -> Role:
    """Lets the caller go on only if their role in the team (see `models.teams.require`) and their key are enough.

    Answers the role.
    """
    _require_as_declared(caller, action)
    return await teams.require(caller.viewer, action, team_id)


async def find(caller: Caller, action: str, kind: type[R], row_id: UUID) -> R:
    """The row; NotFound for who may not know of it, and else refuses as `require` does for its team."""
    return cast("R", (await _permitted(caller, action, Sought(kind), row_id)).row)


async def find_as(caller: Caller, action: str, kind: type[R], row_id: UUID) -> tuple[R, Role | None]:
    """As `find`, with the caller's role in the row's team; None for what is in none."""
    found = await _permitted(caller, action, Sought(kind), row_id)
    return cast("R", found.row), found.also


def require_may_show_to(role: Role | None, visibility: CommentVisibility) -> None:
    """Forbidden to who may not make comments that are for so few."""
    if visibility is not CommentVisibility.OPEN and role not in INSIDERS:
        raise Forbidden("problem.team_only", path=("visibility",))


async def follow(
    caller: Caller, action: str, kind: type[Row], row_id: UUID, noun: str, *, can_be_hidden: bool = False
) -> Following:
    """Following all that happens to a row, which events name as `noun`; refuses as `find` does.

    One that `can_be_hidden` may be so while all else of its video is seen.
    """
    found = await _permitted(caller, action, Sought(kind), row_id)
    video_id = found.row.video_id if can_be_hidden else None
    return Following([f"{noun}:{row_id}"], found.row.team_id, found.also, video_id=video_id)


async def lock(caller: Caller, action: str, kind: type[R], row_id: UUID) -> R:
    """As `find`, and holds the row until the transaction ends."""
    return cast("R", (await _permitted(caller, action, Sought(kind, Hold.ALONE), row_id)).row)


async def find_within(
    caller: Caller, action: str, kind: type[R], row_id: UUID, outer: type[Outer], hold: Hold, *, own: Hold = Hold.NOT
) -> tuple[R, Outer]:
    """As `find`, with the row of `outer` that it belongs to, which is held so; the row itself is held as `own`."""
    row, within, _ = await find_within_as(caller, action, kind, row_id, outer, hold, own=own)
    return row, within


async def find_within_as(
    caller: Caller, action: str, kind: type[R], row_id: UUID, outer: type[Outer], hold: Hold, *, own: Hold = Hold.NOT
) -> tuple[R, Outer, Role | None]:
    """As `find_within`, with the caller's role in the row's team; None for what is in none."""
    found = await _permitted(caller, action, Sought(kind, own, within=outer, within_hold=hold), row_id)
    if found.within is None:
        raise NotFound
    return found.row, found.within, found.also


async def lock_within(caller: Caller, action: str, kind: type[R], row_id: UUID, outer: type[Outer]) -> tuple[R, Outer]:
    """As `lock`, with the row of `outer` that it belongs to, which stays there meanwhile."""
    return await find_within(caller, action, kind, row_id, outer, Hold.THERE, own=Hold.ALONE)


async def _permitted(caller: Caller, action: str, sought: Sought, row_id: UUID) -> Found:
    _require_as_declared(caller, action)
    return await teams.permitted(caller.viewer, action, sought, row_id)


def _require_as_declared(caller: Caller, action: str) -> None:
    """Forbidden where the caller's key is not good for it.

    A use-case that asks for another action than its field has declared is a fault of ours: any test finds it.
    """
    if caller.action not in (None, action):
        raise RuntimeError(f"the field declares {caller.action}, its use-case requires {action}")
    require_scope(caller, action)


def origin(caller: Caller, *, by: UUID | None = None) -> dict[str, Any]:
    """From where and with which key the caller asks, as `record` takes it; whoever is `by` (see `tell`) has none."""
    return {"address": caller.address, "device": caller.device, "api_key_id": None if by else caller.api_key_id}


async def tell(
    caller: Caller,
    event: Callable[..., Event],
    team_id: UUID | None,
    *,
    by: UUID | None = None,
    of: Row | None = None,
    **about: Any,
) -> None:
    """Records in the running transaction what the caller has done, now, in a team or (None) outside of any.

    `by` is the person where the caller was nobody yet; `of` a new row, which is written in the same trip.
    """
    actor_id = caller.viewer.user_id if by is None and caller.viewer.signed_in else by
    told = event(team_id=team_id, actor_id=actor_id, **about)
    await record(told, caller.now(), of=of, **origin(caller, by=by))


async def write_and_tell(caller: Caller, row: TeamRow, event: Callable[..., Event], **about: Any) -> None:
    """Writes a new row, and records in the same trip that the caller has made it."""
    await tell(caller, event, row.team_id, of=row, **about)
