"""Who must be looked at again: found by what their place here hangs on, without looking at everybody."""

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
        self._holders: dict[str, dict[T, None]] = {}
        self._names: dict[T, tuple[str, ...]] = {}

    def tie(self, holder: T, names: Iterable[str]) -> None:
        """Ties a holder, who may be tied already, to more names."""
        new = tuple(names)
        self._names[holder] = (*self._names.get(holder, ()), *new)
        for name in new:
            self._holders.setdefault(name, {})[holder] = None

    def untie(self, holder: T) -> None:
        """Lets go of a holder; one who was never tied is no mistake."""
        for name in self._names.pop(holder, ()):
            holders = self._holders.get(name, {})
            holders.pop(holder, None)
            if not holders:
                self._holders.pop(name, None)

    def tied_to(self, names: Iterable[str]) -> set[T]:
        """Whoever is tied to any of the names."""
        return {holder for name in names for holder in self._holders.get(name, ())}

    def everybody(self) -> list[T]:
        """All holders."""
        return list(self._names)
