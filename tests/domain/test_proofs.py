"""Tokens that say something of an account, and of which account, for how long, and until when."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.ids import new_id
from domain.proofs import GOOD_FOR, ProofKind, proof_in, prove
from domain.sealing import Keys

KEYS = Keys("one secret of the operator's, long enough")
NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
ADA = new_id()


@pytest.mark.parametrize("kind", ProofKind)
@pytest.mark.parametrize("password_hash", ["hash", None])
def test_a_proof_is_of_its_account_with_its_password(kind, password_hash):
    proof = proof_in(kind, KEYS, prove(kind, KEYS, ADA, password_hash, NOW), NOW)
    assert proof is not None
    assert proof.is_of(KEYS, ADA, password_hash)
    assert not proof.is_of(KEYS, ADA, "another hash")
    assert not proof.is_of(KEYS, new_id(), password_hash)
    assert proof.user_id == ADA


@pytest.mark.parametrize("kind", ProofKind)
def test_a_proof_outlives_another_way_of_hashing_the_password(kind):
    """It says something of the password: of that the salt is all that stays, and another password has another."""
    before, after = "$argon2id$v=19$m=8192,t=1,p=1$c2FsdA$b25l", "$argon2id$v=19$m=12288,t=3,p=1$c2FsdA$b3RoZXI"
    proof = proof_in(kind, KEYS, prove(kind, KEYS, ADA, before, NOW), NOW)
    assert proof.is_of(KEYS, ADA, after)
    assert not proof.is_of(KEYS, ADA, before.replace("c2FsdA", "c3VnYXI"))


@pytest.mark.parametrize("kind", ProofKind)
def test_a_proof_ends_in_time(kind):
    token = prove(kind, KEYS, ADA, "hash", NOW)
    end = NOW + GOOD_FOR[kind]
    assert proof_in(kind, KEYS, token, end - timedelta(seconds=1)) is not None
    assert proof_in(kind, KEYS, token, end) is None


@pytest.mark.parametrize("kind", ProofKind)
def test_nothing_else_is_taken_for_a_proof(kind):
    others = Keys("another secret of the operator's, as long")
    (other,) = set(ProofKind) - {kind}
    forged = (
        prove(kind, others, ADA, "hash", NOW),
        prove(other, KEYS, ADA, "hash", NOW),
        KEYS.sign("proof", b"x" * 56),
    )
    for token in (*forged, None, "", "x" * 10_000, "\ud800"):
        assert proof_in(kind, KEYS, token, NOW) is None


def test_two_of_one_moment_are_told_apart():
    tokens = [prove(ProofKind.DEVICE, KEYS, ADA, "hash", NOW) for _ in range(2)]
    first, second = (proof_in(ProofKind.DEVICE, KEYS, token, NOW) for token in tokens)
    assert first is not None
    assert second is not None
    assert first.id != second.id
