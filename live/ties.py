"""Who must be looked at again: found by what their place here hangs on, without looking at everybody."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from sys import intern
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Standing:
    """On what somebody's place hangs: names of things whose change may end it, and for how many seconds it lasts."""

    names: Collection[str] = ()
    seconds: float | None = None


class _Several(dict[T, None]):
    """All who are tied to a name, where they are more than one."""


class Ties(Generic[T]):
    """Holders, each tied to names. To find those of a name takes as long as these are many, however many others are.

    Of most names there is one holder, who is then kept as such: thousands of small collections take megabytes.
    """

    def __init__(self) -> None:
        self._holders: dict[str, T | _Several[T]] = {}
        self._names: dict[T, tuple[str, ...]] = {}

    def tie(self, holder: T, names: Iterable[str]) -> None:
        """Ties a holder, who may be tied already, to more names."""
        new = tuple(map(intern, names))  # a name is there once, however many hang on it
        self._names[holder] = (*self._names.get(holder, ()), *new)
        for name in new:
            before = self._holders.setdefault(name, holder)
            if isinstance(before, _Several):
                before[holder] = None
            elif before is not holder:
                self._holders[name] = _Several({before: None, holder: None})

    def untie(self, holder: T) -> None:
        """Lets go of a holder; one who was never tied is no mistake."""
        for name in self._names.pop(holder, ()):
            among = self._holders.get(name)
            if isinstance(among, _Several):
                among.pop(holder, None)
            if among is holder or among == {}:
                del self._holders[name]

    def tied_to(self, names: Iterable[str]) -> set[T]:
        """Whoever is tied to any of the names."""
        return {holder for name in names for holder in self._of(name)}

    def _of(self, name: str) -> Iterable[T]:
        if name not in self._holders:
            return ()
        among = self._holders[name]
        return among if isinstance(among, _Several) else (among,)

    def everybody(self) -> list[T]:
        """All holders."""
        return list(self._names)
