"""The judge itself: what it lets pass, and what it does not; and that scripts are what they say."""

from random import Random
from typing import Any

import pytest

from domain.ids import new_id
from plan import encode_id
from tests.fuzz.live.judging import beyond, missed, unlike, unseen
from tests.fuzz.live.scripts import Blow, What, evening, smaller
from tests.fuzz.live.stories import Heard, Story

IDS = [encode_id("Comment", new_id()) for _ in range(4)]
THREAD, OTHER, ANSWER, LATER = IDS
TRUTH = [Heard(place, "ADDED", id_) for place, id_ in zip((3, 5, 8, 9), IDS, strict=True)]
END = 9


def a_comment(comment_id: str, start_ms: int = 0, **values: Any) -> dict[str, Any]:
    said = {"id": comment_id, "body": "Yes", "startMs": start_ms, "createdAt": comment_id, "deletedAt": None}
    return said | {"parent": None, "viewerCan": []} | values


def a_story(*heard: Heard, start: int = 2) -> Story:
    story = Story()
    story.load(start, ())
    for event in heard:
        story.hear(event, a_comment(event.comment_id))
    return story


@pytest.mark.parametrize("heard", [TRUTH, [*TRUTH[:2], *TRUTH[:2], *TRUTH[2:]]])
def test_repeats_are_dropped(heard: list[Heard]) -> None:
    story = a_story(*heard)
    assert [*missed(story, TRUTH, END)] == []
    assert story.repeats == len(heard) - len(TRUTH)


@pytest.mark.parametrize(
    ("heard", "fault"),
    [
        (TRUTH[:-1], "missing"),
        ([TRUTH[0], *TRUTH[2:]], "missing"),
        ([TRUTH[0], TRUTH[2], TRUTH[1], TRUTH[3]], "for the first time"),
        ([*TRUTH[:2], TRUTH[2]._replace(kind="EDITED"), TRUTH[3]], "never happened"),
        ([*TRUTH[:3], Heard(8, "ADDED", LATER), TRUTH[3]], "for the first time"),
    ],
)
def test_what_is_missing_or_out_of_order_is_found(heard: list[Heard], fault: str) -> None:
    assert fault in "; ".join(missed(a_story(*heard), TRUTH, END))


def test_who_loads_anew_need_not_have_heard_what_came_between() -> None:
    story = a_story(TRUTH[0])
    story.load(8, ())
    assert [*missed(story, TRUTH, END)] != []
    story.hear(TRUTH[3], a_comment(LATER))
    assert [*missed(story, TRUTH, END)] == []


def test_nothing_is_heard_after_the_end_and_nothing_without_its_comment() -> None:
    story = a_story(*TRUTH[:2])
    assert [*beyond(story, 6)] == []
    assert [*beyond(story, 5)] != []
    assert [*unseen(story)] == []
    story.hear(TRUTH[2], None)
    assert [*unseen(story)] != []


@pytest.mark.parametrize(
    ("now", "changed_at", "faults"),
    [
        ({}, 0, 0),
        ({"body": "No"}, 0, 1),
        ({"viewerCan": ["COMMENT_DELETE"]}, 0, 1),
        ({"viewerCan": ["COMMENT_DELETE"]}, 4, 0),
        ({"startMs": 7}, 0, 1),
        ({"id": OTHER}, 0, 1),
    ],
)
def test_what_is_known_is_what_is_there(now: dict[str, Any], changed_at: int, faults: int) -> None:
    present = a_comment(THREAD) | now
    assert len([*unlike(a_story(TRUTH[0]), {present["id"]: present}, changed_at)]) == faults


def test_a_thread_stands_where_it_is_about_and_goes_with_its_last_word() -> None:
    story = Story()
    answer = a_comment(ANSWER, parent={"id": THREAD})
    story.load(2, [a_comment(THREAD, 9, deletedAt="now"), a_comment(OTHER, 5), answer, a_comment(LATER, 5)])
    assert story.threads() == [(OTHER, []), (LATER, []), (THREAD, [ANSWER])]
    story.hear(TRUTH[2], answer | {"deletedAt": "now"})
    assert story.threads() == [(OTHER, []), (LATER, [])]


def test_scripts_are_drawn_alike_and_have_what_they_are_for() -> None:
    assert evening(Random("1"), 3) == evening(Random("1"), 3) != evening(Random("2"), 3)
    for number in range(50):
        drawn = evening(Random(number), 2)
        assert [blow.blow for blow in drawn.happenings].count(Blow.KILL) == 1
        for steps in drawn.rooms:
            (place,) = [place for place, step in enumerate(steps) if step.what is What.REMOVE]
            assert len(steps) / 4 < place < len(steps) * 3 / 4


def test_an_evening_gets_smaller_until_nothing_is_left() -> None:
    least = evening(Random("1"), 2)
    while fewer := next((less for less in smaller(least) if any(less.rooms)), None):
        assert len(str(fewer)) < len(str(least))
        least = fewer
    assert sum(map(len, least.rooms)) == 1
    assert least.happenings == ()
