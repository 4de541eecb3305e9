"""What has been parsed and validated once is not parsed again, within bounds."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

D = TypeVar("D")


class Documents(Generic[D]):
    """What `make` made of the texts used last, as many as have `most` characters together.

    Counted in characters, not in documents, because that is what a stranger can fill: a parsed document takes some
    hundred bytes of memory for each character of its text.
    """

    def __init__(self, make: Callable[[str], D], most: int) -> None:
        self._make = make
        self._most = most
        self._kept: OrderedDict[str, D] = OrderedDict()
        self.characters = 0

    def __len__(self) -> int:
        return len(self._kept)

    def __getitem__(self, text: str) -> D:
        if text in self._kept:
            self._kept.move_to_end(text)
            return self._kept[text]
        made = self._make(text)
        if len(text) <= self._most:
            self._keep(text, made)
        return made

    def _keep(self, text: str, made: D) -> None:
        self._kept[text] = made
        self.characters += len(text)
        while self.characters > self._most:
            oldest, _ = self._kept.popitem(last=False)
            self.characters -= len(oldest)
