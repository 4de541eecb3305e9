"""A member of the team who means harm: no comment of theirs costs much CPU, whatever it is made of."""

from collections.abc import AsyncIterator, Callable
from itertools import count
from typing import Any

import pytest

from tests.factories import gid
from tests.own import own_studio
from tests.play.judging import Cpu
from tests.play.sending import EITHER, Attack, asked, signed_in
from tests.play.test_attacks import BEYOND, TRIES, cost, least
from tests.studio import Studio

SAY = "mutation($i: AddCommentInput!) { addComment(input: $i) { __typename ... on Comment { bodyHtml drawing } } }"
STROKE = {"kind": "stroke", "points": [[0, 0]], "color": "#ff0000", "width": 0.01}
TEXT = {"kind": "text", "at": [0, 0], "text": "Here", "color": "#ffffff", "size": 0.1}
PILE = "a" + "\u0315\u0300" * 15
"""As many marks as may be, each in the wrong place."""

LONGEST_COMMENT = 250_000
"""Bytes, of what is drawn and of what is made of 5,000 characters."""

Given = Callable[[int], dict[str, Any]]


def drawn(*items: Any) -> dict[str, Any]:
    return {"drawing": {"version": 1, "items": items}}


ENEMIES: dict[str, Given] = {
    "a million strokes": lambda n: drawn(*[{}] * 250_000, n),
    "as many strokes as come in": lambda n: drawn(*[{"kind": f"{n}"}] * 15_000),
    "as many points as come in": lambda n: drawn({**STROKE, "points": [[0, n]] * 9_000}),
    "as many points as there may be": lambda n: drawn({**STROKE, "points": [[0.5, 0.25]] * 3_000}),
    "members of an item": lambda n: drawn({f"a{m}": n for m in range(30_000)}),
    "texts of marks": lambda n: drawn(*[{**TEXT, "text": PILE * 25}] * 200),
    "a text of a megabyte": lambda n: drawn({**TEXT, "text": "x" * 1_000_000}),
    "fifty thousand characters": lambda n: {"body": f"{n}" + "映" * 50_000},
    "a body of marks": lambda n: {"body": "a" + "\u0315\u0300" * 80_000},
    "a body of heaps of marks": lambda n: {"body": PILE * 640},
    "a body that is marked all over": lambda n: {"body": f"{n}" + "_*" * 2_450},
    "a body of links": lambda n: {"body": f"{n}" + "[a](https://b)" * 350},
    "a time code of a megabyte": lambda n: {"startTimecode": "00:" * 340_000},
}
"""What they say, each time something else."""


@pytest.fixture(scope="module")
async def room() -> AsyncIterator[tuple[Studio, Cpu, str, str]]:
    """An API of its own and its process's clock, a member's token, and a version's id."""
    async with own_studio("api", NODES_PER_MINUTE="0", COMMENTS_PER_MINUTE="0") as (studio, make):
        crew = await make.crew()
        version = gid(await make.version(await make.video(crew)))
        yield studio, Cpu(studio.processes["api"].pid), str(crew.viewer.client.token), version
        assert "Traceback" not in studio.log("api")


@pytest.mark.parametrize("given", [pytest.param(given, id=name) for name, given in ENEMIES.items()])
def test_no_comment_costs_much(room: tuple[Studio, Cpu, str, str], given: Given) -> None:
    studio, cpu, token, version = room

    def spent(of: Given) -> float:
        made = Attack(lambda n: signed_in(asked(SAY, i={"versionId": version, "body": "Hm", **of(n)}), token), EITHER)
        return cost(studio, cpu, made, LONGEST_COMMENT)

    usual = min(spent(lambda n: {"body": f"{n}"}) for _ in range(TRIES))
    assert least((spent(given) for _ in count()), usual + BEYOND) <= usual + BEYOND
