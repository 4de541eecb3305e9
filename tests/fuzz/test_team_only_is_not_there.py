"""What is team-only makes no difference to a viewer: they are answered as where it was never said.

Not only is nothing of it named (see `check.py`): no count, no order, no page and no refusal is another for it.
"""

from random import Random

import pytest

from models.database import raw_connection
from tests.fuzz.cases import Case, queries
from tests.fuzz.compare import differences
from tests.fuzz.documents import Writer
from tests.fuzz.explore import DOCUMENTS, GIVEN_UP, first_fault
from tests.fuzz.simplest import simplest
from tests.fuzz.stages import Twins
from tests.fuzz.test_payloads_agree import EVENTS, MUTATIONS, payload
from tests.fuzz.values import Mood, Pools

pytestmark = GIVEN_UP
OUTSIDE = ("viewer", "scope:viewer")
ASKED = max(10, DOCUMENTS // 4)
OF_COMMENTS = ("reactions", "mentions")
TEAM_ONLY = ("comment_edits", "notifications", "uploads", "jobs", "comments")


@pytest.fixture
async def twins(twins: Twins) -> Twins:
    """In the second of them, nobody has ever said anything that is team-only."""
    with twins.plain.database:
        async with raw_connection() as connection:
            for table in OF_COMMENTS:
                hidden = "SELECT id FROM comments WHERE visibility = 'team'"
                assert await connection.execute(f"DELETE FROM {table} WHERE comment_id IN ({hidden})") != "DELETE 0"
            for table in TEAM_ONLY:
                assert await connection.execute(f"DELETE FROM {table} WHERE visibility = 'team'") != "DELETE 0"
    return twins


async def test_what_a_viewer_asks_is_answered_as_without(twins: Twins, pools: dict[str, Pools]) -> None:
    draw_for_anybody = queries(twins.planned, pools)

    def draw(random: Random) -> Case:
        while (case := draw_for_anybody(random)[0]).viewer not in OUTSIDE:
            pass
        return case

    await require_the_same(twins, await first_fault(draw, lambda case: same(twins, case), times=ASKED))


async def test_what_a_viewer_does_is_answered_as_without(twins: Twins, pools: dict[str, Pools]) -> None:
    schema, pool = twins.planned.engine.schema, pools["viewer"]

    def draw(random: Random) -> Case:
        name, writer = random.choice([*MUTATIONS]), Writer(random, schema, pool, Mood.FAIR)
        given = MUTATIONS[name](writer.values, pool)
        return Case("viewer", payload(writer, "mutation", name, schema.mutation_type.fields[name], given))

    assert await first_fault(draw, lambda case: same(twins, case), times=ASKED) is None


async def test_what_a_viewer_is_told_is_read_as_without(twins: Twins, pools: dict[str, Pools]) -> None:
    schema = twins.planned.engine.schema

    def draw(random: Random) -> Case:
        viewer, name = random.choice(OUTSIDE), random.choice([*EVENTS])
        writer = Writer(random, schema, pools[viewer], Mood.FAIR)
        given, root = EVENTS[name](writer.values, pools[viewer])
        return Case(viewer, payload(writer, "subscription", name, schema.subscription_type.fields[name], given), root)

    assert await first_fault(draw, lambda case: same(twins, case), times=ASKED) is None


async def same(twins: Twins, case: Case) -> None:
    """Fails, and shows the case, where the answers differ."""
    answers = await twins.answers(case.viewer, case.request, case.root)
    assert differences(*answers) == [], f"{case}\nwith: {answers[0]}\nwithout: {answers[1]}"


async def require_the_same(twins: Twins, case: Case | None) -> None:
    """Shows the least of a case that fails."""
    if case is None:
        return

    async def fails(query: str) -> bool:
        try:
            await same(twins, case.asking(query))
        except AssertionError:
            return True
        return False

    await same(twins, case.asking(await simplest(case.document.query, fails)))
