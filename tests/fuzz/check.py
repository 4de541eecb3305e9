"""What must hold of the two answers to one case."""

from collections.abc import Iterator, Sequence
from typing import Any

import orjson

from live.message import Message
from tests.fuzz.cases import Case, Talk
from tests.fuzz.compare import differences
from tests.fuzz.seen import ids_in, ids_told
from tests.fuzz.simplest import simplest
from tests.fuzz.stages import OF_TUPLES, PLAIN, Seen, Stage, Visible
from tests.fuzz.tally import Tally

Answer = dict[str, Any]
_HOW = ("planned", "plain", "planned of tuples")


class Check:
    """Asks both ways; fails, and shows the case, where the answers differ or hold what no answer may hold."""

    def __init__(self, stage: Stage, visible: Visible, tally: Tally) -> None:
        self._stage = stage
        self._visible = visible
        self._tally = tally
        stage.complaints.clear()  # all stages hear the same logger: what was said before is of another

    async def __call__(self, talk: Talk) -> None:
        for case in talk:
            ways = ({"by_token": case.by_token}, PLAIN, OF_TUPLES)
            answers = [await self._stage.answer(case.viewer, case.request, case.root, **way) for way in ways]
            self._require(case, answers)
            self._tally.note(case.document, answers[1])

    def _require(self, case: Case, answers: Sequence[Answer]) -> None:
        require_sound(case, answers, self._visible[case.viewer], self._stage.complaints)

    async def simplest(self, talk: Talk) -> Talk:
        """The least text that fails, out of one that does."""

        def asking(query: str) -> Talk:
            return tuple(case.asking(query) for case in talk)

        async def fails(query: str) -> bool:
            try:
                await self(asking(query))
            except AssertionError:
                return True
            return False

        return asking(await simplest(talk[0].document.query, fails))


class CheckSame(Check):
    """For rows that are broken: faults of ours are what is to be compared."""

    def _require(self, case: Case, answers: Sequence[Answer]) -> None:
        require_same(case, answers)


def require_sound(case: Case, answers: Sequence[Answer], visible: Seen, complaints: list[str]) -> None:
    """The planned answers and the plain one are the same, with no row but those `visible`, and without faults of ours.

    What the plan has complained of is among these, and is forgotten.
    """
    faults = [*_differences(answers), *complaints]
    complaints.clear()
    for answer in answers:
        faults += [*_leaks(answer, visible, case.root), *_masked(answer)]
    _require_none(faults, case, answers)


def require_same(case: Case, answers: Sequence[Answer]) -> None:
    """The planned answers and the plain one are the same, whatever else is wrong."""
    _require_none(_differences(answers), case, answers)


def _differences(answers: Sequence[Answer]) -> list[str]:
    """Between the plain answer and each other."""
    planned, plain, *more = answers
    return [said for answer in (planned, *more) for said in differences(answer, plain)]


def _require_none(faults: Sequence[str], case: Case, answers: Sequence[Answer]) -> None:
    shown = (f"{how}: {_indented(answer)}" for how, answer in zip(_HOW, answers, strict=False))
    assert not faults, "\n".join(["; ".join(faults), str(case), *shown])


def _leaks(answer: Answer, visible: Seen, event: Message | None) -> Iterator[str]:
    data = answer.get("data")
    for name, row_id in ids_in(data) if event is None else ids_told(data, event.body):
        if row_id not in visible[name]:
            yield f"not to be seen: {name} {row_id}"


def _masked(answer: Answer) -> Iterator[str]:
    """Faults of ours, of which clients are not told."""
    for error in answer.get("errors", ()):
        if error.get("extensions", {}).get("code") == "INTERNAL":
            yield f"a fault of ours at {error.get('path')}"


def _indented(answer: Answer) -> str:
    return orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode()
