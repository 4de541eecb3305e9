"""Whatever is asked by whomever: the compiled plan and graphql-core's executor answer the same.

`make test` asks for the same 500 documents each time, `make fuzz-plan` for 20,000 others each time.
"""

import logging
from dataclasses import replace

import pytest

from tests.fuzz.cases import queries, wholes
from tests.fuzz.check import Check
from tests.fuzz.explore import DOCUMENTS, GIVEN_UP, first_fault
from tests.fuzz.stages import Stage, Visible
from tests.fuzz.tally import Tally
from tests.fuzz.values import Pools

pytestmark = GIVEN_UP
LEAST_PLANNED = 0.75
"""Root fields with a resolver of their own are not: `uploadParts`, `twoFactor`, `invitation`."""


async def test_plan_and_plain_agree(
    stage: Stage, pools: dict[str, Pools], visible: Visible, caplog: pytest.LogCaptureFixture
) -> None:
    tally = Tally(stage.engine.schema, stage.runs)
    check = Check(stage, visible, tally)
    told = {viewer: replace(each, answered=tally.fields) for viewer, each in pools.items()}
    talk = await first_fault(queries(stage, told), check, times=DOCUMENTS, tell=tally.tell)
    if talk is not None:
        await check(await check.simplest(talk))
    for whole in wholes(stage, pools):
        await check((whole,))
    tally.tell_coverage()
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []
    assert tally.planned() >= LEAST_PLANNED
    tally.require_coverage()
