"""Values by their keys: what is asked for at the same time is loaded at once, and nothing is loaded twice."""

from __future__ import annotations

from asyncio import CancelledError, Future, Task, get_running_loop
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")

UNKNOWN: Final[Any] = object()
"""What is known of a key that nobody has loaded."""


@dataclass(frozen=True, slots=True)
class _Failed:
    """Stands for a value that could not be loaded: whoever looks at it learns why."""

    error: Exception


@dataclass(slots=True, eq=False)
class _Batch(Generic[K]):
    """Keys that are loaded together, and who waits for them."""

    keys: list[K] = field(default_factory=list)
    waiting: list[Future[None]] = field(default_factory=list)
    loading: Task[None] | None = None
    is_given_up: bool = False
    """Whether its loading is cut short: it takes a turn until that ends, and who asks by then asks anew."""

    @property
    def is_abandoned(self) -> bool:
        """Whether all who waited have given up."""
        return all(future.cancelled() for future in self.waiting)

    def awaited(self) -> Future[None]:
        """Done when all keys have come, or failed. To cancel it concerns nobody else."""
        future = get_running_loop().create_future()
        future.add_done_callback(self._left)
        self.waiting.append(future)
        return future

    def _left(self, future: Future[None]) -> None:
        if future.cancelled() and self.loading is not None and self.is_abandoned:
            self.is_given_up = True
            self.loading.cancel()

    def end(self) -> None:
        """Lets those who wait go on."""
        for future in self.waiting:
            if not future.done():
                future.set_result(None)


class Loader(Generic[K, V]):
    """Loads by `load`, which answers one value for each of its keys, all that is asked for in one turn of the loop.

    What loading has failed with is raised for each of the keys, whenever they are looked at.
    """

    def __init__(self, load: Callable[[list[K]], Awaitable[Sequence[V]]]) -> None:
        self._load = load
        self._known: dict[K, V | _Failed] = {}
        self._coming: dict[K, _Batch[K]] = {}
        self._gathering: _Batch[K] | None = None

    def known(self, key: K) -> V:
        """The value, or UNKNOWN."""
        value: Any = self._known.get(key, UNKNOWN)
        if value.__class__ is _Failed:
            raise value.error
        return value  # type: ignore[no-any-return]

    def sound(self, keys: Iterable[K]) -> list[V]:
        """The values of those keys that have been loaded, each once."""
        values: list[Any] = [self._known.get(key, UNKNOWN) for key in dict.fromkeys(keys)]
        return [value for value in values if value is not UNKNOWN and value.__class__ is not _Failed]

    def get(self, key: K) -> V | Awaitable[V]:
        """The value where it is known, or else an awaitable of it."""
        value = self.known(key)
        return self.load(key) if value is UNKNOWN else value

    def load(self, key: K) -> Awaitable[V]:
        """An awaitable of the value."""
        return self._arriving(key, self.ask([key]))

    def ask(self, keys: Iterable[K]) -> list[Future[None]]:
        """Has the keys loaded that are not known yet. They are when all that it answers is done."""
        batches = dict.fromkeys(self._batch_of(key) for key in keys if key not in self._known)
        return [batch.awaited() for batch in batches]

    async def _arriving(self, key: K, arriving: list[Future[None]]) -> V:
        for future in arriving:
            await future
        return self.known(key)

    def _batch_of(self, key: K) -> _Batch[K]:
        batch = self._coming.get(key)
        if batch is None or batch.is_given_up:
            batch = self._coming[key] = self._gathered()
            batch.keys.append(key)
        return batch

    def _gathered(self) -> _Batch[K]:
        if self._gathering is None:
            self._gathering = _Batch()
            get_running_loop().call_soon(self._start, self._gathering)
        return self._gathering

    def _start(self, batch: _Batch[K]) -> None:
        self._gathering = None
        if batch.is_abandoned:
            self._forget(batch)
        else:
            batch.loading = get_running_loop().create_task(self._run(batch))

    async def _run(self, batch: _Batch[K]) -> None:
        try:
            values = await self._load(batch.keys)
            self._known.update(zip(batch.keys, values, strict=True))
        except CancelledError:
            for future in batch.waiting:
                future.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - it is the error of whoever looks at these keys
            self._known.update(dict.fromkeys(batch.keys, _Failed(error)))
        finally:
            self._forget(batch)
            batch.end()

    def _forget(self, batch: _Batch[K]) -> None:
        for key in batch.keys:
            if self._coming.get(key) is batch:
                del self._coming[key]
