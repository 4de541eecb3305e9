"""Everybody who asks in one round, and what they have."""

from domain.permissions import Scope
from local.client import Client
from tests.factories import Factory, Person
from tests.furnished import Furnished, furnished


class Crowd:
    """By the names that `documents.CALLERS` gives them."""

    def __init__(self, make: Factory, there: Furnished, people: dict[str, Person], clients: dict[str, Client]) -> None:
        self.there = there
        self._make = make
        self._people = people
        self._clients = clients

    @classmethod
    async def gathered(cls, make: Factory) -> "Crowd":
        """A furnished team of its own, its people, a stranger, and two keys of the owner's."""
        there = await furnished(make)
        owner = there.crew.owner
        people = {role.value: person for role, person in there.crew.everybody().items()}
        people["stranger"] = await make.person()
        clients = {"anonymous": make.client(), "reading key": await make.key(owner, Scope.READ)}
        clients["writing key"] = await make.key(owner, Scope.READ, Scope.WRITE)
        # Something to resume from.
        await owner.client.do("EditVideo", input={"id": there.ids["Video"], "title": "Another cut"})
        return cls(make, there, people, clients)

    def client(self, name: str) -> Client:
        """Of somebody by name."""
        return self._people[name].client if name in self._people else self._clients[name]

    async def sign_in_again(self, name: str) -> None:
        """For who has a session no more: whoever asks everything has signed out, too."""
        if name in self._people:
            self._people[name] = await self._make.session(self._people[name])
