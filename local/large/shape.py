"""How much there is of what, and what belongs to what: arrays in the order in which the rows were made.

Where an array is called `<noun>`, it holds places in that noun's own arrays.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from asyncpg.pgproto.pgproto import UUID
from numpy.random import Generator

from local.large.keys import Kind, Numbers, after, evenly, generator, ids

BIG, AVERAGE = 0, 1
"""The places of the two teams that are known by name."""
AVERAGE_VIDEOS = 250
ROOM_THREADS, ROOM_ANSWERS, CROWD = 100, 100, 2_000
_MEMBERSHIPS = (0.5, 0.25, 0.12, 0.08, 0.05)
"""How many people are in one team, in two … in five."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How many rows there are."""

    users: int
    teams: int
    videos: int
    versions: int
    comments: int
    events: int

    @classmethod
    def scaled(cls, scale: float) -> "Sizes":
        """At 1.0 a million comments. Below 0.04 there is no room for what has a fixed size: ValueError."""
        if scale < 0.04:
            raise ValueError("the scale is 0.04 or more")
        whole = (2_000, 200, 50_000, 200_000, 1_000_000, 1_000_000)
        return cls(*(round(size * scale) for size in whole))


@dataclass(frozen=True)
class People:
    """Members of teams: `team`, `user` and whether they own it; those of one team lie together."""

    users: Numbers
    teams: Numbers
    team: Numbers
    user: Numbers
    owner: Numbers

    @cached_property
    def user_ids(self) -> list[UUID]:
        """The ids of all people."""
        return ids(Kind.USER, self.users)

    @cached_property
    def team_ids(self) -> list[UUID]:
        """The ids of all teams."""
        return ids(Kind.TEAM, self.teams)

    def somebody(self, random: Generator, team: Numbers) -> Numbers:
        """For each of the teams one of its members."""
        first = np.searchsorted(self.team, team, side="left")
        count = np.searchsorted(self.team, team, side="right") - first
        members: Numbers = self.user[first + (random.random(len(team)) * count).astype(np.int64)]
        return members


@dataclass(frozen=True)
class Videos:
    """Videos: when, whose, by whom, how many versions (0: a draft)."""

    moments: Numbers
    team: Numbers
    user: Numbers
    versions: Numbers

    @cached_property
    def ids(self) -> list[UUID]:
        """The ids of all videos."""
        return ids(Kind.VIDEO, self.moments)


@dataclass(frozen=True)
class Versions:
    """Versions: when, of which video, by whom, with which number, restored from which (-1: from none)."""

    moments: Numbers
    video: Numbers
    user: Numbers
    number: Numbers
    restored_from: Numbers

    @cached_property
    def ids(self) -> list[UUID]:
        """The ids of all versions."""
        return ids(Kind.VERSION, self.moments)

    @cached_property
    def file(self) -> Numbers:
        """The version that each shares its file with: itself, unless it was restored."""
        file = np.arange(len(self.moments))
        for place in np.flatnonzero(self.restored_from >= 0).tolist():  # in order: what it was restored from may be one
            file[place] = file[self.restored_from[place]]
        return file

    @cached_property
    def durations(self) -> Numbers:
        """The length of each in milliseconds."""
        drawn = np.exp(generator(Kind.VERSION).normal(11.5, 1.0, size=len(self.moments)))
        durations: Numbers = np.clip(drawn, 2_000, 14_400_000).astype(np.int64)[self.file]
        return durations


@dataclass(frozen=True)
class Comments:
    """Comments: when, on which version, by whom, in answer to which (-1: it opens a thread), at which moment."""

    moments: Numbers
    version: Numbers
    user: Numbers
    parent: Numbers
    start: Numbers

    @cached_property
    def ids(self) -> list[UUID]:
        """The ids of all comments."""
        return ids(Kind.COMMENT, self.moments)


@dataclass(frozen=True)
class Special:
    """The places of a video of the average team, and of two versions of others."""

    video: int
    room: int
    crowded: int


class Shape:
    """The whole library at one scale."""

    def __init__(self, scale: float) -> None:
        self.sizes = Sizes.scaled(scale)
        owned = _videos_of_teams(self.sizes)
        self.people = _people(self.sizes, owned)
        self.videos = _videos(self.sizes, owned, self.people)
        self.versions = _versions(self.sizes, self.videos, self.people)

    @cached_property
    def special(self) -> Special:
        """Of the average team's videos, the three with the most versions."""
        of_team = np.flatnonzero(self.videos.team == AVERAGE)
        video, room, crowded = of_team[np.argsort(-self.videos.versions[of_team], kind="stable")][:3]
        newest = [np.flatnonzero(self.versions.video == place)[-1] for place in (room, crowded)]
        return Special(int(video), *map(int, newest))

    @cached_property
    def comments(self) -> Comments:
        """What is said about the versions."""
        return _comments(self)


@lru_cache(maxsize=1)
def shape(scale: float) -> Shape:
    """The library at this scale; the last one is kept."""
    return Shape(scale)


def _videos_of_teams(sizes: Sizes) -> Numbers:
    """A tenth belongs to the big team; of the others a few have many, and most have few."""
    big = max(sizes.videos // 10, 2 * AVERAGE_VIDEOS)
    weights = 1 / np.arange(1, sizes.teams - 1) ** 0.8
    left = sizes.videos - big - AVERAGE_VIDEOS
    others = generator(Kind.TEAM).multinomial(left, weights / weights.sum())
    return np.concatenate(([big, AVERAGE_VIDEOS], others))


def _people(sizes: Sizes, owned: Numbers) -> People:
    """Each team has an owner, the first two the same one; everybody is in one to five, rather in the large."""
    random = generator(Kind.MEMBER)
    weights = np.sqrt(owned + 1)
    owners = np.maximum(np.arange(sizes.teams) - 1, 0)
    pairs = {(team, int(user)): True for team, user in enumerate(owners)}
    wanted = random.choice(len(_MEMBERSHIPS), size=sizes.users, p=_MEMBERSHIPS) + 1
    for user, count in enumerate(wanted.tolist()):
        for team in random.choice(sizes.teams, size=count, replace=False, p=weights / weights.sum()).tolist():
            pairs.setdefault((team, user), False)
    team, user, owner = np.array(sorted((*pair, is_owner) for pair, is_owner in pairs.items()), dtype=np.int64).T
    return People(evenly(sizes.users), evenly(sizes.teams) // 8, team, user, owner)


def _videos(sizes: Sizes, owned: Numbers, people: People) -> Videos:
    random = generator(Kind.VIDEO)
    team = random.permutation(np.repeat(np.arange(sizes.teams), owned))
    ready = np.flatnonzero(random.random(sizes.videos) > 0.1)
    weights = np.exp(random.normal(0, 1, size=len(ready)))
    counts = np.zeros(sizes.videos, dtype=np.int64)
    counts[ready] = 1 + random.multinomial(sizes.versions - len(ready), weights / weights.sum())
    return Videos(evenly(sizes.videos), team, people.somebody(random, team), counts)


def _versions(sizes: Sizes, videos: Videos, people: People) -> Versions:
    random = generator(Kind.VERSION)
    video = np.repeat(np.arange(sizes.videos), videos.versions)
    first = np.repeat(np.cumsum(videos.versions) - videos.versions, videos.versions)
    number = np.arange(sizes.versions) - first + 1
    moments = after(random, videos.moments[video])
    moments = moments[np.lexsort((moments, video))]  # a later number is a later time
    earlier = first + (random.random(sizes.versions) * (number - 1)).astype(np.int64)
    restored = np.where((number > 1) & (random.random(sizes.versions) < 0.05), earlier, -1)
    user = people.somebody(random, videos.team[video])
    order = np.lexsort((number, moments))
    return Versions(moments[order], video[order], user[order], number[order], _moved(restored[order], order))


def _comments(library: Shape) -> Comments:
    random, versions = generator(Kind.COMMENT), library.versions
    version, parent = _threads(random, library)
    opening = parent < 0
    moments, start = np.zeros_like(version), np.zeros_like(version)
    moments[opening] = after(random, versions.moments[version[opening]])
    start[opening] = (random.random(opening.sum()) * versions.durations[version[opening]]).astype(np.int64)
    moments[~opening] = after(random, moments[parent[~opening]])
    start[~opening] = start[parent[~opening]]
    user = library.people.somebody(random, library.videos.team[versions.video[version]])
    order = np.argsort(moments, kind="stable")
    return Comments(moments[order], version[order], user[order], _moved(parent[order], order), start[order])


def _threads(random: Generator, library: Shape) -> tuple[Numbers, Numbers]:
    """Version and parent of each: the special versions' threads, all others, the room's answers, all others."""
    count, special = library.sizes.comments, library.special
    weights = np.exp(random.normal(0, 1.2, size=library.sizes.versions))
    weights[[special.room, special.crowded]] = 0
    fixed = np.repeat([special.room, special.crowded], [ROOM_THREADS, CROWD])
    opened = int(count * 0.6)
    threads = np.concatenate((fixed, random.choice(len(weights), size=opened - len(fixed), p=weights / weights.sum())))
    answered = random.integers(len(fixed), opened, size=count - opened - ROOM_ANSWERS)
    parent = np.concatenate((random.integers(0, ROOM_THREADS, size=ROOM_ANSWERS), answered))
    return np.concatenate((threads, threads[parent])), np.concatenate((np.full(opened, -1), parent))


def _moved(places: Numbers, order: Numbers) -> Numbers:
    """Places in arrays of before, as places in arrays put into `order`; -1 stays."""
    now = np.empty_like(order)
    now[order] = np.arange(len(order))
    return np.where(places < 0, -1, now[places])
