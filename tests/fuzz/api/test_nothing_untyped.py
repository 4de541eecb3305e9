"""Whatever is sent to the API, its answer is one that `docs/` and the schema describe, and no process is surprised.

`make test` sends the same each time, in seconds; `make fuzz-api` something else each time, for minutes, to a product of
its own, so that whatever is in any log is an answer to it.
"""

import os

import pytest

from tests.fuzz.api.rounds import FEW, MANY, Rounds
from tests.fuzz.api.tally import DONE, RAN, Tally
from tests.own import own_studio
from tests.studio import WORKERS, Studio

MINUTES = float(os.environ.get("FUZZ_MINUTES", "0"))


@pytest.mark.skipif(MINUTES > 0, reason="there is more time than for this")
async def test_nothing_is_answered_that_is_not_typed(studio: Studio, models: None) -> None:
    tally = Tally()
    await Rounds(studio, tally, FEW, "api").round(0)
    assert not tally.faults, tally.told()
    assert tally.unreached(RAN) == []


@pytest.mark.skipif(MINUTES == 0, reason="make fuzz-api")
async def test_nothing_is_answered_that_is_not_typed_for_minutes() -> None:
    tally = Tally()
    async with own_studio("api", *WORKERS, NODES_PER_MINUTE="0", TURNS="off", INTROSPECTION="on") as (studio, _):
        await Rounds(studio, tally, MANY, *studio.processes).run(MINUTES)
    assert not tally.faults, tally.told()
    assert tally.unreached(DONE) == []
