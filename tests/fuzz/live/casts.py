"""Who is in a room, and what they do there, each with a request of their own."""

from collections import Counter
from random import Random
from typing import Any

from domain.comments import ReactionKind
from domain.permissions import Role
from models import Member
from plan import encode_id
from tests.factories import Crew, Person, gid
from tests.fuzz.live.guests import LONG, OF_PERSON, OF_ROLE, PLAIN, Guest, Place
from tests.fuzz.live.houses import House
from tests.fuzz.live.scripts import Step, What, Who

DURATION_MS = 60_000
ADD_COMMENT = ("addComment", "input", "AddCommentInput!")
MUTATIONS = {
    What.ADD: ADD_COMMENT,
    What.ANSWER: ADD_COMMENT,
    What.EDIT: ("editComment", "input", "EditCommentInput!"),
    What.DELETE: ("deleteComment", "id", "ID!"),
    What.RESTORE: ("restoreComment", "id", "ID!"),
    What.RESOLVE: ("resolveComment", "id", "ID!"),
    What.REOPEN: ("unresolveComment", "id", "ID!"),
    What.REACT: ("addReaction", "input", "ReactionInput!"),
    What.UNREACT: ("removeReaction", "input", "ReactionInput!"),
    What.ROLE: ("changeRole", "input", "ChangeRoleInput!"),
    What.REMOVE: ("removeMember", "memberId", "ID!"),
    What.SIGN_OUT: ("signOut", "", ""),
}
"""The field, its argument and the argument's type."""
ROLES = (Role.ADMIN, Role.EDITOR, Role.VIEWER)
BY_OWNER = {What.ROLE, What.REMOVE}
UNDONE = {What.RESTORE: What.DELETE, What.REOPEN: What.RESOLVE, What.RESOLVE: What.ADD, What.UNREACT: What.REACT}
"""What is done to that which something else was done to before."""
BESIDE = BY_OWNER | {What.SIGN_OUT}
"""What is not about a comment."""


class Cast:
    """Six people of a team of their own, and their clients."""

    def __init__(self, house: House, number: int, crew: Crew, people: dict[Who, Person], guests: dict[Who, Guest]):
        self.crew, self.people, self.guests = crew, people, guests
        self.done: Counter[tuple[What, str]] = Counter()
        """What came of what was asked for."""
        self.written = set[str]()
        """The ids of all comments that were answered as made."""
        self.secrets: list[str] = []
        """Words said since somebody was removed, whom they must not reach."""
        self.is_removed = False
        self.signed_out: dict[Who, list[str]] = {who: [] for who in Who}
        """The tokens that ended, in order."""
        self._house, self._number = house, number
        self._asked = 0
        self._said: list[str] = []
        self._lately: dict[What, list[str]] = {what: [] for what in What}
        """Of each kind of act the comments that it was done to."""
        self._own: dict[Who, list[str]] = {who: [] for who in Who}

    async def act(self, step: Step) -> None:
        """Does what the step is about, if there is anything to do it to."""
        given = await self._given(step)
        if step.what is What.REMOVE:
            await self._remove(given)
        elif given is not None:
            await self._do(Who.OWNER if step.what in BY_OWNER else step.who, step.what, given)

    async def say(self, who: Who, moment: int, more: str = "") -> None:
        """Opens a thread."""
        await self._do(who, What.ADD, self._comment(more, startMs=moment % DURATION_MS))

    async def sign_out(self, who: Who) -> None:
        """Signs in once more, and ends the session of before."""
        again = await self._house.factory.session(self.people[who])
        guest = self.guests[who]
        former, self.people[who] = guest.token, again
        guest.change_token(again.client.token or "")
        self.signed_out[who].append(former)
        await self._do(who, What.SIGN_OUT, None, token=former)

    async def _remove(self, member: str) -> None:
        """Again where the owner's session has ended just then."""
        while await self._do(Who.OWNER, What.REMOVE, member) == "Unauthenticated":
            pass
        self.is_removed = True

    async def _given(self, step: Step) -> Any:
        what, number = step.what, step.number
        if what is What.ADD:
            return self._comment(startMs=number * 50)
        if what in BY_OWNER:
            person = self.people[step.who].user
            member = await Member.get_or_none(team_id=self.crew.team.id, user_id=person.id)
            return member and self._of_member(what, gid(member), number)
        about = self._candidates(step)
        return self._about(what, about[number % len(about)], number) if about else None

    def _candidates(self, step: Step) -> list[str]:
        """The comments that the step may be about."""
        if step.what is What.EDIT:
            return self._own[step.who]
        return self._lately[UNDONE[step.what]] if step.what in UNDONE else self._said

    def _of_member(self, what: What, member: str, number: int) -> Any:
        return member if what is What.REMOVE else {"memberId": member, "role": ROLES[number % len(ROLES)].name}

    def _about(self, what: What, comment: str, number: int) -> Any:
        """What is asked for about a comment."""
        match what:
            case What.ANSWER:
                return self._comment(parentId=comment)
            case What.EDIT:
                moved = {"startMs": number * 50} if number % 3 == 0 else {}
                return {"id": comment, "body": self._word(), **moved}
            case What.REACT | What.UNREACT:
                return {"commentId": comment, "kind": [*ReactionKind][number % 3].name}
            case _:
                return comment

    def _comment(self, more: str = "", **where: Any) -> dict[str, Any]:
        return {"versionId": self.guests[Who.OWNER].place.version, "body": f"{self._word()} {more}", **where}

    def _word(self) -> str:
        """One that nobody else says."""
        self._asked += 1
        word = f"word-{self._number}-{self._asked}."
        if self.is_removed:
            self.secrets.append(word)
        return word

    async def _do(self, who: Who, what: What, given: Any, *, token: str | None = None) -> str:
        """The kind of the answer."""
        guest = self.guests[who]
        self._asked += 1
        variables = {"given": given} if given else {}
        key = f"{self._number}-{self._asked}" if given else None
        answer = await self._house.ask(token or guest.token, guest.door, _document(what), variables, key=key)
        assert "errors" not in answer, f"{who} {what}: {answer}"
        (told,) = answer["data"].values()
        kind: str = told["__typename"]
        self.done[what, kind] += 1
        if kind == "Comment":
            self._note(who, what, told["id"])
        return kind

    def _note(self, who: Who, what: What, comment_id: str) -> None:
        self._lately[what].append(comment_id)
        if MUTATIONS[what] == ADD_COMMENT:
            self._said.append(comment_id)
            self._own[who].append(comment_id)
            self.written.add(comment_id)


def fields_of(number: int) -> dict[Who, str]:
    """What each follows in the room of this number: some the same as others, some what differs between them."""
    random = Random(number)
    return {who: LONG if who is Who.OTHER else random.choice((PLAIN, OF_ROLE, OF_ROLE, OF_PERSON)) for who in Who}


def _document(what: What) -> str:
    field, argument, kind = MUTATIONS[what]
    told = "{ __typename }" if what in BESIDE else "{ __typename ... on Comment { id } }"
    if not kind:
        return f"mutation {{ {field} {told} }}"
    return f"mutation ($given: {kind}) {{ {field}({argument}: $given) {told} }}"


async def gathered(house: House, number: int) -> Cast:
    """A new team with six people in it, a video and a version to talk about, and their clients."""
    factory = house.factory
    crew = await factory.crew()
    more = [await factory.member(crew.team, Role.VIEWER) for _ in range(2)]
    everybody = (crew.owner, crew.editor, crew.viewer, more[0], crew.admin, more[1])
    people = dict(zip(Who, everybody, strict=True))
    version = await factory.version(await factory.video(crew), duration_ms=DURATION_MS)
    place, key = Place(encode_id("Video", version.video_id), gid(version)), await factory.key(crew.admin)
    fields = fields_of(number)
    clients = {who: key if who is Who.KEY else person.client for who, person in people.items()}
    guests = {
        who: Guest(house, place, client.token or "", fields[who], number + door)
        for door, (who, client) in enumerate(clients.items())
    }
    guests[Who.REMOVED].may_be_refused = True
    return Cast(house, number, crew, people, guests)
