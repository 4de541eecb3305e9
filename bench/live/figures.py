"""From moments of arrival to figures."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Arrivals:
    """What came of the events that were published to those who listen; `lost` are those that have not come."""

    messages: int
    lost: int
    repeats: int
    strays: int
    """Events of rooms that the listener is not in."""
    latencies: list[float] = field(default_factory=list, repr=False)
    """Milliseconds, in order, of each that came, when it first did."""
    closed: dict[str, int] = field(default_factory=dict)
    ended: int = 0

    def percentile(self, share: float) -> float | None:
        """In milliseconds; None where nothing has come."""
        if not self.latencies:
            return None
        return self.latencies[min(int(len(self.latencies) * share), len(self.latencies) - 1)]


def arrivals(
    events: Iterable[tuple[int, int, int]],
    listeners: Sequence[tuple[int, int]],
    published: Mapping[int, tuple[int, int]],
) -> Arrivals:
    """Of (client, eventId, moment) as heard by (client, room), where each id was published as (room, moment)."""
    rooms = dict(listeners)
    by_room = Counter(room for room, _ in published.values())
    expected = sum(by_room[room] for room in rooms.values())
    first: dict[tuple[int, int], float] = {}
    repeats = strays = 0
    for client, event_id, moment in events:
        if event_id not in published or client not in rooms:
            continue
        room, at = published[event_id]
        if room != rooms[client]:
            strays += 1
        elif (client, event_id) in first:
            repeats += 1
        else:
            first[client, event_id] = (moment - at) / 10**6
    return Arrivals(len(first), expected - len(first), repeats, strays, sorted(first.values()))
