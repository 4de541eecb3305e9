"""What has happened on many evenings, so that nobody takes for a success what did not take place."""

import sys
from collections import Counter

from tests.fuzz.live.rooms import Room
from tests.fuzz.live.scripts import Blow, Evening, What


class Tally:
    """Counts."""

    def __init__(self) -> None:
        self.done: Counter[tuple[What, str]] = Counter()
        """What came of what was asked for."""
        self.blows: Counter[Blow] = Counter()
        self.ends: Counter[str] = Counter()
        """How lines have ended: by a code, `broken` without one, or `left`."""
        self.rooms = self.heard = self.repeats = 0

    def note(self, evening: Evening, rooms: list[Room]) -> None:
        """One more evening."""
        self.rooms += len(rooms)
        self.blows.update(happening.blow for happening in evening.happenings)
        for cast in (room.cast for room in rooms):
            self.done.update(cast.done)
            for guest in cast.guests.values():
                self.ends.update(guest.ends)
                self.repeats += guest.story.repeats
                self.heard += sum(len(stretch.heard) for stretch in guest.story.stretches)

    def undone(self) -> set[What]:
        """What never came to be, of what people ask for."""
        asked = {what for what, _ in self.done}
        return asked - {what for what, kind in self.done if kind in ("Comment", "Team", "Member", "SignedOut")}

    def tell(self, text: str) -> None:
        """To who runs it by hand: `pytest -s` shows it."""
        lines = [f"{text}; {self.rooms} rooms, {self.heard} events heard, {self.repeats} of them again"]
        done = Counter({f"{what}: {kind}": count for (what, kind), count in self.done.items()})
        for counts in (done, Counter(map(str, self.blows.elements())), self.ends):
            lines += ["  " + ", ".join(f"{count} {what}" for what, count in counts.most_common())]
        sys.stderr.write("\n".join(lines) + "\n")
