"""Who must be looked at again: found by what their place here hangs on, without looking at everybody."""

import asyncio
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """On what somebody's place hangs: names of things whose change may end it, and for how many seconds it lasts."""

    names: Collection[str] = ()
    seconds: float | None = None


class Ties(Generic[T]):
    """Holders, each tied to names. To find those of a name takes as long as these are many, however many others are."""

    def __init__(self) -> None:
        self._holders: dict[str, set[T]] = {}
        self._names: dict[T, set[str]] = {}

    def tie(self, holder: T, names: Iterable[str]) -> None:
        """Ties a holder, who may be tied already, to more names."""
        tied = self._names.setdefault(holder, set())
        for name in names:
            tied.add(name)
            self._holders.setdefault(name, set()).add(holder)

    def untie(self, holder: T) -> None:
        """Lets go of a holder; one who was never tied is no mistake."""
        for name in self._names.pop(holder, ()):
            holders = self._holders[name]
            holders.discard(holder)
            if not holders:
                del self._holders[name]

    def tied_to(self, names: Iterable[str]) -> set[T]:
        """Whoever is tied to any of the names."""
        return set().union(*(self._holders.get(name, ()) for name in names))

    def everybody(self) -> list[T]:
        """All holders."""
        return list(self._names)


class Doubt:
    """Whether somebody's rights may have changed since they were last looked at."""

    def __init__(self) -> None:
        self._raised: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @property
    def raised(self) -> asyncio.Future[None]:
        """Done while there is a doubt."""
        return self._raised

    def raise_(self) -> None:
        """Something has happened that they must be looked at for."""
        if not self._raised.done():
            self._raised.set_result(None)

    def settle(self) -> None:
        """To be called before each look, never after it: what comes up meanwhile is a doubt of its own."""
        if self._raised.done():
            self._raised = asyncio.get_running_loop().create_future()
