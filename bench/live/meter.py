"""What a stretch of time costs the processes, beside what they use without anything being said."""

from time import monotonic, sleep

from bench.live.usage import cpu_seconds

_SETTLE_SECONDS = 0.5


class Meter:
    """Of the server, the relay and the database. To make one takes `seconds`, in which all are watched at rest."""

    def __init__(self, server: int, relay: int, database: int, seconds: float) -> None:
        self._pids = server, relay, database
        sleep(_SETTLE_SECONDS)
        used, began = self._used(), monotonic()
        sleep(seconds)
        self._begin, self._began = self._used(), monotonic()
        took = self._began - began
        self._at_rest = [(after - before) / took for before, after in zip(used, self._begin, strict=True)]

    def read(self) -> tuple[float, float, float]:
        """Seconds of CPU since then, more than at rest, of each of the three."""
        took, now = monotonic() - self._began, self._used()
        server, relay, database = (
            max(0.0, after - before - rest * took)
            for before, after, rest in zip(self._begin, now, self._at_rest, strict=True)
        )
        return server, relay, database

    def _used(self) -> tuple[float, float, float]:
        server, relay, database = map(cpu_seconds, self._pids)
        return server, relay, database
