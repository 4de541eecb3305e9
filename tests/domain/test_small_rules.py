"""Ids, tokens, viewers, errors, jobs and the trash."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain import errors
from domain.clock import utc_now
from domain.errors import DomainError, ProblemCode
from domain.ids import new_id
from domain.jobs import QUEUE_OF, JobKind, JobState
from domain.tokens import new_token, token_hash
from domain.videos import RESTORABLE, restorable_until
from domain.viewers import ANONYMOUS, NOBODY, Viewer


def test_ids_are_uuid7_and_sort_as_they_are_made():
    made = [new_id() for _ in range(1000)]
    assert made == sorted(set(made))
    assert {made_id.version for made_id in made} == {7}
    milliseconds = made[-1].int >> 80
    assert abs(milliseconds / 1000 - utc_now().timestamp()) < 60


def test_a_token_is_random_and_fits_into_an_address():
    tokens = {new_token() for _ in range(100)}
    assert len(tokens) == 100
    assert all(re.fullmatch(r"[A-Za-z0-9_-]{43}", token) for token in tokens)


@given(token=st.text(st.characters(exclude_categories=())), other=st.text())
def test_a_hash_tells_tokens_apart_and_takes_whatever_is_sent(token, other):
    assert re.fullmatch(r"[0-9a-f]{64}", token_hash(token))
    assert (token_hash(token) == token_hash(other)) is (token == other)


def test_the_hash_is_sha256():
    assert token_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"  # FIPS 180-2, B.1


def test_nobody_is_not_signed_in():
    assert not ANONYMOUS.signed_in
    assert ANONYMOUS.user_id == NOBODY
    assert Viewer(new_id(), new_id()).signed_in


def test_a_deleted_video_can_come_back_for_thirty_days():
    deleted = datetime(2026, 2, 1, tzinfo=UTC)
    assert restorable_until(deleted) == datetime(2026, 3, 3, tzinfo=UTC)
    assert timedelta(days=30) == RESTORABLE
    assert restorable_until(None) is None


def test_the_clock_is_aware_and_in_utc():
    assert utc_now().utcoffset() == timedelta(0)


def test_every_kind_of_job_has_a_queue():
    assert set(QUEUE_OF) == set(JobKind)


def test_the_states_that_end_a_job():
    assert {state for state in JobState if state.ended} == {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


def kinds() -> list[type[DomainError]]:
    found = [value for value in vars(errors).values() if isinstance(value, type) and issubclass(value, DomainError)]
    return [kind for kind in found if kind is not DomainError]


def test_every_problem_code_has_its_error():
    assert sorted(kind.code for kind in kinds()) == sorted(ProblemCode)


@pytest.mark.parametrize("kind", kinds())
def test_an_error_keeps_what_it_is_given(kind):
    error = kind("problem.text_long", path=("input", "title"), most=5)
    assert (error.message, error.path, error.params) == ("problem.text_long", ("input", "title"), {"most": 5})
    assert str(error) == "problem.text_long"
