"""What was made of a text once is kept, within bounds."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


SHORTEST = 200
"""What the shortest text counts for: what is made of it takes some ten thousand bytes all the same."""


def weight(text: str) -> int:
    """How many characters a document counts for."""
    return SHORTEST + len(text)


class Kept(Generic[K, V]):
    """What was made of the texts used last, as many as have `most` characters together.

    Counted in characters, not in documents, because that is what a stranger can fill: a parsed document takes some
    hundred bytes of memory for each character of its text, a plan some more.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.characters = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __contains__(self, key: object) -> bool:
        return key in self._kept

    def get(self, key: K, characters: int, make: Callable[[], V]) -> V:
        """What is kept under `key`, or else what `make` makes of its text, which counts for so many `characters`."""
        if (found := self.find(key)) is None:
            found = make()
            self.put(key, found, characters)
        return found

    def find(self, key: K) -> V | None:
        """What is kept under `key`."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self._kept.move_to_end(key)
        return kept[0]

    def put(self, key: K, made: V, characters: int) -> None:
        """Keeps what was made of a text of so many `characters`, unless that alone is too much."""
        if characters > self._most:
            return
        self.characters -= self._kept.pop(key, (None, 0))[1]
        self._kept[key] = made, characters
        self.characters += characters
        while self.characters > self._most:
            _, (_, oldest) = self._kept.popitem(last=False)
            self.characters -= oldest
