"""Rows that lead nowhere, where the schema promises something: the null goes up the same way, and the same is told."""

from tests.fuzz.cases import queries
from tests.fuzz.check import CheckSame
from tests.fuzz.explore import DOCUMENTS, GIVEN_UP, first_fault
from tests.fuzz.stages import Stage, Visible
from tests.fuzz.tally import Tally
from tests.fuzz.values import Pools

pytestmark = GIVEN_UP


async def test_plan_and_plain_agree_about_broken_rows(broken: Stage, pools: dict[str, Pools], visible: Visible) -> None:
    check = CheckSame(broken, visible, Tally(broken.engine.schema, broken.runs))
    talk = await first_fault(queries(broken, pools), check, times=DOCUMENTS // 10)
    if talk is not None:
        await check(await check.simplest(talk))
    assert [said for said in broken.complaints if "non-nullable" in said]
