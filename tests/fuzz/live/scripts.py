"""What happens on an evening: who does what in which room, and what befalls the processes meanwhile. Plain data."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from random import Random


class Who(StrEnum):
    """The six clients of a room."""

    OWNER = "owner"
    EDITOR = "editor"
    VIEWER = "viewer"
    OTHER = "other viewer"
    KEY = "API key"
    REMOVED = "removed"


class What(StrEnum):
    """What one of them does."""

    ADD = "adds"
    ANSWER = "answers"
    EDIT = "edits"
    DELETE = "deletes"
    RESTORE = "restores"
    RESOLVE = "resolves"
    REOPEN = "reopens"
    REACT = "reacts"
    UNREACT = "takes a reaction back"
    FLOOD = "says six long things at once"
    DROP = "loses the line, and resumes"
    MOVE = "resumes at the other door"
    RELOAD = "leaves, loads anew, and follows"
    STALL = "reads no more"
    READ_ON = "reads on"
    ROLE = "gets another role"
    SIGN_OUT = "is signed out, and signs in again"
    REMOVE = "is put out of the team"


OFTEN = {
    What.ADD: 10,
    What.ANSWER: 8,
    What.EDIT: 6,
    What.DELETE: 4,
    What.RESTORE: 2,
    What.RESOLVE: 3,
    What.REOPEN: 2,
    What.REACT: 5,
    What.UNREACT: 2,
    What.FLOOD: 2,
    What.DROP: 5,
    What.MOVE: 4,
    What.RELOAD: 3,
    What.STALL: 2,
    What.READ_ON: 2,
    What.ROLE: 2,
    What.SIGN_OUT: 2,
}
"""How often, of 64 steps."""
SHORTEST, LONGEST = 20, 36
"""Steps of a room."""


@dataclass(frozen=True)
class Step:
    """`number` chooses among what the step is about: comments, doors, roles. With `waits` the next begins after it."""

    who: Who
    what: What
    number: int
    waits: bool

    def __str__(self) -> str:
        return f"{self.who} {self.what} ({self.number}){'' if self.waits else ', meanwhile:'}"


class Blow(StrEnum):
    """What befalls the processes."""

    KILL = "an API process is killed"
    ROLL = "the API processes are restarted one after the other"
    CUT = "Redis cuts everybody off who listens"
    RESTART = "Redis is killed and starts again"
    AWAY = "Redis is killed, and is away until the next blow"
    RELAY = "the relay is killed and starts again"
    SLOW = "one in the first room reads nothing until its line is cut"


SELDOM = {Blow.ROLL: 0.2, Blow.SLOW: 0.05}
"""On which part of the evenings."""


@dataclass(frozen=True)
class Happening:
    """A blow, after such a part of all steps; `door` is that of the process that is killed."""

    after: float
    blow: Blow
    door: int = 0

    def __str__(self) -> str:
        return f"{self.after:.0%}: {self.blow}{f' ({self.door})' if self.blow is Blow.KILL else ''}"


@dataclass(frozen=True)
class Evening:
    """Rooms that are played in at the same time, in one house, and what befalls it."""

    rooms: tuple[tuple[Step, ...], ...]
    happenings: tuple[Happening, ...]

    def __str__(self) -> str:
        rooms = (f"room {n}:\n" + "\n".join(f"  {step}" for step in steps) for n, steps in enumerate(self.rooms))
        return "\n".join([*map(str, self.happenings), *rooms])


def evening(random: Random, rooms: int, *besides: Blow) -> Evening:
    """One with so many rooms, in which an API process is killed midway; `besides`, or what is drawn, happens, too."""
    drawn = [*besides] or random.choices([Blow.CUT, Blow.RESTART, Blow.AWAY, Blow.RELAY], k=random.randint(0, 2))
    if not besides:  # what takes as long as all the others together
        drawn += [blow for blow, often in SELDOM.items() if random.random() < often]
    return Evening(
        tuple(tuple(_steps(random)) for _ in range(rooms)),
        tuple(sorted(_happenings(random, drawn), key=lambda happening: happening.after)),
    )


def _happenings(random: Random, drawn: Sequence[Blow]) -> Iterator[Happening]:
    yield Happening(random.uniform(0.35, 0.65), Blow.KILL, random.randrange(2))
    for blow in drawn:
        yield Happening(random.uniform(0.7, 0.8) if blow in SELDOM else random.uniform(0.1, 0.9), blow)


def _steps(random: Random) -> list[Step]:
    def step(what: What, *who: Who) -> Step:
        return Step(random.choice(who), what, random.randrange(1000), random.random() < 0.6)

    drawn = random.choices([*OFTEN], weights=[*OFTEN.values()], k=random.randint(SHORTEST, LONGEST))
    steps = [step(What.ADD, *Who), *(step(what, *_able(what)) for what in drawn)]
    steps.insert(random.randint(len(steps) // 3, 2 * len(steps) // 3), step(What.REMOVE, Who.REMOVED))
    return steps


def _able(what: What) -> tuple[Who, ...]:
    """Who may be the one, the likeliest several times: by their roles some may hardly do it, or it makes no difference.

    Only a person signs in, and whoever owns the team stays its owner.
    """
    match what:
        case What.ROLE:
            return tuple(who for who in Who if who is not Who.OWNER)
        case What.SIGN_OUT:
            return tuple(who for who in Who if who is not Who.KEY)
        case What.DELETE | What.RESTORE | What.RESOLVE | What.REOPEN:
            return (*Who, *(Who.OWNER, Who.EDITOR, Who.KEY) * 3)
        case What.STALL | What.READ_ON:
            return (*Who, *(Who.OTHER,) * 6)
        case _:
            return (*Who,)


def smaller(whole: Evening) -> Iterator[Evening]:
    """Evenings that differ from this one by what is left out, the most first."""
    rooms, happenings = whole.rooms, whole.happenings
    if len(rooms) > 1:
        yield from (replace(whole, rooms=(room,)) for room in rooms)
    yield from (replace(whole, happenings=(*happenings[:n], *happenings[n + 1 :])) for n in range(len(happenings)))
    for number, steps in enumerate(rooms):
        size = len(steps) // 2
        while size:
            for begin in range(0, len(steps), size):
                fewer = (*steps[:begin], *steps[begin + size :])
                yield replace(whole, rooms=(*rooms[:number], fewer, *rooms[number + 1 :]))
            size //= 2
