"""What came of all that was asked in one run, and how far each root field was reached."""

import re
import sys
from collections import Counter
from typing import Any

from tests.fuzz.api.documents import ROOTS, SCHEMA
from tests.fuzz.api.given import Root

PROBLEMS = frozenset(found.name for found in SCHEMA.get_possible_types(SCHEMA.type_map["Problem"]))
REFUSED, RAN, DONE = 0, 1, 2
_UNLIKE = re.compile(r"[A-Za-z0-9_-]{20,}|\d+")


class Tally:
    """Counts, and keeps what is wrong: of faults that are alike the shortest case."""

    def __init__(self) -> None:
        self.outcomes: dict[str, Counter[str]] = {}
        self.faults: dict[str, tuple[str, str]] = {}
        self._reached: dict[Root, int] = dict.fromkeys(ROOTS, REFUSED)

    def count(self, part: str, outcome: str) -> None:
        """One more request of a part."""
        self.outcomes.setdefault(part, Counter())[outcome] += 1

    def reach(self, root: Root, how: int) -> None:
        """A root field has been refused, has run, or has done what it is for."""
        self._reached[root] = max(self._reached[root], how)

    def fault(self, fault: str, case: str) -> None:
        """Something is not typed."""
        alike = _UNLIKE.sub("…", fault)
        if alike not in self.faults or len(case) < len(self.faults[alike][1]):
            self.faults[alike] = fault, case

    def unreached(self, least: int) -> list[str]:
        """The root fields that never came so far."""
        return [f"{kind.value} {name}" for (kind, name), how in self._reached.items() if how < least]

    def tell(self, text: str) -> None:
        """To who runs it by hand: `pytest -s` shows it."""
        done = len(self._reached) - len(self.unreached(DONE))
        lines = [f"{text}; {done} of {len(self._reached)} root fields did what they are for"]
        for part, outcomes in self.outcomes.items():
            counts = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.most_common(12))
            lines.append(f"  {part}: {outcomes.total()}: {counts}")
        if rest := self.unreached(DONE):
            lines.append(f"  never done: {', '.join(rest)}; never even run: {', '.join(self.unreached(RAN)) or 'none'}")
        sys.stderr.write("\n".join(lines) + "\n")

    def told(self) -> str:
        """The faults, each with a case, for who has to mend them."""
        return "\n\n".join(f"{fault}\n{case}" for fault, case in self.faults.values())


def outcome(answer: Any) -> tuple[str, int]:
    """What came of an operation, in a word, and how far it has come."""
    if not isinstance(answer, dict) or "data" not in answer:
        return f"refused: {answer['errors'][0]['extensions'].get('code')}", REFUSED
    value = next(iter((answer["data"] or {"": None}).values()))
    if value is None:
        return "null", RAN
    name = value.get("__typename") if isinstance(value, dict) else None
    return (name, RAN) if name in PROBLEMS else ("done", DONE)
