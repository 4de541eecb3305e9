"""Rows of people, teams, members, sessions, API keys and sign-ups."""

import base64
import hashlib
from datetime import datetime, timedelta

from domain.permissions import Role
from domain.tokens import token_hash
from local.large.keys import LASTING, Kind, after, evenly, generator, ids
from local.large.shape import People, Shape
from local.large.tables import Table, columns, moments, picked
from local.large.words import NAMES

_SESSIONS = 10
"""Of each person; the last of them is still open."""
_KEYS = 4
"""Of each person; the last of them is still good, the others expired or were revoked."""
_ROLES = (Role.ADMIN, Role.EDITOR, Role.VIEWER)
_SHARES = (0.1, 0.6, 0.3)
_LOCALES = ("en", "de", "es", "fr", "pt", "ja", "ko", "zh-CN", "hi")


def token(user: int) -> str:
    """The token of a person's open session. Whoever reads this file knows it."""
    digest = hashlib.sha256(f"large library, person {user}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def tables(library: Shape, now: datetime) -> list[Table]:
    """In an order in which each refers to earlier ones only. What has ended ended shortly before `now`."""
    people = library.people
    owned = [_sessions(people, now), _api_keys(people, now), _sign_ups(people)]
    return [_users(people), _teams(people), _members(people), *owned]


def _users(people: People) -> Table:
    rows = (
        (user_id, at, _address(place), _name(place), "none", _LOCALES[place % len(_LOCALES)])
        for place, (user_id, at) in enumerate(zip(people.user_ids, moments(people.users), strict=True))
    )
    return Table("users", columns("id created_at email name password_hash locale"), rows, len(people.users))


def _teams(people: People) -> Table:
    rows = (
        (team_id, at, f"Studio {NAMES[place]}")
        for place, (team_id, at) in enumerate(zip(people.team_ids, moments(people.teams), strict=True))
    )
    return Table("teams", columns("id created_at name"), rows, len(people.teams))


def _members(people: People) -> Table:
    random, count = generator(Kind.MEMBER), len(people.team)
    joined = after(random, people.teams[people.team])
    others = random.choice(len(_ROLES), size=count, p=_SHARES).tolist()
    roles = [Role.OWNER if own else _ROLES[role] for own, role in zip(people.owner.tolist(), others, strict=True)]
    teams, users = picked(people.team_ids, people.team), picked(people.user_ids, people.user)
    rows = zip(ids(Kind.MEMBER, joined), moments(joined), teams, users, roles, strict=True)
    return Table("members", columns("id created_at team_id user_id role"), rows, count)


def _sessions(people: People, now: datetime) -> Table:
    begun = evenly(len(people.users) * _SESSIONS)
    open_from = len(begun) - len(people.users)
    rows = (
        (session_id, at, user_id, _hash(place, open_from), "Browser", LASTING, _ended(place, open_from, now))
        for place, (session_id, at, user_id) in enumerate(
            zip(ids(Kind.SESSION, begun), moments(begun), people.user_ids * _SESSIONS, strict=True)
        )
    )
    names = columns("id created_at user_id token_hash device expires_at ended_at")
    return Table("sessions", names, rows, len(begun))


def _hash(place: int, open_from: int) -> str:
    return token_hash(f"of the past {place}" if place < open_from else token(place - open_from))


def _ended(place: int, open_from: int, now: datetime) -> datetime | None:
    return now - timedelta(minutes=10 * (open_from - place) % 10_000) if place < open_from else None


def _api_keys(people: People, now: datetime) -> Table:
    made = evenly(len(people.users) * _KEYS)
    open_from = len(made) - len(people.users)
    rows = (
        (key_id, at, user_id, "Export", "vc_large", token_hash(f"key {place}"), ["read"], *_over(place, open_from, now))
        for place, (key_id, at, user_id) in enumerate(
            zip(ids(Kind.API_KEY, made), moments(made), people.user_ids * _KEYS, strict=True)
        )
    )
    names = columns("id created_at user_id name prefix token_hash scopes written_lsn expires_at revoked_at")
    return Table("api_keys", names, rows, len(made))


def _over(place: int, open_from: int, now: datetime) -> tuple[int, datetime | None, datetime | None]:
    """What a key last wrote, when it expires, and when it was revoked."""
    ended = _ended(place, open_from, now)
    return (0, ended, None) if place % 2 else (0, None, ended)


def _sign_ups(people: People) -> Table:
    wished = evenly(len(people.users))
    rows = (
        (wish_id, at, _address(place), _name(place), "A team", "en", token_hash(f"link {place}"), LASTING)
        for place, (wish_id, at) in enumerate(zip(ids(Kind.SIGN_UP, wished), moments(wished), strict=True))
    )
    names = columns("id created_at email name team_name locale token_hash expires_at")
    return Table("sign_ups", names, rows, len(wished))


def _address(place: int) -> str:
    return f"person{place}@large.example"


def _name(place: int) -> str:
    return f"{NAMES[place * 7 % len(NAMES)]} {NAMES[place % len(NAMES)]}"
